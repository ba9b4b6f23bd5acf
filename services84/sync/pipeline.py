"""Work that is done ahead in another thread while the caller is busy; knows nothing of mail.

Only for work that waits (for a network): two threads that compute share one interpreter, and lose
more by handing it to each other than they gain. Measured: committing in a third thread made a
sync slower, since SQLite lets go of the interpreter with every row.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def ahead(
    source: Iterable[T], meanwhile: Callable[[], None] = lambda: None
) -> Generator[T, None, None]:
    """The items of `source`; while the caller works on one, another thread makes the next. While
    the first one is made, this one does `meanwhile`.

    Order is kept, and an error comes out in its place. Close it (contextlib.closing) when leaving
    early: that waits for the item under way.
    """
    iterator, end = iter(source), object()
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as thread:
        coming = thread.submit(next, iterator, end)
        meanwhile()
        while (item := coming.result()) is not end:
            coming = thread.submit(next, iterator, end)
            yield item  # type: ignore[misc]
            del item  # not to be kept while the next one is waited for
