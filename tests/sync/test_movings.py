"""Messages and folders that move on the server keep their ids in the cache; windows of old mail.

Against Dovecot, with another IMAP client moving things around, on both databases.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services84.imap.connection import ImapConnection
from services84.imap.values import FetchedMessage
from services84.sync.uidset import UidSet
from tests.support.mailboxes import append, cache_view, message, quoted, server_view
from tests.sync.conftest import Scene


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The UIDs of all messages whose bodies were fetched."""
    seen: list[int] = []
    original = ImapConnection.messages

    def messages(self: ImapConnection, uids: list[int]) -> Iterator[FetchedMessage]:
        seen.extend(uids)
        return original(self, uids)

    monkeypatch.setattr(ImapConnection, "messages", messages)
    return seen


def ids(scene: Scene) -> dict[str, int]:
    """Message-ID → item id."""
    items = scene.service.services.items
    found = {}
    for folder in scene.service.services.folders.list(scene.account_id):
        for item in items.list(folder.folder_id, limit=1000):
            assert item.message_id not in found
            found[item.message_id] = item.item_id
    return found


def folder_ids(scene: Scene) -> dict[str, int]:
    folders = scene.service.services.folders.list(scene.account_id)
    return {folder.name: folder.folder_id for folder in folders}


def assert_equal(scene: Scene) -> None:
    with scene.client() as client:
        assert cache_view(scene.service, scene.account_id) == server_view(client)
    for folder in scene.service.services.folders.list(scene.account_id):
        rows = scene.service.services.items.list(folder.folder_id, limit=1000)
        unread = sum(not row.flags & 1 for row in rows)
        assert (folder.total, folder.unread) == (len(rows), unread), folder.name


def fill(client: Any, *folders: str, each: int = 4) -> None:
    number = 0
    for folder in folders:
        if folder != "INBOX":
            assert client.create(quoted(folder))[0] == "OK"
        for _ in range(each):
            number += 1
            append(client, folder, message(number), "\\Seen" if number % 3 else "")


@contextmanager
def changing(scene: Scene, *folders: str, each: int = 4) -> Iterator[Any]:
    """A filled and synced mailbox, to be changed; afterwards it is synced again."""
    with scene.client() as client:
        fill(client, *folders, each=each)
        scene.sync()
        yield client


# Messages ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["MOVE", "COPY"])
def test_a_moved_message_keeps_its_id_and_is_not_fetched_again(
    scene: Scene, fetched: list[int], how: str
) -> None:
    with changing(scene, "INBOX", "Work", "Archive") as client:
        before = ids(scene)
        client.select("INBOX")
        client.uid(how, "1:2", "Archive")
        if how == "COPY":  # as clients do where MOVE is missing
            client.uid("STORE", "1:2", "+FLAGS.SILENT", "(\\Deleted)")
            client.uid("EXPUNGE", "1:2")
        client.select("Archive")
        client.uid("MOVE", "1", "Work")
        client.uid("STORE", "5", "+FLAGS", "(\\Flagged $Later)")
    fetched.clear()
    extra = scene.sync()
    assert fetched == []
    assert (extra["Sync.New"], extra["Sync.Changed"], extra["Sync.Removed"]) == ("0", "3", "0")
    assert ids(scene) == before
    assert_equal(scene)
    assert scene.sync()["Sync.Changed"] == "0"


@pytest.mark.parametrize(
    ("old", "new", "target"),
    [
        (b"Message 7", b"Massage 7", "Drafts"),
        (b"Text of message 7.", b"Next of message 7.", "Drafts"),
        (b"Message 7", b"Massage 7", "Work"),
    ],
)
def test_a_draft_saved_again_within_a_second_is_another_message(
    scene: Scene, old: bytes, new: bytes, target: str
) -> None:
    date = '"06-Mar-2026 10:00:00 +0000"'
    draft = message(7)
    again = draft.replace(old, new, 1)
    assert (len(draft), draft == again) == (len(again), False)
    with scene.client() as client:
        for folder in ("Drafts", "Work"):
            assert client.create(folder)[0] == "OK"
        assert client.append("Drafts", "", date, draft)[0] == "OK"
        scene.sync()
        before = ids(scene)
        client.select("Drafts")
        client.uid("STORE", "1", "+FLAGS.SILENT", "(\\Deleted)")
        client.uid("EXPUNGE", "1")
        assert client.append(target, "", date, again)[0] == "OK"
    extra = scene.sync()
    assert (extra["Sync.New"], extra["Sync.Removed"]) == ("1", "1")
    ((_, item_id),) = ids(scene).items()
    assert item_id not in before.values()
    assert scene.service.services.items.source(item_id) == again
    assert_equal(scene)


def test_a_message_moved_to_a_new_folder_keeps_its_id(scene: Scene, fetched: list[int]) -> None:
    with changing(scene, "INBOX") as client:
        before = ids(scene)
        client.create("Brandnew")
        client.select("INBOX")
        client.uid("MOVE", "2:3", "Brandnew")
    fetched.clear()
    scene.sync()
    assert (fetched, ids(scene)) == ([], before)
    assert_equal(scene)


def test_mail_of_a_deleted_folder_that_was_moved_before_keeps_its_ids(
    scene: Scene, fetched: list[int]
) -> None:
    with changing(scene, "INBOX", "Old") as client:
        before = ids(scene)
        client.select("Old")
        client.uid("MOVE", "1:3", "INBOX")
        client.unselect()
        client.delete("Old")
    fetched.clear()
    scene.sync()
    after = ids(scene)
    assert fetched == []
    assert len(before) - len(after) == 1
    assert after.items() <= before.items()
    assert_equal(scene)


def test_a_copy_whose_original_stays_is_a_message_of_its_own(
    scene: Scene, fetched: list[int]
) -> None:
    with changing(scene, "INBOX", "Work", each=2) as client:
        client.select("INBOX")
        client.uid("COPY", "1", "Work")
        client.uid("STORE", "2", "+FLAGS.SILENT", "(\\Deleted)")
        client.uid("EXPUNGE", "2")
    fetched.clear()
    extra = scene.sync()
    assert len(fetched) == 1
    assert (extra["Sync.New"], extra["Sync.Removed"]) == ("1", "1")
    assert_equal(scene)


def test_other_mail_of_the_same_size_is_not_mistaken(scene: Scene, fetched: list[int]) -> None:
    with changing(scene, "INBOX", "Work", each=2) as client:
        client.select("INBOX")
        client.uid("STORE", "1", "+FLAGS.SILENT", "(\\Deleted)")
        client.uid("EXPUNGE", "1")
        append(client, "Work", message(8))  # as long as the first, but for its Message-ID
    fetched.clear()
    scene.sync()
    assert len(fetched) == 1
    assert_equal(scene)


# Folders ----------------------------------------------------------------------------------------


def test_a_renamed_folder_keeps_its_id_and_its_mail(scene: Scene, fetched: list[int]) -> None:
    with changing(scene, "INBOX", "Work", "Work/2026", "Other") as client:
        before, folders = ids(scene), folder_ids(scene)
        client.rename("Work", "Job")
        append(client, "Job", message(77))
    fetched.clear()
    extra = scene.sync()
    assert (extra["Sync.New"], len(fetched)) == ("1", 1)
    after = ids(scene)
    assert before.items() <= after.items()
    now = folder_ids(scene)
    assert (now["Job"], now["Job/2026"]) == (folders["Work"], folders["Work/2026"])
    assert set(now) == {"INBOX", "Job", "Job/2026", "Other"}
    assert_equal(scene)


def test_a_folder_deleted_and_made_anew_is_another(scene: Scene) -> None:
    with changing(scene, "INBOX", "Work") as client:
        client.delete("Work")
        client.create("Work")
        append(client, "Work", message(500))
    scene.sync()
    assert_equal(scene)


def test_two_folders_that_swap_their_names_keep_their_mail(
    scene: Scene, fetched: list[int]
) -> None:
    with changing(scene, "INBOX", "One", "Two") as client:
        before = ids(scene)
        client.rename("One", "Third")
        client.rename("Two", "One")
        client.rename("Third", "Two")
    fetched.clear()
    scene.sync()
    assert (fetched, ids(scene)) == ([], before)
    assert_equal(scene)


# Old mail ---------------------------------------------------------------------------------------


def append_old(client: Any, number: int, days: int, folder: str = "INBOX") -> None:
    when = datetime.now(UTC) - timedelta(days=days)
    stamp = f'"{when.strftime("%d-%b-%Y %H:%M:%S +0000")}"'
    assert client.append(quoted(folder), "", stamp, message(number))[0] == "OK"


@contextmanager
def window(scene: Scene, days: int) -> Iterator[None]:
    """The service as it is with SERVICES84_SYNC_DAYS."""
    settings = scene.service.application.settings
    before = settings.sync_days
    object.__setattr__(settings, "sync_days", days)
    try:
        yield
    finally:
        object.__setattr__(settings, "sync_days", before)


def test_only_the_newest_days_are_fetched_first_and_a_wider_window_brings_the_rest(
    scene: Scene, fetched: list[int]
) -> None:
    with scene.client() as client:
        for number, days in enumerate([400, 300, 100, 90, 5, 0], 1):
            append_old(client, number, days)
    with window(scene, 30):
        assert scene.sync()["Sync.New"] == "2"
        assert sorted(fetched) == [5, 6]
        inbox = scene.service.services.folders.list(scene.account_id)[0]
        assert (inbox.total, inbox.complete, str(UidSet.parse(inbox.left_out))) == (2, True, "1:4")
        fetched.clear()
        with scene.client() as client:
            client.select("INBOX")
            client.uid("STORE", "1,2,5", "+FLAGS", "(\\Flagged)")
            client.uid("STORE", "3,6", "+FLAGS", "(\\Deleted)")
            client.uid("EXPUNGE", "3,6")
            append_old(client, 7, 200)  # old, and new here
        extra = scene.sync()
        assert (extra["Sync.New"], extra["Sync.Changed"], extra["Sync.Removed"]) == ("1", "1", "1")
        assert fetched == [7]
        assert scene.sync()["Sync.Changed"] == "0"
    fetched.clear()
    with window(scene, 120):
        assert scene.sync()["Sync.New"] == "1"
        assert fetched == [4]
    fetched.clear()
    with window(scene, 30):
        assert scene.sync()["Sync.New"] == "0"
    assert scene.sync()["Sync.New"] == "2"
    assert fetched == [2, 1]
    assert_equal(scene)


def test_a_message_moved_from_the_window_is_kept_however_old(
    scene: Scene, fetched: list[int]
) -> None:
    with scene.client() as client:
        append_old(client, 1, 5)
        append_old(client, 2, 300)
    with window(scene, 30):
        scene.sync()
        before = ids(scene)
        assert list(before) == ["<message-1@example.com>"]
        with scene.client() as client:
            client.create("Kept")
            client.select("INBOX")
            client.uid("MOVE", "1:2", "Kept")
        fetched.clear()
        scene.sync()
        assert (fetched, ids(scene)) == ([], before)
