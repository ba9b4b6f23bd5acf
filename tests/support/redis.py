"""A real Redis for tests: a process, a port and a password of its own; it keeps nothing on disk."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.dovecot import free_ports
from tests.support.postgresql import missing

DEADLINE = 30.0  # seconds, to start
PASSWORD = "redis-secret-84"


class RedisServer:
    """One Redis on loopback; whatever is in it is gone when it ends."""

    def __init__(self, folder: Path, binary: str) -> None:
        self._folder = folder
        self._binary = binary
        (self.port,) = free_ports(1)
        self.url = f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and come back when it answers."""
        with (self._folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._binary, "-"], cwd=self._folder, stdin=subprocess.PIPE, stdout=log, stderr=log
            )
        assert self._process.stdin is not None
        # By its standard input: a command line is for everybody to read.
        self._process.stdin.write(
            f'port {self.port}\nbind 127.0.0.1\nrequirepass {PASSWORD}\nsave ""\n'.encode()
        )
        self._process.stdin.close()
        deadline = time.monotonic() + DEADLINE
        while self.command("PING") != "+PONG":
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self._folder / "redis.log").read_text(errors="replace"))
            time.sleep(0.02)

    def kill(self) -> None:
        """Kill -9, and come back when it is gone."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(DEADLINE)

    def command(self, text: str) -> str:
        """The first line of the answer to a command; empty when nobody answers."""
        return next(iter(self.lines(text)), "")

    def lines(self, text: str) -> list[str]:
        """The lines of the answer to a command; none when nobody answers."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                connection.sendall(f"AUTH {PASSWORD}\r\n{text}\r\nQUIT\r\n".encode())
                answer = b"".join(iter(lambda: connection.recv(65536), b""))
        except OSError:
            return []
        return answer.decode().split("\r\n")[1:]


def find_redis() -> str | None:
    """The server's program."""
    return shutil.which("redis-server", path=os.environ.get("PATH", os.defpath) + ":/usr/sbin")


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    """A running Redis; skips without one."""
    binary = find_redis()
    if binary is None:
        missing("redis-server")
        return
    with tempfile.TemporaryDirectory(prefix="s84-redis-") as folder:
        server = RedisServer(Path(folder), binary)
        try:
            server.start()
            yield server
        finally:
            server.stop()
