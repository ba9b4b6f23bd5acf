"""Messages are found by ids, Message-IDs and folders, the same on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services84.store.values import Cursor, Folder, FolderBatch, ItemPlace, Lease
from tests.store.conftest import START, Stores
from tests.store.test_batches import RECEIVED, message


@pytest.fixture
def lease(stores: Stores) -> Lease:
    return stores.lease(stores.account())


@pytest.fixture
def folder(stores: Stores, lease: Lease) -> Folder:
    return stores.folder(lease)


def add(stores: Stores, lease: Lease, folder: Folder, *uids: int, **members: object) -> list[int]:
    """Messages stored in this order; their ids."""
    before = stores.items.highest_id()
    batch = FolderBatch(
        7,
        added=[message(uid, **members) for uid in uids],
        cursor=Cursor(7, None, None, complete=False),
    )
    stores.folders.apply(lease, folder.folder_id, batch)
    states = stores.items.states(folder.folder_id, 7, uids)
    found = [states[uid].item_id for uid in uids]
    assert min(found) > before
    return found


def test_where_messages_are_is_told_of_those_that_are_stored(
    stores: Stores, lease: Lease, folder: Folder
) -> None:
    first, second = add(stores, lease, folder, 5, 4)
    places = stores.items.places([second, 999_999, first])
    assert places == {
        first: ItemPlace(first, folder.folder_id, lease.account_id, 7, 5),
        second: ItemPlace(second, folder.folder_id, lease.account_id, 7, 4),
    }
    assert stores.items.places([]) == {}


def test_where_ten_thousand_messages_are_is_told(
    stores: Stores, lease: Lease, folder: Folder
) -> None:
    ids = add(stores, lease, folder, *range(1, 10_001), attachments=[])
    assert len(stores.items.places(ids)) == 10_000


def test_message_ids_are_looked_for_in_some_accounts_newest_first(
    stores: Stores, lease: Lease, folder: Folder
) -> None:
    other = stores.lease(stores.account())
    later = RECEIVED + timedelta(days=1)
    (old,) = add(stores, lease, folder, 1, message_id="<a@x>", in_reply_to="<q@x>")
    (new,) = add(
        stores, lease, folder, 2, message_id="<a@x>", in_reply_to="q@x", internal_date=later
    )
    (dateless,) = add(stores, lease, folder, 3, message_id="<a@x>", internal_date=None)
    (foreign,) = add(stores, other, stores.folder(other), 1, message_id="<a@x>")
    items, mine = stores.items, [lease.account_id]
    found = [item.item_id for item in items.with_message_id(["<a@x>", "a@x"], mine)]
    assert found == [new, old, dateless]
    everywhere = items.with_message_id(["<a@x>"], [lease.account_id, other.account_id])
    assert foreign in [item.item_id for item in everywhere]
    answers = [item.item_id for item in items.answering(["<q@x>", "q@x"], mine)]
    assert answers == [new, old]
    assert items.with_message_id(["<b@x>"], mine) == []
    assert items.with_message_id(["<a@x>"], []) == []
    assert items.with_message_id([""], mine) == []


def test_the_latest_message_came_last_whatever_its_id(
    stores: Stores, lease: Lease, folder: Folder
) -> None:
    assert stores.items.latest_id(folder.folder_id) == 0
    nine, eight = add(stores, lease, folder, 9, 8)
    assert eight > nine
    assert stores.items.latest_id(folder.folder_id) == nine
    assert stores.items.has_newer(folder.folder_id, eight)
    assert not stores.items.has_newer(folder.folder_id, nine)
    assert stores.items.has_newer(folder.folder_id, 0)


def test_after_a_message_that_is_gone_what_was_stored_later_is_newer(
    stores: Stores, lease: Lease, folder: Folder
) -> None:
    one, two = add(stores, lease, folder, 1, 2)
    stores.folders.apply(lease, folder.folder_id, FolderBatch(7, removed=[two]))
    assert not stores.items.has_newer(folder.folder_id, two)
    add(stores, lease, folder, 3)
    assert stores.items.has_newer(folder.folder_id, two)
    assert stores.items.has_newer(folder.folder_id, one)


def test_under_a_new_uid_validity_its_messages_are_the_latest(
    stores: Stores, lease: Lease, folder: Folder
) -> None:
    add(stores, lease, folder, 50)
    cursor = Cursor(8, None, None, complete=False)
    batch = FolderBatch(8, added=[message(3)], cursor=cursor)
    stores.folders.apply(lease, folder.folder_id, batch)
    newest = stores.items.states(folder.folder_id, 8)[3].item_id
    assert stores.items.latest_id(folder.folder_id) == newest


def test_what_was_stored_after_an_id_is_given_newest_first(
    stores: Stores, lease: Lease, folder: Folder
) -> None:
    add(stores, lease, folder, 1)
    before = stores.items.highest_id()
    later = RECEIVED + timedelta(days=1)
    (two,) = add(stores, lease, folder, 2)
    (three,) = add(stores, lease, folder, 3, internal_date=later)
    found = stores.items.stored_after([folder.folder_id], before, limit=10)
    assert [(where, item.item_id) for where, item in found] == [
        (folder.folder_id, three),
        (folder.folder_id, two),
    ]
    assert len(stores.items.stored_after([folder.folder_id], before, limit=1)) == 1
    assert stores.items.stored_after([], before, limit=10) == []


def test_when_a_message_was_answered_is_kept(stores: Stores, lease: Lease, folder: Folder) -> None:
    one, two = add(stores, lease, folder, 1, 2)
    stores.items.set_replied([one], START)
    answered, other = stores.items.get(one), stores.items.get(two)
    assert answered is not None
    assert other is not None
    assert (answered.replied_at, other.replied_at) == (START, None)


def test_no_messages_have_no_highest_id(stores: Stores) -> None:
    assert stores.items.highest_id() == 0
