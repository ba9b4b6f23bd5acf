"""An installation of many processes: web nodes, workers and schedulers over one PostgreSQL."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services84.security.passwords import hash_password
from services84.security.vault import Vault
from services84.store.database import Database
from services84.store.principals import PrincipalStore
from tests.support.dovecot import DovecotServer
from tests.support.postgresql import PostgresqlServer, find_postgresql, missing
from tests.support.rabbitmq import RabbitmqServer
from tests.support.redis import RedisServer
from tests.support.server import PASSWORD, ROOT, ServerProcess, environment

DEADLINE = 60.0
LEASE_SECONDS = 4.0
# What a killed server has committed is kept; the machine itself does not fail here.
DURABLE = ("fsync=off", "full_page_writes=off")


class Node:
    """A process of the installation other than a web node: `services84 COMMAND`."""

    def __init__(self, name: str, command: str, env: dict[str, str], folder: Path) -> None:
        self.name = name
        self.log_file = folder / f"{name}.log"
        self._command = (sys.executable, "-m", "services84.cli", command)
        self._env = env
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """Kill -9."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Stop; gives the exit code."""
        assert self._process is not None
        self._process.send_signal(how)
        try:
            return self._process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not stop:\n{self.log()}") from None

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def wait_for(self, text: str, seconds: float = DEADLINE, *, times: int = 1) -> None:
        """Wait until `text` is logged, in all lives of the node together so many times."""
        deadline = time.monotonic() + seconds
        while self.log().count(text) < times:
            assert self._process is not None
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"{self.name} does not say {text!r}:\n{self.log()}")
            time.sleep(0.05)


class WebNode(ServerProcess):
    """A web node; killed with its children, as a machine is."""

    def kill(self) -> None:
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.pid)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        for pid in [self.pid, *map(int, listed.stdout.split())]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert self._process is not None
        self._process.wait()

    def close(self) -> None:
        if self.running:
            self.kill()


class Installation:
    """PostgreSQL and a broker of its own, one key, one Dovecot, and the nodes that are made."""

    def __init__(
        self,
        folder: Path,
        postgresql: PostgresqlServer,
        broker: RedisServer | RabbitmqServer,
        dovecot: DovecotServer,
        **settings: Any,
    ) -> None:
        self.folder = folder
        self.postgresql = postgresql
        self.broker = broker
        self.dovecot = dovecot
        self.database_url = postgresql.url(postgresql.create())
        self.key_file = folder / "installation.key"
        Vault.create_key_file(self.key_file)
        self.settings = {
            "database_url": self.database_url,
            "key_file": self.key_file,
            "executor": "celery",
            "broker_url": broker.url,
            "lease_seconds": LEASE_SECONDS,
            "database_pool": 10,
            "sync_parallel": 4,
            "backoff_base": 0.5,
            "log_format": "json",
            **settings,
        }
        self.nodes: list[Node | WebNode] = []
        self.database = Database(self.database_url, pool_size=4)

    def add_associate(self, name: str, *, admin: bool = False) -> int:
        added = PrincipalStore(self.database).add_associate(
            name, hash_password(PASSWORD), is_admin=admin
        )
        return added.associate_id

    def web(self, name: str, **settings: Any) -> WebNode:
        """A web node, not started."""
        folder = self.folder / name
        folder.mkdir()
        made = WebNode(folder, **{**self.settings, "workers": 1, "threads": 64, **settings})
        self.nodes.append(made)
        return made

    def worker(self, name: str, **settings: Any) -> Node:
        """A worker, not started."""
        return self._node(name, "worker", settings)

    def scheduler(self, name: str = "scheduler", **settings: Any) -> Node:
        """A scheduler, not started."""
        return self._node(name, "scheduler", settings)

    def _node(self, name: str, command: str, settings: dict[str, Any]) -> Node:
        node = Node(name, command, environment({**self.settings, **settings}), self.folder)
        self.nodes.append(node)
        return node

    def logs(self) -> str:
        return "\n".join(f"--- {node.log_file}\n{node.log()}" for node in self.nodes)

    def close(self) -> None:
        for node in self.nodes:
            node.close()
        self.database.close()


@contextlib.contextmanager
def own_postgresql() -> Iterator[PostgresqlServer]:
    """A PostgreSQL that may be killed: nobody else's, and what it has committed it keeps."""
    binaries = find_postgresql()
    if binaries is None:
        missing("PostgreSQL's server")
        raise AssertionError
    folder = Path(tempfile.mkdtemp(prefix="services84-pg-"))
    server = PostgresqlServer(folder, binaries, DURABLE)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


RABBITMQ = pytest.param(
    "rabbitmq",
    marks=pytest.mark.skipif(
        os.environ.get("SOAK") != "1", reason="make soak: RabbitMQ takes half a minute to start"
    ),
)


@pytest.fixture(params=["redis", RABBITMQ])
def installation(
    request: pytest.FixtureRequest, tmp_path: Path, dovecot: DovecotServer
) -> Iterator[Installation]:
    """An installation without nodes, with a broker of either kind."""
    broker = request.getfixturevalue(request.param)
    with own_postgresql() as postgresql:
        made = Installation(tmp_path, postgresql, broker, dovecot)
        try:
            yield made
        finally:
            made.close()
