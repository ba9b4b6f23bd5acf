"""Waiting for syncs that workers run: one thread looks after all that are waited for.

It asks the database about all of them at once, so that a hundred callers who wait cost one
question at a time. What a caller is told is `remote`'s matter.
"""

from __future__ import annotations

import contextlib
import threading
import time
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field

import structlog

from services84.errors import StoreError
from services84.store.requests import Seen, SyncRequests
from services84.store.values import Run

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.1
PATIENCE = 15.0  # seconds that a database may be out of reach before who waits is told


@dataclass(eq=False)
class Watched:
    """One request that somebody waits for; `answer` is its run, None when it is open no more."""

    account_id: int
    before: int
    answer: Future[Run | None] = field(default_factory=Future)


class RunWatch:
    """Follows requests until a run answers them."""

    def __init__(self, requests: SyncRequests) -> None:
        self._requests = requests
        self._changed = threading.Condition()
        self._watched: set[Watched] = set()
        self._thread: threading.Thread | None = None
        self._well = 0.0  # when the database answered last, monotonic
        self._stopped = False

    def follow(self, account_id: int, before: int) -> Watched:
        """Look out for a run of the account that comes after the run `before`."""
        watched = Watched(account_id, before)
        with self._changed:
            if self._stopped:
                watched.answer.cancel()
                return watched
            self._watched.add(watched)
            if self._thread is None:
                self._well = time.monotonic()
                self._thread = threading.Thread(target=self._run, name="runs", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        return watched

    def forget(self, watched: Watched) -> None:
        """Nobody waits for it any more."""
        with self._changed:
            self._watched.discard(watched)

    def stop(self) -> None:
        """Cancel what is waited for, and let nobody wait any more."""
        with self._changed:
            self._stopped = True
            left, self._watched = self._watched, set()
            self._changed.notify_all()
        for watched in left:
            watched.answer.cancel()

    # In the thread -------------------------------------------------------------------------------

    def _run(self) -> None:
        while (watched := self._next()) is not None:
            try:
                self._look(watched)
            except Exception as error:
                if not isinstance(error, StoreError):
                    log.exception("runs.defect")
                self._fail(watched, error)
            else:
                self._well = time.monotonic()

    def _next(self) -> list[Watched] | None:
        """What is waited for, after a pause; None when that is nothing."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped, POLL_SECONDS)
            if not self._watched:
                self._thread = None
                return None
            return list(self._watched)

    def _look(self, watched: list[Watched]) -> None:
        oldest: dict[int, int] = {}
        for one in watched:
            oldest[one.account_id] = min(one.before, oldest.get(one.account_id, one.before))
        seen = self._requests.look(oldest)
        for one in watched:
            self._tell(one, seen[one.account_id])

    def _tell(self, one: Watched, seen: Seen) -> None:
        run = seen.run if seen.run is not None and seen.run.run_id > one.before else None
        if run is not None or not seen.is_open:
            self.forget(one)
            with contextlib.suppress(InvalidStateError):  # it was cancelled meanwhile
                one.answer.set_result(run)

    def _fail(self, watched: list[Watched], error: Exception) -> None:
        """A database that is started anew is waited for; longer than that nobody has to wait."""
        if isinstance(error, StoreError) and time.monotonic() - self._well < PATIENCE:
            return
        for one in watched:
            self.forget(one)
            with contextlib.suppress(InvalidStateError):
                one.answer.set_exception(error)
