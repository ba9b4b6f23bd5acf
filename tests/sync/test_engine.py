"""The cache equals the server, message by message, after every kind of change."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from services84.imap.connection import ImapConnection
from services84.imap.values import FetchedMessage
from services84.store.values import AccountStatus, FolderAttribute
from tests.support import mailboxes
from tests.support.mailboxes import append, cache_view, fill, message, quoted, server_view
from tests.sync.conftest import MAIL_PASSWORD, Scene, new_user


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The UIDs of all bodies that are fetched from now on, in order."""
    uids: list[int] = []
    original = ImapConnection.messages

    def counting(self: ImapConnection, wanted: Iterable[int]) -> Iterator[FetchedMessage]:
        wanted = list(wanted)
        uids.extend(wanted)
        return original(self, wanted)

    monkeypatch.setattr(ImapConnection, "messages", counting)
    return uids


@pytest.fixture
def corpus() -> Path | None:
    """Odd mail beside the checkout, where there is some."""
    folder = Path(__file__).resolve().parents[3] / "shared" / "corpus"
    return folder if folder.is_dir() else None


def assert_equal(scene: Scene) -> None:
    with scene.client() as client:
        assert cache_view(scene.service, scene.account_id) == server_view(client)


def rows(scene: Scene) -> dict[str, list[tuple[object, ...]]]:
    """Everything in the database but what a run stamps with its time."""
    stamps = {"email_account", "sync_run", "credentials"}
    tables = ("email_folder", "email_item", "email_attachment", "email_source")
    assert not stamps & set(tables)
    with scene.service.application.database.reading() as connection:
        return {
            table: sorted(map(repr, connection.execute(text(f"SELECT * FROM {table}"))))  # type: ignore[misc]
            for table in tables
        }


def test_an_empty_mailbox_syncs(scene: Scene) -> None:
    assert scene.sync()["Sync.New"] == "0"
    assert_equal(scene)


def test_the_first_sync_makes_the_cache_equal_to_the_server(
    scene: Scene, corpus: Path | None, fetched: list[int]
) -> None:
    with scene.client() as client:
        count = fill(client, corpus)
    extra = scene.sync()
    assert (extra["Sync.State"], extra["Sync.New"]) == ("completed", str(count))
    assert len(fetched) == count
    assert_equal(scene)
    account = scene.service.services.accounts.get(scene.account_id)
    assert account is not None
    assert account.status is AccountStatus.OK
    folders = {f.name: f for f in scene.service.services.folders.list(scene.account_id)}
    assert {"INBOX", "Work/2026/Q&A", "Entwürfe", "日本語", 'Say "hi"'} <= set(folders)
    assert folders["Entwürfe"].subscribed
    assert folders["INBOX"].attributes & FolderAttribute.INBOX


def test_a_second_sync_of_an_unchanged_mailbox_fetches_and_writes_nothing(
    scene: Scene, corpus: Path | None, fetched: list[int]
) -> None:
    with scene.client() as client:
        fill(client, corpus)
    scene.sync()
    before = rows(scene)
    fetched.clear()
    extra = scene.sync()
    assert (extra["Sync.New"], extra["Sync.Changed"], extra["Sync.Removed"]) == ("0", "0", "0")
    assert fetched == []
    assert rows(scene) == before


def test_changes_on_the_server_reach_the_cache_and_no_body_is_fetched_twice(
    scene: Scene, fetched: list[int]
) -> None:
    with scene.client() as client:
        count = fill(client)
        scene.sync()
        assert len(fetched) == count
        fetched.clear()
        append(client, "INBOX", message(1001))
        append(client, "Work", message(1002), "\\Seen")
        client.select("INBOX")
        client.uid("STORE", "1", "+FLAGS", "(\\Flagged \\Deleted $Work)")
        client.uid("STORE", "2", "-FLAGS", "(\\Seen \\Flagged)")
        client.uid("MOVE", "3", quoted("Entw&APw-rfe"))
        client.uid("EXPUNGE", "1")
        client.create("New")
        client.delete(quoted("&ZeVnLIqe-"))
    extra = scene.sync()
    # Two are new; one has other flags, one is in another folder.
    assert (extra["Sync.New"], len(fetched)) == ("2", 2)
    assert extra["Sync.Changed"] == "2"
    assert_equal(scene)
    fetched.clear()
    scene.sync()
    assert fetched == []
    assert_equal(scene)


def test_keywords_are_followed(scene: Scene) -> None:
    with scene.client() as client:
        append(client, "INBOX", message(1), "$Later")
        scene.sync()
        client.select("INBOX")
        client.uid("STORE", "1", "FLAGS", "(\\Seen Zebra $Apple)")
    scene.sync()
    inbox = scene.service.services.folders.list(scene.account_id)[0]
    (item,) = scene.service.services.items.list(inbox.folder_id, limit=10)
    assert item.keywords == "$Apple Zebra"


def test_messages_are_readable_from_the_cache(scene: Scene) -> None:
    with scene.client() as client:
        append(client, "INBOX", message(7, attachment=b"%PDF" * 100), "\\Seen")
    scene.sync()
    items = scene.service.services.items
    ((folder, item),) = items.newest(scene.account_id, 5)
    assert folder == "INBOX"
    assert item.subject == "Message 7 – Grüße"
    assert "sender7@example.com" in item.sender
    assert item.message_id == "<message-7@example.com>"
    source = items.source(item.item_id)
    assert source is not None
    assert b"Text of message 7." in source
    (attachment,) = items.attachments(item.item_id)
    assert (attachment.name, attachment.content_type) == ("ü.pdf", "application/pdf")
    assert attachment.size == 400


def test_counts_of_a_folder_follow(scene: Scene) -> None:
    with scene.client() as client:
        for number in range(4):
            append(client, "INBOX", message(number), "\\Seen" if number < 3 else "")
    scene.sync()
    inbox = scene.service.services.folders.list(scene.account_id)[0]
    assert (inbox.total, inbox.unread, inbox.complete) == (4, 1, True)


def test_a_rebuilt_mailbox_keeps_the_ids_of_the_same_messages(
    scene: Scene, fetched: list[int]
) -> None:
    """The server's index is lost: UIDVALIDITY is another, the mail is the same."""
    with scene.client() as client:
        for number in range(5):
            client.append("INBOX", "", f'"06-Mar-2026 10:00:0{number} +0000"', message(number))
    scene.sync()
    items = scene.service.services.items
    (folder,) = scene.service.services.folders.list(scene.account_id)
    before = {
        hashlib.sha256(items.source(i.item_id) or b"").hexdigest(): i.item_id
        for i in items.list(folder.folder_id, limit=10)
    }
    with scene.client() as client:
        # The same mail in a mailbox that was made anew.
        client.select("INBOX")
        _, answer = client.uid("FETCH", "1:*", "(INTERNALDATE BODY.PEEK[])")
        parts = [part for part in answer if isinstance(part, tuple)]
        client.create("Fresh")
        for head, content in parts:
            date = head.decode().split('INTERNALDATE "')[1].split('"')[0]
            client.append("Fresh", "", f'"{date}"', content)
    scene.sync()
    with scene.client() as client:
        client.delete("Fresh")
        client.create("Fresh")
        for head, content in parts:
            date = head.decode().split('INTERNALDATE "')[1].split('"')[0]
            client.append("Fresh", "\\Seen", f'"{date}"', content)
    fresh = _folder(scene, "Fresh")
    ids = {i.item_id for i in items.list(fresh.folder_id, limit=10)}
    fetched.clear()
    extra = scene.sync()
    again = _folder(scene, "Fresh")
    assert again.uid_validity != fresh.uid_validity
    assert {i.item_id for i in items.list(again.folder_id, limit=10)} == ids
    assert fetched == []
    assert extra["Sync.Changed"] == "5"
    assert_equal(scene)
    assert len(before) == 5


def test_a_folder_refilled_with_other_mail_holds_only_that(scene: Scene) -> None:
    with scene.client() as client:
        client.create("Box")
        for number in range(3):
            append(client, "Box", message(number))
    scene.sync()
    with scene.client() as client:
        client.delete("Box")
        client.create("Box")
        append(client, "Box", message(77))
    scene.sync()
    assert_equal(scene)
    box = _folder(scene, "Box")
    assert (box.total, box.complete) == (1, True)


def test_two_accounts_keep_their_mail_apart(scene: Scene) -> None:
    other = new_user(scene.dovecot)
    account = mailboxes.save_account(
        scene.service, scene.ticket, other, MAIL_PASSWORD, scene.dovecot.port_plain
    )
    with scene.client() as client:
        append(client, "INBOX", message(1))
    with scene.dovecot.client(other) as client:
        append(client, "INBOX", message(2))
        append(client, "INBOX", message(3))
    scene.sync()
    assert mailboxes.sync(scene.service, scene.ticket, account)["Sync.New"] == "2"
    assert_equal(scene)
    scene.service.call("DeleteEMailAccount", {"EMailAccountId": account}, ticket=scene.ticket)
    assert_equal(scene)
    with scene.service.application.database.reading() as connection:
        for table in ("email_item", "email_source"):
            assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() == 1


def _folder(scene: Scene, name: str):  # type: ignore[no-untyped-def]
    folders = scene.service.services.folders.list(scene.account_id)
    return next(folder for folder in folders if folder.name == name)
