"""Marks that a sync puts on messages and takes away: to be kept, to be told of.

Under the account's lease, as everything that a sync writes.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, bindparam, delete, select, update

from services84.store.database import Database
from services84.store.item_lookups import ITEM, SHOWN, item_of
from services84.store.runs import guard
from services84.store.sql import chunks
from services84.store.tables import email_folder, email_item, email_notice
from services84.store.values import Item, Lease

# Built once: that takes longer than the database with them, and every sync asks. A subquery for
# each of the few marks: with a join, SQLite would begin with all messages of the account.
_ACCOUNT_OF_MARK = (
    select(email_folder.c.account_id)
    .join_from(email_item, email_folder)
    .where(email_item.c.email_item_id == email_notice.c.email_item_id)
    .correlate(email_notice)
    .scalar_subquery()
)
_OF_ACCOUNT = bindparam("account", type_=email_folder.c.account_id.type)
_NEWS = select(email_notice.c.email_item_id).where(_OF_ACCOUNT == _ACCOUNT_OF_MARK)
ANY_NEWS = _NEWS.limit(1)


class Marks:
    """All methods raise StoreError, and LeaseLost when another run has the account."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, lease: Lease, item_ids: Sequence[int]) -> None:
        """Have the copies of messages stay from now on, whatever becomes of them on the server.

        Does not come back before that would outlast a crash.
        """
        mine = select(email_folder.c.email_folder_id).where(
            email_folder.c.account_id == lease.account_id
        )
        with self._database.transaction() as connection:
            guard(connection, lease)
            for ids in chunks(item_ids):
                connection.execute(
                    update(email_item)
                    .where(
                        and_(
                            email_item.c.email_item_id.in_(ids),
                            email_item.c.email_folder_id.in_(mine),
                        )
                    )
                    .values(keep=True)
                )

    def take_news(self, lease: Lease) -> list[Item]:
        """The account's messages that somebody is to be told of, newest first; they never will be
        given again, whatever becomes of the caller."""
        mine = {"account": lease.account_id}
        with self._database.reading() as connection:
            if connection.execute(ANY_NEWS, mine).first() is None:
                return []
        with self._database.transaction() as connection:
            guard(connection, lease)
            ids = connection.scalars(_NEWS, mine).all()
            items = [
                item_of(row)
                for some in chunks(ids)
                for row in connection.execute(
                    select(*ITEM).where(email_item.c.email_item_id.in_(some), SHOWN)
                )
            ]
            for some in chunks(ids):
                connection.execute(
                    delete(email_notice).where(email_notice.c.email_item_id.in_(some))
                )
        return sorted(items, key=lambda item: (item.folder_id, item.uid), reverse=True)
