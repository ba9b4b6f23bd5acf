"""A census of the accounts, for monitoring and the head of the status page. Only reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, case, func, select

from services84.store.account_rows import INCOMING
from services84.store.database import Database
from services84.store.tables import email_account
from services84.store.values import AccountStatus


@dataclass(frozen=True)
class Census:
    """`by_status` has every status but Deleted. `resting` accounts wait after an error, `syncing`
    ones are being synced. `oldest_success` is the last success that is longest ago, of the
    accounts that shall be synced; of one that never had any, its registration."""

    by_status: Mapping[AccountStatus, int]
    resting: int
    syncing: int
    oldest_success: datetime | None

    @property
    def accounts(self) -> int:
        return sum(self.by_status.values())


def take_census(database: Database, now: datetime, associate_id: int | None = None) -> Census:
    """Count the accounts, of one associate or of all. Raises StoreError."""
    syncable = and_(
        email_account.c.account_status != AccountStatus.FAILED,
        INCOMING.c.server != "",
        INCOMING.c.username != "",
        INCOMING.c.password != "",
    )
    last = func.coalesce(email_account.c.last_success, email_account.c.registered)
    query = (
        select(
            email_account.c.account_status,
            func.count().label("accounts"),
            func.count().filter(email_account.c.next_attempt > now).label("resting"),
            func.count().filter(email_account.c.lease_until > now).label("syncing"),
            func.min(case((syncable, last)), type_=email_account.c.registered.type).label("oldest"),
        )
        .outerjoin_from(
            email_account, INCOMING, INCOMING.c.service_auth_id == email_account.c.incoming_auth
        )
        .where(email_account.c.account_status != AccountStatus.DELETED)
        .group_by(email_account.c.account_status)
    )
    if associate_id is not None:
        query = query.where(email_account.c.associate_id == associate_id)
    with database.reading() as connection:
        rows = connection.execute(query).all()
    found = {AccountStatus(row.account_status): row.accounts for row in rows}
    return Census(
        {one: found.get(one, 0) for one in AccountStatus if one is not AccountStatus.DELETED},
        resting=sum(row.resting for row in rows),
        syncing=sum(row.syncing for row in rows),
        oldest_success=min((row.oldest for row in rows if row.oldest is not None), default=None),
    )
