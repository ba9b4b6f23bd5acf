"""The threads in which syncs run: never too many, those with a slot first, an end within time."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from services84.sync.executor import LocalExecutor
from services84.sync.slots import Slot
from services84.sync.values import Postponed, ProgressCallback

DEADLINE = 10.0
SLOT = Slot(1, "imap.example.com")


class Work:
    """A job that waits until it is let go; notes the order in which it was begun."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.one_began = threading.Semaphore(0)
        self.go = threading.Event()

    def __call__(
        self, account_id: int, progress: ProgressCallback | None, slot: Slot | None
    ) -> Postponed:
        self.begun.append(account_id)
        self.one_began.release()
        assert self.go.wait(DEADLINE)
        if account_id < 0:
            raise ValueError("negative")
        return Postponed.ELSEWHERE


@pytest.fixture
def work() -> Iterator[Work]:
    made = Work()
    yield made
    made.go.set()


def test_at_most_so_many_run_and_those_with_a_slot_are_next(work: Work) -> None:
    executor = LocalExecutor(work, 2)
    futures = [executor.submit(number) for number in (1, 2, 3, 4)]
    for _ in range(2):
        assert work.one_began.acquire(timeout=DEADLINE)
    futures.append(executor.submit(5, None, SLOT))
    assert executor.load == 5
    assert sorted(work.begun) == [1, 2]
    work.go.set()
    assert {future.result(DEADLINE) for future in futures} == {Postponed.ELSEWHERE}
    assert work.begun[2] == 5
    assert executor.wait(DEADLINE)
    assert executor.load == 0


def test_what_a_job_raises_reaches_who_asked_and_ends_no_thread(work: Work) -> None:
    work.go.set()
    executor = LocalExecutor(work, 1)
    with pytest.raises(ValueError, match="negative"):
        executor.submit(-1).result(DEADLINE)
    assert executor.submit(1).result(DEADLINE) is Postponed.ELSEWHERE


def test_a_stop_cancels_what_has_not_begun_and_waits_no_longer_than_it_is_told(
    work: Work,
) -> None:
    executor = LocalExecutor(work, 1)
    running, waiting = executor.submit(1), executor.submit(2)
    assert work.one_began.acquire(timeout=DEADLINE)
    executor.stop()
    assert waiting.cancelled()
    with pytest.raises(RuntimeError):
        executor.submit(3)
    assert not executor.wait(0.05)
    work.go.set()
    assert executor.wait(DEADLINE)
    assert running.result(DEADLINE) is Postponed.ELSEWHERE
