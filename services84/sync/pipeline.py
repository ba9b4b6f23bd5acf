"""Work that is done ahead in another thread while the caller is busy; knows nothing of mail.

Only for work that waits (for a network): two threads that compute share one interpreter, and lose
more by handing it to each other than they gain. Measured: committing in a third thread made a
sync slower, since SQLite lets go of the interpreter with every row.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

DEPTH = 3  # items that are made while the caller works on one


def ahead(source: Generator[T, None, None], depth: int = DEPTH) -> Generator[T, None, None]:
    """The items of `source`; while the caller works on one, another thread makes the next ones,
    at most `depth`.

    Order is kept, and an error comes out in its place. Close it (contextlib.closing) when leaving
    early: that waits for the item under way, and closes `source`.
    """
    end = object()
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as thread:
        coming = deque(thread.submit(next, source, end) for _ in range(depth))
        try:
            while (item := coming.popleft().result()) is not end:
                coming.append(thread.submit(next, source, end))
                yield item  # type: ignore[misc]
                del item  # not to be kept while the next one is waited for
        finally:
            for one in coming:
                one.cancel()
            thread.submit(source.close).result()
