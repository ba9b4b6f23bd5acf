"""Changing stored messages where that is the cache's own matter, and no mail server's.

What a sync finds is written by `FolderStore.apply`. These writes need no lease: they hold the
account's row, so that none of them and no batch of a sync come between each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, delete, select, update

from services84.store.batches import counts_of
from services84.store.item_lookups import ItemLookups
from services84.store.kept import on_server
from services84.store.sql import chunks
from services84.store.tables import (
    email_account,
    email_attachment,
    email_folder,
    email_item,
    email_notice,
    email_source,
)
from services84.store.values import ItemFlag

_CONTENT = (email_source, email_attachment, email_notice)
# By these a sync recognises a message that was deleted here; nothing else of it stays.
_BLANK = dict.fromkeys(
    ("in_reply_to", "references", "subject", "sender", "reply_to", "to", "cc", "bcc"), ""
)


class ItemChanges(ItemLookups):
    """Changes of the cache alone. All methods raise StoreError; unknown ids are passed over."""

    def set_replied(self, item_ids: Sequence[int], moment: datetime) -> None:
        """Note when messages were answered."""
        with self._database.transaction() as connection:
            for ids in chunks(item_ids):
                connection.execute(
                    update(email_item)
                    .where(email_item.c.email_item_id.in_(ids))
                    .values(replied_at=moment)
                )

    def delete_here(self, account_id: int, item_ids: Sequence[int]) -> None:
        """Delete messages of an account, and leave the mail server alone.

        Of what the server has, or may have, a mark without content stays, so that no sync fetches
        it again; it goes when the server has the message no more. Kept copies are gone for good.
        """
        with self._database.transaction() as connection:
            touched = _hold(connection, account_id, item_ids)
            for ids in chunks(item_ids):
                mine = _of_account(account_id, ids)
                connection.execute(delete(email_item).where(mine, ~on_server()))
                for table in _CONTENT:
                    of_these = select(email_item.c.email_item_id).where(mine)
                    connection.execute(delete(table).where(table.c.email_item_id.in_(of_these)))
                connection.execute(
                    update(email_item).where(mine).values(hidden=True, keep=False, **_BLANK)
                )
            _count_again(connection, touched)

    def change_kept_flags(
        self, account_id: int, item_ids: Sequence[int], *, add: ItemFlag, remove: ItemFlag
    ) -> None:
        """Set flags of an account's kept copies, and take others away."""
        changed = email_item.c.flags.bitwise_or(int(add)).bitwise_and(~int(remove))
        with self._database.transaction() as connection:
            touched = _hold(connection, account_id, item_ids)
            for ids in chunks(item_ids):
                connection.execute(
                    update(email_item)
                    .where(_of_account(account_id, ids), ~on_server())
                    .values(flags=changed)
                )
            _count_again(connection, touched)


def _of_account(account_id: int, ids: Sequence[int]) -> ColumnElement[bool]:
    mine = select(email_folder.c.email_folder_id).where(email_folder.c.account_id == account_id)
    return and_(email_item.c.email_item_id.in_(ids), email_item.c.email_folder_id.in_(mine))


def _hold(connection: Connection, account_id: int, item_ids: Sequence[int]) -> set[int]:
    """Hold the account's row, as a batch of a sync does; gives the messages' folders."""
    connection.execute(
        select(email_account.c.email_account_id)
        .where(email_account.c.email_account_id == account_id)
        .with_for_update(key_share=True)
    )
    touched: set[int] = set()
    for ids in chunks(item_ids):
        of_these = select(email_item.c.email_folder_id).where(_of_account(account_id, ids))
        touched.update(connection.scalars(of_these.distinct()))
    return touched


def _count_again(connection: Connection, folder_ids: Iterable[int]) -> None:
    for folder_id in sorted(folder_ids):
        connection.execute(
            update(email_folder)
            .where(email_folder.c.email_folder_id == folder_id)
            .values(**counts_of(connection, folder_id))
        )
