"""One account's sync under its lease: connect, list the folders, sync each, account for the end.

Runs in the caller's thread and knows nothing of queues or callers; `desk` decides when it runs.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from services84.errors import (
    LeaseLost,
    LoginRefused,
    MailServerUnreachable,
    Services84Error,
    SyncInterrupted,
)
from services84.imap.connection import ImapConnection
from services84.metrics import Metrics, outcome_of
from services84.settings import Settings
from services84.store.account_options import AccountOptions
from services84.store.accounts import AccountStore, SealedAccount
from services84.store.folders import FolderStore
from services84.store.items import ItemStore
from services84.store.progress import ProgressStore
from services84.store.values import Account, Lease, RunOutcome, ServiceAuth
from services84.sync import moves
from services84.sync.account import AccountSync
from services84.sync.folder import Tally
from services84.sync.mailbox import MailServers
from services84.sync.notices import Notices
from services84.sync.politeness import LeaseKeeper, outcome_of_error
from services84.sync.slots import Slot
from services84.sync.telling import Telling
from services84.sync.values import ProgressCallback, SyncReport, SyncState

log = structlog.get_logger(__name__)


class Interrupted(Exception):
    """The process is shutting down, or stood still for so long that it may not go on, or it is
    the others' turn; the run ends at a commit and the account stays as it is."""


@dataclass(frozen=True)
class _Task:
    """One sync: what allows it, what it has done so far, and who follows it."""

    lease: Lease
    keeper: LeaseKeeper
    slot: Slot | None
    tally: Tally
    progress: ProgressCallback | None
    until: float = math.inf  # when its turn is over, monotonic


class SyncEngine:
    """Syncs one account at a time; one instance serves any number of threads.

    A sync that takes longer than `turn` seconds ends at its next commit, as interrupted.
    """

    def __init__(
        self,
        accounts: AccountStore,
        folders: FolderStore,
        items: ItemStore,
        mail: MailServers,
        settings: Settings,
        clock: Callable[[], datetime],
        metrics: Metrics | None = None,
        notices: Notices | None = None,
        progress: ProgressStore | None = None,
        *,
        turn: float | None = None,
    ) -> None:
        self._turn = math.inf if turn is None else turn
        self._notices = notices
        self._accounts = accounts
        self._folders = folders
        self._items = items
        self._mail = mail
        self._metrics = metrics or Metrics()
        self._progress = progress
        self._settings = settings
        self._clock = clock
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._open: set[ImapConnection] = set()

    def stop(self) -> None:
        """Make every running sync end at its next commit."""
        self._stopping.set()

    def cut_off(self) -> None:
        """Break the connections of running syncs, which then end without an error counted."""
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            connection.close()

    @property
    def stopping(self) -> bool:
        """Whether `stop` was called."""
        return self._stopping.is_set()

    def run(
        self,
        lease: Lease,
        sealed: SealedAccount,
        progress: ProgressCallback | None = None,
        slot: Slot | None = None,
        told: Callable[[SyncReport], None] = lambda _report: None,
    ) -> SyncReport:
        """Sync the account of `lease` and give the lease back. `sealed` is the account.

        `slot` allows the one connection that is opened; a sync that loses it is interrupted.
        `told` is given the report as soon as nothing of it can change any more: when the end is
        written, and before the connection is closed.

        The report carries the error of a failed sync; it is in the account's row as well. Raises
        StoreError when the end could not be written (the lease then runs out by itself).
        """
        # What is written at the end needs no server: it says goodbye meanwhile.
        with contextlib.ExitStack() as connections:
            report = self._report(lease, sealed, progress, slot, connections)
            told(report)
        return report

    def _report(
        self,
        lease: Lease,
        sealed: SealedAccount,
        progress: ProgressCallback | None,
        slot: Slot | None,
        connections: contextlib.ExitStack,
    ) -> SyncReport:
        started = self._clock()
        tally = Tally()
        telling = Telling(self._progress, lease.run_id, self._clock, progress)
        with LeaseKeeper(
            self._accounts, lease, self._settings.lease_seconds, self._clock
        ) as keeper:
            until = time.monotonic() + self._turn
            task = _Task(lease, keeper, slot, tally, telling, until)
            error = self._attempt(task, sealed, connections)
        telling.over()
        seconds = (self._clock() - started).total_seconds()
        self._count(tally)
        self._metrics.sync_finished(outcome=outcome_of(error), seconds=seconds)
        log.info(
            "sync.finished",
            account=lease.account_id,
            outcome=outcome_of(error),
            new=tally.new,
            changed=tally.changed,
            removed=tally.removed,
            bytes=tally.bytes_done,
            seconds=round(seconds, 3),
            error=error.message if error else None,
        )
        return SyncReport(
            account_id=lease.account_id,
            state=SyncState.COMPLETED,
            new=tally.new,
            changed=tally.changed,
            removed=tally.removed,
            seconds=seconds,
            error=error,
            skipped=tuple(tally.skipped),
        )

    def follow(
        self,
        lease: Lease,
        connection: ImapConnection,
        only: Collection[str],
        told: Sequence[moves.Told] = (),
    ) -> SyncReport:
        """Bring the list of folders and some of the folders (by their server names) level over an
        open connection, and give the lease back.

        Leaves the account's state as it is: what was seen says nothing of the rest. Raises the
        MailServerError, LeaseLost, SyncInterrupted or StoreError that stood in the way.
        """
        started, tally = self._clock(), Tally()
        with LeaseKeeper(
            self._accounts, lease, self._settings.lease_seconds, self._clock
        ) as keeper:
            task = _Task(lease, keeper, None, tally, None)
            try:
                options = self._options(lease.account_id)
                self._account_sync(task, connection, options, only=only, told=told).run()
            except Interrupted:
                raise _interruption()[0] from None
            finally:
                self._count(tally)
                self._finish(lease, RunOutcome(partial=True), tally)
        seconds = (self._clock() - started).total_seconds()
        return SyncReport(
            lease.account_id,
            SyncState.COMPLETED,
            tally.new,
            tally.changed,
            tally.removed,
            seconds,
            skipped=tuple(tally.skipped),
        )

    def _attempt(
        self, task: _Task, sealed: SealedAccount, connections: contextlib.ExitStack
    ) -> Services84Error | None:
        """Do the work and write how it ended; gives the error of a failed sync."""
        account = sealed.account
        error: Services84Error | None = None
        try:
            self._sync(task, sealed, connections)
            outcome = RunOutcome()
        except Interrupted:
            error, outcome = _interruption()
        except LeaseLost as lost:
            return lost
        except Services84Error as failure:
            error, outcome = failure, self._outcome(account, failure)
            if isinstance(failure, MailServerUnreachable) and self._stopping.is_set():
                error, outcome = _interruption()  # cut off by ourselves, as far as one can tell
        except Exception:
            # A defect of ours in one account must not leave its lease to run out, nor its
            # caller without an answer; the log has the traceback.
            log.exception("sync.defect", account=account.account_id)
            error = Services84Error("the sync failed for a reason inside this service; see its log")
            outcome = self._outcome(account, error)
        return self._finish(task.lease, outcome, task.tally) or error

    def _outcome(self, account: Account, error: Services84Error) -> RunOutcome:
        return outcome_of_error(
            account,
            error,
            self._clock(),
            max_errors=self._settings.sync_max_errors,
            base=self._settings.backoff_base,
            cap=self._settings.backoff_cap,
        )

    def _finish(self, lease: Lease, outcome: RunOutcome, tally: Tally) -> Services84Error | None:
        try:
            self._accounts.finish_run(
                lease,
                outcome.with_counts(tally.new, tally.changed, tally.removed),
                self._clock(),
            )
        except LeaseLost as lost:
            return lost
        return None

    def _count(self, tally: Tally) -> None:
        self._metrics.mail_changed(
            new=tally.new, changed=tally.changed, removed=tally.removed, stored=tally.bytes_done
        )

    def _sync(self, task: _Task, sealed: SealedAccount, connections: contextlib.ExitStack) -> None:
        connection = connections.enter_context(self._connected(_incoming(sealed)))
        self._account_sync(task, connection, sealed.account.options).run()
        connection.leave()
        if self._notices is not None and (task.tally.new or sealed.has_news):
            self._notices.tell(task.lease, task.slot, connections.close)

    def _account_sync(
        self,
        task: _Task,
        connection: ImapConnection,
        options: AccountOptions,
        *,
        only: Collection[str] | None = None,
        told: Sequence[moves.Told] = (),
    ) -> AccountSync:
        return AccountSync(
            connection,
            self._folders,
            self._items,
            task.lease,
            task.tally,
            lambda: self._checkpoint(task),
            self._clock,
            days=self._settings.sync_days,
            progress=task.progress,
            only=only,
            told=told,
            options=options,
        )

    def _options(self, account_id: int) -> AccountOptions:
        account = self._accounts.get(account_id, secrets=False)
        return account.options if account is not None else AccountOptions()

    @contextlib.contextmanager
    def _connected(self, auth: ServiceAuth) -> Iterator[ImapConnection]:
        """A connection that `cut_off` can break."""
        with self._mail.imap_of(auth) as connection:
            with self._lock:
                self._open.add(connection)
            try:
                yield connection
            finally:
                with self._lock:
                    self._open.discard(connection)

    def _checkpoint(self, task: _Task) -> None:
        if task.keeper.lost.is_set():
            raise LeaseLost(f"another process syncs account {task.lease.account_id} now")
        over = self._stopping.is_set() or time.monotonic() > task.until
        if over or (task.slot is not None and task.slot.lost.is_set()):
            raise Interrupted


def _incoming(sealed: SealedAccount) -> ServiceAuth:
    """Where to sign in, with the password opened for just this."""
    auth = sealed.incoming()
    if auth is None or not auth.server:
        raise LoginRefused("the account has no incoming mail server")
    if not auth.password:
        raise LoginRefused("the account has no password for its incoming mail server")
    return auth


def _interruption() -> tuple[SyncInterrupted, RunOutcome]:
    error = SyncInterrupted("the sync was interrupted; it goes on at the next one")
    kind = type(error).__name__
    return error, RunOutcome(error_reason=error.message, error_kind=kind, interrupted=True)
