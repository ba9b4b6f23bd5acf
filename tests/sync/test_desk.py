"""One sync an account, shared by all who ask; callers are answered when their wait is over."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from services84.application import Application
from services84.errors import NotFound
from services84.imap.connection import ImapConnection
from services84.store.slots import SlotStore
from services84.store.values import RunState
from services84.sync.values import SyncState
from tests.support.dovecot import DovecotServer
from tests.support.mailboxes import append, message, save_account
from tests.support.service import running_service
from tests.sync.conftest import MAIL_PASSWORD, Scene, new_user

DEADLINE = 30.0


@contextmanager
def held_back(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Every sync of this process waits after its login until the block is left."""
    go, reached = threading.Event(), threading.Event()
    original = ImapConnection.ask_for_folders

    def folders(self: ImapConnection):  # type: ignore[no-untyped-def]
        reached.set()
        assert go.wait(DEADLINE)
        return original(self)

    monkeypatch.setattr(ImapConnection, "ask_for_folders", folders)
    try:
        yield reached
    finally:
        go.set()


def test_an_unknown_account_is_not_found(scene: Scene) -> None:
    with pytest.raises(NotFound):
        scene.service.services.sync.sync(4711)


def test_a_caller_whose_wait_is_over_is_told_that_the_sync_goes_on(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = scene.service.services.sync
    with held_back(monkeypatch) as reached:
        report = desk.sync(scene.account_id, wait=0.05)
        assert report.state is SyncState.RUNNING
        assert reached.wait(DEADLINE)
        ready = scene.service.services.accounts.ready(scene.service.services.clock())
        assert ready == []  # under its lease it is not ready
    assert desk.sync(scene.account_id, wait=DEADLINE).error is None
    run = scene.service.services.accounts.latest_run(scene.account_id)
    assert run is not None
    assert run.state is RunState.COMPLETED


def test_the_report_does_not_wait_for_the_goodbye_and_the_slot_does(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = scene.service.services
    go, leaving = threading.Event(), threading.Event()
    original = ImapConnection.close

    def close(self: ImapConnection) -> None:
        leaving.set()
        assert go.wait(DEADLINE)
        original(self)

    def slots_in_use() -> int:
        store = SlotStore(scene.service.application.database)
        return sum(in_use for in_use, _ in store.hosts(services.clock()).values())

    monkeypatch.setattr(ImapConnection, "close", close)
    try:
        report = services.sync.sync(scene.account_id, wait=DEADLINE)
        assert (report.state, report.error) == (SyncState.COMPLETED, None)
        run = services.accounts.latest_run(scene.account_id)
        assert run is not None
        assert run.state is RunState.COMPLETED
        assert leaving.wait(DEADLINE)
        assert slots_in_use() == 1
    finally:
        go.set()
    deadline = time.monotonic() + DEADLINE
    while slots_in_use():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert services.sync.sync(scene.account_id, wait=DEADLINE, force=True).error is None


def test_callers_meanwhile_share_one_sync(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    with scene.client() as client:
        append(client, "INBOX", message(1))
    before = scene.dovecot.logins(scene.user)
    desk = scene.service.services.sync
    with ThreadPoolExecutor(20) as pool:
        with held_back(monkeypatch) as reached:
            first = pool.submit(desk.sync, scene.account_id)
            assert reached.wait(DEADLINE)
            others = [pool.submit(desk.sync, scene.account_id) for _ in range(19)]
            started = desk.start_many([scene.account_id])
        assert first.result().state is SyncState.COMPLETED
        assert {other.result().state for other in others} == {SyncState.SHARED}
        assert {other.result().new for other in others} == {1}
    assert started.joined == (scene.account_id,)
    assert scene.dovecot.logins(scene.user) - before == 1


def test_a_caller_who_asked_before_a_sync_began_is_served_by_it(scene: Scene) -> None:
    asked = scene.service.services.clock()
    scene.sync()
    before = scene.dovecot.logins(scene.user)
    report = scene.service.services.sync.sync(scene.account_id, asked=asked)
    assert report.state is SyncState.SHARED
    assert scene.dovecot.logins(scene.user) == before


def test_a_sync_of_another_process_is_waited_for(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = scene.dovecot.logins(scene.user)
    other = Application(scene.service.application.settings)
    try:
        with ThreadPoolExecutor(2) as pool:
            with held_back(monkeypatch) as reached:
                running = pool.submit(scene.service.services.sync.sync, scene.account_id)
                assert reached.wait(DEADLINE)
                waiting = pool.submit(other.services.sync.sync, scene.account_id)
                early = other.services.sync.sync(scene.account_id, wait=0.2)
            assert early.state is SyncState.RUNNING
            assert running.result().state is SyncState.COMPLETED
            assert waiting.result().state is SyncState.SHARED
        assert scene.dovecot.logins(scene.user) - before == 1
    finally:
        other.close()


def test_a_dead_process_is_taken_over_from(scene: Scene) -> None:
    """A lease that nobody renews: who waits takes the account over when it has run out."""
    services = scene.service.services
    lease = services.accounts.take_lease(scene.account_id, "dead", services.clock(), 1.0)
    assert lease is not None
    report = services.sync.sync(scene.account_id, wait=DEADLINE)
    assert report.error is None
    dead = services.accounts.run(lease.run_id)
    assert dead is not None
    assert dead.state is RunState.LOST


def test_a_stopping_service_ends_its_syncs_and_leaves_the_account_as_it_was(
    tmp_path: Path, dovecot: DovecotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = new_user(dovecot)
    with running_service(tmp_path) as service:
        _, ticket = service.associate("anna")
        account_id = save_account(service, ticket, user, MAIL_PASSWORD, dovecot.port_plain)
        with held_back(monkeypatch) as reached:
            assert service.services.sync.start_many([account_id]).started == (account_id,)
            assert reached.wait(DEADLINE)
            stopping = threading.Thread(target=service.services.sync.stop)
            stopping.start()
            deadline = time.monotonic() + DEADLINE
            while not service.application.engine.stopping:
                assert time.monotonic() < deadline
        stopping.join(DEADLINE)
        assert not stopping.is_alive()
        account = service.services.accounts.get(account_id)
        assert account is not None
        assert (account.error_count, account.error_reason, account.lease_until) == (0, "", None)
