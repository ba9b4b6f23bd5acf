"""What is done again and again: how often, until when, and by how many threads."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from services84.sync import ticking

DEADLINE = 10.0


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A clock of the test's own, whose thread goes soon after."""
    monkeypatch.setattr(ticking, "IDLE_SECONDS", 0.05)
    monkeypatch.setattr(ticking, "_clock", ticking._Clock())
    yield
    until(lambda: ticking._clock._thread is None)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


class Counted:
    """An action that counts how often it is done, and fails or ends as it is told."""

    def __init__(self, *, last: int = 1_000_000, fails: bool = False) -> None:
        self.times = 0
        self.threads: set[int] = set()
        self._last = last
        self._fails = fails

    def __call__(self) -> bool:
        self.times += 1
        self.threads.add(threading.get_ident())
        if self._fails:
            raise ValueError("a defect")
        return self.times < self._last


def test_an_action_that_fails_is_not_done_again_and_the_others_are() -> None:
    bad, good = Counted(fails=True), Counted()
    ticking.every(0.01, bad)
    tick = ticking.every(0.01, good)
    until(lambda: good.times >= 3)
    tick.stop()
    assert bad.times == 1


def test_what_says_that_it_is_over_is_not_done_again() -> None:
    short, long = Counted(last=2), Counted()
    ticking.every(0.01, short)
    tick = ticking.every(0.01, long)
    until(lambda: long.times >= 6)
    tick.stop()
    assert short.times == 2


def test_what_was_stopped_is_not_done_again() -> None:
    stopped, other = Counted(), Counted()
    first = ticking.every(0.01, stopped)
    second = ticking.every(0.01, other)
    until(lambda: stopped.times >= 1)
    first.stop()
    seen, others = stopped.times, other.times
    until(lambda: other.times >= others + 4)
    second.stop()
    assert stopped.times <= seen + 1  # it may have been under way


def test_what_is_due_sooner_does_not_wait_for_what_is_due_later() -> None:
    slow, quick = Counted(), Counted()
    late = ticking.every(3600, slow)
    tick = ticking.every(0.01, quick)
    until(lambda: quick.times >= 2)
    tick.stop()
    late.stop()
    assert slow.times == 0


def test_one_thread_does_it_all_and_ends_when_there_is_nothing_to_do() -> None:
    counted = [Counted() for _ in range(20)]
    ticks = [ticking.every(0.01, one) for one in counted]
    until(lambda: all(one.times for one in counted))
    for tick in ticks:
        tick.stop()
    assert len({thread for one in counted for thread in one.threads}) == 1
    assert threading.get_ident() not in counted[0].threads
    until(lambda: ticking._clock._thread is None)
    again = Counted()
    tick = ticking.every(0.01, again)
    until(lambda: again.times >= 1)
    tick.stop()


def test_a_forked_child_has_a_thread_of_its_own() -> None:
    tick = ticking.every(0.01, Counted())
    child = os.fork()
    if not child:
        try:
            counted = Counted()
            ticking.every(0.01, counted)
            until(lambda: counted.times >= 2)
            os._exit(7)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    tick.stop()
    assert os.waitstatus_to_exitcode(status) == 7
