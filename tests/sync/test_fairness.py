"""One host's connections are few: never more than the setting, and everybody has a turn."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services84.errors import SyncInterrupted
from services84.store.database import Database, utc_now
from services84.store.slots import SlotStore
from services84.store.values import RunState
from services84.sync.account import AccountSync
from services84.sync.values import SyncState
from tests.support.counting import CountingProxy
from tests.support.dovecot import DovecotServer
from tests.support.mailboxes import append, message, save_account
from tests.support.service import Service, running_service
from tests.sync.conftest import MAIL_PASSWORD, new_user

DEADLINE = 60.0
LIMIT = 3
SMALL = 12  # accounts


@pytest.fixture
def proxy(dovecot: DovecotServer) -> Iterator[CountingProxy]:
    made = CountingProxy(dovecot.port_plain)
    yield made
    made.close()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def state(service: Service, account_id: int) -> RunState | None:
    run = service.services.accounts.latest_run(account_id)
    return run.state if run is not None else None


def add_account(
    service: Service, dovecot: DovecotServer, ticket: str, port: int, *, host: str = "127.0.0.1"
) -> int:
    user = new_user(dovecot)
    with dovecot.client(user) as client:
        append(client, "INBOX", message(1))
    return save_account(service, ticket, user, MAIL_PASSWORD, port, host)


def test_a_huge_account_starves_no_small_one_and_the_limit_holds_across_processes(
    tmp_path: Path,
    database: Database,
    dovecot: DovecotServer,
    proxy: CountingProxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two processes; the huge account's sync lasts until every small one is done."""
    settings = {"mail_connections_per_host": LIMIT, "sync_parallel": 4}
    go = threading.Event()
    with (
        running_service(tmp_path, database.url, **settings) as one,
        running_service(tmp_path, database.url, **settings) as two,
    ):
        _, ticket = one.associate("anna")
        ids = [add_account(one, dovecot, ticket, proxy.port) for _ in range(SMALL + 1)]
        huge, small = ids[0], ids[1:]
        hold_back(monkeypatch, huge, go)
        assert one.services.sync.start_many([huge]).started == (huge,)
        until(lambda: state(one, huge) is RunState.RUNNING)
        one.services.sync.start_many(small[::2])
        two.services.sync.start_many(small[1::2])
        until(lambda: all(state(one, a) is RunState.COMPLETED for a in small))
        assert state(one, huge) is RunState.RUNNING
        go.set()
        until(lambda: state(one, huge) is RunState.COMPLETED)
        until(lambda: SlotStore(database).counts("127.0.0.1", utc_now()) == (0, 0))
    assert proxy.most == LIMIT


def hold_back(monkeypatch: pytest.MonkeyPatch, account_id: int, go: threading.Event) -> None:
    """Let the sync of one account wait after its login."""
    original = AccountSync.run

    def run(self: AccountSync) -> None:
        if self.account_id == account_id:
            assert go.wait(DEADLINE)
        original(self)

    monkeypatch.setattr(AccountSync, "run", run)


def test_accounts_that_wait_for_one_host_take_no_thread_from_those_of_others(
    tmp_path: Path, database: Database, dovecot: DovecotServer
) -> None:
    slots = SlotStore(database)
    held, _ = slots.ask("localhost", "another process", utc_now(), seconds=600, limit=1)
    with running_service(
        tmp_path, database.url, mail_connections_per_host=1, sync_parallel=2
    ) as service:
        _, ticket = service.associate("anna")
        port = dovecot.port_plain
        crowd = [add_account(service, dovecot, ticket, port, host="localhost") for _ in range(5)]
        other = add_account(service, dovecot, ticket, port)
        desk = service.services.sync
        desk.start_many(crowd)
        assert desk.sync(other, wait=DEADLINE).error is None
        until(lambda: desk.room == 2)
        assert desk.under_way == set(crowd)
        assert desk.sync(crowd[0], wait=0.1).state is SyncState.RUNNING
        assert [state(service, account_id) for account_id in crowd] == [None] * 5
        slots.release(held, "localhost", utc_now(), limit=1)
        until(lambda: not desk.under_way)
        assert {state(service, account_id) for account_id in crowd} == {RunState.COMPLETED}


def test_an_account_that_waited_in_two_processes_is_synced_once(
    tmp_path: Path, database: Database, dovecot: DovecotServer
) -> None:
    slots = SlotStore(database)
    held, _ = slots.ask("127.0.0.1", "another process", utc_now(), seconds=600, limit=1)
    settings = {"mail_connections_per_host": 1}
    with (
        running_service(tmp_path, database.url, **settings) as one,
        running_service(tmp_path, database.url, **settings) as two,
    ):
        _, ticket = one.associate("anna")
        account_id = add_account(one, dovecot, ticket, dovecot.port_plain)
        for service in (one, two):
            service.services.sync.start_many([account_id])
        until(lambda: slots.counts("127.0.0.1", utc_now()) == (1, 2))
        slots.release(held, "127.0.0.1", utc_now(), limit=1)
        until(lambda: not one.services.sync.under_way and not two.services.sync.under_way)
        run = one.services.accounts.latest_run(account_id)
        assert run is not None
        assert (run.run_id, run.new) == (1, 1)


def test_a_service_that_stops_ends_those_who_wait(
    tmp_path: Path, database: Database, dovecot: DovecotServer
) -> None:
    slots = SlotStore(database)
    slots.ask("127.0.0.1", "another process", utc_now(), seconds=600, limit=1)
    with running_service(tmp_path, database.url, mail_connections_per_host=1) as service:
        _, ticket = service.associate("anna")
        account_id = add_account(service, dovecot, ticket, dovecot.port_plain)
        service.services.sync.start_many([account_id])
        until(lambda: slots.counts("127.0.0.1", utc_now()) == (1, 1))
        service.services.sync.stop()
        assert service.services.sync.under_way == frozenset()
        with pytest.raises(SyncInterrupted, match="shutting down"):
            service.services.sync.sync(account_id)
    assert slots.counts("127.0.0.1", utc_now()) == (1, 0)


@pytest.mark.parametrize("operation", ["AuthenticateIncoming", "AuthenticateOutgoing"])
def test_a_login_that_is_tried_for_a_caller_needs_a_slot_as_well(
    tmp_path: Path,
    dovecot: DovecotServer,
    monkeypatch: pytest.MonkeyPatch,
    operation: str,
) -> None:
    monkeypatch.setattr("services84.agents.email.authentication.SLOT_SECONDS", 0.1)
    with running_service(tmp_path, mail_connections_per_host=1) as service:
        _, ticket = service.associate("anna")
        user = new_user(dovecot)
        info = {
            "ServerName": f"127.0.0.1:{dovecot.port_plain}",
            "UserName": user,
            "Password": MAIL_PASSWORD,
        }
        with service.services.slots.held("127.0.0.1", 1):
            reply = service.call(operation, {"ConnectionInfo": info}, ticket=ticket)
            assert reply.succeeded is False
            assert "127.0.0.1 is in full use" in reply.exception["Message"]
            assert "at most 1 connections" in reply.exception["Message"]
        if operation == "AuthenticateIncoming":
            reply = service.call(operation, {"ConnectionInfo": info}, ticket=ticket)
            assert reply.text("Response") == "true"


def test_the_test_of_an_accounts_login_needs_a_slot_as_well(
    tmp_path: Path, dovecot: DovecotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services84.agents.email.authentication.SLOT_SECONDS", 0.1)
    with running_service(tmp_path, mail_connections_per_host=1) as service:
        _, ticket = service.associate("anna")
        add_account(service, dovecot, ticket, dovecot.port_plain)
        with service.services.slots.held("127.0.0.1", 1):
            reply = service.call("TestAuthenticate", ticket=ticket)
            assert "127.0.0.1 is in full use" in reply.exception["Message"]
        assert service.call("TestAuthenticate", ticket=ticket).text("Response") == "true"
