"""Syncs by the clock: one process of all asks its desk for what is due, and watches INBOXes.

Which process that is, a lease in the database decides; when it dies, another takes over. How a
sync runs, and whether it may, is the desk's matter.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from services84.errors import BrokerUnavailable, StoreError
from services84.settings import Settings
from services84.store.accounts import AccountStore
from services84.store.service_leases import ServiceLeases
from services84.sync.interface import Desk
from services84.sync.watch import InboxWatch

log = structlog.get_logger(__name__)

LEASE = "scheduler"
LOOK_SECONDS = 5.0  # at most, between looks at what is due
BUSY_SECONDS = 0.5  # while more is due than can begin
LEAST_SECONDS = 0.05
CLEAR_SECONDS = 3600.0  # between looks at what has become old
STOP_SECONDS = 5.0  # for the thread and the watchers to end


class Scheduler:
    """The thread that sees to it that accounts are synced every SYNC_INTERVAL seconds."""

    def __init__(
        self,
        leases: ServiceLeases,
        accounts: AccountStore,
        desk: Desk,
        watch: InboxWatch,
        settings: Settings,
        clock: Callable[[], datetime],
        owner: str,
    ) -> None:
        self._leases = leases
        self._accounts = accounts
        self._desk = desk
        self._watch = watch
        self._settings = settings
        self._clock = clock
        self._owner = owner
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._leads = False
        self._asked: float | None = None  # when the lease was asked for last, monotonic
        self._cleared: float | None = None  # when nothing old was left, monotonic

    @property
    def leads(self) -> bool:
        """Whether this process is the one that syncs by the clock."""
        return self._leads

    def start(self) -> None:
        """Begin, unless there is nothing to do: no workers to look after, and by the settings
        neither syncs by the clock nor watched INBOXes."""
        settings = self._settings
        if settings.executor != "local" or settings.sync_interval or settings.idle_connections:
            self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Start no more syncs, end the watchers, and let another process take over."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)
        self._watch.stop(STOP_SECONDS)

    def _run(self) -> None:
        while not self._stopping.is_set():
            pause = self._pause
            try:
                if self._lead() and self._start_due():
                    pause = BUSY_SECONDS
            except (StoreError, BrokerUnavailable) as error:
                log.warning("scheduler.trouble", error=error.message)
            except Exception:
                log.exception("scheduler.defect")
            self._stopping.wait(pause)
        self._watch.end()
        if self._leads:
            with contextlib.suppress(StoreError):  # then it runs out by itself
                self._leases.release(LEASE, self._owner)

    @property
    def _pause(self) -> float:
        pauses = [LOOK_SECONDS, self._settings.lease_seconds / 3]
        if self._settings.sync_interval:
            pauses.append(self._settings.sync_interval / 4)
        return max(LEAST_SECONDS, min(pauses))

    def _lead(self) -> bool:
        """Take the lease, or renew it when a third of its time is over; whether it is ours."""
        now = time.monotonic()
        renewed = self._asked is not None and now - self._asked < self._settings.lease_seconds / 3
        if self._leads and renewed:
            return True
        led, self._leads = self._leads, False
        try:
            self._leads = self._leases.hold(
                LEASE, self._owner, self._clock(), self._settings.lease_seconds
            )
            self._asked = now
        finally:
            if not self._leads:
                self._watch.end()
        if self._leads != led:
            log.info("scheduler.leads" if self._leads else "scheduler.follows", owner=self._owner)
        return self._leads

    def _start_due(self) -> bool:
        """Start what is due, as far as there is room; whether there may be more."""
        self._watch.look()
        self._desk.tend()
        self._clear()
        if not self._settings.sync_interval:
            return False
        room, under_way = self._desk.room, self._desk.under_way
        if not room:
            return True
        now = self._clock()
        stale = now - timedelta(seconds=self._settings.sync_interval)
        due = self._accounts.due(now, stale, room + len(under_way))
        wanted = [account.account_id for account in due if account.account_id not in under_way]
        self._desk.start_many(wanted[:room])
        return len(wanted) >= room

    def _clear(self) -> None:
        """Let go of how old syncs ended, a part at a time."""
        if self._cleared is not None and time.monotonic() - self._cleared < CLEAR_SECONDS:
            return
        before = self._clock() - timedelta(days=self._settings.history_days)
        if not self._accounts.forget_runs(before):
            self._cleared = time.monotonic()
