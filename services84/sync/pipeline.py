"""Work that is done ahead in another thread while the caller is busy; knows nothing of mail.

Only for work that waits (for a network): two threads that compute share one interpreter, and lose
more by handing it to each other than they gain. Measured: committing in a third thread made a
sync slower, since SQLite lets go of the interpreter with every row.
"""

from __future__ import annotations

import contextvars
import math
import threading
from collections import deque
from collections.abc import Callable, Generator
from contextlib import closing
from typing import Generic, TypeVar

T = TypeVar("T")

DEPTH = 3  # items that are made while the caller works on one


def ahead(
    source: Generator[T, None, None],
    depth: int = DEPTH,
    *,
    weight: Callable[[T], float] = lambda _item: 0,
    most: float = math.inf,
) -> Generator[T, None, None]:
    """The items of `source`; while the caller works on one, another thread makes the next ones: at
    most `depth`, and no more once those that wait weigh `most`.

    Order is kept, and an error comes out in its place. Close it (contextlib.closing) when leaving
    early: that waits for the item under way, and closes `source`.
    """
    line = _Line(source, depth, weight, most)
    line.thread.start()
    try:
        while line.comes():
            yield line.take()
        if line.failure is not None:
            raise line.failure
    finally:
        line.leave()


class _Line(Generic[T]):
    """The items that wait for the caller, and the thread that makes them."""

    def __init__(
        self,
        source: Generator[T, None, None],
        depth: int,
        weight: Callable[[T], float],
        most: float,
    ) -> None:
        self._source = source
        self._depth = depth
        self._weight = weight
        self._most = most
        self._changed = threading.Condition()
        self._made: deque[T] = deque()
        self._over = self._left = False
        self.failure: BaseException | None = None
        # What it logs belongs to the caller's request.
        run = contextvars.copy_context().run
        self.thread = threading.Thread(target=run, args=(self._make,), name="ahead", daemon=True)

    # The caller's side ---------------------------------------------------------------------------

    def comes(self) -> bool:
        """Wait for the next item; false when there is none."""
        with self._changed:
            self._changed.wait_for(lambda: self._made or self._over)
            return bool(self._made)

    def take(self) -> T:
        """The next item, which has come. Nothing keeps it here."""
        with self._changed:
            self._changed.notify_all()
            return self._made.popleft()

    def leave(self) -> None:
        """Have no more made; waits for the one under way."""
        with self._changed:
            self._left = True
            self._changed.notify_all()
        self.thread.join()

    # The thread ----------------------------------------------------------------------------------

    def _make(self) -> None:
        try:
            with closing(self._source):
                while self._has_room():
                    item = next(self._source)
                    with self._changed:
                        self._made.append(item)
                        self._changed.notify_all()
                    del item
        except StopIteration:
            pass
        except BaseException as error:
            self.failure = error
        finally:
            with self._changed:
                self._over = True
                self._changed.notify_all()

    def _has_room(self) -> bool:
        """Wait until another one may be made; false when nobody wants it any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._left or self._is_short())
            return not self._left

    def _is_short(self) -> bool:
        return len(self._made) < self._depth and sum(map(self._weight, self._made)) < self._most
