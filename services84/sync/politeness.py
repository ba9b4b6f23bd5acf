"""How gently a sync treats mail servers, and how one account is synced once at a time.

The delays and the accounting of errors are pure functions; `LeaseKeeper` renews a lease while a
sync runs. Nothing here talks to a mail server.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from services84.errors import (
    LeaseLost,
    LoginRefused,
    MailServerBusy,
    Services84Error,
    StoreError,
)
from services84.store.values import Account, AccountStatus, Lease, RunOutcome
from services84.sync import ticking

log = structlog.get_logger(__name__)

PATIENT_AFTER = 3  # consecutive refused logins
REFUSED_PAUSE = 900.0  # seconds between tries from then on: servers lock accounts for less


def backoff(errors: int, *, base: float, cap: float, draw: Callable[[], float]) -> float:
    """Seconds until the next try after `errors` consecutive ones: exponential with full jitter.

    `draw` gives a number in [0, 1). Full jitter keeps many accounts of one failed server from
    coming back together.
    """
    ceiling = min(cap, base * 2.0 ** min(errors - 1, 60))
    return ceiling * draw()


def outcome_of_error(
    account: Account,
    error: Services84Error,
    now: datetime,
    *,
    max_errors: int,
    base: float,
    cap: float,
    draw: Callable[[], float] = random.random,
) -> RunOutcome:
    """The accounting of a failed sync: counts, Failing or Failed, reason, next attempt.

    A server that asks for patience is given the longer of its wish and ours, and its wish does
    not count towards Failed: being throttled is no fault of the account. Refused logins are
    counted apart; other errors between them neither add to that count nor end it.
    """
    count = account.error_count + 1
    throttled, refused = account.throttled_count, account.refused_count
    delay = backoff(count, base=base, cap=cap, draw=draw)
    if isinstance(error, MailServerBusy):
        throttled += 1
        delay = max(delay, error.retry_after or 0.0)
    elif isinstance(error, LoginRefused):
        refused += 1
        if refused >= PATIENT_AFTER:
            delay = max(delay, REFUSED_PAUSE)
    failed = count - throttled >= max_errors and not isinstance(error, MailServerBusy)
    return RunOutcome(
        error_reason=error.message,
        error_kind=type(error).__name__,
        error_count=count,
        status=AccountStatus.FAILED if failed else AccountStatus.FAILING,
        next_attempt=now + timedelta(seconds=delay),
        refused_count=refused,
        throttled_count=throttled,
    )


class LeaseRenewer(Protocol):
    """The part of the account store that a LeaseKeeper needs."""

    def renew_lease(self, lease: Lease, now: datetime, seconds: float) -> Lease: ...


class LeaseKeeper:
    """Renews a lease three times in its life for as long as the `with` block runs.

    `lost` is set when another process has taken the account over. A database that is briefly out
    of reach is tried again at the next third; writes fail by themselves then.
    """

    def __init__(
        self, accounts: LeaseRenewer, lease: Lease, seconds: float, clock: Callable[[], datetime]
    ) -> None:
        self._accounts = accounts
        self._lease = lease
        self._seconds = seconds
        self._clock = clock
        self.lost = threading.Event()

    def __enter__(self) -> LeaseKeeper:
        self._tick = ticking.every(self._seconds / 3, self._renew)
        return self

    def __exit__(self, *_: object) -> None:
        # A renewal that is under way finds the lease given back, and renews nothing.
        self._tick.stop()

    def _renew(self) -> bool:
        try:
            self._lease = self._accounts.renew_lease(self._lease, self._clock(), self._seconds)
        except LeaseLost:
            self.lost.set()
            return False
        except StoreError as error:
            log.warning("lease.not_renewed", account=self._lease.account_id, error=str(error))
        return True
