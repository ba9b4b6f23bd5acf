"""Copies outlive their server's messages, and what was deleted here is not there for anybody."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import update
from sqlalchemy.dialects import sqlite

from services84.store import marks
from services84.store.account_options import AccountOptions, DeletionPolicy
from services84.store.tables import email_item
from services84.store.values import (
    AccountDraft,
    AccountStatus,
    Adoption,
    Cursor,
    Folder,
    FolderBatch,
    FolderChanges,
    ItemFlag,
    Lease,
    RunOutcome,
    ServiceAuth,
)
from tests.store.conftest import START, Stores
from tests.store.test_batches import SOURCE, message
from tests.store.test_item_lookups import add


@pytest.fixture
def lease(stores: Stores) -> Lease:
    return stores.lease(stores.account())


@pytest.fixture
def folder(stores: Stores, lease: Lease) -> Folder:
    return stores.folder(lease)


def to_be_kept(stores: Stores, lease: Lease, folder: Folder, *uids: int) -> list[int]:
    """Messages that are stored and marked to be kept; their ids."""
    ids = add(stores, lease, folder, *uids)
    stores.folders.keep(lease, ids)
    return ids


def now(stores: Stores, folder: Folder) -> Folder:
    found = stores.folders.get(folder.folder_id)
    assert found is not None
    return found


def counts(stores: Stores, folder: Folder) -> tuple[int, int, int]:
    """Those of people, of them kept copies, and of the server as far as is known."""
    found = now(stores, folder)
    return found.total, found.kept_count, found.mirrored


def gone(stores: Stores, lease: Lease, folder: Folder, *ids: int) -> None:
    stores.folders.apply(lease, folder.folder_id, FolderBatch(7, removed=ids))


# Kept copies ------------------------------------------------------------------------------------


def test_what_is_marked_stays_when_the_server_has_it_no_more(
    stores: Stores, lease: Lease, folder: Folder
) -> None:
    (kept,) = to_be_kept(stores, lease, folder, 1)
    (other,) = add(stores, lease, folder, 2)

    gone(stores, lease, folder, kept, other)

    assert counts(stores, folder) == (1, 1, 0)
    item = stores.items.get(kept)
    assert item is not None
    assert item.is_kept
    assert item.uid == 1
    assert stores.items.source(kept) == SOURCE
    assert len(stores.items.attachments(kept)) == 2
    assert stores.items.get(other) is None


def test_a_kept_copy_is_none_of_what_a_sync_compares(
    stores: Stores, lease: Lease, folder: Folder
) -> None:
    (kept,) = to_be_kept(stores, lease, folder, 1)
    gone(stores, lease, folder, kept)

    assert stores.items.states(folder.folder_id, 7) == {}
    assert stores.items.identities(folder.folder_id) == []
    assert stores.items.identities(folder.folder_id, other_than=8) == []
    assert not stores.items.other_validities(folder.folder_id, 8)


def test_a_kept_copy_survives_another_uid_validity(
    stores: Stores, lease: Lease, folder: Folder
) -> None:
    first, second = to_be_kept(stores, lease, folder, 1, 2)
    gone(stores, lease, folder, first)

    stores.folders.apply(
        lease,
        folder.folder_id,
        FolderBatch(8, drop_other_validity=True, cursor=Cursor(8, 1, None, complete=True)),
    )

    # The second was marked, and may be gone from the server already.
    assert counts(stores, folder) == (2, 2, 0)
    assert stores.items.source(second) == SOURCE


def test_a_copy_is_not_shown_as_about_to_be_deleted(
    stores: Stores, lease: Lease, folder: Folder
) -> None:
    (kept,) = to_be_kept(stores, lease, folder, 1)
    with stores.database.transaction() as connection:
        flags = int(ItemFlag.SEEN | ItemFlag.DELETED)
        connection.execute(update(email_item).values(flags=flags))
    gone(stores, lease, folder, kept)
    item = stores.items.get(kept)
    assert item is not None
    assert item.flags == ItemFlag.SEEN


@pytest.mark.parametrize("times", [2, 3, 4])
def test_a_uid_that_was_given_several_times_keeps_every_message(
    stores: Stores, lease: Lease, folder: Folder, times: int
) -> None:
    ids = []
    for _ in range(times):
        (one,) = to_be_kept(stores, lease, folder, 5)
        gone(stores, lease, folder, one)
        ids.append(one)
    assert counts(stores, folder) == (times, times, 0)
    assert all(stores.items.source(one) == SOURCE for one in ids)


def test_another_mailbox_leaves_kept_copies_alone(
    stores: Stores, lease: Lease, folder: Folder
) -> None:
    (kept,) = to_be_kept(stores, lease, folder, 1)
    gone(stores, lease, folder, kept)
    marked, _ = *to_be_kept(stores, lease, folder, 2), add(stores, lease, folder, 3)
    stored = stores.accounts.get(lease.account_id)
    assert stored is not None
    elsewhere = ServiceAuth(0, "other.example.com", 993, "", "anna", "new secret")
    stores.accounts.save(
        AccountDraft(
            stored.account_id,
            stored.email_address,
            stored.associate_id,
            elsewhere,
            None,
            reset_errors=True,
        )
    )
    assert stores.items.get(kept) is not None
    new = stores.lease(stored)
    stores.folders.apply(
        new,
        folder.folder_id,
        FolderBatch(7, drop_other_validity=True, cursor=Cursor(7, 1, None, complete=True)),
    )
    assert counts(stores, folder) == (2, 2, 0)
    assert stores.items.get(marked) is not None


def test_a_folder_with_kept_copies_is_never_dropped(
    stores: Stores, lease: Lease, folder: Folder
) -> None:
    (kept,) = to_be_kept(stores, lease, folder, 1)
    gone(stores, lease, folder, kept)
    add(stores, lease, folder, 2)
    empty = stores.folder(lease, "Empty")
    stores.folders.reconcile(lease, FolderChanges(removed=[folder.folder_id, empty.folder_id]))
    assert stores.folders.get(empty.folder_id) is None
    assert counts(stores, folder) == (1, 1, 0)
    assert now(stores, folder).uid_validity is None


def test_a_folder_that_is_a_mere_name_now_keeps_copies(
    stores: Stores, lease: Lease, folder: Folder
) -> None:
    (kept,) = to_be_kept(stores, lease, folder, 1)
    gone(stores, lease, folder, kept)
    stores.folders.empty(lease, folder.folder_id)
    assert counts(stores, folder) == (1, 1, 0)


def test_what_moved_to_another_folder_is_on_the_server_again(
    stores: Stores, lease: Lease, folder: Folder
) -> None:
    (moved,) = to_be_kept(stores, lease, folder, 1)
    target = stores.folder(lease, "Archive")
    place = {moved: Adoption(4, ItemFlag.NONE, "")}
    stores.folders.apply(lease, target.folder_id, FolderBatch(9, adopted=place))
    stores.folders.apply(lease, target.folder_id, FolderBatch(9, removed=[moved]))
    assert stores.items.get(moved) is None


def test_flags_of_kept_copies_change_here_alone(
    stores: Stores, lease: Lease, folder: Folder
) -> None:
    (kept,) = to_be_kept(stores, lease, folder, 1)
    gone(stores, lease, folder, kept)
    (other,) = add(stores, lease, folder, 2)
    both = [kept, other]
    change = stores.items.change_kept_flags

    change(lease.account_id, both, add=ItemFlag.SEEN, remove=ItemFlag.NONE)
    assert now(stores, folder).unread == 1
    change(lease.account_id, both, add=ItemFlag.FLAGGED, remove=ItemFlag.SEEN)

    item = stores.items.get(kept)
    assert item is not None
    assert item.flags == ItemFlag.FLAGGED
    assert now(stores, folder).unread == 2
    untouched = stores.items.get(other)
    assert untouched is not None
    assert untouched.flags == ItemFlag.NONE


def test_what_came_last_and_what_is_newer_counts_kept_copies(
    stores: Stores, lease: Lease, folder: Folder
) -> None:
    old = to_be_kept(stores, lease, folder, 10, 11)
    gone(stores, lease, folder, *old)
    latest, newer = stores.items.latest_id, stores.items.has_newer
    assert latest(folder.folder_id) == old[1]
    assert newer(folder.folder_id, old[0])
    assert not newer(folder.folder_id, old[1])

    (new,) = add(stores, lease, folder, 12)
    assert latest(folder.folder_id) == new
    assert newer(folder.folder_id, old[1])
    # Under another UIDVALIDITY numbers begin anew.
    batch = FolderBatch(
        8, added=[message(1)], drop_other_validity=True, cursor=Cursor(8, 2, None, complete=True)
    )
    stores.folders.apply(lease, folder.folder_id, batch)
    first_of_new = stores.items.states(folder.folder_id, 8)[1].item_id
    assert latest(folder.folder_id) == first_of_new
    assert newer(folder.folder_id, old[1])
    assert not newer(folder.folder_id, first_of_new)


# Deleted here -----------------------------------------------------------------------------------


def test_what_is_deleted_here_leaves_a_mark_without_content(
    stores: Stores, lease: Lease, folder: Folder
) -> None:
    hidden, _ = add(stores, lease, folder, 1, 2)
    items = stores.items

    items.delete_here(lease.account_id, [hidden])

    assert items.get(hidden) is None
    assert items.places([hidden]) == {}
    assert items.source(hidden) is None
    assert items.attachments(hidden) == []
    assert items.with_message_id(["<1@example.com>"], [lease.account_id]) == []
    assert [one.uid for one in items.list(folder.folder_id, limit=9)] == [2]
    assert items.count(folder.folder_id) == 1
    assert items.latest_id(folder.folder_id) != hidden
    assert counts(stores, folder) == (1, 0, 2)
    assert set(items.states(folder.folder_id, 7)) == {1, 2}
    assert len(items.identities(folder.folder_id)) == 2


def test_the_mark_goes_when_the_server_has_the_message_no_more(
    stores: Stores, lease: Lease, folder: Folder
) -> None:
    (hidden,) = to_be_kept(stores, lease, folder, 1)
    stores.items.delete_here(lease.account_id, [hidden])
    gone(stores, lease, folder, hidden)
    assert counts(stores, folder) == (0, 0, 0)
    with stores.database.reading() as connection:
        assert connection.execute(email_item.select()).first() is None


def test_a_kept_copy_that_is_deleted_is_gone(stores: Stores, lease: Lease, folder: Folder) -> None:
    (kept,) = to_be_kept(stores, lease, folder, 1)
    gone(stores, lease, folder, kept)
    stores.items.delete_here(lease.account_id, [kept])
    assert counts(stores, folder) == (0, 0, 0)
    assert stores.items.get(kept) is None


def test_nobody_changes_the_messages_of_another_account(
    stores: Stores, lease: Lease, folder: Folder
) -> None:
    (kept,) = to_be_kept(stores, lease, folder, 1)
    gone(stores, lease, folder, kept)
    other = stores.account()
    stores.items.delete_here(other.account_id, [kept])
    stores.items.change_kept_flags(
        other.account_id, [kept], add=ItemFlag.SEEN, remove=ItemFlag.NONE
    )
    item = stores.items.get(kept)
    assert item is not None
    assert item.flags == ItemFlag.NONE


# Options ----------------------------------------------------------------------------------------


def test_an_account_is_active_and_as_ever_until_told_otherwise(stores: Stores) -> None:
    account = stores.account()
    assert account.options == AccountOptions()
    assert account.options.active
    assert account.options.deletion_policy is DeletionPolicy.DELETE_WHEN_DELETING


def test_options_are_stored_and_a_save_without_them_keeps_them(stores: Stores) -> None:
    account = stores.account()
    options = AccountOptions(
        "Änna", 84, False, "r@example.com", True, "n@example.com", DeletionPolicy(2), "google"
    )
    draft = AccountDraft(
        account.account_id,
        account.email_address,
        account.associate_id,
        account.incoming,
        account.outgoing,
        options=options,
    )
    assert stores.accounts.save(draft).options == options
    assert stores.accounts.save(replace(draft, options=None)).options == options


def test_an_account_that_is_switched_off_is_neither_due_nor_watched(stores: Stores) -> None:
    account = stores.account()
    lease = stores.lease(account)
    stores.accounts.finish_run(lease, RunOutcome(), START)
    later = stores.later(days=1)
    assert stores.accounts.due(later, later, 9)
    assert stores.accounts.healthy()
    lease = stores.lease(account)
    draft = AccountDraft(
        account.account_id,
        account.email_address,
        account.associate_id,
        account.incoming,
        account.outgoing,
        options=AccountOptions(active=False),
    )
    stored = stores.accounts.save(draft)
    assert stored.lease_until is None  # a sync that was under way has lost it
    assert stored.status is AccountStatus.OK
    assert stores.accounts.ready(later) == []
    assert stores.accounts.due(later, later, 9) == []
    assert stores.accounts.healthy() == []


def test_the_highest_id_is_known_after_a_run(stores: Stores, lease: Lease, folder: Folder) -> None:
    ids = add(stores, lease, folder, 3, 2, 1)
    stores.accounts.finish_run(lease, RunOutcome(new=3), START)
    account = stores.accounts.get(lease.account_id)
    assert account is not None
    assert account.last_message_id == max(ids)
    stores.items.delete_here(account.account_id, ids)
    again = stores.lease(account)
    gone(stores, again, folder, *ids)
    stores.accounts.finish_run(again, RunOutcome(new=1, removed=3), START)
    found = stores.accounts.get(lease.account_id)
    assert found is not None
    assert found.last_message_id == max(ids)


# News -------------------------------------------------------------------------------------------


def test_news_are_told_once(stores: Stores, lease: Lease, folder: Folder) -> None:
    added = [message(uid) for uid in (1, 2, 3)]
    stores.folders.apply(lease, folder.folder_id, FolderBatch(7, added=added, news={2, 3}))
    told = stores.folders.take_news(lease)
    assert [item.uid for item in told] == [3, 2]
    assert stores.folders.take_news(lease) == []


def test_news_are_an_accounts_own(stores: Stores, lease: Lease, folder: Folder) -> None:
    other = stores.lease(stores.account(address="b@example.com"))
    batch = FolderBatch(7, added=[message(1)], news={1})
    stores.folders.apply(lease, folder.folder_id, batch)
    assert stores.folders.take_news(other) == []
    assert [item.uid for item in stores.folders.take_news(lease)] == [1]


def test_looking_for_news_touches_the_marks_alone(stores: Stores) -> None:
    """A sync that finds nothing looks for what an earlier one has left, in thousands of messages."""
    query = marks.ANY_NEWS.params(account=1).compile(
        dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}
    )
    if stores.database.product != "SQLite":
        pytest.skip("PostgreSQL keeps statistics, and begins with the smallest table")
    with stores.database.reading() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}").all()
    plan = [row[-1] for row in rows]
    assert plan[0].startswith("SCAN email_notice")
    assert all("INTEGER PRIMARY KEY" in step for step in plan if step.startswith("SEARCH"))
    assert not any(step.startswith("SCAN") for step in plan[1:])


def test_news_that_were_deleted_meanwhile_are_none(
    stores: Stores, lease: Lease, folder: Folder
) -> None:
    batch = FolderBatch(7, added=[message(uid) for uid in (1, 2, 3)], news={1, 2, 3})
    stores.folders.apply(lease, folder.folder_id, batch)
    ids = {uid: state.item_id for uid, state in stores.items.states(folder.folder_id, 7).items()}
    stores.items.delete_here(lease.account_id, [ids[1]])
    gone(stores, lease, folder, ids[2])
    assert [item.uid for item in stores.folders.take_news(lease)] == [3]


def test_kept_copies_are_listed_with_the_others(
    stores: Stores, lease: Lease, folder: Folder
) -> None:
    (kept,) = to_be_kept(stores, lease, folder, 1)
    gone(stores, lease, folder, kept)
    add(stores, lease, folder, 2)
    assert [item.uid for item in stores.items.list(folder.folder_id, limit=9)] == [2, 1]
