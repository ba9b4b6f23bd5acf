"""One thread that does again and again what has to be done as long as something runs.

For all who need it in a process: a thread for each sync would be begun and ended more often than
it does anything. What is done knows its own failures; it must not take long.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)

IDLE_SECONDS = 20.0  # for which the thread stays when there is nothing to do


class Tick:
    """Something that is done every so many seconds, until it says that it is over, or `stop`."""

    def __init__(self, seconds: float, action: Callable[[], bool]) -> None:
        self.seconds = seconds
        self.action = action
        self.due = time.monotonic() + seconds

    def stop(self) -> None:
        """Not again. It may be under way, and end afterwards."""
        _clock.remove(self)


def every(seconds: float, action: Callable[[], bool]) -> Tick:
    """Have `action` done every so many seconds, the first time after the first of those; it gives
    whether it is to be done again."""
    tick = Tick(seconds, action)
    _clock.add(tick)
    return tick


class _Clock:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._ticks: set[Tick] = set()
        self._thread: threading.Thread | None = None
        self._wakes = 0.0  # when the thread looks at what is due

    def add(self, tick: Tick) -> None:
        with self._changed:
            self._ticks.add(tick)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="ticks", daemon=True)
                self._thread.start()
            elif tick.due < self._wakes:
                self._changed.notify()

    def remove(self, tick: Tick) -> None:
        with self._changed:
            self._ticks.discard(tick)

    def _work(self) -> None:
        while (tick := self._next()) is not None:
            again = False
            try:
                again = tick.action()
            except Exception:
                log.exception("tick.defect")  # of one must not be that of all
            with self._changed:
                tick.due = time.monotonic() + tick.seconds
                if not again:
                    self._ticks.discard(tick)

    def _next(self) -> Tick | None:
        """Wait for what is due first; None when there was nothing for a while."""
        idle_until = time.monotonic() + IDLE_SECONDS
        with self._changed:
            while True:
                now = time.monotonic()
                first = min(self._ticks, key=lambda tick: tick.due, default=None)
                if first is not None and first.due <= now:
                    return first
                if first is None and idle_until <= now:
                    self._thread = None
                    return None
                self._wakes = idle_until if first is None else first.due
                self._changed.wait(self._wakes - now)
                if first is not None:
                    idle_until = time.monotonic() + IDLE_SECONDS


def _forget() -> None:
    """In a forked child: the parent's thread is not there, nor what it did."""
    global _clock  # noqa: PLW0603 (one a process)
    _clock = _Clock()


_clock = _Clock()
os.register_at_fork(after_in_child=_forget)
