"""Folders made, subscribed, emptied and removed: on the server, in the cache, and level with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from services84.imap import changing
from tests.support.boxes import Box, box_on, dovecot_box, listed, uids_in
from tests.support.dovecot import DovecotServer
from tests.support.mailboxes import append, message, quoted
from tests.support.service import Reply, Service, member_xml

EVERYWHERE = pytest.mark.parametrize("box", ["dovecot", "courier"], indirect=True)
NAMED = ["CreateFolder", "DeleteFolder", "EmptyFolder"]


@pytest.fixture
def box(request: pytest.FixtureRequest, service: Service) -> Box:
    return box_on(request, service)


@pytest.fixture
def mine(service: Service, dovecot: DovecotServer) -> Box:
    return dovecot_box(service, dovecot)


def fill(box: Box, *names: str) -> None:
    """Folders by their server's spelling with slashes, three messages in each; then a sync."""
    with box.client() as client:
        for number, name in enumerate(names):
            if name != "INBOX":
                assert client.create(quoted(box.spelt(name)))[0] == "OK"
            for each in range(3):
                append(client, box.spelt(name), message(number * 10 + each))
    box.cache()


def item_ids(box: Box, name: str) -> set[int]:
    folder = box.cached()[box.spelt(name)]
    items = box.service.services.items.list(folder.folder_id, limit=1000)
    return {item.item_id for item in items}


def folders(box: Box, how: str = "LIST") -> set[str]:
    with box.client() as client:
        return listed(client, how)


def subscribed(*folders: tuple[str | None, Any]) -> str:
    """The member Folders of SetSubscription."""
    items = (
        member_xml({"EMailFolder": {"Name": name, "Subscribed": wanted}})
        for name, wanted in folders
    )
    return f"<n:Folders>{''.join(items)}</n:Folders>"


def refused(reply: Reply, kind: str, message: str) -> None:
    assert reply.succeeded is False
    assert reply.exception["ExceptionType"] == kind
    assert message in reply.exception["Message"]


# What all of them refuse ------------------------------------------------------------------------


@pytest.mark.parametrize("operation", NAMED)
@pytest.mark.parametrize("name", [None, "", "  "])
def test_what_changes_a_whole_folder_wants_it_named(
    mine: Box, operation: str, name: str | None
) -> None:
    refused(mine.call(operation, mine.info(name)), "SoArgumentException", "ConnectionInfo/Folder: ")


@pytest.mark.parametrize("operation", [*NAMED, "SetSubscription"])
def test_connection_info_is_required(mine: Box, operation: str) -> None:
    refused(mine.call(operation), "SoArgumentException", "ConnectionInfo: 'nil' is required")


@pytest.mark.parametrize("operation", NAMED)
def test_a_wrong_password_changes_nothing(mine: Box, operation: str) -> None:
    fill(mine, "Work")
    reply = mine.call(operation, mine.info("Work", Password="wrong"))
    refused(reply, "SoMailServerException", "login refused")
    mine.assert_level()
    assert len(item_ids(mine, "Work")) == 3


@EVERYWHERE
@pytest.mark.parametrize("operation", ["DeleteFolder", "EmptyFolder"])
def test_a_folder_that_does_not_exist_is_named(box: Box, operation: str) -> None:
    reply = box.call(operation, box.info("Nowhere"))
    refused(reply, "SoNotFoundException", "ConnectionInfo/Folder: there is no folder 'Nowhere'")


# CreateFolder -----------------------------------------------------------------------------------


@EVERYWHERE
def test_a_folder_that_exists_is_not_made_again(box: Box) -> None:
    fill(box, "Work")
    reply = box.call("CreateFolder", box.info("Work"))
    refused(reply, "SoArgumentException", "ConnectionInfo/Folder: 'Work' exists already")
    box.assert_level()


@pytest.mark.parametrize("name", ["a\tb", "Work//2026", "/Work", "no.dots"])
def test_a_name_that_cannot_be_is_refused_with_the_reason(mine: Box, name: str) -> None:
    mine.cache()
    reply = mine.call("CreateFolder", mine.info(name))
    assert reply.exception["Message"].startswith("ConnectionInfo/Folder: ")
    assert folders(mine) == {"INBOX"}
    mine.assert_level()


@EVERYWHERE
@pytest.mark.parametrize(
    ("name", "spelt"),
    [
        ("Work", "Work"),
        ("Entwürfe", "Entw&APw-rfe"),
        ("日本語", "&ZeVnLIqe-"),
        ('Say "hi" & bye', 'Say "hi" &- bye'),
        ("A/B/C/D", "A/B/C/D"),
        ("per 100 %", "per 100 %"),
    ],
)
def test_a_folder_is_made_and_subscribed_and_cached(box: Box, name: str, spelt: str) -> None:
    box.cache()
    box.does("CreateFolder", box.info(name))
    assert box.spelt(spelt) in folders(box)
    assert box.spelt(spelt) in folders(box, "LSUB")
    made = box.cached()[box.spelt(spelt)]
    assert made.name == box.spelt(name)
    assert made.subscribed
    box.assert_level()


def test_a_mailbox_that_is_no_account_gets_its_folder_all_the_same(mine: Box) -> None:
    mine.does("CreateFolder", mine.info("Work/2026"))
    assert "Work/2026" in folders(mine)


def test_a_sync_that_is_under_way_keeps_no_folder_from_being_made(
    mine: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services84.sync.errands.LEASE_SECONDS", 0.2)
    mine.cache()
    services = mine.service.services
    lease = services.accounts.take_lease(mine.account_id, "another", services.clock(), 600)
    assert lease is not None
    mine.does("CreateFolder", mine.info("Work"))
    assert "Work" in folders(mine)
    assert "Work" not in mine.cached()


# DeleteFolder -----------------------------------------------------------------------------------


@EVERYWHERE
def test_inbox_is_not_deleted_and_the_servers_reason_is_told(box: Box) -> None:
    fill(box, "INBOX")
    reply = box.call("DeleteFolder", box.info("Inbox"))
    refused(reply, "SoMailServerException", "ConnectionInfo/Folder: 'Inbox': ")
    assert "refused DELETE" in reply.exception["Message"]
    assert len(item_ids(box, "INBOX")) == 3
    box.assert_level()


@EVERYWHERE
@pytest.mark.parametrize("spelt", ["Work", "Entw&APw-rfe", 'Say "hi"'])
def test_a_folder_goes_with_its_mail_and_its_subscription(box: Box, spelt: str) -> None:
    fill(box, spelt)
    name = box.cached()[box.spelt(spelt)].name
    with box.client() as client:
        client.subscribe(quoted(box.spelt(spelt)))
    box.does("DeleteFolder", box.info(name))
    assert box.spelt(spelt) not in folders(box) | folders(box, "LSUB")
    assert box.spelt(spelt) not in box.cached()
    box.assert_level()


@EVERYWHERE
def test_folders_below_a_deleted_one_stay_with_their_mail(box: Box) -> None:
    fill(box, "Work", "Work/2026")
    below = item_ids(box, "Work/2026")
    box.does("DeleteFolder", box.info("Work"))
    assert box.spelt("Work/2026") in folders(box)
    assert item_ids(box, "Work/2026") == below
    if box.spelt("Work") in box.cached():  # it is listed still, because of what is below it
        assert item_ids(box, "Work") == set()
    counts = box.sync()
    assert (counts["Sync.New"], counts["Sync.Changed"], counts["Sync.Removed"]) == ("0", "0", "0")


# EmptyFolder ------------------------------------------------------------------------------------


@EVERYWHERE
def test_every_message_is_removed(box: Box) -> None:
    fill(box, "INBOX", "Work")
    box.does("EmptyFolder", box.info("Work"))
    with box.client() as client:
        assert uids_in(client, box.spelt("Work")) == []
        assert len(uids_in(client, "INBOX")) == 3
    assert item_ids(box, "Work") == set()
    box.assert_level()


@EVERYWHERE
def test_every_message_is_moved_where_that_is_asked_for_and_keeps_its_id(box: Box) -> None:
    fill(box, "Work", "Old")
    both = item_ids(box, "Work") | item_ids(box, "Old")
    box.does("EmptyFolder", box.info("Work") | {"MoveToFolder": "Old"})
    with box.client() as client:
        assert uids_in(client, box.spelt("Work")) == []
        assert len(uids_in(client, box.spelt("Old"))) == 6
    assert item_ids(box, "Old") == both
    box.assert_level()


@EVERYWHERE
def test_an_empty_folder_is_empty_already(box: Box) -> None:
    box.does("CreateFolder", box.info("Work"))
    box.does("EmptyFolder", box.info("Work"))
    box.does("EmptyFolder", box.info("Work") | {"MoveToFolder": "INBOX"})


@pytest.mark.parametrize(
    ("target", "kind", "problem"),
    [
        ("Nowhere", "SoNotFoundException", "MoveToFolder: there is no folder 'Nowhere'"),
        ("work/", "SoArgumentException", "MoveToFolder: 'work/' has a level without a name"),
        (" ", "SoArgumentException", "MoveToFolder: ' ' is empty"),
        ("Work", "SoArgumentException", "MoveToFolder: 'Work' is the folder that is to be"),
        ("Above", "SoNotFoundException", "MoveToFolder: there is no folder 'Above'"),
    ],
)
def test_where_messages_cannot_be_moved_to_they_stay(
    mine: Box, target: str, kind: str, problem: str
) -> None:
    fill(mine, "Work", "Above/Below")
    refused(mine.call("EmptyFolder", mine.info("Work") | {"MoveToFolder": target}), kind, problem)
    assert len(item_ids(mine, "Work")) == 3
    mine.assert_level()


def test_what_the_server_cannot_remove_alone_is_told(
    mine: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without UIDPLUS, one EXPUNGE would take others' messages along."""
    fill(mine, "Work")
    plain = changing.Changing._expunge

    def without_uidplus(self: Any, marked: list[int]) -> None:
        plain(self, marked) if not marked else None

    monkeypatch.setattr(changing.Changing, "_expunge", without_uidplus)
    reply = mine.call("EmptyFolder", mine.info("Work"))
    refused(reply, "SoMailServerException", "3 messages are marked as deleted and still there")
    monkeypatch.undo()
    mine.assert_level()


def test_a_thousand_messages_take_few_commands(
    mine: Box, dovecot: DovecotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine.does("CreateFolder", mine.info("Work"))
    many = [b"Subject: %d\r\n\r\n" % number for number in range(1000)]
    dovecot.deliver(mine.user, "Work", *many)
    said = commands(monkeypatch)
    mine.does("EmptyFolder", mine.info("Work") | {"MoveToFolder": "INBOX"})
    with mine.client() as client:
        assert len(uids_in(client, "INBOX")) == 1000
    assert said() < 20


def commands(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Counts the commands that are sent from now on."""
    from services84.imap.conversation import Conversation

    plain, told = Conversation._said_to, []

    def counted(self: Any, command: str, *arguments: Any) -> Any:
        told.append(command)
        return plain(self, command, *arguments)

    monkeypatch.setattr(Conversation, "_said_to", counted)
    return lambda: len(told)


# SetSubscription --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "member"), [(None, "[2]/Name"), ("", "[2]/Name"), ("Nowhere", "[2]/Name")]
)
def test_one_wrong_folder_and_none_is_subscribed(mine: Box, name: str | None, member: str) -> None:
    fill(mine, "Work")
    reply = mine.call("SetSubscription", mine.info(), subscribed(("Work", True), (name, True)))
    assert reply.exception["Message"].startswith(f"Folders/EMailFolder{member}: ")
    assert "Work" not in folders(mine, "LSUB")


def test_a_nil_folder_is_named_by_its_place(mine: Box) -> None:
    nothing = '<n:Folders><n:EMailFolder i:nil="true"/></n:Folders>'
    reply = mine.call("SetSubscription", mine.info(), nothing)
    refused(reply, "SoArgumentException", "Folders/EMailFolder[1]: 'nil' is empty")


@pytest.mark.parametrize("more", ["", "<n:Folders/>"])
def test_no_folders_are_no_error(mine: Box, more: str) -> None:
    mine.does("SetSubscription", mine.info(), more)


@EVERYWHERE
def test_folders_are_subscribed_and_unsubscribed_in_the_cache_as_well(box: Box) -> None:
    fill(box, "Work", "Entw&APw-rfe")
    work, drafts = box.spelt("Work"), box.spelt("Entw&APw-rfe")
    box.does("SetSubscription", box.info(), subscribed(("Work", True), ("Entwürfe", True)))
    assert {work, drafts} <= folders(box, "LSUB")
    assert box.cached()[work].subscribed
    assert box.cached()[drafts].subscribed
    wanted = subscribed(("Work", False), ("Entwürfe", False), (box.spelt("Entwürfe"), True))
    box.does("SetSubscription", box.info(), wanted)
    assert work not in folders(box, "LSUB")
    assert not box.cached()[work].subscribed
    assert box.cached()[drafts].subscribed
    box.assert_level()


@EVERYWHERE
def test_the_subscription_of_a_folder_that_is_gone_can_be_taken_away(box: Box) -> None:
    with box.client() as client:
        client.create(box.spelt("Work"))
        client.subscribe(box.spelt("Work"))
        client.delete(box.spelt("Work"))
    box.does("SetSubscription", box.info(), subscribed(("Work", False)))
    assert box.spelt("Work") not in folders(box, "LSUB")
