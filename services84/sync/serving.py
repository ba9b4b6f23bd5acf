"""What a worker does when it is told of an account: take the request, sync, see the request end.

It is told by account id alone. To be told twice, or of what is done already, harms nothing: only
one worker takes a request, and the account's lease lets one sync run. A sync that waits, for its
mail host or for another process, keeps no thread; its request is kept alive meanwhile.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from datetime import datetime, timedelta

import structlog

from services84.errors import (
    CallError,
    Services84Error,
    StoreError,
    SyncInterrupted,
)
from services84.settings import Settings
from services84.store.requests import SyncRequests
from services84.sync.desk import SyncDesk
from services84.sync.values import SyncReport

log = structlog.get_logger(__name__)

STOP_SECONDS = 5.0  # for the thread that keeps requests to end


class Serving:
    """Serves requests with the syncs of a desk; `owner` names this worker."""

    def __init__(
        self,
        desk: SyncDesk,
        requests: SyncRequests,
        settings: Settings,
        clock: Callable[[], datetime],
        owner: str,
    ) -> None:
        self._desk = desk
        self._requests = requests
        self._seconds = settings.lease_seconds
        self._clock = clock
        self._owner = owner
        self._changed = threading.Condition()
        self._taken: set[int] = set()
        self._keeper: threading.Thread | None = None
        self._stopping = False

    def serve(self, account_id: int) -> None:
        """Sync an account that somebody has asked for; comes back when that needs no thread of
        ours any more: it has ended, or waits for its turn. Never raises."""
        try:
            if self._take(account_id):
                self._begin(account_id)
        except StoreError as error:
            # The request is in the database: it is sent again when nobody keeps it.
            log.warning("request.not_taken", account=account_id, error=error.message)
        except Exception:
            log.exception("request.defect", account=account_id)

    def stop(self) -> None:
        """Keep nothing any more; for the end, when the desk has been stopped."""
        with self._changed:
            self._stopping = True
            keeper = self._keeper
            self._changed.notify_all()
        if keeper is not None:
            keeper.join(STOP_SECONDS)

    def _take(self, account_id: int) -> bool:
        with self._changed:
            if self._stopping or account_id in self._taken:
                return False
        if not self._requests.take(account_id, self._owner, self._clock(), seconds=self._seconds):
            return False
        with self._changed:
            self._taken.add(account_id)
            if self._keeper is None:
                self._keeper = threading.Thread(target=self._keep, name="requests", daemon=True)
                self._keeper.start()
        return True

    def _begin(self, account_id: int) -> None:
        try:
            promise, step = self._desk.begin(account_id)
        except Services84Error as error:
            self._ended(account_id, error)
            return
        promise.add_done_callback(lambda done: self._ended(account_id, _error_of(done)))
        if step is not None:
            wait([step])

    # The end of a request ------------------------------------------------------------------------

    def _ended(self, account_id: int, error: BaseException | None) -> None:
        with self._changed:
            self._taken.discard(account_id)
        try:
            if isinstance(error, SyncInterrupted):  # it goes on, at once if need be
                self._requests.give_back(account_id, self._owner, self._clock())
            elif isinstance(error, CallError | None):  # done, or the account's row says why not
                self._requests.end(account_id, self._owner)
            else:  # no fault of the account's: not at once again
                later = self._clock() + timedelta(seconds=self._seconds)
                self._requests.give_back(account_id, self._owner, later)
        except StoreError as trouble:
            log.warning("request.not_ended", account=account_id, error=trouble.message)

    # What is taken is kept -----------------------------------------------------------------------

    def _keep(self) -> None:
        while (taken := self._kept()) is not None:
            with contextlib.suppress(StoreError):  # tried again at the next third
                if taken:
                    self._requests.keep(taken, self._owner, self._clock(), seconds=self._seconds)

    def _kept(self) -> frozenset[int] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopping, self._seconds / 3)
            return None if self._stopping else frozenset(self._taken)


def _error_of(done: Future[SyncReport]) -> BaseException | None:
    """Why a sync did not come to its end; a failed sync has, and the account's row tells of it."""
    failure = done.exception()
    if failure is not None:
        return failure
    error = done.result().error
    return error if isinstance(error, SyncInterrupted) else None
