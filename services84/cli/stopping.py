"""Ctrl-C and SIGTERM while syncs run: the first asks them to stop, the second ends at once."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from services84.application import Application
from services84.cli.output import complain

AT_ONCE = 2.0  # seconds that syncs get to give their leases back once their connections are cut
POLL_SECONDS = 0.05
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
    """The first signal; `number` says which."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def stoppable(application: Application) -> Iterator[None]:
    """Within, a signal raises Stopped in the main thread; what comes out of here then is the end
    of the process, with 128 and the signal's number, once the syncs have come to a commit."""
    stop = _Stop(application)
    before = {number: signal.signal(number, stop) for number in _SIGNALS}
    try:
        yield
    except Stopped as stopped:
        _close(application)
        stop.end(128 + stopped.number)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _close(application: Application) -> None:
    """Close in another thread: this one, the main thread, has to be awake for the next signal."""
    closing = threading.Thread(target=application.close, daemon=True)
    closing.start()
    while closing.is_alive():
        closing.join(POLL_SECONDS)


class _Stop:
    """The handler of both signals."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._asked = False

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        if not self._asked:
            self._asked = True
            complain("stopping at the next commit, within seconds; Ctrl-C again ends it at once")
            raise Stopped(number)
        for ignored in _SIGNALS:
            signal.signal(ignored, signal.SIG_IGN)
        # In a thread of its own: the main thread may be anywhere, with locks in its hands.
        cutting = threading.Thread(target=self._cut_off, daemon=True)
        cutting.start()
        cutting.join(AT_ONCE)
        _leave(128 + number)

    def end(self, code: int) -> None:
        """End the process, which a sync that is stuck must not keep from it."""
        if self._application.desk.under_way:
            _leave(code)
        sys.exit(code)

    def _cut_off(self) -> None:
        """Break the syncs' connections, on which they give back their leases."""
        self._application.engine.stop()
        self._application.engine.cut_off()
        while self._application.desk.under_way:
            time.sleep(POLL_SECONDS)
        self._application.services.slots.close()


def _leave(code: int) -> None:
    """Without waiting for threads."""
    for stream in (sys.stdout, sys.stderr):
        # The signal may have come in the middle of a write to it.
        with contextlib.suppress(RuntimeError, OSError, ValueError):
            stream.flush()
    os._exit(code)
