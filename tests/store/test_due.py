"""Which accounts the clock has to see to, and which INBOXes can be watched."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from services84.store.values import Account, AccountStatus, RunOutcome
from tests.store.conftest import Stores, auth, draft


def due(stores: Stores, interval: float = 300, limit: int = 10) -> list[int]:
    stale = stores.now - timedelta(seconds=interval)
    return [account.account_id for account in stores.accounts.due(stores.now, stale, limit)]


def synced(stores: Stores, account: Account, outcome: RunOutcome | None = None) -> None:
    stores.accounts.finish_run(stores.lease(account), outcome or RunOutcome(), stores.now)


def test_an_account_is_due_when_its_last_success_is_old_enough(stores: Stores) -> None:
    account = stores.account()
    synced(stores, account)
    stores.later(seconds=299)
    assert due(stores) == []
    stores.later(seconds=1)
    assert due(stores) == [account.account_id]


def test_an_account_that_was_never_synced_is_counted_from_its_registration(
    stores: Stores,
) -> None:
    account = stores.account()
    assert due(stores) == []
    assert [a.account_id for a in stores.accounts.ready(stores.now)] == [account.account_id]
    stores.later(seconds=300)
    assert due(stores) == [account.account_id]


def test_the_oldest_come_first_and_no_more_than_are_wanted(stores: Stores) -> None:
    first, second, never = (stores.account() for _ in range(3))
    synced(stores, second)
    stores.later(seconds=1)
    synced(stores, first)
    stores.later(seconds=300)
    expected = [never.account_id, second.account_id, first.account_id]
    assert due(stores) == expected
    assert due(stores, limit=2) == expected[:2]


def test_what_is_not_ready_is_not_due(stores: Stores) -> None:
    failed, resting, leased, bare = (stores.account() for _ in range(4))
    stores.accounts.save(replace(draft_of(stores, bare), incoming=None))
    rest = RunOutcome(error_reason="no", error_count=1, status=AccountStatus.FAILING)
    synced(stores, failed, replace(rest, status=AccountStatus.FAILED))
    until = stores.now + timedelta(seconds=900)
    synced(stores, resting, replace(rest, next_attempt=until))
    stores.later(seconds=600)
    stores.lease(leased)
    assert due(stores) == []
    stores.later(seconds=300)
    assert due(stores) == [resting.account_id, leased.account_id]  # its lease has run out as well


def draft_of(stores: Stores, account: Account):  # type: ignore[no-untyped-def]
    owner = next(
        a for a in stores.principals.associates() if a.associate_id == account.associate_id
    )
    return draft(owner, account_id=account.account_id)


def test_healthy_are_those_whose_last_sync_succeeded(stores: Stores) -> None:
    good, failing, _ = (stores.account() for _ in range(3))
    synced(stores, good)
    synced(stores, failing, RunOutcome(error_reason="no", status=AccountStatus.FAILING))
    ((account_id, server, updated),) = stores.accounts.healthy()
    assert (account_id, server, updated) == (good.account_id, "imap.example.com", good.updated)
    stores.later(seconds=5)
    stores.accounts.save(replace(draft_of(stores, good), incoming=auth(server="other.example.com")))
    assert stores.accounts.healthy() == [(good.account_id, "other.example.com", stores.now)]
