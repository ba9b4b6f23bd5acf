"""A real submission server for tests: aiosmtpd with AUTH, plain, STARTTLS and TLS; and a relay.

A process of its own (`python -m tests.support.submission_process`), so that its event loops and
unclosed transports are not the tests' matter.
"""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import events
from tests.support.certificates import Authority
from tests.support.dovecot import free_ports

DEADLINE = 20.0  # seconds, to start


@dataclass(frozen=True)
class Received:
    """A message as the server has taken it: the envelope, MAIL's parameters, and the bytes."""

    mail_from: str
    recipients: list[str]
    options: list[str]
    source: bytes


class SubmissionServer:
    """One aiosmtpd with three ports, as `DovecotServer` has them, and one without a login."""

    def __init__(self, folder: Path) -> None:
        self.host = "127.0.0.1"
        self.port_plain, self.port_starttls, self.port_tls, self.port_relay = free_ports(4)
        authority = Authority(folder)
        self.ca_file = authority.ca_file
        authority.issue("submission", [self.host, "localhost"])
        self._folder = folder
        self._passwords: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "logins").touch()
        (folder / "messages").mkdir()
        self._write_users()

    def add_user(self, name: str, password: str = "secret") -> str:
        """Let `name` sign in with `password`; again to change it. Gives the name back."""
        self._passwords[name] = password
        self._write_users()
        return name

    def _write_users(self) -> None:
        fresh = self._folder / "users.new"
        fresh.write_text(json.dumps(self._passwords))
        fresh.replace(self._folder / "users.json")

    def logins(self, user: str) -> int:
        """How often `user` has signed in until now."""
        return (self._folder / "logins").read_text(encoding="utf-8").splitlines().count(user)

    def received(self, recipient: str) -> list[Received]:
        """The messages that were sent to `recipient` until now, in their order."""
        events.looked()
        found: list[Received] = []
        files = sorted((self._folder / "messages").iterdir(), key=lambda each: each.stat().st_mtime)
        for file in files:
            said = json.loads(file.read_text())
            if recipient in said["recipients"]:
                found.append(Received(**{**said, "source": base64.b64decode(said["source"])}))
        return found

    def start(self) -> None:
        """Start, and come back when all ports accept connections."""
        ports = [self.port_plain, self.port_starttls, self.port_tls, self.port_relay]
        command = [sys.executable, "-m", "tests.support.submission_process", str(self._folder)]
        root = Path(__file__).resolve().parents[2]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *map(str, ports)], cwd=root, stdout=log, stderr=log
            )
        deadline = time.monotonic() + DEADLINE
        for port in ports:
            self._wait_until_accepting(port, deadline)

    def _wait_until_accepting(self, port: int, deadline: float) -> None:
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection((self.host, port), timeout=1).close()
                return
            if time.monotonic() > deadline or (self._process and self._process.poll() is not None):
                raise RuntimeError(f"aiosmtpd did not start: {(self._folder / 'log').read_text()}")
            time.sleep(0.02)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture(scope="session")
def submission(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SubmissionServer]:
    """A running submission server for the whole session; every test uses users of its own."""
    server = SubmissionServer(tmp_path_factory.mktemp("submission"))
    try:
        server.start()
        yield server
    finally:
        server.stop()
