"""Two helpers that let a folder's messages be fetched, read and written at the same time.

They know nothing of mail. Order is kept, at most one item waits at either end, and an error comes
out in the caller's thread.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")


def ahead(source: Iterable[T]) -> Generator[T, None, None]:
    """The items of `source`; while the caller works on one, another thread makes the next.

    Close it (contextlib.closing) when leaving early: that waits for the item under way.
    """
    iterator, end = iter(source), object()
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as thread:
        coming = thread.submit(next, iterator, end)
        while (item := coming.result()) is not end:
            coming = thread.submit(next, iterator, end)
            yield item  # type: ignore[misc]
            del item  # not to be kept while the next one is waited for


class Behind(Generic[T]):
    """Writes items one after the other, in another thread; a context manager.

    `write` is called there, `written` in the caller's thread once an item is written: at the next
    `put`, or at the end. After an error nothing more is written but what was under way.
    """

    def __init__(self, write: Callable[[T], None], written: Callable[[T], None]) -> None:
        self._write = write
        self._written = written
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="behind")
        self._under_way: tuple[T, Future[None]] | None = None

    def __enter__(self) -> Behind[T]:
        return self

    def put(self, item: T) -> None:
        """Have `item` written after the one before; raises what went wrong with that."""
        self._settle()
        self._under_way = item, self._thread.submit(self._write, item)

    def _settle(self) -> None:
        if self._under_way is not None:
            (item, future), self._under_way = self._under_way, None
            future.result()
            self._written(item)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            # After an error, a second one of the item under way would only hide the first.
            if error is None or (self._under_way and not self._under_way[1].exception()):
                self._settle()
        finally:
            self._thread.shutdown()
