"""A real RabbitMQ for tests: a node, ports, a password and an epmd of its own.

Debian starts one when the package is installed, where there is an init that does; this is another.
"""

from __future__ import annotations

import contextlib
import os
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

PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
DEADLINE = 180.0  # seconds, to start: the Erlang machine and all its parts
USER, PASSWORD = "services84", "rabbit-secret-84"
_LOOPBACK = "-kernel inet_dist_use_interface {127,0,0,1}"
VERSION = b"AMQP\x00\x00\x09\x01"


class RabbitmqServer:
    """One RabbitMQ on loopback; messages that are durable outlive it, as long as its folder does."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port, self._distribution, epmd = free_ports(3)
        self.url = f"amqp://{USER}:{PASSWORD}@127.0.0.1:{self.port}//"
        # Erlang's names of nodes: a process that RabbitMQ starts, and that outlives it.
        self._epmd = os.environ | {"ERL_EPMD_ADDRESS": "127.0.0.1", "ERL_EPMD_PORT": str(epmd)}
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.local = 127.0.0.1:{self.port}\n"
            f"default_user = {USER}\ndefault_pass = {PASSWORD}\n"
            "log.file = false\nlog.console = true\nlog.console.level = warning\n"
        )
        (folder / "enabled_plugins").write_text("[].\n")

    def start(self) -> None:
        """Start, and come back when it speaks AMQP."""
        own = {
            "HOME": self._folder,
            "RABBITMQ_NODENAME": f"s84-{self.port}@localhost",
            "RABBITMQ_MNESIA_BASE": self._folder / "mnesia",
            "RABBITMQ_LOG_BASE": self._folder / "log",
            "RABBITMQ_CONFIG_FILE": self._folder / "rabbitmq.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": self._folder / "enabled_plugins",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_DIST_PORT": self._distribution,
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": _LOOPBACK,
        }
        env = self._epmd | {name: str(value) for name, value in own.items()}
        with (self._folder / "rabbitmq.log").open("ab") as log:
            self._process = subprocess.Popen(
                [PROGRAM],
                cwd=self._folder,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # its script starts processes of its own
            )
        deadline = time.monotonic() + DEADLINE
        while not self._speaks():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError((self._folder / "rabbitmq.log").read_text(errors="replace"))
            time.sleep(0.1)

    def _speaks(self) -> bool:
        """Whether a client's greeting is answered with a frame: a method, on channel 0."""
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection,
        ):
            connection.sendall(VERSION)
            return connection.recv(3) == b"\x01\x00\x00"
        return False

    def kill(self) -> None:
        """Kill -9 all of it, and come back when it is gone."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(DEADLINE)

    def stop(self) -> None:
        if self._process is not None:
            self.kill()
            self._end_names()

    def _end_names(self) -> None:
        """It ends when it has noticed that the node is gone."""
        deadline = time.monotonic() + 10
        said = b""
        while b"Killed" not in said and b"Cannot connect" not in said:
            done = subprocess.run(
                ["epmd", "-kill"], env=self._epmd, capture_output=True, check=False
            )
            said = done.stdout + done.stderr
            if time.monotonic() > deadline:
                raise RuntimeError(f"epmd does not end: {said.decode()}")
            time.sleep(0.1)


@pytest.fixture
def rabbitmq() -> Iterator[RabbitmqServer]:
    """A running RabbitMQ; skips without one."""
    if not PROGRAM.is_file():
        missing("rabbitmq-server")
        return
    with tempfile.TemporaryDirectory(prefix="s84-rabbitmq-", ignore_cleanup_errors=True) as folder:
        server = RabbitmqServer(Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.stop()
