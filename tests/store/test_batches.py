"""A batch is written whole or not at all, rows and cursor together, and nothing when nothing is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import event, text, update

from services84.errors import LeaseLost, NotFound, StoreError
from services84.store.tables import email_source
from services84.store.values import (
    Adoption,
    Cursor,
    FlagChange,
    Folder,
    FolderAttribute,
    FolderBatch,
    FolderChanges,
    FolderDraft,
    Identity,
    Item,
    ItemFlag,
    Lease,
    NewAttachment,
    NewItem,
)
from tests.store.conftest import START, Stores, folder_draft

RECEIVED = datetime(2026, 2, 1, 12, 0, 0, tzinfo=timezone(timedelta(hours=1)))
SOURCE = b"Subject: =?utf-8?q?hi?=\r\n\r\n\x00\xff\xfe bare\n"


def message(uid: int, **members: object) -> NewItem:
    values: dict[str, object] = {
        "uid": uid,
        "flags": ItemFlag.NONE,
        "keywords": "",
        "internal_date": RECEIVED,
        "size": len(SOURCE),
        "source": SOURCE,
        "message_id": f"<{uid}@example.com>",
        "attachments": [
            NewAttachment("2", "cid", "a\x00.pdf", "application/pdf", 12, "base64", False),
            NewAttachment("3.1", "", "b.png", "image/png", 2**33, "binary", True),
        ],
    }
    return NewItem(**{**values, **members})  # type: ignore[arg-type]


@pytest.fixture
def lease(stores: Stores) -> Lease:
    return stores.lease(stores.account())


@pytest.fixture
def folder(stores: Stores, lease: Lease) -> Folder:
    return stores.folder(lease)


def _counts(stores: Stores, folder: Folder) -> tuple[int, int]:
    found = stores.folders.get(folder.folder_id)
    assert found is not None
    return found.total, found.unread


def _ids(stores: Stores, folder: Folder, validity: int) -> dict[int, int]:
    states = stores.items.states(folder.folder_id, validity)
    return {uid: state.item_id for uid, state in states.items()}


# Folders ----------------------------------------------------------------------------------------


def test_a_folder_list_is_reconciled(stores: Stores, lease: Lease) -> None:
    names = ["Ärger", "zuletzt", "INBOX", "b/c"]
    stores.folders.reconcile(lease, FolderChanges(added=[folder_draft(name) for name in names]))
    folders = stores.folders.list(lease.account_id)
    assert [folder.name for folder in folders] == ["INBOX", "b/c", "zuletzt", "Ärger"]
    draft = FolderDraft(
        "Entwürfe", "Entw\u00fcrfe", ".", FolderAttribute.DRAFTS | FolderAttribute.HAS_CHILDREN
    )
    changes = FolderChanges(
        added=[folder_draft("neu")],
        updated={folders[1].folder_id: draft},
        removed=[folders[2].folder_id],
    )
    stores.folders.reconcile(lease, changes)
    after = {folder.folder_id: folder for folder in stores.folders.list(lease.account_id)}
    assert after[folders[1].folder_id] == replace(
        folders[1],
        name="Entwürfe",
        server_name="Entw\u00fcrfe",
        delimiter=".",
        attributes=FolderAttribute.DRAFTS | FolderAttribute.HAS_CHILDREN,
    )
    assert sorted(folder.name for folder in after.values()) == ["Entwürfe", "INBOX", "neu", "Ärger"]


def test_folders_of_another_account_are_out_of_reach(
    stores: Stores, lease: Lease, folder: Folder
) -> None:
    other = stores.lease(stores.account())
    changes = FolderChanges(
        updated={folder.folder_id: folder_draft("x")}, removed=[folder.folder_id]
    )
    stores.folders.reconcile(other, changes)
    assert stores.folders.get(folder.folder_id) == folder
    with pytest.raises(NotFound):
        stores.folders.apply(other, folder.folder_id, FolderBatch(1, added=[message(1)]))


def test_a_removed_folder_takes_its_mail_with_it(
    stores: Stores, lease: Lease, folder: Folder
) -> None:
    stores.folders.apply(lease, folder.folder_id, FolderBatch(1, added=[message(1)]))
    item_id = _ids(stores, folder, 1)[1]
    stores.folders.reconcile(lease, FolderChanges(removed=[folder.folder_id]))
    assert stores.items.get(item_id) is None
    assert stores.items.source(item_id) is None
    assert stores.folders.get(folder.folder_id) is None


def test_a_folder_that_becomes_a_mere_name_loses_its_mail(
    stores: Stores, lease: Lease, folder: Folder
) -> None:
    other = stores.folder(lease, "Other")
    for one in (folder, other):
        stores.folders.apply(
            lease, one.folder_id, FolderBatch(1, added=[message(1)], cursor=Cursor(1, 2, 3, True))
        )
    draft = replace(folder_draft(folder.server_name), attributes=FolderAttribute.NO_SELECT)
    stores.folders.reconcile(lease, FolderChanges(updated={folder.folder_id: draft}))
    after = {one.folder_id: one for one in stores.folders.list(lease.account_id)}
    closed = after[folder.folder_id]
    assert (closed.total, closed.unread, closed.complete, closed.uid_validity) == (
        0,
        0,
        False,
        None,
    )
    assert stores.items.count(folder.folder_id) == 0
    assert (after[other.folder_id].total, stores.items.count(other.folder_id)) == (1, 1)
    stores.folders.empty(lease, other.folder_id)
    assert stores.items.count(other.folder_id) == 0


def test_a_folder_is_put_off_and_taken_up_again(
    stores: Stores, lease: Lease, folder: Folder
) -> None:
    stores.folders.set_aside(lease, folder.folder_id, START, 2)
    aside = stores.folders.get(folder.folder_id)
    assert aside is not None
    assert (aside.set_aside_until, aside.set_aside_count) == (START, 2)
    stores.folders.set_aside(lease, folder.folder_id, None, 0)
    assert stores.folders.get(folder.folder_id) == folder


# Messages that change their folder --------------------------------------------------------------


def test_a_message_is_hung_over_with_all_that_belongs_to_it(
    stores: Stores, lease: Lease, folder: Folder
) -> None:
    target = stores.folder(lease, "Target")
    stores.folders.apply(
        lease,
        folder.folder_id,
        FolderBatch(1, added=[message(1), message(2)], cursor=Cursor(1, 3, 9, True)),
    )
    item_id = _ids(stores, folder, 1)[1]
    place = Adoption(70, ItemFlag.SEEN, "$Later")
    stores.folders.apply(lease, target.folder_id, FolderBatch(8, adopted={item_id: place}))
    item = stores.items.get(item_id)
    assert item is not None
    assert (item.folder_id, item.uid_validity, item.uid) == (target.folder_id, 8, 70)
    assert (item.flags, item.keywords) == (ItemFlag.SEEN, "$Later")
    assert stores.items.source(item_id) == SOURCE
    assert len(stores.items.attachments(item_id)) == 2
    assert (_counts(stores, target), _counts(stores, folder)) == ((1, 0), (1, 1))
    left = stores.folders.get(folder.folder_id)
    assert left is not None
    assert (left.complete, left.uid_next, left.highest_mod_seq) == (False, 3, None)


@pytest.mark.parametrize("foreign", [True, False])
def test_a_message_that_is_not_there_is_not_taken_for_hung_over(
    stores: Stores, lease: Lease, folder: Folder, foreign: bool
) -> None:
    item_id = 4711
    if foreign:
        others = stores.lease(stores.account(address="other@example.com"))
        theirs = stores.folder(others)
        stores.folders.apply(others, theirs.folder_id, FolderBatch(1, added=[message(1)]))
        item_id = _ids(stores, theirs, 1)[1]
    batch = FolderBatch(
        8, adopted={item_id: Adoption(70, ItemFlag.NONE, "")}, cursor=Cursor(8, 71, 1, True)
    )
    with pytest.raises(StoreError, match="not stored any more"):
        stores.folders.apply(lease, folder.folder_id, batch)
    assert stores.folders.get(folder.folder_id) == folder


def test_a_lost_lease_changes_no_folder(stores: Stores, lease: Lease, folder: Folder) -> None:
    stores.later(seconds=61)
    assert stores.accounts.take_lease(lease.account_id, "x", stores.now, 60) is not None
    with pytest.raises(LeaseLost):
        stores.folders.reconcile(lease, FolderChanges(removed=[folder.folder_id]))
    assert stores.folders.list(lease.account_id) == [folder]


# Messages ---------------------------------------------------------------------------------------


def test_a_message_comes_back_as_it_was_given(stores: Stores, lease: Lease, folder: Folder) -> None:
    given = message(
        2**32 - 1,
        flags=ItemFlag.SEEN | ItemFlag.FLAGGED,
        keywords="$Junk Ärger",
        size=2**33,
        in_reply_to="<x>",
        references="<a> <b>",
        subject="Grüße \x00 😀",
        sender="a@b",
        reply_to="r@b",
        to="t@b",
        cc="c@b",
        bcc="h@b",
        sent_at=START,
        priority=1,
        parse_problem="odd",
    )
    stores.folders.apply(lease, folder.folder_id, FolderBatch(2**32 - 2, added=[given]))
    item_id = _ids(stores, folder, 2**32 - 2)[2**32 - 1]
    assert stores.items.get(item_id) == Item(
        item_id=item_id,
        folder_id=folder.folder_id,
        uid_validity=2**32 - 2,
        uid=2**32 - 1,
        flags=ItemFlag.SEEN | ItemFlag.FLAGGED,
        keywords="$Junk Ärger",
        internal_date=RECEIVED.astimezone(UTC),
        size=2**33,
        message_id=f"<{2**32 - 1}@example.com>",
        in_reply_to="<x>",
        references="<a> <b>",
        subject="Grüße \ufffd 😀",
        sender="a@b",
        reply_to="r@b",
        to="t@b",
        cc="c@b",
        bcc="h@b",
        sent_at=START,
        priority=1,
        parse_problem="odd",
    )
    assert stores.items.source(item_id) == SOURCE
    assert stores.items.attachments(item_id) == [
        NewAttachment("2", "cid", "a\ufffd.pdf", "application/pdf", 12, "base64", False),
        NewAttachment("3.1", "", "b.png", "image/png", 2**33, "binary", True),
    ]


def test_what_does_not_exist_is_none(stores: Stores) -> None:
    assert stores.items.get(1) is None
    assert stores.items.source(1) is None
    assert stores.items.attachments(1) == []
    assert stores.items.list(1, limit=10) == []


def test_long_message_ids_and_empty_messages_are_stored(
    stores: Stores, lease: Lease, folder: Folder
) -> None:
    # A PostgreSQL btree would refuse the first, a NOT NULL column the second if it were None.
    odd = [
        message(1, message_id="<" + "ä" * 50_000 + ">", in_reply_to="<" + "z" * 50_000 + ">"),
        message(2, source=b"", size=0, message_id="", internal_date=None, attachments=()),
    ]
    stores.folders.apply(lease, folder.folder_id, FolderBatch(1, added=odd))
    ids = _ids(stores, folder, 1)
    assert stores.items.get(ids[1]).message_id == "<" + "ä" * 50_000 + ">"  # type: ignore[union-attr]
    assert stores.items.source(ids[2]) == b""


def test_a_batch_does_all_in_one(stores: Stores, lease: Lease, folder: Folder) -> None:
    first = FolderBatch(
        1,
        added=[message(uid) for uid in (1, 2, 3, 4)],
        refused={9: "no"},
        cursor=Cursor(1, 5, 77, True),
    )
    stores.folders.apply(lease, folder.folder_id, first)
    assert _counts(stores, folder) == (4, 4)
    before = _ids(stores, folder, 1)
    second = FolderBatch(
        2,
        rekeyed={before[1]: 11, before[2]: 12, before[3]: 13},
        removed=[before[2]],
        drop_other_validity=True,
        changed=[FlagChange(before[1], ItemFlag.SEEN, "$Done")],
        added=[message(14, flags=ItemFlag.SEEN), message(12)],
        refused={15: "too odd"},
        cursor=Cursor(2, 16, 2**63 - 1, False),
    )
    stores.folders.apply(lease, folder.folder_id, second)
    states = stores.items.states(folder.folder_id, 2)
    assert {uid: (s.flags, s.keywords) for uid, s in states.items()} == {
        11: (ItemFlag.SEEN, "$Done"),
        12: (ItemFlag.NONE, ""),
        13: (ItemFlag.NONE, ""),
        14: (ItemFlag.SEEN, ""),
    }
    assert states[11].item_id == before[1]
    assert states[12].item_id not in before.values()
    assert stores.items.states(folder.folder_id, 1) == {}
    assert stores.items.refusals(folder.folder_id, 1) == {}
    assert _tries(stores, folder, 2) == {15: 1}
    found = stores.folders.get(folder.folder_id)
    assert found is not None
    assert (found.uid_validity, found.uid_next, found.highest_mod_seq, found.complete) == (
        2, 16, 2**63 - 1, False,
    )  # fmt: skip
    assert (found.total, found.unread) == (4, 2)


def test_a_batch_that_fails_writes_nothing(stores: Stores, lease: Lease, folder: Folder) -> None:
    stores.folders.apply(lease, folder.folder_id, FolderBatch(1, added=[message(1)]))
    before = stores.folders.get(folder.folder_id), stores.items.states(folder.folder_id, 1)
    twice = FolderBatch(
        1,
        removed=[_ids(stores, folder, 1)[1]],
        added=[message(2), message(2)],
        cursor=Cursor(1, 9, 9, True),
    )
    with pytest.raises(StoreError):
        stores.folders.apply(lease, folder.folder_id, twice)
    assert (
        stores.folders.get(folder.folder_id),
        stores.items.states(folder.folder_id, 1),
    ) == before


def test_a_batch_touches_no_other_folder(stores: Stores, lease: Lease, folder: Folder) -> None:
    other = stores.folder(lease, "Other")
    stores.folders.apply(lease, other.folder_id, FolderBatch(1, added=[message(1)]))
    foreign = _ids(stores, other, 1)[1]
    batch = FolderBatch(
        2,
        rekeyed={foreign: 5},
        removed=[foreign],
        changed=[FlagChange(foreign, ItemFlag.SEEN, "")],
        drop_other_validity=True,
    )
    stores.folders.apply(lease, folder.folder_id, batch)
    states = stores.items.states(other.folder_id, 1)
    assert {uid: (s.item_id, s.flags) for uid, s in states.items()} == {1: (foreign, ItemFlag.NONE)}


class _Statements:
    """What a database is told while the `with` block runs."""

    def __init__(self, stores: Stores) -> None:
        self._engine = stores.database._engine
        self.said: list[str] = []

    def _note(self, _c: object, _cursor: object, statement: str, *_: object) -> None:
        self.said.append(statement)

    def __enter__(self) -> list[str]:
        event.listen(self._engine, "before_cursor_execute", self._note)
        return self.said

    def __exit__(self, *_: object) -> None:
        event.remove(self._engine, "before_cursor_execute", self._note)


def _writes(said: list[str]) -> list[str]:
    return [s for s in said if s.split()[0] in ("INSERT", "UPDATE", "DELETE") or "FOR " in s]


def test_a_batch_that_changes_nothing_writes_nothing(
    stores: Stores, lease: Lease, folder: Folder
) -> None:
    cursor = Cursor(1, 5, None, True)
    full = FolderBatch(1, added=[message(1)], cursor=cursor)
    stores.folders.apply(lease, folder.folder_id, full)
    with _Statements(stores) as said:
        for drop in (False, True):
            stores.folders.apply(
                lease, folder.folder_id, FolderBatch(1, cursor=cursor, drop_other_validity=drop)
            )
        stores.folders.apply(lease, folder.folder_id, FolderBatch(1))
        stores.folders.reconcile(lease, FolderChanges())
    assert said
    assert _writes(said) == []
    if stores.database.product == "SQLite":
        assert "BEGIN IMMEDIATE" not in said


def test_a_cursor_alone_is_written_alone(stores: Stores, lease: Lease, folder: Folder) -> None:
    with _Statements(stores) as said:
        stores.folders.apply(
            lease, folder.folder_id, FolderBatch(1, cursor=Cursor(1, 5, None, True))
        )
    assert [s.split()[:2] for s in _writes(said) if "FOR " not in s] == [["UPDATE", "email_folder"]]


def test_many_messages_need_few_statements(stores: Stores, lease: Lease, folder: Folder) -> None:
    with _Statements(stores) as said:
        added = [message(uid, attachments=()) for uid in range(1000)]
        stores.folders.apply(lease, folder.folder_id, FolderBatch(1, added=added))
        ids = _ids(stores, folder, 1)
        stores.folders.apply(lease, folder.folder_id, FolderBatch(1, removed=list(ids.values())))
    assert len(said) < 30
    assert _counts(stores, folder) == (0, 0)


def test_more_removals_than_a_statement_takes(stores: Stores, lease: Lease, folder: Folder) -> None:
    stores.folders.apply(lease, folder.folder_id, FolderBatch(1, added=[message(1)]))
    ids = [*range(10_000, 80_000), *_ids(stores, folder, 1).values()]
    stores.folders.apply(lease, folder.folder_id, FolderBatch(1, removed=ids))
    assert _counts(stores, folder) == (0, 0)


def _tries(stores: Stores, folder: Folder, uid_validity: int) -> dict[int, int]:
    refusals = stores.items.refusals(folder.folder_id, uid_validity)
    return {uid: refusal.tries for uid, refusal in refusals.items()}


def test_suspicion_is_no_try_and_takes_none_back(
    stores: Stores, lease: Lease, folder: Folder
) -> None:
    stores.folders.apply(lease, folder.folder_id, FolderBatch(1, refused={7: "no"}))
    stores.later(hours=1)
    batch = FolderBatch(1, suspected={7: "broke", 8: "broke"})
    stores.folders.apply(lease, folder.folder_id, batch)
    assert _tries(stores, folder, 1) == {7: 1, 8: 0}
    stores.folders.apply(lease, folder.folder_id, FolderBatch(1, refused={8: "no"}))
    assert _tries(stores, folder, 1) == {7: 1, 8: 1}


def test_refusals_are_counted_until_the_message_comes(
    stores: Stores, lease: Lease, folder: Folder
) -> None:
    for reason in ("no", "no again"):
        stores.folders.apply(lease, folder.folder_id, FolderBatch(1, refused={7: reason, 8: "x"}))
    assert _tries(stores, folder, 1) == {7: 2, 8: 2}
    stores.folders.apply(lease, folder.folder_id, FolderBatch(1, added=[message(7)]))
    assert _tries(stores, folder, 1) == {8: 2}


def test_old_rows_stay_until_they_are_dropped(stores: Stores, lease: Lease, folder: Folder) -> None:
    stores.folders.apply(lease, folder.folder_id, FolderBatch(1, added=[message(1), message(2)]))
    new = FolderBatch(2, added=[message(1)], cursor=Cursor(2, 3, None, False))
    stores.folders.apply(lease, folder.folder_id, new)
    assert stores.items.other_validities(folder.folder_id, 2)
    assert stores.items.count(folder.folder_id) == 3
    assert _counts(stores, folder) == (3, 3)
    stores.folders.apply(lease, folder.folder_id, FolderBatch(2, drop_other_validity=True))
    assert not stores.items.other_validities(folder.folder_id, 2)
    assert _counts(stores, folder) == (1, 1)


def test_identities_tell_what_old_rows_are(stores: Stores, lease: Lease, folder: Folder) -> None:
    for validity in (1, 2, 3):
        batch = FolderBatch(validity, added=[message(validity * 10, message_id=f"<{validity}>")])
        stores.folders.apply(lease, folder.folder_id, batch)
    received = RECEIVED.astimezone(UTC)
    assert stores.items.identities(folder.folder_id, other_than=2) == [
        (_ids(stores, folder, 1)[10], Identity(10, "<1>", received, len(SOURCE))),
        (_ids(stores, folder, 3)[30], Identity(30, "<3>", received, len(SOURCE))),
    ]


def test_ids_of_removed_messages_are_not_given_again(
    stores: Stores, lease: Lease, folder: Folder
) -> None:
    stores.folders.apply(lease, folder.folder_id, FolderBatch(1, added=[message(1)]))
    old = _ids(stores, folder, 1)[1]
    stores.folders.apply(lease, folder.folder_id, FolderBatch(1, removed=[old]))
    stores.folders.apply(lease, folder.folder_id, FolderBatch(1, added=[message(1)]))
    assert _ids(stores, folder, 1)[1] > old


# Reading ----------------------------------------------------------------------------------------


def test_messages_are_listed_newest_first_page_by_page(
    stores: Stores, lease: Lease, folder: Folder
) -> None:
    added = [message(uid) for uid in (5, 2**31 + 1, 1, 3)]
    stores.folders.apply(lease, folder.folder_id, FolderBatch(1, added=added))
    first = stores.items.list(folder.folder_id, limit=2)
    assert [item.uid for item in first] == [2**31 + 1, 5]
    rest = stores.items.list(folder.folder_id, limit=9, before_uid=5)
    assert [item.uid for item in rest] == [3, 1]
    assert stores.items.count(folder.folder_id) == 4


def test_the_newest_of_all_folders_come_with_their_folders_names(
    stores: Stores, lease: Lease, folder: Folder
) -> None:
    other = stores.folder(lease, "Sent")
    strange = stores.lease(stores.account())
    days = {1: folder, 2: other, 3: folder}
    for day, place in days.items():
        item = message(day, internal_date=START + timedelta(days=day))
        stores.folders.apply(lease, place.folder_id, FolderBatch(1, added=[item]))
    undated = FolderBatch(1, added=[message(9, internal_date=None)])
    stores.folders.apply(lease, other.folder_id, undated)
    foreign = FolderBatch(1, added=[message(8)])
    stores.folders.apply(strange, stores.folder(strange).folder_id, foreign)
    newest = stores.items.newest(lease.account_id, 9)
    assert [(name, item.uid) for name, item in newest] == [
        ("INBOX", 3), ("Sent", 2), ("INBOX", 1), ("Sent", 9),
    ]  # fmt: skip
    assert len(stores.items.newest(lease.account_id, 2)) == 2


def test_damaged_bytes_are_reported_not_returned(
    stores: Stores, lease: Lease, folder: Folder
) -> None:
    stores.folders.apply(lease, folder.folder_id, FolderBatch(1, added=[message(1)]))
    with stores.database.transaction() as connection:
        connection.execute(update(email_source).values(mime=b"x"))
    with pytest.raises(StoreError, match="damaged"):
        stores.items.source(_ids(stores, folder, 1)[1])


def test_a_page_is_read_by_index(stores: Stores, lease: Lease, folder: Folder) -> None:
    if stores.database.product != "SQLite":
        return
    with stores.database.reading() as connection:
        plan = connection.execute(
            text(
                "EXPLAIN QUERY PLAN SELECT * FROM email_item WHERE email_folder_id = 1 AND uid < 9"
                " ORDER BY uid DESC, email_item_id DESC LIMIT 5"
            )
        ).all()
    assert "ix_email_item_folder_uid" in str(plan)
    assert "TEMP B-TREE" not in str(plan)
