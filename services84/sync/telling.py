"""Tells how far a running sync is: to whoever started it, and to people who look on.

The latter through the database, once a second at most; what came in between is told when that is
over, for a sync may stand still after it. A sync that cannot tell it goes on all the same.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime

import structlog

from services84.errors import StoreError
from services84.store.progress import ProgressStore
from services84.store.values import RunProgress
from services84.sync.values import Progress, ProgressCallback

log = structlog.get_logger(__name__)

EVERY_SECONDS = 1.0


class Telling:
    """The progress of one run; called with it after every commit, by one thread."""

    def __init__(
        self,
        store: ProgressStore | None,
        run_id: int,
        clock: Callable[[], datetime],
        also: ProgressCallback | None,
        every: float = EVERY_SECONDS,
    ) -> None:
        self._store = store
        self._run_id = run_id
        self._clock = clock
        self._also = also
        self._every = every
        self._lock = threading.Lock()
        self._last = time.monotonic()
        self._waiting: RunProgress | None = None
        self._timer: threading.Timer | None = None
        self._written = self._over = False

    def __call__(self, progress: Progress) -> None:
        """Tell it."""
        if self._also is not None:
            self._also(progress)
        if self._store is None:
            return
        with self._lock:
            self._waiting = RunProgress(
                progress.folder,
                progress.folders_done,
                progress.folders_total,
                progress.messages_done,
                progress.messages_total,
                progress.bytes_done,
                self._clock(),
            )
            remaining = self._last + self._every - time.monotonic()
            if self._timer is None and remaining > 0:
                self._timer = threading.Timer(remaining, self._later)
                self._timer.daemon = True
                self._timer.start()
            elif self._timer is None:
                self._write(self._store)

    def _later(self) -> None:
        with self._lock:
            self._timer = None
            if self._store is not None and not self._over:
                self._write(self._store)

    def _write(self, store: ProgressStore) -> None:
        self._last = time.monotonic()
        if self._waiting is None:
            return
        try:
            store.write(self._run_id, self._waiting)
            self._written, self._waiting = True, None
        except StoreError as error:
            log.warning("sync.progress_not_told", run=self._run_id, error=error.message)

    def over(self) -> None:
        """There is nothing more to tell; never raises."""
        with self._lock:
            self._over = True
            if self._timer is not None:
                self._timer.cancel()
            if self._written and self._store is not None:
                try:
                    self._store.drop(self._run_id)
                except StoreError as error:
                    log.warning("sync.progress_not_dropped", run=self._run_id, error=error.message)
