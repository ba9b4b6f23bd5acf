"""What a new list of folders means for those that are known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services84.imap.values import ExaminedFolder
from services84.store.values import Folder, FolderAttribute, FolderChanges, FolderDraft
from services84.sync import listing
from services84.sync.plan import FolderSeen
from tests.sync.test_plan import folder

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def draft(server_name: str, attributes: FolderAttribute = FolderAttribute.NONE) -> FolderDraft:
    return FolderDraft(server_name, server_name, "/", attributes)


def test_an_unchanged_list_changes_nothing() -> None:
    known = [folder(name="INBOX", attributes=FolderAttribute.INBOX)]
    assert not listing.plan_folders(known, [draft("INBOX", FolderAttribute.INBOX)])


def test_a_list_adds_updates_and_removes_by_the_servers_spelling() -> None:
    known = [folder(folder_id=1, name="A", server_name="A"), folder(folder_id=2, server_name="B")]
    changes = listing.plan_folders(known, [draft("A", FolderAttribute.SUBSCRIBED), draft("C")])
    assert [d.server_name for d in changes.added] == ["C"]
    assert changes.updated == {1: draft("A", FolderAttribute.SUBSCRIBED)}
    assert changes.removed == (2,)


def test_inbox_is_the_same_folder_in_any_case() -> None:
    changes = listing.plan_folders([folder(name="Inbox", server_name="inbox")], [draft("INBOX")])
    assert (changes.added, changes.removed) == ((), ())


def test_a_list_without_inbox_is_not_the_whole_list() -> None:
    assert listing.lacks_inbox([], [])
    assert listing.lacks_inbox([folder()], [draft("Work")])
    assert not listing.lacks_inbox([], [draft("Work")])
    assert not listing.lacks_inbox([folder()], [draft("Inbox")])


def test_inbox_comes_first_and_folders_without_messages_not_at_all() -> None:
    folders = [
        folder(name="Zoo", attributes=FolderAttribute.NONE),
        folder(name="Archive", attributes=FolderAttribute.NO_SELECT),
        folder(name="Inbox", attributes=FolderAttribute.INBOX),
        folder(name="Bills", attributes=FolderAttribute.NONE),
    ]
    assert [f.name for f in listing.sync_order(folders)] == ["Inbox", "Bills", "Zoo"]


@pytest.mark.parametrize(
    ("stored", "told", "many"),
    [
        ([0, 0], [150, 50], True),
        ([0, 0], [150, 49], False),
        ([0, 0], [199, None], False),
        ([5000, 0], [5199, 0], False),
        ([5000, 0], [4000, 200], True),  # what went from one folder is not missing in another
    ],
)
def test_many_messages_are_expected_as_far_as_the_server_tells(
    stored: list[int], told: list[int | None], many: bool
) -> None:
    folders = [folder(server_name=str(at), total=count) for at, count in enumerate(stored)]
    states = {
        str(at): ExaminedFolder(uid_validity=7, uid_next=None, exists=count, highest_mod_seq=None)
        for at, count in enumerate(told)
        if count is not None
    }
    assert listing.many_to_come(folders, states) is many


# Renamed folders --------------------------------------------------------------------------------


def seen(uid_validity: int = 7, uid_next: int | None = 100) -> FolderSeen:
    return FolderSeen(uid_validity=uid_validity, uid_next=uid_next, exists=3, highest_mod_seq=None)


@pytest.mark.parametrize(
    ("known", "found"),
    [
        (folder(), seen(uid_validity=8)),
        (folder(), seen(uid_next=99)),
        (folder(uid_validity=0), seen(uid_validity=0)),
        (folder(uid_validity=None), seen()),
    ],
)
def test_another_number_is_another_folder(known: Folder, found: FolderSeen) -> None:
    assert not listing.may_be_renamed(known, found)


@pytest.mark.parametrize("uid_next", [None, 100, 101])
def test_the_same_uid_validity_may_be_the_same_folder(uid_next: int | None) -> None:
    assert listing.may_be_renamed(folder(), seen(uid_next=uid_next))


def test_a_renamed_folder_is_neither_new_nor_gone() -> None:
    changes = FolderChanges(added=(draft("New"), draft("Other")), updated={}, removed=(4, 5))
    assert listing.renamed(changes, {4: draft("New")}) == FolderChanges(
        added=(draft("Other"),), updated={4: draft("New")}, removed=(5,)
    )


@given(st.sets(st.integers(1, 10_000), max_size=300))
def test_a_sample_is_small_and_holds_the_first_and_the_last(uids: set[int]) -> None:
    sample = listing.sample_of(uids)
    assert len(sample) == min(len(uids), listing.SAMPLE)
    assert set(sample) <= uids
    assert not uids or {min(uids), max(uids)} <= set(sample)


# Folders that cannot be opened ------------------------------------------------------------------


def test_a_folder_is_put_off_longer_each_time_up_to_a_day() -> None:
    waits = [listing.set_aside_until(count, NOW) - NOW for count in (1, 2, 3, 7, 8, 500)]
    minutes = [wait / timedelta(minutes=1) for wait in waits]
    assert minutes == [15, 30, 60, 960, 1440, 1440]


def test_a_folder_is_taken_up_again_when_its_time_has_come() -> None:
    until = NOW + timedelta(minutes=1)
    assert not listing.is_set_aside(folder(), NOW)
    assert listing.is_set_aside(folder(set_aside_until=until), NOW)
    assert not listing.is_set_aside(folder(set_aside_until=until), until)
