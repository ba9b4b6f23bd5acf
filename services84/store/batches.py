"""Writing one FolderBatch: the rows of messages, and the folder's counts and cursor with them.

Runs inside the transaction of `folders.py`, after the lease was checked. All of it is bulk: the
number of statements does not grow with the number of messages, save in pieces.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, func, select, update

from services84.errors import StoreError
from services84.store.bulk import insert_bytes, insert_rows, new_ids
from services84.store.compression import compress
from services84.store.kept import drop_items, on_server
from services84.store.sql import chunks, insert_into
from services84.store.tables import (
    email_attachment,
    email_folder,
    email_item,
    email_notice,
    email_problem,
    email_source,
)
from services84.store.values import (
    Adoption,
    Cursor,
    FlagChange,
    Folder,
    FolderBatch,
    ItemFlag,
    NewItem,
)

CURSOR = tuple(one.name for one in fields(Cursor))  # the columns of email_folder that it fills


def pack(items: Sequence[NewItem]) -> dict[int, bytes]:
    """UID → the message's bytes as they are stored."""
    return {item.uid: compress(item.source) for item in items}


def write_batch(
    connection: Connection,
    folder: Folder,
    batch: FolderBatch,
    packed: Mapping[int, bytes],
    now: datetime,
) -> None:
    """Write `batch` for `folder` in the order of FolderBatch's docstring."""
    validity = batch.cursor.uid_validity if batch.cursor else batch.uid_validity
    touched = bool(batch.rekeyed or batch.adopted or batch.changed)
    _rekey(connection, folder.folder_id, validity, batch.rekeyed)
    _adopt(connection, folder, batch.uid_validity, batch.adopted)
    touched |= _remove(connection, folder.folder_id, batch.removed)
    if batch.drop_other_validity:
        touched |= _drop_others(connection, folder.folder_id, batch.uid_validity)
    _change_flags(connection, folder.folder_id, batch.changed)
    _add(connection, folder.folder_id, batch, packed, now)
    _refuse(connection, folder.folder_id, batch, now)
    _clear_problems(connection, folder.folder_id, batch.uid_validity, batch.forgotten)
    whole = batch.cursor is not None and batch.cursor.complete
    if touched or (batch.added and whole):
        counts = counts_of(connection, folder.folder_id)
    else:
        # Counting takes as long as the folder is large; after every batch of a first sync that
        # would be the square of it. The last one counts.
        counts = _counts_with(folder, batch.added)
    _write_folder(connection, folder, batch.cursor, counts, now)


def _rekey(
    connection: Connection, folder_id: int, validity: int, rekeyed: Mapping[int, int]
) -> None:
    if rekeyed:
        connection.execute(
            update(email_item)
            .where(
                email_item.c.email_item_id == bindparam("item"),
                email_item.c.email_folder_id == folder_id,
            )
            .values(uid=bindparam("new_uid"), uid_validity=validity),
            [{"item": item, "new_uid": uid} for item, uid in rekeyed.items()],
        )


def _adopt(
    connection: Connection, folder: Folder, validity: int, adopted: Mapping[int, Adoption]
) -> None:
    """Hang messages over from other folders of the same account, and count those anew.

    Raises StoreError when one of them is not there: taken for adopted, it would be missing here.
    """
    if not adopted:
        return
    mine = select(email_folder.c.email_folder_id).where(
        email_folder.c.account_id == folder.account_id
    )
    left: set[int] = set()
    for ids in chunks(list(adopted)):
        rows = connection.execute(
            select(email_item.c.email_item_id, email_item.c.email_folder_id).where(
                email_item.c.email_item_id.in_(ids), email_item.c.email_folder_id.in_(mine)
            )
        ).all()
        if len(rows) != len(ids):
            raise StoreError("a message that was to change its folder is not stored any more")
        left |= {row.email_folder_id for row in rows}
    connection.execute(
        update(email_item)
        .where(email_item.c.email_item_id == bindparam("item"))
        .values(
            email_folder_id=folder.folder_id,
            uid_validity=validity,
            uid=bindparam("new_uid"),
            flags=bindparam("new_flags"),
            keywords=bindparam("new_keywords"),
            keep=False,
        ),
        [
            {
                "item": item_id,
                "new_uid": place.uid,
                "new_flags": int(place.flags),
                "new_keywords": place.keywords,
            }
            for item_id, place in adopted.items()
        ],
    )
    _clear_problems(connection, folder.folder_id, validity, (p.uid for p in adopted.values()))
    for folder_id in sorted(left - {folder.folder_id}):
        connection.execute(
            update(email_folder)
            .where(email_folder.c.email_folder_id == folder_id)
            # Its cursor still tells of them: until it is finished it is not complete.
            .values(
                **counts_of(connection, folder_id),
                complete=False,
                highest_mod_seq=None,
            )
        )


def _remove(connection: Connection, folder_id: int, item_ids: Sequence[int]) -> bool:
    here = email_item.c.email_folder_id == folder_id
    removed = False
    for ids in chunks(item_ids):
        removed |= drop_items(connection, and_(here, email_item.c.email_item_id.in_(ids)))
    return removed


def _drop_others(connection: Connection, folder_id: int, validity: int) -> bool:
    problems, items = (
        and_(table.c.email_folder_id == folder_id, table.c.uid_validity != validity)
        for table in (email_problem, email_item)
    )
    connection.execute(delete(email_problem).where(problems))
    return drop_items(connection, items)


def _change_flags(connection: Connection, folder_id: int, changed: Sequence[FlagChange]) -> None:
    if changed:
        connection.execute(
            update(email_item)
            .where(
                email_item.c.email_item_id == bindparam("item"),
                email_item.c.email_folder_id == folder_id,
            )
            .values(flags=bindparam("new_flags"), keywords=bindparam("new_keywords")),
            [
                {
                    "item": change.item_id,
                    "new_flags": int(change.flags),
                    "new_keywords": change.keywords,
                }
                for change in changed
            ],
        )


def _add(
    connection: Connection,
    folder_id: int,
    batch: FolderBatch,
    packed: Mapping[int, bytes],
    now: datetime,
) -> None:
    if not batch.added:
        return
    count = len(batch.added)
    ids = list(new_ids(connection, email_item.c.email_item_id, count))
    by_uid = dict(zip((item.uid for item in batch.added), ids, strict=True))
    key: dict[str, Sequence[Any]] = {"email_item_id": ids}
    placed: dict[str, Sequence[Any]] = {
        "email_folder_id": [folder_id] * count,
        "uid_validity": [batch.uid_validity] * count,
        "registered": [now] * count,
    }
    insert_rows(connection, email_item, key | placed | _item_columns(batch.added))
    sources = {by_uid[uid]: source for uid, source in packed.items()}
    insert_bytes(connection, email_source.c.email_item_id, email_source.c.mime, sources)
    insert_rows(connection, email_attachment, _attachment_columns(ids, batch.added))
    news = [item_id for uid, item_id in by_uid.items() if uid in batch.news]
    insert_rows(connection, email_notice, {"email_item_id": news})
    _clear_problems(connection, folder_id, batch.uid_validity, by_uid)


def _clear_problems(
    connection: Connection, folder_id: int, validity: int, uids: Iterable[int]
) -> None:
    """What was refused before has come after all, or is gone."""
    here = email_problem.c.email_folder_id == folder_id
    if connection.execute(select(email_problem.c.uid).where(here).limit(1)).first() is None:
        return
    for some in chunks(list(uids)):
        connection.execute(
            delete(email_problem).where(
                email_problem.c.email_folder_id == folder_id,
                email_problem.c.uid_validity == validity,
                email_problem.c.uid.in_(some),
            )
        )


# Columns by the names that NewItem's and NewAttachment's members have.
_ITEM = {
    "uid": "uid",
    "flags": "flags",
    "keywords": "keywords",
    "received_at": "internal_date",
    "size": "size",
    "message_id": "message_id",
    "in_reply_to": "in_reply_to",
    "references": "references",
    "subject": "subject",
    "sender": "sender",
    "reply_to": "reply_to",
    "to": "to",
    "cc": "cc",
    "bcc": "bcc",
    "sent_at": "sent_at",
    "priority": "priority",
    "has_attachment": "attachments",
    "parse_problem": "parse_problem",
}
_ATTACHMENT = {
    "part": "part",
    "cid": "content_id",
    "filename": "name",
    "type": "content_type",
    "size": "size",
    "encoding": "encoding",
    "disposition": "inline",
}
_item_values = attrgetter(*_ITEM.values())
_attachment_values = attrgetter(*_ATTACHMENT.values())


def _item_columns(items: Sequence[NewItem]) -> dict[str, Sequence[Any]]:
    columns = _columns(_ITEM, map(_item_values, items))
    return columns | {
        "flags": list(map(int, columns["flags"])),
        "has_attachment": list(map(bool, columns["has_attachment"])),
    }


def _attachment_columns(ids: Sequence[int], items: Sequence[NewItem]) -> dict[str, Sequence[Any]]:
    found = [(at, one) for at, item in zip(ids, items, strict=True) for one in item.attachments]
    if not found:
        return {}
    columns = _columns(_ATTACHMENT, (_attachment_values(one) for _, one in found))
    return columns | {
        "email_item_id": [at for at, _ in found],
        "disposition": ["inline" if each else "attachment" for each in columns["disposition"]],
    }


def _columns(names: Iterable[str], rows: Iterable[Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """The columns of some rows, by their names."""
    return dict(zip(names, zip(*rows, strict=True), strict=True))


def _refuse(connection: Connection, folder_id: int, batch: FolderBatch, now: datetime) -> None:
    statement = insert_into(connection, email_problem)
    key = ["email_folder_id", "uid_validity", "uid"]
    if batch.refused:
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=key,
                set_={
                    "reason": statement.excluded.reason,
                    "tries": email_problem.c.tries + 1,
                    "last": statement.excluded.last,
                },
            ),
            _problem_rows(folder_id, batch.uid_validity, batch.refused, 1, now),
        )
    if batch.suspected:
        connection.execute(
            statement.on_conflict_do_nothing(index_elements=key),
            _problem_rows(folder_id, batch.uid_validity, batch.suspected, 0, now),
        )


def _problem_rows(
    folder_id: int, uid_validity: int, reasons: Mapping[int, str], tries: int, now: datetime
) -> list[dict[str, Any]]:
    return [
        {
            "email_folder_id": folder_id,
            "uid_validity": uid_validity,
            "uid": uid,
            "reason": reason,
            "tries": tries,
            "last": now,
        }
        for uid, reason in reasons.items()
    ]


def _write_folder(
    connection: Connection,
    folder: Folder,
    cursor: Cursor | None,
    counts: Mapping[str, int],
    now: datetime,
) -> None:
    """Renew what the folder's row says of its messages, where that has changed."""
    values: dict[str, Any] = dict(counts)
    if cursor is not None:
        values |= {name: getattr(cursor, name) for name in CURSOR}
    if any(getattr(folder, name) != value for name, value in values.items()):
        connection.execute(
            update(email_folder)
            .where(email_folder.c.email_folder_id == folder.folder_id)
            .values(**values, updated=now)
        )


def _counts_with(folder: Folder, added: Sequence[NewItem]) -> dict[str, int]:
    unread = sum(not item.flags & ItemFlag.SEEN for item in added)
    return {"total": folder.total + len(added), "unread": folder.unread + unread}


def counts_of(connection: Connection, folder_id: int) -> dict[str, int]:
    """What a folder's row says of the numbers of its messages, counted anew."""
    shown = ~email_item.c.hidden
    unread = email_item.c.flags.bitwise_and(int(ItemFlag.SEEN)) == 0
    total, new, kept, hidden = connection.execute(
        select(
            func.count().filter(shown),
            func.count().filter(shown, unread),
            func.count().filter(~on_server()),
            func.count().filter(email_item.c.hidden),
        ).where(email_item.c.email_folder_id == folder_id)
    ).one()
    return {"total": total, "unread": new, "kept_count": kept, "hidden_count": hidden}
