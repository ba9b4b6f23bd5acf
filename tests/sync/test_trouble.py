"""Servers that refuse, lie or break in the middle, played by a real one that is interfered with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from services84.errors import ConnectionLost, MailServerRefused
from services84.imap.connection import ImapConnection
from services84.imap.values import FetchedMessage, Inquiry, ListedFolder, Surveyed
from services84.store.values import RunOutcome, RunState
from services84.sync import plan
from tests.support.mailboxes import append, cache_view, credentials, message, server_view
from tests.sync.conftest import MAIL_PASSWORD, Scene, new_user

Trouble = Callable[[list[int]], None]


def sync(scene: Scene) -> Any:
    members = {"SyncUserAccount": {"AccountId": scene.account_id}}
    return scene.service.call("SyncEmailAccount", members, ticket=scene.ticket)


def assert_equal(scene: Scene) -> None:
    with scene.client() as client:
        assert cache_view(scene.service, scene.account_id) == server_view(client)


@pytest.fixture
def interfere(monkeypatch: pytest.MonkeyPatch) -> Callable[[Trouble | None], None]:
    """Let `trouble` look at the UIDs of every fetch of bodies before the server is asked."""
    original = ImapConnection.messages

    def use(trouble: Trouble | None) -> None:
        def messages(self: ImapConnection, uids: Iterable[int]) -> Iterator[FetchedMessage]:
            wanted = list(uids)
            if trouble is not None:
                trouble(wanted)
            return original(self, wanted)

        monkeypatch.setattr(ImapConnection, "messages", messages)

    return use


def fill(scene: Scene, count: int) -> None:
    with scene.client() as client:
        for number in range(count):
            append(client, "INBOX", message(number))


def refuse(uids: list[int]) -> None:
    raise MailServerRefused("mail.example.com refused FETCH: please retry")


def test_a_server_that_refuses_everything_for_a_while_loses_nothing(
    scene: Scene, interfere: Callable[[Trouble | None], None]
) -> None:
    fill(scene, 12)
    interfere(refuse)
    for _ in range(4):
        while "not tried again" in (reply := sync(scene)).exception["Message"]:
            pass
        assert "please retry" in reply.exception["Message"]
    interfere(None)
    while not sync(scene).succeeded:
        pass
    assert_equal(scene)


def test_one_message_that_is_refused_stops_no_other(
    scene: Scene, interfere: Callable[[Trouble | None], None]
) -> None:
    fill(scene, 6)
    asked: list[list[int]] = []

    def trouble(uids: list[int]) -> None:
        asked.append(uids)
        if 3 in uids:
            refuse(uids)

    interfere(trouble)
    assert sync(scene).extra["Sync.New"] == "5"
    asked.clear()
    assert sync(scene).extra["Sync.New"] == "0"
    assert asked == []  # not again within the hour
    (inbox,) = scene.service.services.folders.list(scene.account_id)
    assert inbox.total == 5
    assert not inbox.complete


def test_one_message_that_breaks_the_connection_holds_up_no_other(
    scene: Scene, interfere: Callable[[Trouble | None], None]
) -> None:
    fill(scene, 6)

    def trouble(uids: list[int]) -> None:
        if 3 in uids:
            raise ConnectionLost("mail.example.com closed the connection")

    interfere(trouble)
    for _ in range(3):
        while "not tried again" in sync(scene).exception.get("Message", ""):
            pass
    (inbox,) = scene.service.services.folders.list(scene.account_id)
    stored = scene.service.services.items.list(inbox.folder_id, limit=10)
    assert {item.uid for item in stored} == {1, 2, 4, 5, 6}


def test_a_list_without_inbox_drops_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(scene, 2)
    with scene.client() as client:
        client.create("Work")
    scene.sync()
    original = ImapConnection.ask_for_folders

    def without_inbox(connection: ImapConnection) -> Callable[[], list[ListedFolder]]:
        answer = original(connection)
        return lambda: [one for one in answer() if one.server_name != "INBOX"]

    with monkeypatch.context() as patch:
        patch.setattr(ImapConnection, "ask_for_folders", without_inbox)
        assert "lacks INBOX" in sync(scene).exception["Message"]
    assert_equal(scene)


def test_an_inbox_that_cannot_be_opened_is_an_error_of_the_account(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(scene, 2)
    with scene.client() as client:
        client.create("Work")
        append(client, "Work", message(9))
    original = ImapConnection.survey

    def refusing(folder: str) -> None:
        refused = Surveyed(folder, None, refusal=MailServerRefused(f"{folder} is broken"))

        def survey(self: ImapConnection, inquiries: Iterable[Inquiry]) -> Iterator[Surveyed]:
            for told in original(self, inquiries):
                yield refused if told.server_name == folder else told

        monkeypatch.setattr(ImapConnection, "survey", survey)

    refusing("Work")
    reply = sync(scene)
    assert (reply.succeeded, reply.extra["Sync.Skipped"]) == (True, "Work")
    fill(scene, 1)
    refusing("INBOX")
    assert sync(scene).exception["Message"] == "INBOX is broken"


# Another mailbox --------------------------------------------------------------------------------


def save(scene: Scene, user: str, password: str = MAIL_PASSWORD) -> None:
    account = {
        "EMailAccountId": scene.account_id,
        "EMailAddress": "anna@example.com",
        "IncomingCredentials": credentials(user, password, scene.dovecot.port_plain),
    }
    reply = scene.service.call("SaveEMailAccount", {"EMailAccount": account}, ticket=scene.ticket)
    assert reply.succeeded, reply.exception


def same_uid_validity(scene: Scene, user: str) -> None:
    """Give both users' INBOX the same UIDVALIDITY, as servers that use constants do."""
    scene.dovecot.stop()
    for name in (scene.user, user):
        (uidlist,) = scene.dovecot.maildir(name).glob("dovecot-uidlist")
        first, *rest = uidlist.read_text().splitlines()
        fields = ["V4242" if f.startswith("V") else f for f in first.split()]
        uidlist.write_text("\n".join([" ".join(fields), *rest]) + "\n")
        for index in scene.dovecot.maildir(name).glob("dovecot.index*"):
            index.unlink()
    scene.dovecot.start()


def test_another_user_gets_none_of_the_former_ones_mail(scene: Scene) -> None:
    fill(scene, 3)
    other = new_user(scene.dovecot)
    with scene.dovecot.client(other) as client:
        for number in range(100, 103):
            append(client, "INBOX", message(number))
    same_uid_validity(scene, other)
    scene.sync()
    save(scene, other)
    assert scene.sync()["Sync.New"] == "3"
    with scene.dovecot.client(other) as client:
        assert cache_view(scene.service, scene.account_id) == server_view(client)


def test_the_same_mailbox_under_another_name_keeps_its_messages(scene: Scene) -> None:
    fill(scene, 3)
    scene.sync()
    items = scene.service.services.items
    (inbox,) = scene.service.services.folders.list(scene.account_id)
    before = {i.item_id for i in items.list(inbox.folder_id, limit=10)}
    account = {
        "EMailAccountId": scene.account_id,
        "EMailAddress": "anna@example.com",
        "IncomingCredentials": credentials(
            scene.user, MAIL_PASSWORD, scene.dovecot.port_plain, "localhost"
        ),
    }
    reply = scene.service.call("SaveEMailAccount", {"EMailAccount": account}, ticket=scene.ticket)
    assert reply.succeeded, reply.exception
    assert scene.sync()["Sync.New"] == "0"
    assert {i.item_id for i in items.list(inbox.folder_id, limit=10)} == before
    assert_equal(scene)


def test_saving_other_credentials_stops_a_sync_that_used_the_old_ones(scene: Scene) -> None:
    accounts = scene.service.services.accounts
    now = scene.service.services.clock()
    lease = accounts.take_lease(scene.account_id, "elsewhere", now, 60)
    assert lease is not None
    save(scene, scene.user, "wrong-secret")
    run = accounts.run(lease.run_id)
    assert run is not None
    assert run.state is RunState.LOST
    assert "refused" in sync(scene).exception["Message"]


def test_another_machines_clock_is_not_believed(scene: Scene) -> None:
    accounts = scene.service.services.accounts
    ahead = scene.service.services.clock() + timedelta(seconds=50)
    lease = accounts.take_lease(scene.account_id, "othermachine:1:x", ahead, 60)
    assert lease is not None
    accounts.finish_run(lease, RunOutcome(), ahead)
    fill(scene, 1)
    assert sync(scene).extra["Sync.New"] == "1"


def test_the_tries_of_a_message_outlast_a_passing_trouble() -> None:
    assert timedelta(hours=2) <= plan.TRY_AGAIN_AFTER * (plan.MAX_TRIES - 1)
