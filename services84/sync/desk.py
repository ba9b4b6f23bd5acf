"""The desk where syncs are asked for: one sync an account, shared by all who ask meanwhile.

Takes requests from operations and from the command line, decides whether to start, join or
refuse, and waits with a deadline. The work itself is the engine's, in the executor's threads.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as WaitOver
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

import structlog

from services84.errors import (
    LeaseLost,
    NotFound,
    Services84Error,
)
from services84.settings import Settings
from services84.store.accounts import AccountStore, Destination
from services84.store.values import Run, RunState
from services84.sync.answers import report_of, resting, serves, shutting_down, syncable
from services84.sync.engine import SyncEngine
from services84.sync.executor import LocalExecutor, Result
from services84.sync.slots import HostSlots, Slot
from services84.sync.values import (
    Postponed,
    ProgressCallback,
    StartReport,
    SyncReport,
    SyncState,
)

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.1  # how often a sync in another process is looked after
FRESH_SECONDS = 1.0  # for which what was read of an account when it was let in is good enough
# How long a stop waits for running syncs to come to a commit, and then for those whose
# connections it has cut; together well below the 30 s after which gunicorn kills.
COMMIT_SECONDS = 8.0
CUT_SECONDS = 5.0


@dataclass(frozen=True)
class _Begun:
    """A sync that was asked for: its report to come, whether it was under way already, and the
    work for which it needs a thread here, if it does."""

    promise: Future[SyncReport]
    joined: bool
    step: Future[Result] | None = None


class SyncDesk:
    """Starts, shares and awaits syncs; a `Desk`.

    `owner` names this process in leases. A sync that another process runs is watched through the
    database, by one thread however many callers wait for it.
    """

    def __init__(
        self,
        accounts: AccountStore,
        engine: SyncEngine,
        slots: HostSlots,
        settings: Settings,
        clock: Callable[[], datetime],
        owner: str,
    ) -> None:
        self._accounts = accounts
        self._engine = engine
        self._slots = slots
        self._settings = settings
        self._clock = clock
        self._owner = owner
        self._lock = threading.Lock()
        self._under_way: dict[int, Future[SyncReport]] = {}
        self._admitted: dict[int, tuple[float, Destination]] = {}  # when they were let in
        self._before: dict[int, int | None] = {}  # the last run when a sync began to wait
        self._stopping = threading.Event()
        self._executor = LocalExecutor(self._run, settings.sync_parallel)

    def sync(
        self,
        account_id: int,
        *,
        asked: datetime | None = None,
        wait: float | None = None,
        force: bool = False,
        progress: ProgressCallback | None = None,
    ) -> SyncReport:
        """Sync one account and wait for it, at most `wait` seconds (default: SYNC_WAIT).

        `asked` is when the caller asked: a sync that another caller started after that has seen
        everything that this caller can expect, and serves it too. `force` ignores the backoff.
        The report says `running` when the wait was over first. Raises NotFound, AccountInactive,
        MailServerBusy while the account rests after an error, StoreError.
        """
        begun = time.monotonic()
        run = self._accounts.latest_run(account_id) if asked is not None else None
        if run is not None and serves(run, asked, self._owner):
            return report_of(run)
        begin = self._start_or_join(account_id, force=force, progress=progress)
        try:
            report = begin.promise.result(self._settings.sync_wait if wait is None else wait)
        except WaitOver:
            return SyncReport(account_id, SyncState.RUNNING, seconds=time.monotonic() - begun)
        return replace(report, state=SyncState.SHARED, skipped=()) if begin.joined else report

    def start_many(self, account_ids: Iterable[int]) -> StartReport:
        """Start syncs without waiting; an account under way is joined, a resting one refused."""
        started: list[int] = []
        joined: list[int] = []
        refused: dict[int, str] = {}
        for account_id in dict.fromkeys(account_ids):
            try:
                begun = self._start_or_join(account_id, force=False, progress=None)
            except Services84Error as error:
                refused[account_id] = error.message
            else:
                (joined if begun.joined else started).append(account_id)
        return StartReport(tuple(started), tuple(joined), refused)

    def begin(self, account_id: int) -> tuple[Future[SyncReport], Future[Result] | None]:
        """Start or join a sync for somebody who waits otherwise: its report, and what is done as
        soon as none of the threads here is needed for it, at the end or while it waits.

        Raises as `sync`.
        """
        begun = self._start_or_join(account_id, force=False, progress=None)
        return begun.promise, begun.step

    def tend(self) -> None:
        """Nothing: what was asked for here ends with this process, and is due again."""

    @property
    def room(self) -> int:
        """How many more syncs could begin at once; those that wait for a slot take no room."""
        return max(0, self._settings.sync_parallel - self._executor.load)

    @property
    def under_way(self) -> frozenset[int]:
        """The accounts that are being synced, or about to be, as far as this process knows."""
        with self._lock:
            return frozenset(self._under_way)

    def stop(self) -> None:
        """End the running syncs at their next commit; comes back within seconds.

        A sync that waits for its mail server in vain has its connection cut.
        """
        self._stopping.set()
        self._engine.stop()
        self._slots.stop_waiting()
        self._executor.stop()
        if not self._executor.wait(COMMIT_SECONDS):
            self._engine.cut_off()
            if not self._executor.wait(CUT_SECONDS):
                log.warning("sync.left_behind", running=self._executor.load)

    # One sync an account -------------------------------------------------------------------------

    def _start_or_join(
        self, account_id: int, *, force: bool, progress: ProgressCallback | None
    ) -> _Begun:
        with self._lock:
            under_way = self._under_way.get(account_id)
            if under_way is not None:
                return _Begun(under_way, joined=True)
            if self._stopping.is_set():
                raise shutting_down()
            # A promise first, so that whoever asks while the database is asked joins it.
            promise: Future[SyncReport] = Future()
            self._under_way[account_id] = promise
        try:
            elsewhere = self._admit(account_id, force=force)
        except BaseException as error:
            self._settle(account_id, promise, error=error)
            raise
        if elsewhere:
            self._watch(account_id, promise)
            return _Begun(promise, joined=True)
        return _Begun(promise, joined=False, step=self._submit(account_id, promise, progress))

    def _admit(self, account_id: int, *, force: bool) -> bool:
        """Whether the account is being synced elsewhere; raises when it may not be synced now."""
        admission = self._accounts.admission(account_id)
        account = syncable(account_id, admission and admission[0])
        now = self._clock()
        if account.lease_until is not None and account.lease_until > now:
            return True
        rest = resting(account, now)
        if rest is not None and not force:
            raise rest
        if admission is not None:
            self._admitted[account_id] = (time.monotonic(), admission[1])
        return False

    def _submit(
        self,
        account_id: int,
        promise: Future[SyncReport],
        progress: ProgressCallback | None,
        slot: Slot | None = None,
    ) -> Future[Result] | None:
        def settle(done: Future[Result]) -> None:
            if promise.done():
                return  # told before the mail server had been left
            if done.cancelled():
                self._give_back(slot)
                self._settle(account_id, promise, error=shutting_down())
            elif (failure := done.exception()) is not None:
                self._settle(account_id, promise, error=failure)
            elif isinstance(result := done.result(), SyncReport):
                if isinstance(result.error, LeaseLost):
                    self._watch(account_id, promise)
                else:
                    self._settle(account_id, promise, report=result)
            elif result is Postponed.ELSEWHERE:
                self._watch(account_id, promise)

        try:
            future = self._executor.submit(account_id, progress, slot)
        except RuntimeError:  # it was stopped meanwhile
            self._give_back(slot)
            self._settle(account_id, promise, error=shutting_down())
            return None
        future.add_done_callback(settle)
        return future

    def _settle(
        self,
        account_id: int,
        promise: Future[SyncReport],
        *,
        report: SyncReport | None = None,
        error: BaseException | None = None,
    ) -> None:
        """Take the promise off the desk, then keep it: who asks from now on starts a new sync."""
        with self._lock:
            self._under_way.pop(account_id, None)
        if error is not None:
            promise.set_exception(error)
        elif report is not None:
            promise.set_result(report)

    def _run(self, account_id: int, progress: ProgressCallback | None, slot: Slot | None) -> Result:
        """The executor's job: with a slot of the mail host take the lease and sync."""
        if self._stopping.is_set():
            raise shutting_down()
        waited = slot is not None
        if slot is None and (to := self._destination(account_id)).server:

            def granted(slot: Slot | None) -> None:
                self._go_on(account_id, progress, slot, to.latest_run)

            slot = self._slots.ask(to.server, granted)
            if slot is None:
                return Postponed.WAITING
        try:
            if waited and (run := self._run_meanwhile(account_id)) is not None:
                return report_of(run)
            return self._run_with(slot, account_id, progress)
        finally:
            self._give_back(slot)

    def _run_with(
        self, slot: Slot | None, account_id: int, progress: ProgressCallback | None
    ) -> Result:
        begun = self._accounts.begin_run(
            account_id, self._owner, self._clock(), self._settings.lease_seconds
        )
        if begun is None:
            if self._accounts.get(account_id, secrets=False) is None:
                raise NotFound(f"no mail account {account_id}")
            return Postponed.ELSEWHERE
        return self._engine.run(*begun, progress, slot, partial(self._tell, account_id))

    def _tell(self, account_id: int, report: SyncReport) -> None:
        """Whoever waits need not wait for the goodbye to the mail server."""
        if not isinstance(report.error, LeaseLost):
            with self._lock:
                promise = self._under_way[account_id]
            self._settle(account_id, promise, report=report)

    def _give_back(self, slot: Slot | None) -> None:
        if slot is not None:
            self._slots.release(slot)

    def _destination(self, account_id: int) -> Destination:
        """What a sync connects to; one that has no server will say so."""
        at, admitted = self._admitted.pop(account_id, (-math.inf, None))
        if admitted is not None and time.monotonic() - at < FRESH_SECONDS:
            return admitted
        admission = self._accounts.admission(account_id)
        if admission is None:
            raise NotFound(f"no mail account {account_id}")
        return admission[1]

    def _run_meanwhile(self, account_id: int) -> Run | None:
        """A run of another process that began and ended while this sync waited for its slot: it
        would find nothing new now, or be refused as that one was."""
        before = self._before.pop(account_id)
        run = self._accounts.latest_run(account_id)
        if run is None or (before is not None and run.run_id <= before):
            return None
        return run if run.ended else None

    def _go_on(
        self,
        account_id: int,
        progress: ProgressCallback | None,
        slot: Slot | None,
        before: int | None,
    ) -> None:
        """The slot that a sync waited for is there, or never will be."""
        with self._lock:
            promise = self._under_way[account_id]
            self._before[account_id] = before
        if slot is None:
            self._settle(account_id, promise, error=shutting_down())
        else:
            self._submit(account_id, promise, progress, slot)

    # A sync in another process -------------------------------------------------------------------

    def _watch(self, account_id: int, promise: Future[SyncReport]) -> None:
        threading.Thread(
            target=self._await_other,
            args=(account_id, promise),
            name=f"watch-{account_id}",
            daemon=True,
        ).start()

    def _await_other(self, account_id: int, promise: Future[SyncReport]) -> None:
        """Wait until the other process's run ends; when that process dies, take over."""
        try:
            run = self._accounts.latest_run(account_id)
            while run is not None and run.state is RunState.RUNNING:
                if self._accounts.current_run(account_id, self._clock()) is None:
                    run = self._accounts.run(run.run_id)
                    break
                if self._stopping.wait(POLL_SECONDS):
                    raise shutting_down()
                run = self._accounts.run(run.run_id)
            if run is None:
                raise NotFound(f"no mail account {account_id}")
            if run.ended:
                self._settle(account_id, promise, report=report_of(run))
            else:
                self._submit(account_id, promise, None)
        except Services84Error as error:
            self._settle(account_id, promise, error=error)
        except BaseException as error:
            log.exception("sync.watch_defect", account=account_id)
            self._settle(account_id, promise, error=error)
