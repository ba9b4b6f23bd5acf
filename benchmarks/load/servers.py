"""The servers that are measured: services84, the bare application and the Node server.

Each with the same number of worker processes; what they use of the processor is read from /proc.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contenders import ROOT, Failed
from tests.support.dovecot import DovecotServer, find_dovecot
from tests.support.server import ServerProcess, environment, free_port, running_server
from tests.support.service import envelope, member_xml

WORKERS = 2
DEADLINE = 60.0
NPM_PACKAGE = "soap"
GET, SYNC = "GetEMailAccount", "SyncEmailAccount"
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Served:
    """A server that runs: its port, its first process, and the callers' requests by operation."""

    name: str
    port: int
    pid: int
    requests: dict[str, list[str]]

    def cpu_seconds(self) -> float:
        """Of the first process and all below it, since they began."""
        return sum(_cpu_of(pid) for pid in _family(self.pid))


def _cpu_of(pid: int) -> float:
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS
    return 0.0


def _family(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in task.read_text().split():
                yield from _family(int(child))


@contextlib.contextmanager
def running_services84(
    folder: Path, callers: int, mailboxes: int, messages: int, **settings: str
) -> Iterator[Served]:
    """services84 with SQLite and `mailboxes` accounts on a Dovecot, each synced once."""
    binary = find_dovecot()
    if binary is None:
        raise Failed("Dovecot is not installed (Debian: dovecot-imapd)")
    own = {"workers": WORKERS, "threads": 128, "sync_interval": 0, "log_format": "json", **settings}
    (folder / "dovecot").mkdir()
    (folder / "services84").mkdir()
    dovecot = DovecotServer(folder / "dovecot", binary)
    for number in range(mailboxes):
        dovecot.add_user(f"load{number}")
    dovecot.start()
    try:
        with running_server(folder / "services84", **own) as server:
            server.add_associate("load")
            ticket = server.sign_in("load")
            for number in range(mailboxes):
                mail = [_mail(n) for n in range(messages)]
                dovecot.deliver(f"load{number}", "INBOX", *mail)
            accounts = [_account(server, ticket, dovecot, n) for n in range(mailboxes)]
            yield Served(
                "services84", server.port, server.pid, _requests(callers, ticket, accounts)
            )
    finally:
        dovecot.stop()


def _mail(number: int) -> bytes:
    return (
        f"From: a@example.com\r\nTo: b@example.com\r\nSubject: {number}\r\n"
        f"Message-ID: <{number}@example.com>\r\n\r\nHello {number}\r\n"
    ).encode()


def _account(server: ServerProcess, ticket: str, dovecot: DovecotServer, number: int) -> int:
    auth = {
        "Server": dovecot.host,
        "Port": dovecot.port_plain,
        "AuthType": "Password",
        "Username": f"load{number}",
        "Password": "secret",
    }
    account = {
        "EMailAddress": f"load{number}@example.com",
        "IncomingCredentials": auth,
        "OutgoingCredentials": {**auth, "Port": 465},
    }
    saved = server.call("SaveEMailAccount", {"EMailAccount": account}, ticket=ticket)
    account_id = int(saved.text("Response/EMailAccountId") or 0)
    members = {"SyncUserAccount": {"AccountId": account_id}}
    synced = server.call(SYNC, members, ticket=ticket)
    if not synced.succeeded:
        raise Failed(f"the first sync failed: {synced.exception}")
    return account_id


def _requests(callers: int, ticket: str, accounts: list[int]) -> dict[str, list[str]]:
    """A body a caller, for GET and for SYNC; as many callers of SYNC as accounts, each its own."""

    def body(operation: str, members: dict[str, object]) -> str:
        return envelope(operation, member_xml(members), ticket=ticket).decode()

    many = [accounts[n % len(accounts)] for n in range(callers)]
    return {
        GET: [body(GET, {"EMailAccountId": one}) for one in many],
        SYNC: [body(SYNC, {"SyncUserAccount": {"AccountId": one}}) for one in accounts],
    }


@contextlib.contextmanager
def running_bare(folder: Path, requests: dict[str, list[str]]) -> Iterator[Served]:
    """The bare lxml application."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.load.bare", f"127.0.0.1:{port}", str(WORKERS)]
    with _running("bare lxml WSGI", command, port, folder / "bare.log", requests) as served:
        yield served


@contextlib.contextmanager
def running_node(folder: Path, packages: Path, requests: dict[str, list[str]]) -> Iterator[Served]:
    """The Node server; its package comes from npm, once."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise Failed("Node is not installed (Debian: nodejs npm)")
    if not (packages / "node_modules" / NPM_PACKAGE).is_dir():
        packages.mkdir(parents=True, exist_ok=True)
        install = ["npm", "install", "--silent", "--no-fund", "--no-audit", NPM_PACKAGE]
        subprocess.run(install, cwd=packages, check=True, timeout=300)
    wsdl = folder / "EMail.wsdl"
    wsdl.write_bytes((ROOT / "schemas" / "EMail.wsdl").read_bytes())
    port = free_port()
    script = str(ROOT / "benchmarks" / "load" / "node.js")
    command = ["node", script, str(port), str(WORKERS), str(packages), str(wsdl)]
    with _running("Node soap", command, port, folder / "node.log", requests) as served:
        yield served


@contextlib.contextmanager
def _running(
    name: str, command: list[str], port: int, log: Path, requests: dict[str, list[str]]
) -> Iterator[Served]:
    with log.open("wb") as said:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment({}), stdout=said, stderr=said, start_new_session=True
        )
    try:
        deadline = time.monotonic() + DEADLINE
        while not _accepts(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"{name} did not start: {log.read_text()[-2000:]}")
            time.sleep(0.05)
        yield Served(name, port, process.pid, requests)
    finally:
        process.terminate()
        try:
            process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _accepts(port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    return False


def expected_of(operation: str) -> str:
    """What stands in every good answer, whoever gives it."""
    return "load" if operation == GET else f"{operation}Response"
