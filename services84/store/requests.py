"""Requests for syncs: what workers were asked for and has not ended, whatever a broker may lose.

A row is written before a worker is told, and stays until the sync has ended. A worker takes the
row, and lets it live on while it works; what nobody takes in time is to be asked for again. Who
tells workers, and how, is the sync room's matter; who may sync an account is the lease's (`runs`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Select, and_, delete, func, or_, select, update

from services84.store.database import Database
from services84.store.runs import RUN, run_of
from services84.store.sql import insert_into
from services84.store.tables import email_account, sync_run
from services84.store.tables import sync_request as request
from services84.store.values import AccountStatus, Run, RunState

LONGEST_PAUSE = 3600.0  # seconds until a request that nobody takes is sent again
_DOUBLINGS = 20  # of the pause, at most

_ENDED = (RunState.COMPLETED.value, RunState.FAILED.value)


@dataclass(frozen=True)
class Asked:
    """What came of asking.

    A run with a higher id than `before` answers the request, once it has completed or failed.
    `joined`: it was asked for already, or runs. `send`: a worker has to be told.
    """

    before: int
    joined: bool
    send: bool


@dataclass(frozen=True)
class Seen:
    """How a request stands: the run that answers it, and whether it is still open."""

    run: Run | None
    is_open: bool


class SyncRequests:
    """Requests, an account's one at a time. All methods raise StoreError.

    `pause` is how long, in seconds, a worker has to take one before it is sent again; every
    further sending doubles it.
    """

    def __init__(self, database: Database, pause: float) -> None:
        self._database = database
        self._pause = pause

    # Who asks ------------------------------------------------------------------------------------

    def ask(self, account_id: int, now: datetime, *, urgent: bool) -> Asked | None:
        """Write down that a sync is wanted; None when there is no such account."""
        with self._database.transaction() as connection:
            account = connection.execute(_account(account_id)).one_or_none()
            if account is None:
                return None
            runs = account.lease_until is not None and account.lease_until > now
            before = account.run_id - 1 if runs else account.newest or 0
            if self._insert(connection, account_id, now, urgent=urgent):
                return Asked(before, joined=runs, send=True)
            return Asked(before, joined=True, send=urgent and _hurry(connection, account_id))

    def _insert(
        self, connection: Connection, account_id: int, now: datetime, *, urgent: bool
    ) -> bool:
        values = {
            "account_id": account_id,
            "asked": now,
            "urgent": urgent,
            "owner": "",
            "again": now + timedelta(seconds=self._pause),
            "sends": 1,
        }
        made = insert_into(connection, request).values(values).on_conflict_do_nothing()
        return connection.execute(made.returning(request.c.account_id)).first() is not None

    def not_sent(self, account_id: int, now: datetime) -> None:
        """No worker was told: it is to be sent as soon as that is possible."""
        with self._database.transaction() as connection:
            connection.execute(
                update(request)
                .where(request.c.account_id == account_id, request.c.owner == "")
                .values(again=now)
            )

    def look(self, asked: Mapping[int, int]) -> dict[int, Seen]:
        """How requests stand, by account; `asked` gives the `before` of each."""
        if not asked:
            return {}
        newest = (
            select(func.max(sync_run.c.sync_run_id))
            .where(
                sync_run.c.account_id.in_(asked),
                sync_run.c.sync_run_id > min(asked.values()),
                sync_run.c.state.in_(_ENDED),
            )
            .group_by(sync_run.c.account_id)
        )
        with self._database.reading() as connection:
            runs = [
                run_of(row)
                for row in connection.execute(
                    select(*RUN).where(sync_run.c.sync_run_id.in_(newest))
                )
            ]
            query = select(request.c.account_id).where(request.c.account_id.in_(asked))
            still = set(connection.scalars(query))
        answers = {run.account_id: run for run in runs if run.run_id > asked[run.account_id]}
        return {one: Seen(answers.get(one), one in still) for one in asked}

    # Who sees to it that nothing is forgotten ----------------------------------------------------

    def untaken(self) -> int:
        """How many requests no worker has taken yet."""
        with self._database.reading() as connection:
            query = select(func.count()).select_from(request).where(request.c.owner == "")
            return int(connection.execute(query).scalar_one())

    def overdue(self, now: datetime, limit: int) -> list[tuple[int, bool]]:
        """Requests to be sent again, longest overdue first: account and whether it is urgent."""
        query = (
            select(request.c.account_id, request.c.urgent)
            .where(request.c.again <= now)
            .order_by(request.c.again, request.c.account_id)
            .limit(limit)
        )
        with self._database.reading() as connection:
            return [(row.account_id, row.urgent) for row in connection.execute(query)]

    def sent_again(self, account_id: int, now: datetime) -> None:
        """A worker was told once more; nothing when one has taken the request meanwhile."""
        overdue = and_(request.c.account_id == account_id, request.c.again <= now)
        with self._database.transaction() as connection:
            sends = connection.execute(select(request.c.sends).where(overdue)).scalar_one_or_none()
            if sends is None:
                return
            pause = min(self._pause * 2.0 ** min(sends, _DOUBLINGS), LONGEST_PAUSE)
            connection.execute(
                update(request)
                .where(overdue)
                .values(owner="", sends=sends + 1, again=now + timedelta(seconds=pause))
            )

    # Who works -----------------------------------------------------------------------------------

    def take(self, account_id: int, owner: str, now: datetime, *, seconds: float) -> bool:
        """Take a request for `seconds`; false when it has ended, or another worker has it."""
        with self._database.transaction(lasting=False) as connection:
            taken = connection.execute(
                update(request)
                .where(
                    request.c.account_id == account_id,
                    or_(request.c.owner == "", request.c.again <= now),
                )
                .values(owner=owner, again=now + timedelta(seconds=seconds))
            )
        return taken.rowcount > 0

    def keep(
        self, account_ids: Collection[int], owner: str, now: datetime, *, seconds: float
    ) -> None:
        """Let those of them that are still `owner`'s live on for `seconds`."""
        with self._database.transaction(lasting=False) as connection:
            connection.execute(
                update(request)
                .where(request.c.account_id.in_(account_ids), request.c.owner == owner)
                .values(again=now + timedelta(seconds=seconds))
            )

    def give_back(self, account_id: int, owner: str, again: datetime) -> None:
        """Let another worker take a request; it is sent at `again`."""
        with self._database.transaction() as connection:
            connection.execute(
                update(request)
                .where(request.c.account_id == account_id, request.c.owner == owner)
                .values(owner="", again=again)
            )

    def end(self, account_id: int, owner: str) -> None:
        """The sync has ended, or will not be begun."""
        with self._database.transaction(lasting=False) as connection:
            connection.execute(
                delete(request).where(request.c.account_id == account_id, request.c.owner == owner)
            )


def _account(account_id: int) -> Select[tuple[int | None, datetime | None, int | None]]:
    newest = (
        select(func.max(sync_run.c.sync_run_id))
        .where(sync_run.c.account_id == account_id)
        .scalar_subquery()
    )
    return select(
        email_account.c.run_id, email_account.c.lease_until, newest.label("newest")
    ).where(
        email_account.c.email_account_id == account_id,
        email_account.c.account_status != AccountStatus.DELETED,
    )


def _hurry(connection: Connection, account_id: int) -> bool:
    """Whether a request has become urgent that no worker has taken."""
    made = connection.execute(
        update(request)
        .where(
            request.c.account_id == account_id,
            request.c.owner == "",
            request.c.urgent.is_(False),
        )
        .values(urgent=True)
    )
    return made.rowcount > 0
