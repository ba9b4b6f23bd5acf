"""How many bytes of request bodies one process holds at a time, so that big ones cannot fill it.

A message grows to a few times its body's size while it is read. Small bodies are not counted:
ordinary calls go on while big ones wait for each other.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from services84.errors import ServerBusy

FREE_BYTES = 64 * 1024  # of every body; all threads together hold a few MiB of these
WAIT_SECONDS = 5.0  # for others to finish
RETRY_SECONDS = 10.0  # what a caller is told who has waited in vain


class BodyBudget:
    """`limit` bytes for all shares together; a single body of whatever size fits when alone."""

    def __init__(
        self,
        limit: int,
        *,
        wait: float = WAIT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit
        self._wait = wait
        self._clock = clock
        self._taken = 0
        self._changed = threading.Condition()

    def share(self) -> Share:
        """The share of one request, empty at first; to be given back."""
        return Share(self)

    def _take(self, size: int, own: int) -> None:
        until = self._clock() + self._wait
        with self._changed:
            while self._taken - own and self._taken + size > self._limit:
                left = until - self._clock()
                if left <= 0:
                    raise ServerBusy(
                        "too many large requests at once; try again later", RETRY_SECONDS
                    )
                self._changed.wait(left)
            self._taken += size

    def _give_back(self, size: int) -> None:
        with self._changed:
            self._taken -= size
            self._changed.notify_all()


class Share:
    """What one request's body holds of the budget; a context manager that gives it back."""

    def __init__(self, budget: BodyBudget) -> None:
        self._budget = budget
        self._held = 0

    def cover(self, size: int) -> None:
        """Hold enough for a body of `size` bytes; waits a little, then raises ServerBusy."""
        missing = size - FREE_BYTES - self._held
        if missing > 0:
            self._budget._take(missing, self._held)
            self._held += missing

    def __enter__(self) -> Share:
        return self

    def __exit__(self, *_: object) -> None:
        if self._held:
            self._budget._give_back(self._held)
            self._held = 0
