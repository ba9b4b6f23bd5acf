"""A real nginx with the published configuration, on ports and a certificate of the test's own."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.certificates import Authority
from tests.support.server import ROOT, free_port

PUBLISHED = ROOT / "docs" / "deploy" / "nginx.conf"
DEADLINE = 20.0


@dataclass(frozen=True)
class Nginx:
    """One that runs: its ports, and what its callers have to trust."""

    port: int
    port_plain: int
    ca_file: Path

    @property
    def base(self) -> str:
        return f"https://localhost:{self.port}/Remote/Services84"


def find_nginx() -> str:
    """The program; the test is skipped where there is none."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        reason = "nginx is not installed (Debian: nginx-light)"
        if os.environ.get("CI") or os.environ.get("SERVICES84_TEST_REQUIRE") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@contextlib.contextmanager
def running_nginx(folder: Path, backend: int) -> Iterator[Nginx]:
    """nginx before a service at the port `backend`."""
    binary = find_nginx()
    authority = Authority(folder / "ca")
    certificate, key = authority.issue("nginx", ["localhost", "127.0.0.1"])
    found = Nginx(free_port(), free_port(), authority.ca_file)
    own = {
        "127.0.0.1:8084;": f"127.0.0.1:{backend};",
        "listen 80;": f"listen 127.0.0.1:{found.port_plain};",
        "listen 443 ssl": f"listen 127.0.0.1:{found.port} ssl",
        "mail.example.com": "localhost",
        "/etc/ssl/services84/fullchain.pem": str(certificate),
        "/etc/ssl/services84/privkey.pem": str(key),
    }
    text = PUBLISHED.read_text(encoding="utf-8")
    for published, ours in own.items():
        assert published in text
        text = text.replace(published, ours)
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = folder / "nginx.conf"
    whole.write_text(
        f"daemon off;\nmaster_process off;\npid {folder}/nginx.pid;\n"
        f"error_log {folder}/error.log;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{paths}{text}\n}}\n",
        encoding="utf-8",
    )
    command = [binary, "-e", str(folder / "error.log"), "-c", str(whole)]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        _wait(process, found.port)
        yield found
    finally:
        process.terminate()
        process.wait(DEADLINE)


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + DEADLINE
    while True:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        assert process.poll() is None, "nginx has ended"
        assert time.monotonic() < deadline, "nginx does not listen"
        time.sleep(0.02)
