"""Two services on one database, and one of them killed in the midst of a sync."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from services84.store.database import Database
from tests.support.arrivals import await_requests_read
from tests.support.dovecot import DovecotServer
from tests.support.held import held_server
from tests.support.mailboxes import append, credentials, message
from tests.support.server import ServerProcess

MESSAGES = 200
SAID = 60_000  # bytes after which the mail server falls silent: amid the messages
LEASE = 5.0  # seconds
SLACK = 20.0  # seconds that a busy machine may take beside, for the sync itself as well
DEADLINE = 60.0


@contextlib.contextmanager
def two_servers(folder: Path) -> Iterator[tuple[ServerProcess, ServerProcess]]:
    servers = []
    for name in ("first", "second"):
        (folder / name).mkdir()
        shared = {
            "database_url": f"sqlite:///{folder / 'shared.sqlite3'}",
            "key_file": folder / "shared.key",
        }
        server = ServerProcess(
            folder / name, workers=1, lease_seconds=LEASE, sync_interval=0, **shared
        )
        server.database_url = shared["database_url"]
        server.key_file = shared["key_file"]
        servers.append(server)
    first, second = servers
    first.prepare()
    try:
        first.start()
        second.start()
        yield first, second
    finally:
        for server in servers:
            if server.running:
                server.stop()


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def kill_whole(server: ServerProcess) -> None:
    """End gunicorn and its workers, none of which gets to say a word."""
    workers = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    server.stop(signal.SIGKILL)
    for worker in workers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(worker), signal.SIGKILL)


@pytest.fixture
def mailbox(dovecot: DovecotServer) -> str:
    dovecot.add_user("shared-mail", "secret")
    with dovecot.client("shared-mail") as client:
        for number in range(MESSAGES):
            append(client, "INBOX", message(number))
    return "shared-mail"


def test_of_two_services_one_syncs_an_account_and_the_other_takes_over_when_it_is_killed(
    tmp_path: Path, dovecot: DovecotServer, mailbox: str
) -> None:
    with (
        held_server(dovecot.port_plain, after=SAID) as held,
        two_servers(tmp_path) as (first, second),
        ThreadPoolExecutor(2) as pool,
    ):
        database = Database(first.database_url, pool_size=1)
        first.add_associate("anna")
        ticket = first.sign_in("anna")
        account = {
            "EMailAddress": "shared@example.com",
            "IncomingCredentials": credentials(mailbox, "secret", held.port),
        }
        saved = first.call("SaveEMailAccount", {"EMailAccount": account}, ticket=ticket)
        wanted = {"SyncUserAccount": {"AccountId": saved.text("Response/EMailAccountId")}}

        def runs() -> list[str]:
            with database.reading() as connection:
                return list(
                    connection.execute(text("SELECT state FROM sync_run ORDER BY 1")).scalars()
                )

        before = dovecot.logins(mailbox)
        dying = pool.submit(first.call, "SyncEmailAccount", wanted, ticket=ticket)
        until(lambda: dovecot.logins(mailbox) == before + 1, "the first does not sync")
        waiting = pool.submit(second.call, "SyncEmailAccount", wanted, ticket=ticket)
        await_requests_read(second.port, 1)
        assert len(runs()) == 1
        assert not waiting.done()

        killed = time.monotonic()
        kill_whole(first)
        held.release()
        reply = waiting.result(DEADLINE)
        took = time.monotonic() - killed
        assert dying.exception(DEADLINE) is not None
        assert reply.succeeded, reply.exception
        assert dovecot.logins(mailbox) == before + 2
        assert took < LEASE + SLACK
        assert reply.extra["Sync.New"] == str(MESSAGES)
        assert runs() == ["completed", "lost"]
        database.close()
