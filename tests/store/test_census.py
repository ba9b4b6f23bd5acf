"""The census counts what is there, in the state that it has at the moment it is asked for."""

from __future__ import annotations

from datetime import timedelta

from services84.store.census import take_census
from services84.store.values import AccountDraft, AccountStatus, RunOutcome, ServiceAuth
from tests.store.conftest import START, Stores

FAILED = RunOutcome(
    error_reason="refused",
    error_count=1,
    status=AccountStatus.FAILED,
    next_attempt=START + timedelta(hours=1),
)


def add(stores: Stores, associate_id: int, *, server: str = "imap.example.com") -> int:
    auth = ServiceAuth(0, server, 993, "", "anna", password="secret")
    draft = AccountDraft(0, "anna@example.com", associate_id, auth, None)
    return stores.accounts.save(draft).account_id


def finish(stores: Stores, account_id: int, outcome: RunOutcome) -> None:
    lease = stores.accounts.take_lease(account_id, "here", stores.now, 60)
    assert lease is not None
    stores.accounts.finish_run(lease, outcome, stores.now)


def test_an_empty_database_has_none_of_anything(stores: Stores) -> None:
    census = take_census(stores.database, stores.now)
    assert (census.accounts, census.resting, census.syncing) == (0, 0, 0)
    assert census.oldest_success is None


def test_accounts_are_counted_by_status_and_deleted_ones_not_at_all(stores: Stores) -> None:
    anna, bert = stores.associate("anna"), stores.associate("bert")
    good, bad, new = (add(stores, anna.associate_id) for _ in range(3))
    add(stores, bert.associate_id)
    stores.accounts.delete(new)
    finish(stores, good, RunOutcome())
    finish(stores, bad, FAILED)
    everybody = take_census(stores.database, stores.now)
    assert everybody.by_status == {
        AccountStatus.UNKNOWN: 1,
        AccountStatus.FAILING: 0,
        AccountStatus.FAILED: 1,
        AccountStatus.OK: 1,
    }
    mine = take_census(stores.database, stores.now, anna.associate_id)
    assert mine.accounts == 2
    assert mine.resting == 1
    assert take_census(stores.database, START + timedelta(hours=2)).resting == 0


def test_a_sync_counts_while_its_lease_lives(stores: Stores) -> None:
    account_id = add(stores, stores.associate().associate_id)
    stores.accounts.take_lease(account_id, "here", stores.now, 60)
    assert take_census(stores.database, stores.now).syncing == 1
    assert take_census(stores.database, stores.later(seconds=61)).syncing == 0


def test_the_oldest_success_is_of_those_that_shall_be_synced(stores: Stores) -> None:
    owner = stores.associate().associate_id
    failed, no_server, good, new = (
        add(stores, owner),
        add(stores, owner, server=""),
        add(stores, owner),
        add(stores, owner),
    )
    assert no_server
    registered = stores.accounts.get(new, secrets=False)
    assert registered is not None
    finish(stores, failed, FAILED)
    stores.later(hours=1)
    finish(stores, good, RunOutcome())
    census = take_census(stores.database, stores.now)
    assert census.oldest_success == registered.registered
    stores.later(hours=1)
    finish(stores, new, RunOutcome())
    assert take_census(stores.database, stores.now).oldest_success == START + timedelta(hours=1)
