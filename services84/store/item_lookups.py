"""Finding stored messages by what callers know of them: ids, Message-IDs, folders.

Reads only; what is the cache's alone is written by `item_changes`, the rest by
`FolderStore.apply`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from services84.store.database import Database
from services84.store.kept import kept_validity
from services84.store.sql import chunks
from services84.store.tables import email_folder, email_item
from services84.store.values import Item, ItemFlag, ItemPlace

ITEM = (
    email_item.c.email_item_id,
    email_item.c.email_folder_id,
    email_item.c.uid_validity,
    email_item.c.uid,
    email_item.c.flags,
    email_item.c.keywords,
    email_item.c.received_at,
    email_item.c.size,
    email_item.c.message_id,
    email_item.c.in_reply_to,
    email_item.c.references,
    email_item.c.subject,
    email_item.c.sender,
    email_item.c.reply_to,
    email_item.c.to,
    email_item.c.cc,
    email_item.c.bcc,
    email_item.c.sent_at,
    email_item.c.priority,
    email_item.c.parse_problem,
    email_item.c.replied_at,
)

SHOWN = ~email_item.c.hidden  # what was deleted here is not there for anybody

_PLACE = (
    select(
        email_item.c.email_item_id,
        email_item.c.email_folder_id,
        email_folder.c.account_id,
        email_item.c.uid_validity,
        email_item.c.uid,
    )
    .join_from(email_item, email_folder)
    .where(SHOWN)
)


def item_of(row: Sequence[Any]) -> Item:
    """The message in a row of ITEM."""
    values = list(row)
    values[4] = ItemFlag(values[4])
    return Item(*values)


class ItemLookups:
    """What can be looked up. All methods raise StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def places(self, item_ids: Iterable[int]) -> dict[int, ItemPlace]:
        """Where messages are, by their ids; those that are not stored are absent."""
        found: dict[int, ItemPlace] = {}
        with self._database.reading() as connection:
            for ids in chunks(list(item_ids)):
                rows = connection.execute(_PLACE.where(email_item.c.email_item_id.in_(ids)))
                found.update((row[0], ItemPlace(*row)) for row in rows)
        return found

    def with_message_id(
        self, message_ids: Collection[str], account_ids: Collection[int]
    ) -> list[Item]:
        """The messages of accounts that have one of these Message-IDs, newest first."""
        return self._newest_first(email_item.c.message_id, message_ids, account_ids)

    def answering(self, message_ids: Collection[str], account_ids: Collection[int]) -> list[Item]:
        """The messages of accounts whose In-Reply-To is one of these, newest first."""
        return self._newest_first(email_item.c.in_reply_to, message_ids, account_ids)

    def _newest_first(
        self,
        column: ColumnElement[str],
        values: Collection[str],
        account_ids: Collection[int],
    ) -> list[Item]:
        query = (
            select(*ITEM)
            .join_from(email_item, email_folder)
            .where(
                column.in_(values),
                column != "",  # the index leaves out empty texts
                email_folder.c.account_id.in_(account_ids),
                SHOWN,
            )
            .order_by(
                email_item.c.received_at.desc().nulls_last(), email_item.c.email_item_id.desc()
            )
        )
        with self._database.reading() as connection:
            return [item_of(row) for row in connection.execute(query)]

    # What is new ---------------------------------------------------------------------------------

    def latest_id(self, folder_id: int) -> int:
        """The id of the message that came last into a folder; 0 for an empty one.

        By its UID, which grows with every arrival (RFC 3501 section 2.3.1.1): ids do not, since
        a first sync stores the newest message first and a moved one keeps its id.
        """
        query = _by_arrival(select(email_item.c.email_item_id), folder_id)
        with self._database.reading() as connection:
            return int(connection.execute(query.limit(1)).scalar_one_or_none() or 0)

    def has_newer(self, folder_id: int, item_id: int) -> bool:
        """Whether a folder holds messages that came after this one.

        Of a message that is not in the folder (any more) nothing but its id is known: newer is
        then what was stored later.
        """
        known = (
            select(email_item.c.uid_validity, email_item.c.uid)
            .where(email_item.c.email_item_id == item_id, email_item.c.email_folder_id == folder_id)
            .limit(1)
        )
        with self._database.reading() as connection:
            place = connection.execute(known).one_or_none()
            newer = (
                email_item.c.email_item_id > item_id
                if place is None
                else _came_after(place.uid_validity, place.uid)
            )
            query = (
                select(email_item.c.email_item_id)
                .join_from(email_item, email_folder)
                .where(email_item.c.email_folder_id == folder_id, newer, SHOWN)
            )
            return connection.execute(query.limit(1)).first() is not None

    def highest_id(self) -> int:
        """The highest id that a message has; later ones are higher."""
        with self._database.reading() as connection:
            query = select(func.max(email_item.c.email_item_id))
            return int(connection.execute(query).scalar_one_or_none() or 0)

    def stored_after(
        self, folder_ids: Collection[int], item_id: int, *, limit: int
    ) -> list[tuple[int, Item]]:
        """Messages of folders that were stored later than that id was given, newest first."""
        query = (
            select(*ITEM)
            .where(
                email_item.c.email_folder_id.in_(folder_ids),
                email_item.c.email_item_id > item_id,
                SHOWN,
            )
            .order_by(email_item.c.received_at.desc().nulls_last(), email_item.c.uid.desc())
            .limit(limit)
        )
        with self._database.reading() as connection:
            return [(row[1], item_of(row)) for row in connection.execute(query)]


def _by_arrival(query: Select[Any], folder_id: int) -> Select[Any]:
    """A folder's messages, the last to come first; those of an older UIDVALIDITY, which stay
    until the new ones are all there, and kept copies from then, at the end."""
    return (
        query.join_from(email_item, email_folder)
        .where(email_item.c.email_folder_id == folder_id, SHOWN)
        .order_by(_IS_CURRENT.desc(), email_item.c.uid.desc(), email_item.c.email_item_id.desc())
    )


_IS_CURRENT = or_(
    email_item.c.uid_validity == email_folder.c.uid_validity,
    email_item.c.uid_validity == -1 - email_folder.c.uid_validity,
)


def _came_after(uid_validity: int, uid: int) -> ColumnElement[bool]:
    """The condition of messages that came after one with this place. Copies are kept under what
    stands for their UIDVALIDITY; after those from before a change of it came all of the folder's
    present one."""
    own = (uid_validity, kept_validity(uid_validity))
    same = email_item.c.uid_validity.in_(own)
    if uid_validity >= 0:
        return and_(same, email_item.c.uid > uid)
    later = and_(_IS_CURRENT, email_folder.c.uid_validity != kept_validity(uid_validity))
    return or_(and_(same, email_item.c.uid > uid), later)
