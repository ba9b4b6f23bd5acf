"""The desk of a process that runs no syncs itself: it asks workers, and waits in the database.

A request is written down before a worker is told of it by the broker, so that it survives the loss
of either. How a broker works is `broker`'s matter, what a worker does `serving`'s.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as WaitOver
from datetime import datetime

from services84.errors import BrokerUnavailable, NotFound, Services84Error, SyncInterrupted
from services84.settings import Settings
from services84.store.accounts import AccountStore
from services84.store.requests import Asked, SyncRequests
from services84.sync.answers import report_of, resting, serves, shutting_down, syncable
from services84.sync.broker import Broker
from services84.sync.runwatch import RunWatch
from services84.sync.values import StartReport, SyncReport, SyncState

# Requests that no worker has taken yet, of those that the scheduler makes: enough to keep
# workers busy until its next look, few enough for a caller's not to be far behind them.
QUEUE_LENGTH = 200
TENDED = 500  # requests that are sent again in one go
ROUNDS = 3  # how often a caller's request that ended without a run is made anew


class RemoteDesk:
    """Asks for syncs and awaits them; `owner` names this process."""

    def __init__(
        self,
        accounts: AccountStore,
        requests: SyncRequests,
        broker: Broker,
        settings: Settings,
        clock: Callable[[], datetime],
        owner: str,
    ) -> None:
        self._accounts = accounts
        self._requests = requests
        self._broker = broker
        self._settings = settings
        self._clock = clock
        self._owner = owner
        self._watch = RunWatch(requests)
        self._stopping = False

    def sync(
        self, account_id: int, *, asked: datetime | None = None, wait: float | None = None
    ) -> SyncReport:
        """As `interface.Desk.sync`."""
        begun = time.monotonic()
        deadline = begun + (self._settings.sync_wait if wait is None else wait)
        run = self._accounts.latest_run(account_id) if asked is not None else None
        if run is not None and serves(run, asked, self._owner):
            return report_of(run)
        for _ in range(ROUNDS):
            request = self._ask(account_id, urgent=True)
            watched = self._watch.follow(account_id, request.before)
            try:
                run = watched.answer.result(max(0.0, deadline - time.monotonic()))
            except (WaitOver, CancelledError):  # a worker goes on with it
                return SyncReport(account_id, SyncState.RUNNING, seconds=time.monotonic() - begun)
            finally:
                self._watch.forget(watched)
            if run is not None:
                return report_of(run, SyncState.SHARED if request.joined else SyncState.COMPLETED)
            # A worker has not begun it; asking again tells why, or has it begun.
        raise SyncInterrupted("the sync was not begun; ask again soon")

    def start_many(self, account_ids: Iterable[int]) -> StartReport:
        """As `Desk.start_many`; what no worker could be told of is refused, and begun later."""
        started: list[int] = []
        joined: list[int] = []
        refused: dict[int, str] = {}
        for account_id in dict.fromkeys(account_ids):
            try:
                request = self._ask(account_id, urgent=False)
            except Services84Error as error:
                refused[account_id] = error.message
            else:
                (joined if request.joined else started).append(account_id)
        return StartReport(tuple(started), tuple(joined), refused)

    @property
    def room(self) -> int:
        """As `Desk.room`."""
        return max(0, QUEUE_LENGTH - self._requests.untaken())

    @property
    def under_way(self) -> frozenset[int]:
        """None: what workers were asked for is in the database, for all to see."""
        return frozenset()

    def tend(self) -> None:
        """As `Desk.tend`."""
        for account_id, urgent in self._requests.overdue(self._clock(), TENDED):
            self._broker.send(account_id, urgent=urgent)
            self._requests.sent_again(account_id, self._clock())

    def stop(self) -> None:
        """Tell who waits that the sync goes on elsewhere, and ask for no more."""
        self._stopping = True
        self._watch.stop()
        self._broker.close()

    def _ask(self, account_id: int, *, urgent: bool) -> Asked:
        if self._stopping:
            raise shutting_down()
        account = syncable(account_id, self._accounts.get(account_id, secrets=False))
        rest = resting(account, self._clock())
        if rest is not None:
            raise rest
        request = self._requests.ask(account_id, self._clock(), urgent=urgent)
        if request is None:
            raise NotFound(f"no mail account {account_id}")
        if request.send:
            self._send(account_id, urgent=urgent)
        return request

    def _send(self, account_id: int, *, urgent: bool) -> None:
        try:
            self._broker.send(account_id, urgent=urgent)
        except BrokerUnavailable:
            self._requests.not_sent(account_id, self._clock())
            raise
