"""Order among the threads of a process that use one SQLite file; knows no SQL.

PostgreSQL needs none of this: it has as many writers as rows, and its connections survive a fork
as long as the child leaves them alone.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from services84.errors import StoreUnavailable


class Turn:
    """Whose turn it is to write, within this process.

    SQLite has one writer. Waiting here, without a connection, is fair and wakes up at once;
    SQLite's own lock is polled, and serves for other processes.
    """

    def __init__(self, wait_seconds: float) -> None:
        self._wait_seconds = wait_seconds
        self._lock = threading.Lock()
        self._holder: int | None = None

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Raises StoreUnavailable when the turn does not come."""
        me = threading.get_ident()
        if self._holder == me:
            raise RuntimeError("a transaction inside a transaction of the same thread")
        if not self._lock.acquire(timeout=self._wait_seconds):
            raise StoreUnavailable("the database was busy writing for too long")
        self._holder = me
        try:
            yield
        finally:
            self._holder = None
            self._lock.release()


class Gate:
    """Counts who uses a connection, and lets nobody in while the process forks.

    SQLite's locks belong to a process, its bookkeeping of them to a copy of the process: a child
    that inherits an open connection believes in locks that it does not have, and loses data
    (sqlite.org/howtocorrupt.html, section 2.6). So all connections are closed before a fork.
    """

    def __init__(self, wait_seconds: float) -> None:
        self._wait_seconds = wait_seconds
        self._changed = threading.Condition()
        self._inside = 0
        self._shut = False

    @contextmanager
    def passed(self) -> Iterator[None]:
        """Raises StoreUnavailable when the gate stays shut."""
        with self._changed:
            if not self._changed.wait_for(lambda: not self._shut, self._wait_seconds):
                raise StoreUnavailable("the process was forking for too long")
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    def shut(self, patience: float) -> bool:
        """Let nobody in any more; whether everybody has left within `patience` seconds."""
        with self._changed:
            self._shut = True
            return self._changed.wait_for(lambda: self._inside == 0, patience)

    def open(self) -> None:
        """Let them in again."""
        with self._changed:
            self._shut = False
            self._changed.notify_all()
