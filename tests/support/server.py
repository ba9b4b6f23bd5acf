"""The service as it runs in production: gunicorn in a process and a folder of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import requests

from services84.security.passwords import hash_password
from services84.security.vault import Vault
from services84.store.database import Database
from services84.store.principals import PrincipalStore
from tests.support.service import TYPES, Reply, envelope, member_xml
from tests.support.wire_text import reply_of

ROOT = Path(__file__).resolve().parents[2]
SERVE = (sys.executable, "-m", "services84.cli", "serve")
GUNICORN = (sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", "wsgi:application")
DEADLINE = 60.0
PASSWORD = "correct horse 84"


class ServerProcess:
    """One running service. `base` is the address below which the .svc files are."""

    def __init__(self, folder: Path, command: tuple[str, ...] = SERVE, **settings: Any) -> None:
        self.folder = folder
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}/Remote/Services84"
        self.log_file = folder / "server.log"
        self.database_url = f"sqlite:///{folder / 'server.sqlite3'}"
        self.key_file = folder / "server.key"
        own = {
            "database_url": self.database_url,
            "key_file": self.key_file,
            "bind": f"127.0.0.1:{self.port}",
            "workers": 2,
            "threads": 16,
            **settings,
        }
        self.env = environment(own)
        self.working_folder = ROOT
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Key and database, as `services84 init` makes them."""
        Vault.create_key_file(self.key_file)
        database = Database(self.database_url, pool_size=2)
        database.migrate()
        database.close()

    def add_associate(self, name: str, *, admin: bool = False) -> int:
        """An associate with the password PASSWORD; gives its id."""
        database = Database(self.database_url, pool_size=2)
        try:
            added = PrincipalStore(database).add_associate(
                name, hash_password(PASSWORD), is_admin=admin
            )
        finally:
            database.close()
        return added.associate_id

    def start(self) -> None:
        """Start, and come back when it answers."""
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self.working_folder,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + DEADLINE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the service did not start:\n{self.log()}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), plain_session() as session:
            return session.get(f"{self.base}/EMail.svc", timeout=10).status_code == 200
        return False

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Stop; gives the exit code."""
        assert self._process is not None
        self._process.send_signal(how)
        try:
            return self._process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise

    def call(
        self,
        operation: str,
        members: Mapping[str, Any] | None = None,
        *,
        service: str = "EMail",
        version: str = "1.1",
        session: requests.Session | None = None,
        **headers: str | None,
    ) -> Reply:
        """One SOAP call over HTTP; `headers` are those of `tests.support.service.envelope`."""
        body = envelope(operation, member_xml(members or {}), version=version, **headers)
        return self.post(body, TYPES[version], service=service, session=session)

    def post(
        self,
        body: bytes,
        content_type: str,
        *,
        service: str = "EMail",
        session: requests.Session | None = None,
    ) -> Reply:
        """Post bytes as they are."""
        with contextlib.nullcontext(session) if session else plain_session() as used:
            answer = used.post(
                f"{self.base}/{service}.svc",
                data=body,
                headers={"Content-Type": content_type},
                timeout=DEADLINE,
            )
        return reply_of(answer)

    def sign_in(self, name: str, password: str = PASSWORD) -> str:
        """A ticket, as callers get it."""
        members = {"UserName": name, "Password": password}
        reply = self.call("AuthenticateUsernamePassword", members, service="SoPrincipal")
        return reply.text("Credentials/Ticket") or ""

    @property
    def pid(self) -> int:
        """The process that was started: gunicorn's master, whose children serve."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8", errors="replace")


def environment(settings: Mapping[str, Any]) -> dict[str, str]:
    """This process's environment with these settings and no others of ours."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("SERVICES84_")}
    path = [str(ROOT), *filter(None, [inherited.get("PYTHONPATH")])]
    inherited["PYTHONPATH"] = os.pathsep.join(path)
    return inherited | {f"SERVICES84_{k.upper()}": str(v) for k, v in settings.items()}


def free_port() -> int:
    """A port of the loopback interface that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


def plain_session() -> requests.Session:
    """An HTTP session that ignores proxies of the environment."""
    session = requests.Session()
    session.trust_env = False
    return session


@contextlib.contextmanager
def running_server(
    folder: Path, command: tuple[str, ...] = SERVE, **settings: Any
) -> Iterator[ServerProcess]:
    """A prepared, started server; stopped at the end."""
    server = ServerProcess(folder, command, **settings)
    server.prepare()
    server.start()
    try:
        yield server
    finally:
        if server.running:
            server.stop()
