"""The interface of the desk where syncs are asked for, wherever they run.

`desk` runs them in threads of this process; `remote` has workers run them. Both ask by account id
alone, and a sync that is asked for twice is run once.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from services84.sync.values import StartReport, SyncReport


class Desk(Protocol):
    """Starts, shares and awaits syncs."""

    def sync(
        self, account_id: int, *, asked: datetime | None = None, wait: float | None = None
    ) -> SyncReport:
        """Sync one account and wait for it, at most `wait` seconds (default: SYNC_WAIT).

        `asked` is when the caller asked: a sync that another caller started after that has seen
        everything that this caller can expect, and serves it too. The report says `running` when
        the wait was over first. Raises NotFound, MailServerBusy while the account rests after an
        error, BrokerUnavailable, SyncInterrupted, StoreError.
        """
        ...

    def start_many(self, account_ids: Iterable[int]) -> StartReport:
        """Start syncs without waiting; an account under way is joined, a resting one refused."""
        ...

    @property
    def room(self) -> int:
        """How many more syncs could begin soon; raises StoreError."""
        ...

    @property
    def under_way(self) -> frozenset[int]:
        """The accounts that are synced, or about to be, as far as this process alone knows."""
        ...

    def tend(self) -> None:
        """Ask again for what was asked for and got lost; the scheduler's turn, now and then.

        Raises BrokerUnavailable, StoreError.
        """
        ...

    def stop(self) -> None:
        """Begin nothing more, answer who waits, and end what runs here; within seconds."""
        ...
