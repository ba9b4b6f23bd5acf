"""Who is measured: each keeps its state in a folder, and can be run again on it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxml import etree

from benchmarks.servers import PASSWORD
from benchmarks.tasks import TIMES, WARMING
from services84.security.passwords import hash_password
from services84.security.vault import Vault
from services84.store.accounts import AccountStore
from services84.store.database import Database
from services84.store.principals import PrincipalStore
from services84.store.values import AccountDraft, ServiceAuth
from tests.support.server import ServerProcess, plain_session
from tests.support.service import TYPES, Reply, envelope, member_xml

ROOT = Path(__file__).resolve().parents[1]
LONGEST = 3600  # seconds that one run may take


@dataclass(frozen=True)
class Run:
    """What one run took: seconds; of CPU, the client's alone; MiB at the peak of its process, of
    the largest process that reads messages for it, and by how much its own process grew.
    `login` are the seconds until the raw reader was signed in.

    Where nothing has changed a client looks several times; the seconds are the median's, `cpu` of
    all in its process.
    """

    seconds: float
    cpu: float
    peak: float
    count: int
    readers: float = 0.0
    grown: float = 0.0
    login: float = 0.0


class Failed(RuntimeError):
    """A contender did not do what it was to do; the text is its own."""


def measured(*command: str, env: dict[str, str] | None = None) -> tuple[str, dict[str, float]]:
    """The last line that a program printed, and what `measured.py` found."""
    launcher = [sys.executable, "-S", "-E", str(ROOT / "benchmarks" / "measured.py")]
    done = subprocess.run(
        [*launcher, *command],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=True,
    )
    said, found = done.stdout.rstrip("\n").rsplit("\n", 1)
    took = json.loads(found)
    if took["code"]:
        raise Failed(f"{command[0]} ended with {took['code']}: {done.stderr[-2000:]}{said}")
    return said, took


class Contender(ABC):
    """One client. `forget` lets it begin anew; `run` does its work once, at a server's port."""

    stores = True  # whether it keeps what it gets
    moves = True  # whether it can go on with its state at another port

    def __init__(self, label: str) -> None:
        self.label = label

    @abstractmethod
    def forget(self) -> None:
        """Begin anew: nothing is known of the mailbox."""

    @abstractmethod
    def run(self, port: int, user: str, *, unchanged: bool) -> Run: ...

    @abstractmethod
    def close(self) -> None:
        """Drop all state."""


class Task(Contender):
    """A task of `tasks` that keeps nothing."""

    stores = False

    def __init__(self, label: str, task: str) -> None:
        super().__init__(label)
        self._task = task

    def run(self, port: int, user: str, *, unchanged: bool) -> Run:
        given = {"port": port, "user": user, "password": PASSWORD, "unchanged": unchanged}
        return run_task(self._task, given)

    def forget(self) -> None:
        """There is nothing to forget."""

    def close(self) -> None:
        """There is nothing to drop."""


def run_task(task: str, given: dict[str, Any]) -> Run:
    env = {k: v for k, v in os.environ.items() if not k.startswith("SERVICES84_")}
    env["PYTHONPATH"] = str(ROOT)
    command = [sys.executable, "-m", "benchmarks.tasks", task, json.dumps(given)]
    said, took = measured(*command, env=env)
    answer = json.loads(said)
    return Run(
        answer["seconds"],
        took["cpu"],
        took["peak_kib"] / 1024,
        answer["count"],
        answer.get("readers", 0.0),
        answer.get("grown", 0.0),
        answer.get("login", 0.0),
    )


class Mbsync(Contender):
    """isync's mbsync into Maildirs, without COMPRESS, which nobody needs on loopback."""

    def __init__(self, label: str, folder: Path, *, fsync: bool) -> None:
        super().__init__(label)
        self._folder = folder
        self._fsync = "yes" if fsync else "no"

    def forget(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        (self._folder / "mail").mkdir(parents=True)

    def run(self, port: int, user: str, *, unchanged: bool) -> Run:
        path = self._folder / "mbsyncrc"
        path.write_text(self._configuration(port, user))
        path.chmod(0o600)
        command = ("mbsync", "--config", str(path), "--quiet", "--all")
        runs = [measured(*command)[1] for _ in range(TIMES if unchanged else 1)]
        took = sorted(runs, key=lambda one: one["wall"])[len(runs) // 2]
        kept = (files for at, _, files in os.walk(self._folder) if Path(at).name in ("cur", "new"))
        count = sum(map(len, kept))
        return Run(took["wall"], took["cpu"], took["peak_kib"] / 1024, count)

    def _configuration(self, port: int, user: str) -> str:
        return f"""FSync {self._fsync}

IMAPStore far
Host 127.0.0.1
Port {port}
User {user}
Pass {PASSWORD}
SSLType None
AuthMechs LOGIN
DisableExtensions COMPRESS=DEFLATE

MaildirStore near
Path {self._folder}/mail/
Inbox {self._folder}/mail/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Sync Pull
Create Near
Expunge Near
SyncState *
"""

    def close(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


class Library(Contender):
    """Our sync as `services84 sync` runs it, into a database made by `new_database`."""

    def __init__(self, label: str, folder: Path, new_database: Callable[[Path], str]) -> None:
        super().__init__(label)
        self._folder = folder
        self._new_database = new_database
        self._environment: dict[str, str] = {}
        self._account = 0

    def forget(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        key_file = self._folder / "bench.key"
        Vault.create_key_file(key_file)
        self._environment = {
            "SERVICES84_DATABASE_URL": self._new_database(self._folder),
            "SERVICES84_KEY_FILE": str(key_file),
            "SERVICES84_LOG_LEVEL": "error",
        }
        self._account = 0

    def run(self, port: int, user: str, *, unchanged: bool) -> Run:
        # Again each time: it may be another port, with a proxy behind it.
        self._account = _save_account(self._environment, self._account, port, user)
        given = {"environment": self._environment, "account": self._account}
        return run_task("ours", given | {"unchanged": unchanged})

    def close(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


def _save_account(environment: dict[str, str], account_id: int, port: int, user: str) -> int:
    database = Database(environment["SERVICES84_DATABASE_URL"], pool_size=2)
    try:
        accounts = AccountStore(database, Vault.load(Path(environment["SERVICES84_KEY_FILE"])))
        principals = PrincipalStore(database)
        associate = principals.associate_by_name("bench") or principals.add_associate(
            "bench", hash_password("a password for benchmarks")
        )
        auth = ServiceAuth(0, "127.0.0.1", port, "Password", user, PASSWORD)
        draft = AccountDraft(
            account_id, f"{user}@example.com", associate.associate_id, auth, None, reset_errors=True
        )
        return accounts.save(draft).account_id
    finally:
        database.close()


class Soap(Contender):
    """Our sync through SyncEmailAccount of the service under gunicorn, into SQLite."""

    moves = False

    def __init__(self, label: str, folder: Path) -> None:
        super().__init__(label)
        self._folder = folder
        self._server: ServerProcess | None = None
        self._ticket = ""
        self._account: dict[str, int] = {}

    def forget(self) -> None:
        self.close()
        self._folder.mkdir(parents=True)
        self._server = ServerProcess(self._folder, workers=1, sync_wait=LONGEST, log_level="error")
        self._server.prepare()
        self._server.add_associate("bench")
        self._server.start()
        self._ticket = self._server.sign_in("bench")
        self._account = {}

    def run(self, port: int, user: str, *, unchanged: bool) -> Run:
        server = self._server
        assert server is not None
        self._account = self._account or self._save(server, port, user)
        workers = _children(server.pid)
        before = sum(map(_cpu, workers))
        took = [self._sync(server) for _ in range(WARMING + TIMES if unchanged else 1)]
        seconds, count = sorted(took[WARMING:] or took)[len(took[WARMING:]) // 2]
        return Run(seconds, sum(map(_cpu, workers)) - before, max(map(_peak, workers)), count)

    def _sync(self, server: ServerProcess) -> tuple[float, int]:
        started = time.perf_counter()
        reply = self._call(server, "SyncEmailAccount", {"SyncUserAccount": self._account})
        seconds = time.perf_counter() - started
        return seconds, sum(int(reply.extra.get(f"Sync.{what}", 0)) for what in ("New", "Changed"))

    def _save(self, server: ServerProcess, port: int, user: str) -> dict[str, int]:
        credentials = {"Server": "127.0.0.1", "Port": port, "Username": user, "Password": PASSWORD}
        account = {"EMailAddress": f"{user}@example.com", "IncomingCredentials": credentials}
        reply = self._call(server, "SaveEMailAccount", {"EMailAccount": account})
        return {"AccountId": int(reply.text("Response/EMailAccountId") or 0)}

    def _call(self, server: ServerProcess, operation: str, members: dict[str, Any]) -> Reply:
        body = envelope(operation, member_xml(members), ticket=self._ticket)
        with plain_session() as session:
            answer = session.post(
                f"{server.base}/EMail.svc",
                data=body,
                headers={"Content-Type": TYPES["1.1"]},
                timeout=LONGEST,
            )
        kind = answer.headers["Content-Type"]
        reply = Reply(str(answer.status_code), kind, etree.fromstring(answer.content))
        if not reply.succeeded:
            raise Failed(f"{operation}: {reply.exception}")
        return reply

    def close(self) -> None:
        if self._server is not None and self._server.running:
            self._server.stop()
        self._server = None
        shutil.rmtree(self._folder, ignore_errors=True)


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
