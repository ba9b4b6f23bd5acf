"""Pages of accounts: without gaps, in the same order both ways, for one associate or for all."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services84.store.overview import Overview, Shown, Wanted
from services84.store.progress import ProgressStore
from services84.store.values import RunOutcome, RunProgress
from tests.store.conftest import Stores


def addresses(stores: Stores, wanted: Wanted, **place: int) -> list[str]:
    page = Overview(stores.database).page(wanted, stores.now, limit=100, **place)
    assert page.total == len(page.accounts) or place
    return [one.email_address for one in page.accounts]


def test_an_associate_finds_its_own_and_others_find_all(stores: Stores) -> None:
    anna, bert = stores.associate("Anna"), stores.associate("Bert")
    stores.account(anna, "Zoe@example.com")
    stores.account(bert, "bert@example.com")
    stores.account(anna, "anna@example.com")
    assert addresses(stores, Wanted(anna.associate_id)) == ["anna@example.com", "Zoe@example.com"]
    assert len(addresses(stores, Wanted())) == 3
    assert addresses(stores, Wanted(bert.associate_id, "anna")) == []
    assert addresses(stores, Wanted(text="  ZOE@")) == ["Zoe@example.com"]
    assert addresses(stores, Wanted(text="bert")) == ["bert@example.com"]


@pytest.mark.parametrize("text", ["%", "_", "\\", "'", '"', "a' OR '1'='1", "\x00", "é" * 100])
def test_what_is_looked_for_is_text_and_no_pattern(stores: Stores, text: str) -> None:
    stores.account(address="anna@example.com")
    assert addresses(stores, Wanted(text=text)) == []


def test_pages_go_both_ways_over_the_same_accounts(stores: Stores) -> None:
    owner = stores.associate()
    for number in range(7):
        stores.account(owner, f"{number * 3 % 7}@example.com")
    overview, seen, after = Overview(stores.database), [], None
    while True:
        page = overview.page(Wanted(), stores.now, limit=3, after=after)
        seen.append([one.email_address[0] for one in page.accounts])
        if not page.behind:
            break
        after = page.accounts[-1].account_id
    assert seen == [["0", "1", "2"], ["3", "4", "5"], ["6"]]
    assert page.before
    back = overview.page(Wanted(), stores.now, limit=3, before=page.accounts[0].account_id)
    assert [one.email_address[0] for one in back.accounts] == ["3", "4", "5"]
    assert (back.before, back.behind) == (True, True)
    first = overview.page(Wanted(), stores.now, limit=3, before=back.accounts[0].account_id)
    assert [one.email_address[0] for one in first.accounts] == ["0", "1", "2"]
    assert first.before is False


def test_a_place_that_is_gone_leads_to_the_first_page(stores: Stores) -> None:
    stores.account()
    page = Overview(stores.database).page(Wanted(), stores.now, limit=3, after=999)
    assert (len(page.accounts), page.before) == (1, False)


def test_what_is_shown_can_be_narrowed(stores: Stores) -> None:
    owner = stores.associate()
    new, syncing, failing = (
        stores.account(owner, f"{name}@example.com") for name in ("new", "syncing", "failing")
    )
    outcome = RunOutcome(error_reason="refused", error_count=1, error_kind="LoginRefused")
    stores.accounts.finish_run(stores.lease(failing), outcome, stores.now)
    lease = stores.lease(syncing)
    overview = Overview(stores.database)
    (found,) = overview.page(Wanted(shown=Shown.SYNCING), stores.now, limit=9).accounts
    assert found.account_id == syncing.account_id
    assert new.account_id in {
        one.account_id
        for one in overview.page(Wanted(shown=Shown.NEW), stores.now, limit=9).accounts
    }
    (run,) = overview.runs(failing.account_id, 9)
    assert (run.error_kind, run.error_reason) == ("LoginRefused", "refused")
    assert overview.some([lease.account_id, 999], owner.associate_id + 1) == []
    assert [one.account_id for one in overview.some([lease.account_id], None)] == [lease.account_id]


def test_progress_is_of_the_run_that_has_the_account(stores: Stores) -> None:
    progress = ProgressStore(stores.database)
    account = stores.account()
    ids = [account.account_id]
    assert progress.of(ids, stores.now) == {}
    lease = stores.lease(account)
    for done in (1, 2):
        told = RunProgress("Entwürfe", 0, 3, done, 9, 2**40, stores.now)
        progress.write(lease.run_id, told)
    assert progress.of(ids, stores.now) == {account.account_id: told}
    assert progress.of(ids, stores.now + timedelta(hours=1)) == {}  # the lease ran out
    progress.drop(lease.run_id)
    assert progress.of(ids, stores.now) == {}
    progress.write(lease.run_id, told)
    stores.accounts.finish_run(lease, RunOutcome(), stores.now)
    assert progress.of(ids, stores.now) == {}
