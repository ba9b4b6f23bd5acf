"""Attempts to sign in: counted before they are verified, slowed down, forgotten."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from services84.store.attempts import Counter, LoginAttempts
from services84.store.slowdown import delay_after, faded
from services84.store.tables import login_attempt
from tests.store.conftest import Stores

ANNA = Counter("name:anna", free=2, cap=900)
BERT = Counter("name:bert", free=2, cap=900)
OFFICE = Counter("address:192.0.2.1", free=2, cap=30, shared=True)


@pytest.fixture
def attempts(stores: Stores) -> LoginAttempts:
    return LoginAttempts(stores.database)


def fail(attempts: LoginAttempts, stores: Stores, *counters: Counter, times: int) -> None:
    for _ in range(times):
        assert attempts.begin(counters, stores.now) is None


def until(attempts: LoginAttempts, stores: Stores, counter: Counter) -> datetime | None:
    return attempts.begin([counter], stores.now)


@pytest.mark.parametrize(
    ("failures", "delay"), [(0, 0), (5, 0), (6, 1), (7, 2), (8, 4), (16, 900), (10**9, 900)]
)
def test_delays_double_up_to_the_cap(failures: int, delay: float) -> None:
    assert delay_after(failures, free=5, cap=900) == delay


@pytest.mark.parametrize(
    ("hours", "left"), [(-1, 100), (0, 100), (0.9, 100), (1, 50), (3, 12), (99, 0)]
)
def test_counts_fade(hours: float, left: int) -> None:
    assert faded(100, timedelta(hours=hours)) == left


def test_free_failures_block_nobody_and_more_do(stores: Stores, attempts: LoginAttempts) -> None:
    fail(attempts, stores, ANNA, times=3)
    assert until(attempts, stores, ANNA) == stores.now + timedelta(seconds=1)
    assert until(attempts, stores, BERT) is None
    stores.later(seconds=1)
    assert until(attempts, stores, ANNA) is None
    assert until(attempts, stores, ANNA) == stores.now + timedelta(seconds=2)


def test_a_blocked_attempt_counts_for_nothing(stores: Stores, attempts: LoginAttempts) -> None:
    fail(attempts, stores, ANNA, times=3)
    for _ in range(50):
        assert attempts.begin([ANNA, OFFICE], stores.now) is not None
    assert until(attempts, stores, OFFICE) is None
    assert until(attempts, stores, ANNA) == stores.now + timedelta(seconds=1)


def test_many_at_once_are_slowed_down_as_well(stores: Stores, attempts: LoginAttempts) -> None:
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: attempts.begin([ANNA], stores.now), range(60)))
    assert answers.count(None) == ANNA.free + 1


def test_every_spelling_of_a_name_counts_as_that_name(
    stores: Stores, attempts: LoginAttempts
) -> None:
    for name in ("name:anna", "name:ANNA", "name:\uff41nna"):
        fail(attempts, stores, Counter(name, 2, 900), times=1)
    assert until(attempts, stores, Counter("name:Anna", 2, 900)) is not None


def test_success_forgets_ones_own_failures(stores: Stores, attempts: LoginAttempts) -> None:
    fail(attempts, stores, ANNA, times=2)
    attempts.succeeded([ANNA])
    fail(attempts, stores, ANNA, times=3)


def test_success_takes_back_only_its_own_attempt_from_what_others_share(
    stores: Stores, attempts: LoginAttempts
) -> None:
    for _ in range(20):  # an office where everybody signs in well
        fail(attempts, stores, OFFICE, times=1)
        attempts.succeeded([OFFICE])
    fail(attempts, stores, OFFICE, times=3)
    attempts.succeeded([ANNA])
    assert until(attempts, stores, OFFICE) is not None


def test_what_others_share_blocks_nobody_for_long(stores: Stores, attempts: LoginAttempts) -> None:
    for _ in range(40):
        attempts.begin([OFFICE], stores.now)
        stores.later(seconds=31)
    blocked = until(attempts, stores, OFFICE)
    assert blocked is None or blocked - stores.now <= timedelta(seconds=30)


def test_nothing_that_was_typed_is_stored(stores: Stores, attempts: LoginAttempts) -> None:
    typed = ["my password", "7T:" + "A" * 44, "x" * 100_000, "\x00\ud800"]
    for text in typed:
        fail(attempts, stores, Counter(f"name:{text}", 2, 900), times=3)
        assert until(attempts, stores, Counter(f"name:{text}", 2, 900)) is not None
    with stores.database.reading() as connection:
        keys = connection.scalars(select(login_attempt.c.key)).all()
    assert all(key.startswith("sha256:") and len(key) == 71 for key in keys)


def test_quiet_counters_are_dropped_after_a_day(stores: Stores, attempts: LoginAttempts) -> None:
    fail(attempts, stores, ANNA, times=3)
    stores.later(days=1, seconds=1)
    fail(attempts, stores, BERT, times=1)
    assert attempts.forget_old(stores.now) == 1
    fail(attempts, stores, ANNA, times=1)
