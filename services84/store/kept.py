"""Copies that stay when the mail server has their messages no more, and how rows are dropped.

A row is such a copy when its UIDVALIDITY is negative, which no server's is: `kept_validity` of the
one that its UID counted under. No sync compares it with anything. Inside others' transactions.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, or_, select, update

from services84.store.tables import email_folder, email_item
from services84.store.values import ItemFlag

_AGAIN = 2**32  # UIDVALIDITYs are below it (RFC 9051 section 2.3.1.1)


def kept_validity(uid_validity: int) -> int:
    """What stands for this UIDVALIDITY in the row of a kept copy; 0 has one as well."""
    return -1 - uid_validity


def on_server() -> ColumnElement[bool]:
    """The condition of rows that stand for messages of the server, as far as is known."""
    return email_item.c.uid_validity >= 0


def has_copies_to_keep() -> ColumnElement[bool]:
    """The condition of folders with copies that are nowhere else, or may be nowhere else soon."""
    return (
        select(email_item.c.email_item_id)
        .where(
            email_item.c.email_folder_id == email_folder.c.email_folder_id,
            ~email_item.c.hidden,
            or_(email_item.c.keep, ~on_server()),
        )
        .exists()
    )


def drop_items(connection: Connection, which: ColumnElement[bool]) -> bool:
    """Drop rows that stand for messages of the server, those of `which`; what is marked to be
    kept becomes a kept copy. Whether there were any."""
    some = and_(which, on_server())
    kept = _keep(connection, and_(some, email_item.c.keep, ~email_item.c.hidden))
    return connection.execute(delete(email_item).where(some)).rowcount > 0 or kept


def _keep(connection: Connection, which: ColumnElement[bool]) -> bool:
    other = email_item.alias()
    seen_before = (
        select(other.c.email_item_id)
        .where(
            other.c.email_folder_id == email_item.c.email_folder_id,
            other.c.uid_validity == -1 - email_item.c.uid_validity,
            other.c.uid == email_item.c.uid,
        )
        .exists()
    )
    kept = connection.execute(
        update(email_item)
        .where(which, ~seen_before)
        .values(uid_validity=-1 - email_item.c.uid_validity, **_KEPT)
    ).rowcount
    # A server that was restored from its backup gives UIDs a second time.
    place = (email_item.c.email_item_id, email_item.c.email_folder_id)
    rest = connection.execute(
        select(*place, email_item.c.uid_validity, email_item.c.uid).where(which)
    ).all()
    for row in rest:
        _keep_again(connection, row)
    return kept > 0 or bool(rest)


def _keep_again(connection: Connection, row: Any) -> None:
    lowest = connection.execute(
        select(email_item.c.uid_validity)
        .where(
            email_item.c.email_folder_id == row.email_folder_id,
            email_item.c.uid == row.uid,
            or_(
                email_item.c.uid_validity == kept_validity(row.uid_validity),
                email_item.c.uid_validity < -_AGAIN,
            ),
        )
        .order_by(email_item.c.uid_validity)
        .limit(1)
    ).scalar_one()
    times = (-1 - lowest) // _AGAIN + 1
    connection.execute(
        update(email_item)
        .where(email_item.c.email_item_id == row.email_item_id)
        .values(uid_validity=kept_validity(row.uid_validity) - times * _AGAIN, **_KEPT)
    )


_KEPT: dict[str, Any] = {
    # That it is about to go was the server's mark, and says nothing of the copy.
    "flags": email_item.c.flags.bitwise_and(~int(ItemFlag.DELETED | ItemFlag.RECENT)),
}
