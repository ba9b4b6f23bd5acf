"""What people see of a running sync is never older than a second, and gone when it is over."""

from __future__ import annotations

import time

import pytest

from services84.errors import StoreUnavailable
from services84.store.database import utc_now
from services84.store.progress import ProgressStore
from services84.store.values import RunProgress
from services84.sync.telling import Telling
from services84.sync.values import Progress

DEADLINE = 30.0
NEVER = 3600.0  # seconds


class Kept(ProgressStore):
    """A store that notes what it is told; it can be out of order."""

    def __init__(self) -> None:
        self.written: list[int] = []
        self.dropped = 0
        self.broken = False

    def write(self, run_id: int, progress: RunProgress) -> None:
        if self.broken:
            raise StoreUnavailable("gone")
        self.written.append(progress.messages_done)

    def drop(self, run_id: int) -> None:
        if self.broken:
            raise StoreUnavailable("gone")
        self.dropped += 1


@pytest.fixture
def store() -> Kept:
    return Kept()


def progress(done: int) -> Progress:
    return Progress("INBOX", 0, 1, done, 100, done * 1000)


def test_whoever_started_the_sync_hears_everything(store: Kept) -> None:
    heard: list[Progress] = []
    telling = Telling(store, 1, utc_now, heard.append, every=NEVER)
    for done in range(5):
        telling(progress(done))
    telling.over()
    assert heard == [progress(done) for done in range(5)]


def test_a_short_sync_writes_nothing(store: Kept) -> None:
    telling = Telling(store, 1, utc_now, None, every=NEVER)
    telling(progress(1))
    telling.over()
    assert (store.written, store.dropped) == ([], 0)


def test_a_sync_that_stands_still_has_told_the_last(store: Kept) -> None:
    telling = Telling(store, 1, utc_now, None, every=0.2)
    for done in range(1, 51):
        telling(progress(done))
    deadline = time.monotonic() + DEADLINE
    while not store.written or store.written[-1] != 50:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert len(store.written) < 50
    telling.over()
    assert store.dropped == 1


def test_nothing_is_written_after_the_end(store: Kept) -> None:
    telling = Telling(store, 1, utc_now, None, every=0)
    telling(progress(1))
    assert store.written == [1]
    telling.over()
    telling._later()  # as a timer that came late
    assert store.written == [1]


def test_a_database_that_is_away_hinders_no_sync(store: Kept) -> None:
    telling = Telling(store, 1, utc_now, None, every=0)
    telling(progress(1))
    store.broken = True
    telling(progress(2))
    telling.over()
    assert store.written == [1]


def test_without_a_store_it_only_passes_on() -> None:
    heard: list[Progress] = []
    telling = Telling(None, 1, utc_now, heard.append)
    telling(progress(1))
    telling.over()
    assert heard == [progress(1)]
