"""Accounts by the page, in the order of their addresses; and the history of one. Only reads.

A page is found by the account that it begins behind or ends before, so that the thousandth costs
what the first does. 10,000 accounts are sorted within a few milliseconds, without an index.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, false, func, or_, select, tuple_

from services84.store.account_rows import ACCOUNTS, INCOMING, account_of
from services84.store.database import Database
from services84.store.runs import RUN, run_of
from services84.store.sql import folded
from services84.store.tables import associate, email_account, sync_run
from services84.store.values import Account, AccountStatus, Run

_ORDER = (email_account.c.address_key, email_account.c.email_account_id)


class Shown(enum.StrEnum):
    """Which accounts a page is to show."""

    ALL = "all"
    TROUBLED = "troubled"  # Failing, Failed, or without means to sign in
    SYNCING = "syncing"
    NEW = "new"


@dataclass(frozen=True)
class Wanted:
    """What to look for. `associate_id` None: everybody's accounts. `text` is looked for in
    addresses, names of associates and incoming servers."""

    associate_id: int | None = None
    text: str = ""
    shown: Shown = Shown.ALL


@dataclass(frozen=True)
class AccountPage:
    """Some accounts, without passwords, and whether there are others before and behind them."""

    accounts: Sequence[Account]
    total: int
    before: bool
    behind: bool


class Overview:
    """The accounts as people look at them. All methods raise StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self,
        wanted: Wanted,
        now: datetime,
        *,
        limit: int,
        after: int | None = None,
        before: int | None = None,
    ) -> AccountPage:
        """At most `limit` accounts, those behind account `after` or those right before `before`.

        An account that is not there any more is no place: then it is the first page.
        """
        conditions = _conditions(wanted, now)
        with self._database.reading() as connection:
            total = connection.execute(_count(conditions)).scalar_one()
            place = connection.execute(_place_of(after or before)).first()
            backwards = before is not None and after is None and place is not None
            query = ACCOUNTS.where(*conditions).limit(limit + 1)
            if place is not None:
                here, there = tuple_(*_ORDER), tuple_(*place)
                query = query.where(here < there if backwards else here > there)
            order = [column.desc() if backwards else column.asc() for column in _ORDER]
            rows = [account_of(row, None) for row in connection.execute(query.order_by(*order))]
        more, rows = len(rows) > limit, rows[:limit]
        if backwards:
            return AccountPage(rows[::-1], total, before=more, behind=True)
        return AccountPage(rows, total, before=place is not None, behind=more)

    def some(self, account_ids: Sequence[int], associate_id: int | None) -> list[Account]:
        """Those of these accounts that there are, of an associate or of anybody."""
        query = ACCOUNTS.where(email_account.c.email_account_id.in_(account_ids))
        if associate_id is not None:
            query = query.where(email_account.c.associate_id == associate_id)
        with self._database.reading() as connection:
            return [account_of(row, None) for row in connection.execute(query)]

    def runs(self, account_id: int, limit: int) -> list[Run]:
        """The account's newest syncs, the newest first; also the one that runs."""
        query = (
            select(*RUN)
            .where(sync_run.c.account_id == account_id)
            .order_by(sync_run.c.sync_run_id.desc())
            .limit(limit)
        )
        with self._database.reading() as connection:
            return [run_of(row) for row in connection.execute(query)]


def _conditions(wanted: Wanted, now: datetime) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.associate_id is not None:
        conditions.append(email_account.c.associate_id == wanted.associate_id)
    if "\0" in wanted.text:  # which PostgreSQL takes in no text, so that nothing has it
        return [false()]
    if text := folded(wanted.text.strip()):
        conditions.append(
            or_(
                email_account.c.address_key.contains(text, autoescape=True),
                associate.c.name_key.contains(text, autoescape=True),
                func.lower(INCOMING.c.server).contains(text, autoescape=True),
            )
        )
    if wanted.shown is not Shown.ALL:
        conditions.append(_state(wanted.shown, now))
    return conditions


def _state(shown: Shown, now: datetime) -> ColumnElement[bool]:
    if shown is Shown.SYNCING:
        return email_account.c.lease_until > now
    if shown is Shown.NEW:
        return email_account.c.account_status == AccountStatus.UNKNOWN
    return or_(
        email_account.c.account_status.in_((AccountStatus.FAILING, AccountStatus.FAILED)),
        INCOMING.c.server.is_(None),
        INCOMING.c.server == "",
        INCOMING.c.password == "",
    )


def _count(conditions: Sequence[ColumnElement[bool]]) -> Select[Any]:
    """Joins only what the conditions speak of: most counts are of all accounts."""
    query = select(func.count()).select_from(email_account)
    if conditions:
        query = (
            select(func.count())
            .select_from(email_account)
            .join(associate)
            .outerjoin(INCOMING, INCOMING.c.service_auth_id == email_account.c.incoming_auth)
        )
    return query.where(email_account.c.account_status != AccountStatus.DELETED, *conditions)


def _place_of(account_id: int | None) -> Select[Any]:
    return select(*_ORDER).where(email_account.c.email_account_id == (account_id or 0))
