"""The published systemd units, by systemd's own tools, and the promise of Type=notify."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.server import ROOT, ServerProcess

UNITS = sorted((ROOT / "docs" / "deploy").glob("*.service"))
LIMIT = 2.0  # exposure level, of 10
by_unit = pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)


def analyze(*arguments: str) -> str:
    program = shutil.which("systemd-analyze")
    if program is None:
        reason = "systemd-analyze is not installed (Debian: systemd)"
        if os.environ.get("CI") or os.environ.get("SERVICES84_TEST_REQUIRE") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    done = subprocess.run(
        [program, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


def test_there_is_a_unit_for_every_kind_of_process() -> None:
    assert [unit.stem for unit in UNITS] == [
        "services84-backup",
        "services84-scheduler",
        "services84-worker",
        "services84",
    ]


@by_unit
def test_a_unit_is_hardened(unit: Path) -> None:
    said = analyze("security", "--offline=true", "--no-pager", str(unit))
    level = re.search(r"exposure level for \S+: (\d+\.\d+)", said)
    assert level is not None, said
    assert float(level[1]) < LIMIT


@by_unit
def test_a_unit_is_what_systemd_understands(unit: Path, tmp_path: Path) -> None:
    text = unit.read_text(encoding="utf-8")
    assert "/opt/services84/bin/services84" in text
    copy = tmp_path / unit.name
    copy.write_text(text.replace("/opt/services84/bin/services84", sys.executable))
    said = analyze("verify", "--man=no", str(copy))
    assert unit.name not in said


def test_the_server_tells_systemd_when_it_is_ready(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, workers=1)
    server.prepare()
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(60)
        server.env["NOTIFY_SOCKET"] = str(path)
        server.start()
        try:
            assert b"READY=1" in manager.recv(4096)
        finally:
            server.stop()
