"""Leases: one sync an account, however many ask; what the dead held is taken over."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from services84.errors import LeaseLost
from services84.store import runs as runs_module
from services84.store.runs import guard
from services84.store.tables import sync_run
from services84.store.values import AccountStatus, RunOutcome, RunState
from tests.store.conftest import START, Stores, draft


def test_a_lease_that_is_held_is_given_to_nobody_else(stores: Stores) -> None:
    account = stores.account()
    lease = stores.lease(account)
    assert stores.accounts.take_lease(account.account_id, "other", stores.now, 60) is None
    assert stores.accounts.take_lease(99, "other", stores.now, 60) is None
    assert (lease.owner, lease.until) == ("me", START + timedelta(seconds=60))
    run = stores.accounts.current_run(account.account_id, stores.now)
    assert run is not None
    assert (run.run_id, run.state, run.started) == (lease.run_id, RunState.RUNNING, START)
    found = stores.accounts.get(account.account_id)
    assert found is not None
    assert found.lease_until == lease.until


def test_of_many_that_ask_at_once_one_gets_the_lease(stores: Stores) -> None:
    account = stores.account()
    start = threading.Barrier(16)

    def take(number: int) -> bool:
        start.wait()
        taken = stores.accounts.take_lease(account.account_id, str(number), stores.now, 60)
        return taken is not None

    with ThreadPoolExecutor(16) as threads:
        assert sum(threads.map(take, range(16))) == 1


def test_a_renewed_lease_lives_longer(stores: Stores) -> None:
    account = stores.account()
    lease = stores.lease(account)
    renewed = stores.accounts.renew_lease(lease, stores.later(seconds=50), 60)
    assert renewed.until == START + timedelta(seconds=110)
    assert stores.accounts.take_lease(account.account_id, "x", stores.later(seconds=59), 60) is None


def test_a_dead_owners_account_is_taken_over_and_its_run_is_lost(stores: Stores) -> None:
    account = stores.account()
    dead = stores.lease(account)
    stores.later(seconds=60)
    assert stores.accounts.current_run(account.account_id, stores.now) is None
    taken = stores.lease(account)
    lost = stores.accounts.run(dead.run_id)
    assert lost is not None
    assert (lost.state, lost.finished) == (RunState.LOST, stores.now)
    with pytest.raises(LeaseLost):
        stores.accounts.renew_lease(dead, stores.now, 60)
    with pytest.raises(LeaseLost):
        stores.accounts.finish_run(dead, RunOutcome(new=7), stores.now)
    run = stores.accounts.current_run(account.account_id, stores.now)
    assert run is not None
    assert (run.run_id, run.state) == (taken.run_id, RunState.RUNNING)
    assert stores.accounts.latest_run(account.account_id) == run


def test_a_lease_that_ran_out_and_was_not_taken_is_still_good(stores: Stores) -> None:
    account = stores.account()
    lease = stores.lease(account)
    stores.later(seconds=61)
    stores.folder(lease)
    stores.accounts.renew_lease(lease, stores.now, 60)
    stores.accounts.finish_run(lease, RunOutcome(), stores.now)


def test_a_takeover_waits_for_a_transaction_that_holds_the_account(stores: Stores) -> None:
    account = stores.account()
    lease = stores.lease(account)
    later = stores.now + timedelta(seconds=61)
    with ThreadPoolExecutor(1) as other:
        with stores.database.transaction() as connection:
            guard(connection, lease)
            waiting = other.submit(stores.accounts.take_lease, account.account_id, "x", later, 60)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.2)
        assert waiting.result(timeout=10) is not None


def test_success_is_written_to_run_and_account(stores: Stores) -> None:
    account = stores.account()
    lease = stores.lease(account)
    now = stores.later(seconds=5)
    stores.accounts.finish_run(lease, RunOutcome(new=1, changed=2, removed=3), now)
    run = stores.accounts.run(lease.run_id)
    assert run is not None
    assert (run.state, run.finished, run.new, run.changed, run.removed, run.error_reason) == (
        RunState.COMPLETED, now, 1, 2, 3, "",
    )  # fmt: skip
    found = stores.accounts.get(account.account_id)
    assert found is not None
    assert (found.status, found.last_success, found.lease_until) == (AccountStatus.OK, now, None)
    assert found.updated == account.updated
    assert stores.accounts.current_run(account.account_id, now) is None


def test_failure_is_written_and_the_last_success_kept_and_success_clears_it(stores: Stores) -> None:
    account = stores.account()
    stores.accounts.finish_run(stores.lease(account), RunOutcome(), START)
    again = stores.now + timedelta(minutes=1)
    outcome = RunOutcome(0, 0, 0, "Login refused", 4, AccountStatus.FAILED, again)
    lease = stores.lease(account)
    stores.accounts.finish_run(lease, outcome, stores.later(seconds=1))
    found = stores.accounts.get(account.account_id)
    assert found is not None
    assert (found.status, found.error_count, found.error_reason, found.next_attempt) == (
        AccountStatus.FAILED, 4, "Login refused", again,
    )  # fmt: skip
    assert found.last_success == START
    run = stores.accounts.run(lease.run_id)
    assert run is not None
    assert (run.state, run.error_reason) == (RunState.FAILED, "Login refused")
    stores.accounts.finish_run(stores.lease(account), RunOutcome(), stores.now)
    found = stores.accounts.get(account.account_id)
    assert found is not None
    assert (found.status, found.error_count, found.error_reason, found.next_attempt) == (
        AccountStatus.OK, 0, "", None,
    )  # fmt: skip


def test_an_interrupted_run_leaves_the_account_as_it_was(stores: Stores) -> None:
    account = stores.account()
    lease = stores.lease(account)
    outcome = RunOutcome(new=5, error_reason="interrupted", interrupted=True)
    stores.accounts.finish_run(lease, outcome, stores.now)
    assert stores.accounts.get(account.account_id) == account
    run = stores.accounts.run(lease.run_id)
    assert run is not None
    assert (run.state, run.new, run.error_reason) == (RunState.LOST, 5, "interrupted")


def test_a_run_is_finished_once(stores: Stores) -> None:
    account = stores.account()
    lease = stores.lease(account)
    stores.accounts.finish_run(lease, RunOutcome(new=1), stores.now)
    with pytest.raises(LeaseLost):
        stores.accounts.finish_run(lease, RunOutcome(new=2), stores.now)
    run = stores.accounts.run(lease.run_id)
    assert run is not None
    assert run.new == 1


def test_old_runs_are_forgotten(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs_module, "RUNS_KEPT", 3)
    other, account = stores.account(), stores.account(stores.associate("Bert"))
    stores.lease(other)
    for _ in range(5):
        lease = stores.lease(account)
        stores.accounts.finish_run(lease, RunOutcome(), stores.now)
    with stores.database.reading() as connection:
        query = select(func.count()).where(sync_run.c.account_id == account.account_id)
        assert connection.execute(query).scalar_one() == 3
    assert stores.accounts.latest_run(other.account_id) is not None
    latest = stores.accounts.latest_run(account.account_id)
    assert latest is not None
    assert latest.run_id == lease.run_id
    assert stores.accounts.run(99) is None
    assert stores.accounts.latest_run(99) is None


def test_kinds_of_errors_are_counted_and_success_or_new_credentials_clear_them(
    stores: Stores,
) -> None:
    account = stores.account()

    def counts() -> tuple[int, int, int]:
        found = stores.accounts.get(account.account_id)
        assert found is not None
        return found.error_count, found.refused_count, found.throttled_count

    def fail() -> None:
        outcome = RunOutcome(error_reason="no", error_count=5, refused_count=3, throttled_count=1)
        stores.accounts.finish_run(stores.lease(account), outcome, stores.now)

    assert counts() == (0, 0, 0)
    fail()
    assert counts() == (5, 3, 1)
    stores.accounts.finish_run(stores.lease(account), RunOutcome(), stores.now)
    assert counts() == (0, 0, 0)
    fail()
    changed = replace(
        draft(stores.principals.associates()[0], account_id=account.account_id), reset_errors=True
    )
    stores.accounts.save(changed)
    assert counts() == (0, 0, 0)


def test_runs_that_ended_long_ago_are_forgotten_a_part_at_a_time(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs_module, "OLD_AT_ONCE", 2)
    account, dead = stores.account(), stores.account(address="dead@example.com")
    held = stores.lease(dead)  # and never given back
    ids = []
    for _ in range(4):
        lease = stores.lease(account)
        stores.accounts.finish_run(lease, RunOutcome(), stores.later(days=1))
        ids.append(lease.run_id)
    before = stores.now - timedelta(hours=12)
    while stores.accounts.forget_runs(before):
        pass
    monkeypatch.setattr(runs_module, "OLD_AT_ONCE", 1000)
    assert stores.accounts.forget_runs(before) is False
    assert [stores.accounts.run(run_id) is not None for run_id in ids] == [False] * 3 + [True]
    assert stores.accounts.run(held.run_id) is not None
