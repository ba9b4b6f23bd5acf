"""Bulk inserts: what they store is what SQLAlchemy's own would, and ids are nobody else's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text

from services84.store.bulk import LARGE, insert_bytes, insert_rows, new_ids
from services84.store.tables import email_item, email_source
from services84.store.values import Folder
from tests.store.conftest import Stores

EAST = timezone(timedelta(hours=5, minutes=30))
MOMENTS = [
    None,
    datetime(2026, 1, 5, 10, tzinfo=UTC),
    datetime(1, 1, 1, 1, 2, 3, 4, tzinfo=EAST),
    datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=EAST),
]
TEXTS = ["", "plain", "Grüße \u2603", "null \0 and half \ud83d", "x" * 100_000]


@pytest.fixture
def folder(stores: Stores) -> Folder:
    return stores.folder(stores.lease(stores.account()))


def row(folder: Folder, item_id: int, uid: int, said: str, moment: datetime | None) -> Any:
    texts = ("keywords", "message_id", "in_reply_to", "references", "subject", "sender")
    return {
        "email_item_id": item_id,
        "email_folder_id": folder.folder_id,
        "uid_validity": 7,
        "uid": uid,
        "flags": 1,
        "size": 2**40,
        **dict.fromkeys((*texts, "reply_to", "to", "cc", "bcc", "parse_problem"), said),
        "received_at": moment,
        "sent_at": moment,
        "priority": 3,
        "has_attachment": bool(uid % 2),
        "registered": MOMENTS[1],
    }


def columns_of(rows: list[Any]) -> dict[str, list[Any]]:
    return {key: [each[key] for each in rows] for key in rows[0]}


def test_it_stores_what_sqlalchemy_stores(stores: Stores, folder: Folder) -> None:
    cases = [(said, moment) for said in TEXTS for moment in MOMENTS]
    kept = []
    columns = ", ".join(f'"{c.name}"' for c in email_item.c)
    for ours in (False, True):
        with stores.database.transaction() as connection:
            rows = [row(folder, 900 + at, at, *case) for at, case in enumerate(cases)]
            if ours:
                insert_rows(connection, email_item, columns_of(rows))
            else:
                connection.execute(insert(email_item), rows)
            # As text: what is in the file, not what the types make of it.
            found = connection.execute(text(f"SELECT {columns} FROM email_item ORDER BY 1")).all()
            kept.append(found)
            connection.execute(delete(email_item))
    assert kept[0] == kept[1]
    assert len(kept[0]) == len(cases)


def test_bytes_are_stored_whole_however_many(stores: Stores, folder: Folder) -> None:
    pattern = bytes(range(256)) * (LARGE // 256)
    kept = {1: b"", 2: b"small", 3: pattern, 4: pattern + b"and a piece"}
    key, mime = email_source.c.email_item_id, email_source.c.mime
    with stores.database.transaction() as connection:
        items = [row(folder, item_id, item_id, "", None) for item_id in kept]
        insert_rows(connection, email_item, columns_of(items))
        insert_bytes(connection, key, mime, kept)
    with stores.database.reading() as connection:
        assert {at: bytes(value) for at, value in connection.execute(select(key, mime))} == kept


def test_reserved_ids_are_taken_by_nobody_else(stores: Stores, folder: Folder) -> None:
    with stores.database.transaction() as connection:
        ids = list(new_ids(connection, email_item.c.email_item_id, 3))
        rows = [row(folder, one, one, "", None) for one in ids]
        insert_rows(connection, email_item, columns_of(rows))
        connection.execute(delete(email_item))
    with stores.database.transaction() as connection:
        more = list(new_ids(connection, email_item.c.email_item_id, 2))
        by_itself = {k: v for k, v in row(folder, 0, 99, "", None).items() if k != "email_item_id"}
        rows = [row(folder, one, one, "", None) for one in more]
        insert_rows(connection, email_item, columns_of(rows))
        connection.execute(insert(email_item), [by_itself])
        found = connection.execute(select(email_item.c.email_item_id)).scalars().all()
    assert len({*ids, *more, *found}) == 6
    assert min(more) > max(ids)
