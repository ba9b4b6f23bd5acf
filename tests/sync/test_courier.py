"""The cache equals a Courier server: no CONDSTORE, no LIST-STATUS, and all folders below INBOX."""

from __future__ import annotations

import imaplib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from services84.store.values import AccountStatus, FolderAttribute
from tests.support.courier import CourierServer
from tests.support.mailboxes import (
    ODD,
    append,
    cache_view,
    message,
    quoted,
    save_account,
    server_view,
    sync,
)
from tests.support.service import Service, running_service
from tests.sync.conftest import MAIL_PASSWORD

FOLDERS = [
    "INBOX.Work",
    "INBOX.Work.2026.Q&-A",  # the folder between them cannot be selected
    "INBOX.Entw&APw-rfe",
    "INBOX.&ZeVnLIqe-",
    'INBOX.Say "hi"',
    "INBOX.per 100 %",
]
_numbers = iter(range(1, 1000))


@dataclass
class Scene:
    """An account whose mail is on Courier."""

    service: Service
    ticket: str
    courier: CourierServer
    user: str
    account_id: int

    def client(self) -> imaplib.IMAP4:
        return self.courier.client(self.user)

    def sync(self) -> dict[str, str]:
        return sync(self.service, self.ticket, self.account_id)

    def assert_equal(self) -> None:
        with self.client() as client:
            assert cache_view(self.service, self.account_id) == server_view(client)


@pytest.fixture
def scene(tmp_path: Path, courier: CourierServer) -> Iterator[Scene]:
    with running_service(tmp_path) as service:
        _, ticket = service.associate("anna")
        user = courier.add_user(f"user{next(_numbers)}", MAIL_PASSWORD)
        account_id = save_account(service, ticket, user, MAIL_PASSWORD, courier.port)
        yield Scene(service, ticket, courier, user, account_id)


def fill(client: imaplib.IMAP4) -> int:
    """Odd folders, odd mail, flags; gives the number of messages."""
    count = 0
    for folder in ["INBOX", *FOLDERS]:
        if folder != "INBOX":
            assert client.create(quoted(folder))[0] == "OK"
            client.subscribe(quoted(folder))
        for _ in range(3):
            count += 1
            append(client, folder, message(count), ["", "\\Seen", "\\Flagged $Later"][count % 3])
    odd = list(ODD.values())[1:]  # an empty message is no APPEND
    for content in odd:
        append(client, "INBOX.Work", content)
    return count + len(odd)


def test_the_first_sync_makes_the_cache_equal_to_the_server(scene: Scene) -> None:
    with scene.client() as client:
        assert not set(client.capabilities) & {"CONDSTORE", "QRESYNC", "LIST-STATUS", "MOVE"}
        count = fill(client)
    extra = scene.sync()
    assert (extra["Sync.State"], extra["Sync.New"]) == ("completed", str(count))
    scene.assert_equal()
    account = scene.service.services.accounts.get(scene.account_id)
    assert account is not None
    assert account.status is AccountStatus.OK
    folders = {f.name: f for f in scene.service.services.folders.list(scene.account_id)}
    assert {"INBOX", "INBOX.Work.2026.Q&A", "INBOX.Entwürfe", "INBOX.日本語"} <= set(folders)
    assert folders["INBOX.Entwürfe"].delimiter == "."
    assert folders["INBOX.Entwürfe"].subscribed
    assert folders["INBOX.Work.2026"].attributes & FolderAttribute.NO_SELECT
    extra = scene.sync()
    assert (extra["Sync.New"], extra["Sync.Changed"], extra["Sync.Removed"]) == ("0", "0", "0")


def test_changes_on_the_server_reach_the_cache(scene: Scene) -> None:
    with scene.client() as client:
        fill(client)
        scene.sync()
        append(client, "INBOX", message(1001))
        client.select("INBOX")
        client.uid("STORE", "1", "+FLAGS", "(\\Flagged \\Answered $Work)")
        client.uid("COPY", "2", quoted("INBOX.Entw&APw-rfe"))  # a move, where there is no MOVE
        client.uid("STORE", "2", "+FLAGS", "(\\Deleted)")
        client.uid("EXPUNGE", "2")
        client.create("INBOX.New")
        append(client, "INBOX.New", message(1002), "\\Draft")
        client.delete(quoted("INBOX.&ZeVnLIqe-"))
    extra = scene.sync()
    assert extra["Sync.Changed"] != "0"
    scene.assert_equal()
    extra = scene.sync()
    assert (extra["Sync.New"], extra["Sync.Changed"], extra["Sync.Removed"]) == ("0", "0", "0")


def test_a_folder_made_anew_holds_only_its_own_mail(scene: Scene) -> None:
    with scene.client() as client:
        client.create("INBOX.Box")
        for number in range(3):
            append(client, "INBOX.Box", message(number))
        scene.sync()
        client.delete("INBOX.Box")
        client.create("INBOX.Box")
        append(client, "INBOX.Box", message(77))
    scene.sync()
    scene.assert_equal()


def test_a_folder_that_holds_no_mail_any_more_has_none_in_the_cache(scene: Scene) -> None:
    with scene.client() as client:
        for folder in ("INBOX.Work", "INBOX.Work.2026"):
            client.create(folder)
            append(client, folder, message(1))
        scene.sync()
        client.delete("INBOX.Work")  # listed on as \\Noselect, because of what is below it
    scene.sync()
    folders = {one.name: one for one in scene.service.services.folders.list(scene.account_id)}
    assert (folders["INBOX.Work"].total, folders["INBOX.Work.2026"].total) == (0, 1)
    scene.assert_equal()
