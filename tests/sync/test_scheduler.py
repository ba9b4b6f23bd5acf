"""Syncs by the clock: one process does it, oldest first, and another takes over when it is gone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from services84.application import Application
from services84.store.accounts import AccountStore
from services84.store.database import Database, utc_now
from services84.store.service_leases import ServiceLeases
from services84.store.values import AccountStatus, RunOutcome
from services84.sync.scheduler import LEASE
from tests.support.dovecot import DovecotServer
from tests.support.mailboxes import append, message, save_account
from tests.support.service import Service, running_service
from tests.sync.conftest import MAIL_PASSWORD, new_user
from tests.sync.test_desk import held_back

DEADLINE = 30.0
OFTEN = 0.2  # seconds


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def add_account(service: Service, dovecot: DovecotServer, name: str = "anna") -> int:
    """An account with one message on its server."""
    _, ticket = service.associate(name)
    user = new_user(dovecot)
    with dovecot.client(user) as client:
        append(client, "INBOX", message(1))
    return save_account(service, ticket, user, MAIL_PASSWORD, dovecot.port_plain)


def runs(service: Service, account_id: int) -> int:
    run = service.services.accounts.latest_run(account_id)
    return run.run_id if run is not None else 0


def test_accounts_are_synced_again_and_again_without_anybody_asking(
    tmp_path: Path, database: Database, dovecot: DovecotServer
) -> None:
    with running_service(tmp_path, database.url, background=True, sync_interval=OFTEN) as service:
        account_id = add_account(service, dovecot)
        until(lambda: bool(service.services.items.newest(account_id, 1)))
        first = runs(service, account_id)
        until(lambda: runs(service, account_id) >= first + 3)


def test_without_a_background_and_with_an_interval_of_zero_nothing_is_started(
    tmp_path: Path,
) -> None:
    for background, interval in ((False, OFTEN), (True, 0)):
        with running_service(tmp_path, background=background, sync_interval=interval) as service:
            assert "scheduler" not in {thread.name for thread in threading.enumerate()}
            assert not service.application.scheduler.leads


def test_a_failed_account_is_left_alone_and_a_refused_login_tried_once_in_a_while(
    tmp_path: Path, dovecot: DovecotServer
) -> None:
    with running_service(
        tmp_path, background=True, sync_interval=OFTEN, backoff_cap=0.001
    ) as service:
        _, ticket = service.associate("anna")
        user = new_user(dovecot)
        account_id = save_account(service, ticket, user, "wrong", dovecot.port_plain)

        def account_of():  # type: ignore[no-untyped-def]
            found = service.services.accounts.get(account_id)
            assert found is not None
            return found

        until(lambda: account_of().refused_count == 3)
        account = account_of()
        assert account.status is AccountStatus.FAILING
        assert 880 < (account.next_attempt - utc_now()).total_seconds() <= 900
        tried = runs(service, account_id)
        other = add_account(service, dovecot, "bert")  # in whose time nothing happens to the first
        until(lambda: bool(runs(service, other)))
        assert runs(service, account_id) == tried


def test_no_more_are_started_than_can_run_and_all_get_their_turn(
    tmp_path: Path, dovecot: DovecotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 0
    with running_service(tmp_path, sync_parallel=2, sync_interval=OFTEN) as service:
        ids = [add_account(service, dovecot, f"a{number}") for number in range(5)]
        desk = service.services.sync
        with held_back(monkeypatch) as reached:
            service.application.scheduler.start()
            assert reached.wait(DEADLINE)
            until(lambda: len(desk.under_way) == 2)
            leads_on = time.monotonic() + 1.5
            while time.monotonic() < leads_on:
                most = max(most, len(desk.under_way))
                time.sleep(0.05)
            assert desk.room == 0
        until(lambda: all(runs(service, account_id) for account_id in ids))
    assert most == 2


def leaders(applications: list[Application]) -> list[Application]:
    return [application for application in applications if application.scheduler.leads]


def test_of_several_processes_one_leads_and_hands_over_when_it_stops(
    tmp_path: Path, database: Database
) -> None:
    with ExitStack() as stack:
        settings = {"background": True, "sync_interval": 60, "lease_seconds": 2}
        applications = [
            stack.enter_context(running_service(tmp_path, database.url, **settings)).application
            for _ in range(3)
        ]
        until(lambda: len(leaders(applications)) == 1)
        (leader,) = leaders(applications)
        begun = time.monotonic()
        leader.stop()
        rest = [application for application in applications if application is not leader]
        until(lambda: len(leaders(rest)) == 1)
        assert time.monotonic() - begun < 10
        assert len(leaders(rest)) == 1


def test_when_the_leader_dies_another_takes_over_after_the_lease_time(
    tmp_path: Path, database: Database
) -> None:
    leases = ServiceLeases(database)
    assert leases.hold(LEASE, "dead", utc_now(), 1.5)
    begun = time.monotonic()
    with running_service(
        tmp_path, database.url, background=True, sync_interval=60, lease_seconds=2
    ) as service:
        until(lambda: service.application.scheduler.leads)
        assert 1.0 < time.monotonic() - begun < 10
        assert leases.holder(LEASE, utc_now()) != "dead"
    assert leases.holder(LEASE, utc_now()) is None


def test_a_leader_whose_lease_was_taken_follows(tmp_path: Path, database: Database) -> None:
    with running_service(
        tmp_path, database.url, background=True, sync_interval=60, lease_seconds=2
    ) as service:
        scheduler = service.application.scheduler
        until(lambda: scheduler.leads)
        leases = ServiceLeases(database)
        owner = leases.holder(LEASE, utc_now())
        assert owner is not None
        leases.release(LEASE, owner)
        assert leases.hold(LEASE, "other", utc_now(), 60)
        until(lambda: not scheduler.leads)


def test_trouble_with_the_database_ends_nothing(
    tmp_path: Path, dovecot: DovecotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = 0
    original = AccountStore.due

    def due(self: AccountStore, *arguments: object) -> object:
        nonlocal failures
        if failures < 2:
            failures += 1
            raise [ValueError("a defect"), OSError("another")][failures % 2]
        return original(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(AccountStore, "due", due)
    with running_service(tmp_path, background=True, sync_interval=OFTEN) as service:
        account_id = add_account(service, dovecot)
        until(lambda: bool(runs(service, account_id)))
    assert failures == 2


def test_the_scheduler_forgets_how_old_syncs_ended(
    tmp_path: Path, database: Database, dovecot: DovecotServer
) -> None:
    with running_service(tmp_path, database.url) as service:
        account_id = add_account(service, dovecot)
        accounts = service.services.accounts
        old, young = utc_now() - timedelta(days=8), utc_now() - timedelta(days=6)
        ids = []
        for moment in (old, young):
            lease = accounts.take_lease(account_id, "elsewhere", moment, 60)
            assert lease is not None
            accounts.finish_run(lease, RunOutcome(), moment)
            ids.append(lease.run_id)
    settings = {"sync_interval": 3600, "history_days": 7}
    with running_service(tmp_path, database.url, background=True, **settings) as service:
        accounts = service.services.accounts
        until(lambda: accounts.run(ids[0]) is None)
        assert accounts.run(ids[1]) is not None
