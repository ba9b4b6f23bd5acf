"""Requests for syncs: written before a worker is told, taken by one, sent again when nobody does."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from services84.store.requests import LONGEST_PAUSE, Asked, SyncRequests
from services84.store.values import RunOutcome
from tests.store.conftest import Stores

PAUSE = 60.0


@pytest.fixture
def requests(stores: Stores) -> SyncRequests:
    return SyncRequests(stores.database, PAUSE)


def asked(stores: Stores, requests: SyncRequests, *, urgent: bool = False) -> int:
    """A new account, a sync of which was asked for."""
    account_id = stores.account().account_id
    assert requests.ask(account_id, stores.now, urgent=urgent) is not None
    return account_id


def take(stores: Stores, requests: SyncRequests, account_id: int, owner: str = "w1") -> bool:
    return requests.take(account_id, owner, stores.now, seconds=PAUSE)


def overdue(stores: Stores, requests: SyncRequests) -> list[int]:
    return [account_id for account_id, _ in requests.overdue(stores.now, 100)]


def test_there_is_no_request_for_an_account_that_is_not_there(
    stores: Stores, requests: SyncRequests
) -> None:
    assert requests.ask(4711, stores.now, urgent=True) is None
    assert requests.untaken() == 0
    assert requests.look({}) == {}


def test_who_asks_first_has_a_worker_told_and_others_join(
    stores: Stores, requests: SyncRequests
) -> None:
    account_id = stores.account().account_id
    first = requests.ask(account_id, stores.now, urgent=True)
    second = requests.ask(account_id, stores.now, urgent=True)
    assert first == Asked(before=0, joined=False, send=True)
    assert second == Asked(before=0, joined=True, send=False)
    assert requests.untaken() == 1


def test_a_caller_who_waits_makes_a_request_urgent_once(
    stores: Stores, requests: SyncRequests
) -> None:
    account_id = asked(stores, requests)
    first, second = (requests.ask(account_id, stores.now, urgent=True) for _ in range(2))
    assert first is not None
    assert second is not None
    assert (first.send, second.send) == (True, False)
    stores.later(seconds=PAUSE)
    assert requests.overdue(stores.now, 10) == [(account_id, True)]


def test_a_request_that_a_worker_has_needs_no_other_worker(
    stores: Stores, requests: SyncRequests
) -> None:
    account_id = asked(stores, requests)
    assert take(stores, requests, account_id)
    again = requests.ask(account_id, stores.now, urgent=True)
    assert again == Asked(before=0, joined=True, send=False)
    assert requests.untaken() == 0


def test_a_run_that_is_under_way_answers_who_asks_meanwhile(
    stores: Stores, requests: SyncRequests
) -> None:
    account = stores.account()
    lease = stores.lease(account)
    request = requests.ask(account.account_id, stores.now, urgent=True)
    assert request is not None
    assert request.joined
    assert request.before == lease.run_id - 1
    wanted = {account.account_id: request.before}
    assert requests.look(wanted)[account.account_id].run is None
    stores.accounts.finish_run(lease, RunOutcome(new=3), stores.now)
    run = requests.look(wanted)[account.account_id].run
    assert run is not None
    assert (run.run_id, run.new) == (lease.run_id, 3)


@pytest.mark.parametrize("outcome", [RunOutcome(partial=True), RunOutcome(interrupted=True)])
def test_only_a_run_that_came_to_its_end_answers(
    stores: Stores, requests: SyncRequests, outcome: RunOutcome
) -> None:
    account = stores.account()
    before = stores.lease(account)
    stores.accounts.finish_run(before, RunOutcome(), stores.now)
    request = requests.ask(account.account_id, stores.now, urgent=True)
    assert request is not None
    assert request.before == before.run_id
    lease = stores.lease(account)
    stores.accounts.finish_run(lease, outcome, stores.now)
    seen = requests.look({account.account_id: request.before})[account.account_id]
    assert seen.run is None
    assert seen.is_open


def test_of_many_workers_that_are_told_at_once_one_takes_the_request(
    stores: Stores, requests: SyncRequests
) -> None:
    account_id = asked(stores, requests)
    start = threading.Barrier(8)

    def race(number: int) -> bool:
        start.wait()
        return take(stores, requests, account_id, f"w{number}")

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(race, range(8))) == 1


def test_a_dead_workers_request_is_sent_again_and_taken_by_another(
    stores: Stores, requests: SyncRequests
) -> None:
    account_id = asked(stores, requests)
    assert take(stores, requests, account_id, "dead")
    stores.later(seconds=PAUSE - 1)
    assert overdue(stores, requests) == []
    assert not take(stores, requests, account_id, "living")
    stores.later(seconds=1)
    assert overdue(stores, requests) == [account_id]
    requests.sent_again(account_id, stores.now)
    assert take(stores, requests, account_id, "living")
    requests.end(account_id, "dead")  # it comes back to life, and has nothing to say any more
    assert requests.look({account_id: 0})[account_id].is_open


def test_a_worker_that_lives_keeps_what_is_its_own(stores: Stores, requests: SyncRequests) -> None:
    mine, others = asked(stores, requests), asked(stores, requests)
    take(stores, requests, mine, "w1")
    take(stores, requests, others, "w2")
    stores.later(seconds=PAUSE - 1)
    requests.keep([mine, others], "w1", stores.now, seconds=PAUSE)
    stores.later(seconds=2)
    assert overdue(stores, requests) == [others]


def test_what_nobody_takes_is_sent_again_ever_more_rarely(
    stores: Stores, requests: SyncRequests
) -> None:
    account_id = asked(stores, requests)
    pauses = []
    begin = stores.now
    for _ in range(9):
        while not overdue(stores, requests):
            stores.later(seconds=30)
        pauses.append((stores.now - begin).total_seconds() - sum(pauses))
        requests.sent_again(account_id, stores.now)
    assert pauses == [60, 120, 240, 480, 960, 1920, *(3 * [LONGEST_PAUSE])]


def test_what_could_not_be_sent_is_overdue_at_once_unless_somebody_took_it(
    stores: Stores, requests: SyncRequests
) -> None:
    account_id = asked(stores, requests)
    requests.not_sent(account_id, stores.now)
    assert overdue(stores, requests) == [account_id]
    take(stores, requests, account_id)
    requests.not_sent(account_id, stores.now)
    assert overdue(stores, requests) == []
    requests.sent_again(account_id, stores.now)
    assert not take(stores, requests, account_id, "another")


def test_a_request_that_is_given_back_goes_to_another_worker(
    stores: Stores, requests: SyncRequests
) -> None:
    account_id = asked(stores, requests)
    take(stores, requests, account_id, "w1")
    requests.give_back(account_id, "w2", stores.now)
    assert overdue(stores, requests) == []  # it is not w2's
    requests.give_back(account_id, "w1", stores.now)
    assert overdue(stores, requests) == [account_id]
    assert take(stores, requests, account_id, "w2")


def test_a_request_ends_with_its_sync_or_its_account(
    stores: Stores, requests: SyncRequests
) -> None:
    done, deleted = asked(stores, requests), asked(stores, requests)
    take(stores, requests, done)
    requests.end(done, "w1")
    assert not requests.look({done: 0})[done].is_open
    assert not take(stores, requests, done)  # told twice: nothing to do
    stores.accounts.delete(deleted)
    assert not requests.look({deleted: 0})[deleted].is_open
    assert requests.ask(deleted, stores.now, urgent=True) is None
    assert requests.untaken() == 0


def test_an_account_that_was_asked_for_is_not_due_again(
    stores: Stores, requests: SyncRequests
) -> None:
    account_id = asked(stores, requests)
    later = stores.now + timedelta(hours=1)
    assert stores.accounts.due(later, later, 10) == []
    take(stores, requests, account_id)
    requests.end(account_id, "w1")
    assert [one.account_id for one in stores.accounts.due(later, later, 10)] == [account_id]
