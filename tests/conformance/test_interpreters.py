"""Every Python that the package is for: install what it needs, import it, serve a call."""

from __future__ import annotations

import configparser
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = ["3.11", "3.12", "3.13"]
SERVE_A_CALL = """
import sys, tempfile
from pathlib import Path
from tests.support.service import running_service

with tempfile.TemporaryDirectory() as folder, running_service(Path(folder)) as service:
    for version in ("1.1", "1.2"):
        reply = service.call("GetSystemInfo", service="SoPrincipal", version=version)
        assert reply.succeeded, reply.exception
        refused = service.call("GetCurrentAccountId", version=version)
        assert refused.succeeded is False
    associate, ticket = service.associate("anna")
    assert service.call("GetCurrentAccountId", ticket=ticket).text("Response") == "0"
    status, _, wsdl = service.request("/Remote/Services84/EMail.svc?wsdl")
    assert status.startswith("200") and b"SyncEmailAccount" in wsdl
print("served by", "%d.%d" % sys.version_info[:2])
"""


def candidates(version: str) -> Iterator[Path]:
    on_path = shutil.which(f"python{version}")
    if on_path:
        yield Path(on_path)
    for folder in sorted(Path.home().glob(f".pyenv/versions/{version}.*")):
        yield folder / "bin" / "python"


def interpreter(version: str) -> Path:
    """A Python of this version that runs (a version manager's shim may not)."""
    for candidate in candidates(version):
        asked = subprocess.run(
            [candidate, "-c", "import sys, venv; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
        )
        if asked.returncode == 0 and asked.stdout.strip() == version:
            return candidate
    pytest.skip(f"this machine has no Python {version}")


def requirements() -> list[str]:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser["options"]["install_requires"].split("\n")[1:]


def environment(version: str) -> Path:
    """A virtual environment with the requirements; kept until these change."""
    python = interpreter(version)
    wanted = requirements()
    digest = hashlib.sha256("\n".join([str(python), *wanted]).encode()).hexdigest()
    folder = ROOT / "build" / "interpreters" / version
    stamp = folder / "requirements.sha256"
    if not (stamp.is_file() and stamp.read_text() == digest):
        shutil.rmtree(folder, ignore_errors=True)
        run([str(python), "-m", "venv", str(folder)])
        run([str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *wanted])
        stamp.write_text(digest)
    return folder / "bin" / "python"


def run(command: list[str], **env: str) -> str:
    done = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        stdin=subprocess.DEVNULL,
        env={k: v for k, v in os.environ.items() if not k.startswith("SERVICES84_")} | env,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("version", VERSIONS)
def test_the_package_is_imported_and_serves_a_call(version: str) -> None:
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        python = Path(sys.executable)
    else:
        python = environment(version)
    told = run([str(python), "-c", SERVE_A_CALL], PYTHONPATH=str(ROOT))
    assert told.splitlines()[-1] == f"served by {version}"
