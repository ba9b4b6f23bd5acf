"""INBOXes watched by IDLE, so that new mail is in the cache within seconds; the leader's matter.

A watched account has a connection and a thread of its own. What is new is not looked at here: the
desk is asked for a sync. Which accounts are watched is decided by a pure function.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import datetime

import structlog

from services84.errors import LoginRefused, MailServerBusy, MailServerRefused, Services84Error
from services84.settings import Settings
from services84.store.accounts import AccountStore
from services84.store.slots import host_key
from services84.sync.interface import Desk
from services84.sync.mailbox import MailServers
from services84.sync.politeness import REFUSED_PAUSE, backoff
from services84.sync.slots import HostSlots

log = structlog.get_logger(__name__)

# RFC 2177: every 29 minutes at least. Sooner, since many gateways forget a silent connection
# after ten, and only an answer shows that the other end is still there.
REISSUE_SECONDS = 9 * 60.0
SLOT_SECONDS = 30.0  # how long a watcher waits for a connection that its host may have
AGAIN_SECONDS = 1.0  # when news came during a sync, how soon the next one is asked for
NO_IDLE_PAUSE = 3600.0  # until a server that has no IDLE is asked again

Stop = Callable[[], bool]

Candidate = tuple[int, str, datetime]
"""An account's id, its incoming server, and when it was last changed."""


def choose(
    candidates: Sequence[Candidate], *, most: int, per_host: int, resting: Collection[int]
) -> dict[int, Candidate]:
    """The accounts to watch, by id: the first `most` that are not resting, and of each host no
    more than `per_host`, so that its other connections are left to syncs."""
    chosen: dict[int, Candidate] = {}
    hosts: Counter[str] = Counter()
    for candidate in candidates:
        account_id, server, _ = candidate
        if len(chosen) >= most:
            break
        if account_id not in resting and hosts[host_key(server)] < per_host:
            hosts[host_key(server)] += 1
            chosen[account_id] = candidate
    return chosen


class InboxWatch:
    """Watches the INBOXes of some accounts. `look` starts and ends watchers; `stop` ends all."""

    def __init__(
        self,
        accounts: AccountStore,
        mail: MailServers,
        slots: HostSlots,
        desk: Desk,
        settings: Settings,
    ) -> None:
        self._accounts = accounts
        self._mail = mail
        self._slots = slots
        self._desk = desk
        self._settings = settings
        self._watchers: dict[int, _Watcher] = {}
        self._lock = threading.Lock()
        self._resting: dict[int, float] = {}  # until when, by the monotonic clock
        self._errors: Counter[int] = Counter()

    @property
    def watched(self) -> frozenset[int]:
        """The accounts whose server is being asked for news at this moment."""
        return frozenset(i for i, watcher in self._watchers.items() if watcher.listening.is_set())

    def look(self) -> None:
        """See that the right accounts are watched; raises StoreError."""
        if not self._settings.idle_connections:
            return
        now = time.monotonic()
        with self._lock:
            resting = {account_id for account_id, until in self._resting.items() if until > now}
        wanted = choose(
            self._accounts.healthy(),
            most=self._settings.idle_connections,
            per_host=self._slots.limit // 2,
            resting=resting,
        )
        for account_id, watcher in list(self._watchers.items()):
            if wanted.get(account_id) != watcher.candidate:
                watcher.stop.set()
            if not watcher.is_alive():
                del self._watchers[account_id]
        for account_id, candidate in wanted.items():
            if account_id not in self._watchers:
                self._watchers[account_id] = watcher = _Watcher(self, candidate)
                watcher.start()

    def end(self) -> None:
        """Have all watchers end, without waiting for it."""
        for watcher in self._watchers.values():
            watcher.stop.set()

    def stop(self, seconds: float) -> None:
        """End all watchers; one that hangs in a connect is left behind after `seconds`."""
        self.end()
        deadline = time.monotonic() + seconds
        for watcher in self._watchers.values():
            watcher.join(max(0.0, deadline - time.monotonic()))

    # In a watcher's thread -----------------------------------------------------------------------

    def watch(self, watcher: _Watcher) -> None:
        """Watch one account until its watcher is to stop, or something goes wrong."""
        account_id, server, _ = watcher.candidate
        try:
            with self._slots.held(server, SLOT_SECONDS) as slot:
                self._listen(watcher, lambda: watcher.stop.is_set() or slot.lost.is_set())
        except Services84Error as error:
            if not watcher.stop.is_set():
                self._rest(account_id, error)
        except Exception as error:
            log.exception("idle.defect", account=account_id)
            self._rest(account_id, error)
        finally:
            watcher.listening.clear()

    def _listen(self, watcher: _Watcher, stop: Stop) -> None:
        account_id = watcher.candidate[0]
        account = self._accounts.get(account_id)
        if account is None or account.incoming is None or stop():
            return
        with self._mail.imap_of(account.incoming) as connection:
            connection.examine("INBOX")
            pending = True  # whatever came since the last sync was told to nobody
            while not stop():
                if pending:
                    # A sync that was under way already may have seen INBOX before the news.
                    pending = account_id in self._desk.start_many([account_id]).joined
                seconds = AGAIN_SECONDS if pending else REISSUE_SECONDS
                watcher.listening.set()
                pending = connection.idle(seconds, stop) or pending
                with self._lock:
                    self._errors.pop(account_id, None)

    def _rest(self, account_id: int, error: Exception) -> None:
        with self._lock:
            self._errors[account_id] += 1
            pause = backoff(
                self._errors[account_id],
                base=self._settings.backoff_base,
                cap=self._settings.backoff_cap,
                draw=random.random,
            )
            pause = max(pause, _least_pause(error))
            self._resting[account_id] = time.monotonic() + pause
        log.info("idle.rests", account=account_id, seconds=round(pause), error=str(error))


def _least_pause(error: Exception) -> float:
    """Seconds for which a server is left alone after an error, whatever our own delay."""
    if isinstance(error, LoginRefused):
        return REFUSED_PAUSE  # the account's own syncs find out, and count, why
    if isinstance(error, MailServerRefused):
        return NO_IDLE_PAUSE
    if isinstance(error, MailServerBusy):
        return error.retry_after or 0.0
    return 0.0


class _Watcher(threading.Thread):
    """The thread that watches one account; `listening` is set while it does."""

    def __init__(self, watch: InboxWatch, candidate: Candidate) -> None:
        super().__init__(name=f"idle-{candidate[0]}", daemon=True)
        self.candidate = candidate
        self.stop = threading.Event()
        self.listening = threading.Event()
        self._watch = watch

    def run(self) -> None:
        self._watch.watch(self)
