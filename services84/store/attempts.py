"""Failed logins: counted before they are verified, so that many at once are slowed down as well.

What is counted are hashes: people type passwords and tickets where a name belongs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, select, update

from services84.store.database import Database
from services84.store.slowdown import delay_after, faded
from services84.store.sql import folded, insert_into
from services84.store.tables import login_attempt

ATTEMPTS_ARE_KEPT = timedelta(days=1)


@dataclass(frozen=True)
class Counter:
    """What attempts are counted under: `free` failures without delay, then at most `cap` seconds.

    A `shared` counter is one that many people have a part in (an address, a name that anybody
    can try): a success takes back its own attempt there, instead of forgetting all.
    """

    key: str
    free: int
    cap: float
    shared: bool = False


class LoginAttempts:
    """Counts attempts to sign in. All methods raise StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def none(self, counters: Iterable[Counter]) -> bool:
        """Whether nothing counts under any of these: no failure, and no delay."""
        keys = [_stored(counter.key) for counter in counters]
        counted = login_attempt.c.failures > 0
        delayed = login_attempt.c.blocked_until.is_not(None)
        query = select(login_attempt.c.key).where(login_attempt.c.key.in_(keys), counted | delayed)
        with self._database.reading() as connection:
            return connection.execute(query.limit(1)).first() is None

    def begin(self, counters: Sequence[Counter], now: datetime) -> datetime | None:
        """Count an attempt that is about to be verified as failed; `succeeded` takes it back.

        Gives None, or until when it must not be tried; then nothing was counted.
        """
        # In one order for everybody, so that two callers cannot deadlock.
        ordered = sorted((_stored(counter.key), counter) for counter in counters)
        with self._database.transaction() as connection:
            blocked = [until for key, _ in ordered if (until := _locked(connection, key, now))]
            if blocked:
                return max(blocked)
            for key, counter in ordered:
                _count(connection, key, counter, now)
        return None

    def succeeded(self, counters: Iterable[Counter]) -> None:
        """The attempt was no failure: what only it counts for is forgotten."""
        with self._database.transaction() as connection:
            for key, shared in sorted((_stored(c.key), c.shared) for c in counters):
                if shared:
                    connection.execute(
                        update(login_attempt)
                        .where(login_attempt.c.key == key, login_attempt.c.failures > 0)
                        .values(failures=login_attempt.c.failures - 1, blocked_until=None)
                    )
                else:
                    connection.execute(delete(login_attempt).where(login_attempt.c.key == key))

    def forget_old(self, now: datetime) -> int:
        """Drop counters that have been quiet for a day; gives their number."""
        with self._database.transaction() as connection:
            return connection.execute(
                delete(login_attempt).where(
                    login_attempt.c.last < now - ATTEMPTS_ARE_KEPT,
                    func.coalesce(login_attempt.c.blocked_until, login_attempt.c.last) <= now,
                )
            ).rowcount


def _locked(connection: Connection, key: str, now: datetime) -> datetime | None:
    """Hold the counter's row until the end of the transaction; gives until when it is blocked."""
    connection.execute(
        insert_into(connection, login_attempt)
        .values(key=key, failures=0, last=now)
        .on_conflict_do_nothing(index_elements=["key"])
    )
    until = connection.execute(
        select(login_attempt.c.blocked_until).where(login_attempt.c.key == key).with_for_update()
    ).scalar_one()
    return until if until is not None and until > now else None


def _count(connection: Connection, key: str, counter: Counter, now: datetime) -> None:
    row = connection.execute(
        select(login_attempt.c.failures, login_attempt.c.last).where(login_attempt.c.key == key)
    ).one()
    failures = faded(row.failures, now - row.last) + 1
    seconds = delay_after(failures, counter.free, counter.cap)
    connection.execute(
        update(login_attempt)
        .where(login_attempt.c.key == key)
        .values(
            failures=failures,
            last=now,
            blocked_until=now + timedelta(seconds=seconds) if seconds else None,
        )
    )


def _stored(key: str) -> str:
    """Folded as names are, else every spelling of a name would have free attempts of its own."""
    return "sha256:" + hashlib.sha256(folded(key).encode("utf-8", "replace")).hexdigest()
