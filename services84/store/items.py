"""Reading stored messages. They are written by `FolderStore.apply`, and by `item_changes`."""

from __future__ import annotations

import builtins
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Select, func, select

from services84.errors import StoreError
from services84.store.item_changes import ItemChanges
from services84.store.item_lookups import ITEM, SHOWN, item_of
from services84.store.kept import on_server
from services84.store.sql import chunks
from services84.store.tables import (
    email_attachment,
    email_folder,
    email_item,
    email_problem,
    email_source,
)
from services84.store.values import (
    Identity,
    Item,
    ItemFlag,
    ItemState,
    NewAttachment,
    Refusal,
)

_IDENTITY = select(
    email_item.c.email_item_id,
    email_item.c.uid,
    email_item.c.message_id,
    email_item.c.received_at,
    email_item.c.size,
)


class ItemStore(ItemChanges):
    """The messages of folders. All methods raise StoreError."""

    # What a sync compares with -------------------------------------------------------------------

    def states(
        self, folder_id: int, uid_validity: int, uids: Iterable[int] | None = None
    ) -> dict[int, ItemState]:
        """UID → state, of the messages stored under this UIDVALIDITY: all, or those of `uids`."""
        query = select(
            email_item.c.email_item_id,
            email_item.c.uid,
            email_item.c.flags,
            email_item.c.keywords,
        ).where(
            email_item.c.email_folder_id == folder_id,
            email_item.c.uid_validity == uid_validity,
        )
        queries = [query]
        if uids is not None:
            queries = [query.where(email_item.c.uid.in_(some)) for some in chunks(list(uids))]
        with self._database.reading() as connection:
            rows = [row for one in queries for row in connection.execute(one)]
        return {
            uid: ItemState(item_id, uid, ItemFlag(flags), keywords)
            for item_id, uid, flags, keywords in rows
        }

    def identities(
        self, folder_id: int, *, other_than: int | None = None, only: int | None = None
    ) -> list[tuple[int, Identity]]:
        """Item ids with what their messages are recognised by: of the whole folder, or only of
        some UIDVALIDITYs. Kept copies are none of the server's."""
        query = _IDENTITY.where(email_item.c.email_folder_id == folder_id, on_server())
        if other_than is not None:
            query = query.where(email_item.c.uid_validity != other_than)
        if only is not None:
            query = query.where(email_item.c.uid_validity == only)
        return self._identities([query])

    def identities_of(self, item_ids: Sequence[int]) -> builtins.list[tuple[int, Identity]]:
        """The same of single messages; those that are not stored are absent."""
        return self._identities(
            [_IDENTITY.where(email_item.c.email_item_id.in_(ids)) for ids in chunks(item_ids)]
        )

    def _identities(self, queries: Iterable[Select[Any]]) -> builtins.list[tuple[int, Identity]]:
        ordered = [query.order_by(email_item.c.email_item_id) for query in queries]
        with self._database.reading() as connection:
            rows = [row for query in ordered for row in connection.execute(query)]
        return [(item_id, Identity(*identity)) for item_id, *identity in rows]

    def other_validities(self, folder_id: int, uid_validity: int) -> bool:
        """Whether messages of any other UIDVALIDITY are stored."""
        with self._database.reading() as connection:
            other = select(email_item.c.email_item_id).where(
                email_item.c.email_folder_id == folder_id,
                email_item.c.uid_validity != uid_validity,
                on_server(),
            )
            return connection.execute(other.limit(1)).first() is not None

    def refusals(self, folder_id: int, uid_validity: int) -> dict[int, Refusal]:
        """UID → how often and when the server did not give that message."""
        with self._database.reading() as connection:
            rows = connection.execute(
                select(email_problem.c.uid, email_problem.c.tries, email_problem.c.last).where(
                    email_problem.c.email_folder_id == folder_id,
                    email_problem.c.uid_validity == uid_validity,
                )
            ).all()
        return {row.uid: Refusal(row.tries, row.last) for row in rows}

    def clearable(self, folder_id: int, uid_validity: int) -> builtins.list[tuple[int, int, int]]:
        """Id, UID and size of the messages of a folder that the server has under this UIDVALIDITY,
        by UID; those that were deleted here are left out."""
        query = (
            select(email_item.c.email_item_id, email_item.c.uid, email_item.c.size)
            .where(
                email_item.c.email_folder_id == folder_id,
                email_item.c.uid_validity == uid_validity,
                SHOWN,
            )
            .order_by(email_item.c.uid)
        )
        with self._database.reading() as connection:
            return [(item_id, uid, size) for item_id, uid, size in connection.execute(query)]

    # What people read ----------------------------------------------------------------------------

    def get(self, item_id: int) -> Item | None:
        """The message of this id."""
        with self._database.reading() as connection:
            row = connection.execute(
                select(*ITEM).where(email_item.c.email_item_id == item_id, SHOWN)
            ).one_or_none()
        return None if row is None else item_of(row)

    def list(self, folder_id: int, *, limit: int, before_uid: int | None = None) -> list[Item]:
        """Messages of a folder by falling UID, which is newest first; below `before_uid`."""
        query = select(*ITEM).where(email_item.c.email_folder_id == folder_id, SHOWN)
        if before_uid is not None:
            query = query.where(email_item.c.uid < before_uid)
        ordered = query.order_by(email_item.c.uid.desc(), email_item.c.email_item_id.desc())
        with self._database.reading() as connection:
            return [item_of(row) for row in connection.execute(ordered.limit(limit))]

    def newest(self, account_id: int, limit: int) -> builtins.list[tuple[str, Item]]:
        """The account's newest messages by the server's date, each with its folder's name."""
        query = (
            select(email_folder.c.name, *ITEM)
            .join_from(email_item, email_folder)
            .where(email_folder.c.account_id == account_id, SHOWN)
            .order_by(
                email_item.c.received_at.desc().nulls_last(), email_item.c.email_item_id.desc()
            )
        )
        with self._database.reading() as connection:
            rows = connection.execute(query.limit(limit)).all()
        return [(row[0], item_of(row[1:])) for row in rows]

    def count(self, folder_id: int) -> int:
        """How many messages of a folder are stored."""
        query = select(func.count()).where(email_item.c.email_folder_id == folder_id, SHOWN)
        with self._database.reading() as connection:
            return int(connection.execute(query).scalar_one())

    def source(self, item_id: int) -> bytes | None:
        """The message's bytes exactly as the mail server gave them."""
        with self._database.reading() as connection:
            stored = connection.execute(
                select(email_source.c.mime).where(email_source.c.email_item_id == item_id)
            ).scalar_one_or_none()
        if stored is None:
            return None
        try:
            return zlib.decompress(stored)
        except zlib.error as error:
            raise StoreError(f"the stored bytes of message {item_id} are damaged") from error

    def attachments(self, item_id: int) -> builtins.list[NewAttachment]:
        """The message's attachments, in the order of its parts."""
        with self._database.reading() as connection:
            rows = connection.execute(
                select(
                    email_attachment.c.part,
                    email_attachment.c.cid,
                    email_attachment.c.filename,
                    email_attachment.c.type,
                    email_attachment.c.size,
                    email_attachment.c.encoding,
                    email_attachment.c.disposition == "inline",
                )
                .where(email_attachment.c.email_item_id == item_id)
                .order_by(email_attachment.c.email_attachment_id)
            ).all()
        return [NewAttachment(*row) for row in rows]
