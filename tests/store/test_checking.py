"""`check`: silent about what is right, and each damage told by its name."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from services84.errors import StoreUnavailable
from services84.store import checking
from services84.store.checking import check
from services84.store.values import Cursor, FolderBatch, ItemFlag, NewItem
from tests.store.conftest import Stores


def _item(uid: int) -> NewItem:
    seen = ItemFlag.SEEN if uid % 2 else ItemFlag(0)
    return NewItem(uid=uid, flags=seen, keywords="", internal_date=None, size=5, source=b"hello")


@pytest.fixture
def filled(stores: Stores) -> Stores:
    """An account whose INBOX is complete, with a sync going on, and another account."""
    account = stores.account()
    lease = stores.lease(account)
    folder = stores.folder(lease)
    stores.folders.apply(
        lease,
        folder.folder_id,
        FolderBatch(
            uid_validity=7,
            added=[_item(uid) for uid in range(50, 60)],
            cursor=Cursor(7, 60, 99, True, stores.now - timedelta(days=9), "1:40,44"),
        ),
    )
    stores.account(address="b@example.com")
    return stores


def _wrong(stores: Stores, *, mail: bool = False) -> dict[str, tuple[str, ...]]:
    results = list(check(stores.database, mail=mail))
    assert len(results) == (7 if mail else 6)
    return {one.name: one.problems for one in results if one.problems}


def test_nothing_is_wrong_with_what_is_right(filled: Stores) -> None:
    assert _wrong(filled, mail=True) == {}


DAMAGES = {
    "a message is missing": (
        "DELETE FROM email_item WHERE uid = 55",
        "counts",
        "folder 1 ('INBOX' of account 1) says 10 messages, 5 of them unread, and has 9 and 5",
    ),
    "a flag has changed": (
        "UPDATE email_item SET flags = 0 WHERE uid = 55",
        "counts",
        "says 10 messages, 5 of them unread, and has 10 and 6",
    ),
    "a message has no source": (
        "DELETE FROM email_source WHERE email_item_id = 3",
        "messages",
        "message 3 has no source",
    ),
    "rows of another UIDVALIDITY": (
        "UPDATE email_item SET uid_validity = 6 WHERE uid > 57",
        "cursors",
        "is complete under UIDVALIDITY 7, and has 2 messages of another",
    ),
    "a cursor without UIDVALIDITY": (
        "UPDATE email_folder SET uid_validity = NULL",
        "cursors",
        "is complete, and has no UIDVALIDITY",
    ),
    "a cursor that is not complete": (
        "UPDATE email_folder SET complete = '0'",
        "cursors",
        "has a mod-sequence, and is not complete",
    ),
    "left out and there": (
        "UPDATE email_folder SET left_out = '1:50,53'",
        "cursors",
        "has 2 messages that it says it left out",
    ),
    "left out what is no set": (
        "UPDATE email_folder SET left_out = '1:x'",
        "cursors",
        "left out what is no set of UIDs",
    ),
    "credentials of no account": (
        "UPDATE email_account SET incoming_auth = NULL WHERE email_account_id = 2",
        "accounts",
        "service_auth 2 belongs to no account",
    ),
    "credentials of two": (
        "UPDATE email_account SET incoming_auth = 1",
        "accounts",
        "service_auth 1 belongs to several accounts",
    ),
    "an unknown state": (
        "UPDATE email_account SET account_status = 77 WHERE email_account_id = 2",
        "accounts",
        "account 2 has the unknown state 77",
    ),
    "a lease of no sync": (
        "UPDATE email_account SET run_id = 99 WHERE email_account_id = 2",
        "accounts",
        "account 2 is held by sync 99, none of its own",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damage_is_told(filled: Stores, damage: str) -> None:
    statement, name, problem = DAMAGES[damage]
    with filled.database.transaction() as connection:
        connection.execute(text(statement))
    wrong = _wrong(filled)
    assert any(problem in told for told in wrong[name]), wrong


def test_damaged_mail_is_told_when_it_is_read(filled: Stores) -> None:
    with filled.database.transaction() as connection:
        connection.execute(text("UPDATE email_source SET mime = '' WHERE email_item_id = 4"))
    assert _wrong(filled) == {}
    assert _wrong(filled, mail=True) == {"mail": ("the bytes of message 4 are damaged",)}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_rows_that_refer_to_nothing_are_told(filled: Stores) -> None:
    """SQLite lets in what its programs do not forbid; PostgreSQL never does."""
    raw = filled.database._engine.raw_connection()
    raw.execute("PRAGMA query_only=0")
    raw.execute("PRAGMA foreign_keys=OFF")
    raw.execute("DELETE FROM email_folder")
    raw.execute("PRAGMA foreign_keys=ON")
    raw.close()
    assert _wrong(filled)["references"] == (
        "10 rows of email_item refer to email_folder 1, which is not there",
    )


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_damaged_pages_are_told(filled: Stores, tmp_path: Path) -> None:
    filled.database.close()
    path = tmp_path / "test.sqlite3"
    data = bytearray(path.read_bytes())
    at = data.rindex(b"b@example.com")
    while data[at - 1] != 0:
        at -= 1
    data[at : at + 40] = b"\xff" * 40
    path.write_bytes(data)
    with contextlib.suppress(StoreUnavailable):  # where it cannot even be read
        assert _wrong(filled)


def test_of_many_problems_some_are_named_and_all_counted(
    filled: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "MOST", 4)
    with filled.database.transaction() as connection:
        connection.execute(text("DELETE FROM email_source"))
    found = {one.name: one for one in check(filled.database)}["messages"]
    assert len(found.problems) == 4
    assert found.more == 10 - 4
