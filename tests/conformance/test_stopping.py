"""The end of a process: in order within 30 seconds, or by force; another goes on."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from services84.security.vault import Vault
from services84.store.accounts import AccountStore
from services84.store.database import Database, utc_now
from services84.store.folders import FolderStore
from services84.store.service_leases import ServiceLeases
from services84.store.slots import SlotStore
from services84.store.values import AccountStatus
from tests.support.dovecot import DovecotServer
from tests.support.mailboxes import append, credentials, message
from tests.support.scripted import GREETING, LOGIN, answer, hang, scripted
from tests.support.server import GUNICORN, SERVE, ServerProcess, running_server

STOP_SECONDS = 30.0
DEADLINE = 60.0


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@contextmanager
def opened(server: ServerProcess) -> Iterator[Database]:
    database = Database(server.database_url, pool_size=2)
    try:
        yield database
    finally:
        database.close()


def save_account(server: ServerProcess, ticket: str, user: str, password: str, port: int) -> int:
    members = {
        "EMailAccount": {
            "EMailAddress": f"{user}@example.com",
            "IncomingCredentials": credentials(user, password, port),
        }
    }
    reply = server.call("SaveEMailAccount", members, ticket=ticket)
    assert reply.succeeded, reply.exception
    return int(reply.text("Response/EMailAccountId") or 0)


@pytest.mark.parametrize("command", [SERVE, GUNICORN], ids=["services84 serve", "gunicorn"])
def test_a_sync_that_hangs_does_not_keep_a_server_from_stopping(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    """Its caller is answered, and nothing is held against the account."""
    with (
        scripted(GREETING, LOGIN, answer(b"", expect=b"LIST"), hang) as silent,
        running_server(tmp_path, command, workers=1, sync_interval=1000) as server,
        ThreadPoolExecutor(1) as pool,
    ):
        server.add_associate("anna")
        ticket = server.sign_in("anna")
        account_id = save_account(server, ticket, "anna", "secret", silent.port)
        members = {"SyncUserAccount": {"AccountId": account_id}}
        waiting = pool.submit(server.call, "SyncEmailAccount", members, ticket=ticket)
        until(lambda: b"LIST" in b"".join(silent.heard))
        begun = time.monotonic()
        assert server.stop(signal.SIGTERM) == 0
        assert time.monotonic() - begun < STOP_SECONDS
        assert "interrupted" in waiting.result(1).exception["Message"]
        with opened(server) as database:
            account = AccountStore(database, Vault.load(server.key_file)).get(account_id)
            assert account is not None
            assert account.status is AccountStatus.UNKNOWN
            assert (account.error_count, account.lease_until) == (0, None)
            assert SlotStore(database).counts("127.0.0.1", utc_now()) == (0, 0)
            assert ServiceLeases(database).holder("scheduler", utc_now()) is None
    assert "Traceback" not in server.log()


def test_a_server_that_watches_and_syncs_by_the_clock_stops_in_order(
    tmp_path: Path, dovecot: DovecotServer
) -> None:
    user = dovecot.add_user("stopping", "secret")
    with running_server(tmp_path, workers=2, sync_interval=0.5, idle_connections=3) as server:
        server.add_associate("anna")
        account_id = save_account(
            server, server.sign_in("anna"), user, "secret", dovecot.port_plain
        )
        with opened(server) as database:
            slots = SlotStore(database)
            until(lambda: slots.counts("127.0.0.1", utc_now())[0] >= 1)
            accounts = AccountStore(database, Vault.load(server.key_file))
            until(lambda: accounts.latest_run(account_id) is not None)
        begun = time.monotonic()
        assert server.stop(signal.SIGTERM) == 0
        assert time.monotonic() - begun < STOP_SECONDS
        with opened(server) as database:
            assert SlotStore(database).counts("127.0.0.1", utc_now()) == (0, 0)
    assert "Traceback" not in server.log()


def kill(server: ServerProcess) -> None:
    """kill -9 of all of a server's processes."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    for pid in [server.pid, *map(int, children)]:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not server.running)


def test_a_server_that_is_killed_is_taken_over_from_by_another(
    tmp_path: Path, dovecot: DovecotServer
) -> None:
    user = dovecot.add_user("takeover", "secret")
    settings = {"workers": 1, "sync_interval": 0.5, "lease_seconds": 3}
    with running_server(tmp_path, **settings) as first:
        first.add_associate("anna")
        account_id = save_account(first, first.sign_in("anna"), user, "secret", dovecot.port_plain)
        second = ServerProcess(tmp_path, **settings)
        with opened(first) as database:
            folders = FolderStore(database)

            def cached() -> int:
                return sum(folder.total for folder in folders.list(account_id))

            with dovecot.client(user) as client:
                append(client, "INBOX", message(1))
                until(lambda: cached() == 1)
                second.start()
                try:
                    kill(first)
                    append(client, "INBOX", message(2))
                    until(lambda: cached() == 2)
                finally:
                    second.stop()
