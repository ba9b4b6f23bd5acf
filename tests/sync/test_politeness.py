"""Delays, the accounting of errors, and the keeping of leases."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services84.errors import (
    ConnectionLost,
    LeaseLost,
    LoginRefused,
    MailServerBusy,
    MailServerTimeout,
    Services84Error,
    StoreUnavailable,
)
from services84.store.values import Account, AccountStatus, Lease, RunOutcome
from services84.sync.politeness import LeaseKeeper, backoff, outcome_of_error

NOW = datetime(2026, 5, 1, 8, 0, tzinfo=UTC)
DEADLINE = 10.0


def account(error_count: int) -> Account:
    return Account(
        account_id=1,
        email_address="a@example.com",
        associate_id=1,
        associate_name="anna",
        incoming=None,
        outgoing=None,
        status=AccountStatus.FAILING if error_count else AccountStatus.OK,
        error_count=error_count,
        error_reason="",
        last_success=None,
        next_attempt=None,
        lease_until=None,
        registered=NOW,
        updated=NOW,
    )


def outcome(errors_before: int, error: Services84Error, draw: float = 1.0) -> RunOutcome:
    return outcome_of_error(
        account(errors_before), error, NOW, max_errors=10, base=2.0, cap=600.0, draw=lambda: draw
    )


@pytest.mark.parametrize(
    ("errors", "ceiling"), [(1, 2), (2, 4), (5, 32), (9, 512), (10, 600), (99, 600)]
)
def test_backoff_doubles_up_to_its_cap(errors: int, ceiling: float) -> None:
    assert backoff(errors, base=2.0, cap=600.0, draw=lambda: 1.0) == ceiling


def test_backoff_is_fully_jittered() -> None:
    assert backoff(5, base=2.0, cap=600.0, draw=lambda: 0.0) == 0.0
    assert backoff(5, base=2.0, cap=600.0, draw=lambda: 0.25) == 8.0


def test_the_first_error_is_failing_and_says_why() -> None:
    result = outcome(0, LoginRefused("login refused by mail.example.com"))
    assert result.status is AccountStatus.FAILING
    assert result.error_count == 1
    assert result.error_reason == "login refused by mail.example.com"
    assert result.next_attempt == NOW + timedelta(seconds=2)


def test_the_tenth_consecutive_error_is_failed() -> None:
    assert outcome(8, LoginRefused("no")).status is AccountStatus.FAILING
    assert outcome(9, LoginRefused("no")).status is AccountStatus.FAILED


def test_a_throttled_account_waits_as_long_as_the_server_says_and_never_fails_for_it() -> None:
    result = outcome(20, MailServerBusy("try later", retry_after=900.0))
    assert result.status is AccountStatus.FAILING
    assert result.next_attempt == NOW + timedelta(seconds=900)


def after(*errors: Services84Error) -> RunOutcome:
    """The accounting after these errors, one after the other."""
    now = account(0)
    for error in errors:
        result = outcome_of_error(
            now, error, NOW, max_errors=10, base=2.0, cap=600.0, draw=lambda: 0.0
        )
        now = replace(
            now,
            error_count=result.error_count,
            refused_count=result.refused_count,
            throttled_count=result.throttled_count,
        )
    return result


REFUSED, BUSY = LoginRefused("no"), MailServerBusy("later", retry_after=3.0)
NETWORK = [ConnectionLost("gone"), MailServerTimeout("silent"), StoreUnavailable("locked")]
QUARTER = NOW + timedelta(minutes=15)


def test_from_the_third_refused_login_on_there_is_one_try_a_quarter_of_an_hour() -> None:
    assert after(REFUSED, REFUSED).next_attempt == NOW
    assert after(REFUSED, REFUSED, REFUSED).next_attempt == QUARTER
    assert after(*[REFUSED] * 9).next_attempt == QUARTER
    assert after(*[REFUSED] * 9).status is AccountStatus.FAILING
    assert after(*[REFUSED] * 10).status is AccountStatus.FAILED


@pytest.mark.parametrize("trouble", NETWORK, ids=lambda error: type(error).__name__)
def test_trouble_on_the_way_never_counts_as_a_refused_login(trouble: Services84Error) -> None:
    result = after(REFUSED, REFUSED, *[trouble] * 5)
    assert (result.error_count, result.refused_count) == (7, 2)
    assert result.next_attempt == NOW
    assert after(REFUSED, trouble, REFUSED, trouble, REFUSED).next_attempt == QUARTER


def test_throttling_is_counted_but_neither_as_a_refusal_nor_towards_failed() -> None:
    result = after(*[BUSY] * 20, REFUSED)
    assert (result.error_count, result.refused_count, result.throttled_count) == (21, 1, 20)
    assert result.status is AccountStatus.FAILING
    assert after(*[BUSY] * 20, *[REFUSED] * 10).status is AccountStatus.FAILED
    assert after(*[REFUSED] * 9, BUSY).next_attempt == NOW + timedelta(seconds=3)
    assert after(*[REFUSED] * 9, BUSY).status is AccountStatus.FAILING


def test_our_own_delay_stands_when_it_is_the_longer() -> None:
    result = outcome(9, MailServerBusy("try later", retry_after=1.0))
    assert result.next_attempt == NOW + timedelta(seconds=600)


class Accounts:
    """Counts renewals and fails as it is told."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.renewals = 0
        self.enough = threading.Event()
        self.failure = failure

    def renew_lease(self, lease: Lease, now: datetime, seconds: float) -> Lease:
        self.renewals += 1
        if self.renewals >= 3:
            self.enough.set()
        if self.failure is not None:
            raise self.failure
        return lease


LEASE = Lease(account_id=1, run_id=1, owner="here", until=NOW)


def test_a_lease_is_renewed_for_as_long_as_the_work_takes() -> None:
    accounts = Accounts()
    with LeaseKeeper(accounts, LEASE, 0.03, lambda: NOW) as keeper:
        assert accounts.enough.wait(DEADLINE)
    assert not keeper.lost.is_set()
    seen = accounts.renewals
    assert threading.active_count() >= 1
    assert accounts.renewals == seen


def test_a_lost_lease_is_told() -> None:
    with LeaseKeeper(Accounts(LeaseLost("taken over")), LEASE, 0.03, lambda: NOW) as keeper:
        assert keeper.lost.wait(DEADLINE)


def test_a_database_out_of_reach_is_asked_again() -> None:
    accounts = Accounts(StoreUnavailable("locked"))
    with LeaseKeeper(accounts, LEASE, 0.03, lambda: NOW) as keeper:
        assert accounts.enough.wait(DEADLINE)
        assert not keeper.lost.is_set()
