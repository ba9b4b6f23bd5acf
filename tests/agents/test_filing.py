"""What is done to messages by their ids in the cache: other clients see it, the cache has it at
once, and the next sync finds nothing to do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from services84.imap.conversation import Conversation
from services84.store.values import ItemFlag
from tests.support.boxes import ints, listed
from tests.support.courier import CourierServer
from tests.support.dovecot import DovecotServer
from tests.support.live_mail import LiveMail, Office
from tests.support.mailboxes import message, quoted
from tests.support.service import member_xml

SPELT = "Entw&APw-rfe/2026"


@pytest.fixture
def mail(office: Office, dovecot: DovecotServer) -> LiveMail:
    mail = office.mailbox(dovecot)
    mail.deliver(*map(message, range(1, 5)))
    mail.deliver(message(9), message(10), folder=SPELT)
    mail.sync()
    return mail


def ids(mail: LiveMail, *uids: int, folder: str = "INBOX") -> list[int]:
    known = mail.items(folder)
    return [known[uid] for uid in uids]


def folder_id(mail: LiveMail, name: str) -> int:
    folders = mail.service.services.folders.list(mail.account_id)
    return next(one.folder_id for one in folders if one.name == name)


def some(mail: LiveMail) -> list[int]:
    """Two messages of INBOX, one of them twice, and one of another folder."""
    return [*ids(mail, 3, 1, 3), *ids(mail, 2, folder="Entwürfe/2026")]


def read(mail: LiveMail, folder: str = "INBOX") -> list[int]:
    return [uid for uid, flags in mail.flags(folder).items() if "\\Seen" in flags]


# Marking ----------------------------------------------------------------------------------------


def test_messages_of_several_folders_are_marked_as_read_and_as_unread(mail: LiveMail) -> None:
    wanted = some(mail)
    mail.succeed("MarkEmailsAsRead", ints("Ids", wanted), member_xml({"Read": True}))
    assert (read(mail), read(mail, SPELT)) == ([1, 3], [2])
    mail.assert_level()
    mail.succeed("MarkEmailsAsRead", ints("Ids", wanted[:1]), member_xml({"Read": False}))
    assert (read(mail), read(mail, SPELT)) == ([1], [2])
    mail.assert_level()


# Moving and deleting ----------------------------------------------------------------------------


def test_messages_are_moved_and_keep_their_ids(each_way: LiveMail) -> None:
    wanted = some(each_way)
    there = folder_id(each_way, "Entwürfe/2026")
    members = member_xml({"FolderId": there}) + ints("EmailItemIds", wanted)
    each_way.succeed("MoveEmailsToFolder", members)
    assert each_way.sources() == [message(2), message(4)]
    assert each_way.sources(SPELT) == [message(9), message(10), message(1), message(3)]
    assert set(wanted) <= set(each_way.items("Entwürfe/2026").values())
    each_way.assert_level()


def test_messages_are_deleted_and_no_others(each_way: LiveMail) -> None:
    wanted = some(each_way)
    each_way.succeed("DeleteEmails", ints("Ids", wanted))
    assert each_way.sources() == [message(2), message(4)]
    assert each_way.sources(SPELT) == [message(9)]
    each_way.assert_level()
    each_way.refused("NotFound", "DeleteEmails", ints("Ids", wanted))


@pytest.mark.parametrize("name", ["Entwürfe/2026", "INBOX", "inbox"])
def test_deleted_messages_go_to_a_folder_that_is_named(mail: LiveMail, name: str) -> None:
    wanted = some(mail)
    mail.succeed("DeleteEmails", ints("Ids", wanted), member_xml({"MoveToFolder": name}))
    spelt = SPELT if "2026" in name else "INBOX"
    assert len(mail.sources(spelt)) == {"INBOX": 5, SPELT: 4}[spelt]
    shown = "INBOX" if spelt == "INBOX" else name
    assert set(wanted) <= set(mail.items(shown).values())
    mail.assert_level()


def test_what_another_client_has_deleted_need_not_be_deleted(mail: LiveMail) -> None:
    wanted = some(mail)
    remove(mail, "1")
    mail.succeed("DeleteEmails", ints("Ids", wanted))
    assert mail.sources() == [message(2), message(4)]
    mail.assert_level()


def remove(mail: LiveMail, uids: str) -> None:
    with mail.client() as client:
        client.select("INBOX")
        client.uid("STORE", uids, "+FLAGS", "\\Deleted")
        client.expunge()


@pytest.mark.parametrize("wanted", ["", "<n:Ids/>"])
@pytest.mark.parametrize("operation", ["MarkEmailsAsRead", "DeleteEmails", "MoveEmailsToTrash"])
def test_no_messages_are_no_error(mail: LiveMail, operation: str, wanted: str) -> None:
    mail.succeed(operation, wanted)
    assert len(mail.sources()) == 4


# Trash ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("there", "used"),
    [
        ([], "Trash"),
        (["Trash"], "Trash"),
        (["Papierkorb", "Deleted Items"], "Deleted Items"),
        (["Work/Deleted", "Gel&APY-schte Elemente"], "Gel&APY-schte Elemente"),
        (["INBOX/Papirkurv"], "INBOX/Papirkurv"),
    ],
)
def test_messages_go_to_the_folder_for_deleted_ones(
    mail: LiveMail, there: list[str], used: str
) -> None:
    with mail.client() as client:
        for one in there:
            assert client.create(quoted(one))[0] == "OK"
    mail.sync()
    wanted = some(mail)
    mail.succeed("MoveEmailsToTrash", ints("Ids", wanted))
    assert mail.sources() == [message(2), message(4)]
    assert sorted(mail.sources(used)) == sorted([message(1), message(3), message(10)])
    with mail.client() as client:
        assert used in listed(client, "LSUB") or there
    mail.assert_level()
    places = mail.service.services.items.places(wanted)
    assert len({place.folder_id for place in places.values()}) == 1
    mail.succeed("MoveEmailsToTrash", ints("Ids", wanted))
    assert len(mail.sources(used)) == 3


# Answered ---------------------------------------------------------------------------------------


def test_every_copy_of_an_answered_message_is_marked_and_dated(mail: LiveMail) -> None:
    answered = message(1).replace(b"message-1@", b"answered-1@")
    mail.deliver(answered)
    mail.deliver(answered, folder=SPELT)
    mail.sync()
    mail.succeed("SetRepliedAt", member_xml({"MessageId": "answered-1@example.com"}))
    assert "\\Answered" in mail.flags()[5]
    assert "\\Answered" in mail.flags(SPELT)[3]
    assert "\\Answered" not in mail.flags()[2]
    mail.assert_level()
    for item in (ids(mail, 5)[0], ids(mail, 3, folder="Entwürfe/2026")[0]):
        reply = mail.succeed("GetEMail", member_xml({"Id": item}))
        replied = datetime.fromisoformat(reply.text("Response/RepliedAt") or "")
        assert abs((replied.replace(tzinfo=None) - now(mail)).total_seconds()) < 60
        assert "Answered" in (reply.text("Response/Flags") or "")
    other = mail.succeed("GetEMail", member_xml({"Id": ids(mail, 2)[0]}))
    assert not other.text("Response/RepliedAt")


def now(mail: LiveMail) -> datetime:
    return mail.service.services.clock().replace(tzinfo=None)


def test_when_a_message_was_answered_is_known_wherever_it_goes(mail: LiveMail) -> None:
    mail.deliver(message(1).replace(b"message-1@", b"answered-2@"))
    mail.sync()
    mail.succeed("SetRepliedAt", member_xml({"MessageId": "<answered-2@example.com>"}))
    item = ids(mail, 5)[0]
    mail.succeed("MoveEmailsToTrash", ints("Ids", [item]))
    assert mail.succeed("GetEMail", member_xml({"Id": item})).text("Response/RepliedAt")


# Two accounts -----------------------------------------------------------------------------------


def test_messages_of_several_accounts_are_changed_in_each(
    mail: LiveMail, office: Office, dovecot: DovecotServer
) -> None:
    other = office.mailbox(dovecot)
    other.deliver(message(20), message(21))
    other.sync()
    both = [*ids(mail, 1), *ids(other, 2)]
    mail.succeed("MarkEmailsAsRead", ints("Ids", both), member_xml({"Read": True}))
    assert (read(mail), read(other)) == ([1], [2])
    mail.succeed("MoveEmailsToTrash", ints("Ids", both))
    assert (mail.sources("Trash"), other.sources("Trash")) == ([message(1)], [message(21)])
    mail.assert_level()
    other.assert_level()


# Renumbered folders -----------------------------------------------------------------------------


def test_a_folder_that_the_server_has_renumbered_is_brought_level_first(
    mail: LiveMail, dovecot: DovecotServer
) -> None:
    wanted = ids(mail, 1, 3)
    (dovecot.maildir(mail.user) / "dovecot-uidlist").unlink()
    for index in dovecot.maildir(mail.user).glob("dovecot.index*"):
        index.unlink()
    mail.succeed("MarkEmailsAsRead", ints("Ids", wanted), member_xml({"Read": True}))
    seen = {source for source, flags in mail.state().values() if "\\Seen" in flags}
    assert seen == {message(1), message(3)}
    mail.assert_level()
    found = mail.service.services.items
    assert {item.message_id for one in wanted if (item := found.get(one))} == {
        "<message-1@example.com>",
        "<message-3@example.com>",
    }


# Many -------------------------------------------------------------------------------------------


def commands(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Counts the commands that are sent from now on."""
    plain, told = Conversation._said_to, []

    def counted(self: Any, command: str, *arguments: Any) -> Any:
        told.append(command)
        return plain(self, command, *arguments)

    monkeypatch.setattr(Conversation, "_said_to", counted)
    return lambda: len(told)


def test_thousands_of_messages_take_few_commands(
    office: Office, dovecot: DovecotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = office.mailbox(dovecot)
    mail.deliver(*(b"Subject: %d\r\n\r\n" % number for number in range(20)))
    with mail.client() as client:
        for _ in range(7):  # 2,560 of them
            client.select("INBOX")
            client.copy("1:*", "INBOX")
    mail.sync()
    wanted = ints("Ids", mail.items("INBOX").values())
    said = commands(monkeypatch)
    mail.succeed("MarkEmailsAsRead", wanted, member_xml({"Read": True}))
    assert said() < 15
    mail.succeed("DeleteEmails", wanted, member_xml({"MoveToFolder": "INBOX"}))
    mail.succeed("MoveEmailsToTrash", wanted)
    assert said() < 60
    mail.assert_level()
    items = mail.items("Trash")
    assert len(items) == 2560
    found = mail.service.services.items.get(items[1])
    assert found is not None
    assert found.flags == ItemFlag.SEEN


# Another server ---------------------------------------------------------------------------------


def test_courier_files_and_saves_alike(office: Office, courier: CourierServer) -> None:
    """It has neither MOVE nor SPECIAL-USE, and its folders are below INBOX."""
    mail = office.mailbox(courier)
    mail.deliver(*map(message, range(1, 5)))
    mail.sync()
    wanted = ids(mail, 1, 3)
    mail.succeed("MarkEmailsAsRead", ints("Ids", wanted), member_xml({"Read": True}))
    assert read(mail) == [1, 3]
    mail.assert_level()
    mail.succeed("MoveEmailsToTrash", ints("Ids", wanted))
    assert mail.sources("INBOX.Trash") == [message(1), message(3)]
    assert set(mail.items("INBOX.Trash").values()) == set(wanted)
    mail.assert_level()
    mail.succeed("DeleteEmails", ints("Ids", wanted), member_xml({"MoveToFolder": "INBOX"}))
    mail.succeed("DeleteEmails", ints("Ids", wanted[:1]))
    assert mail.sources() == [message(2), message(4), message(3)]
    mail.assert_level()
    draft = {"Subject": "one", "PlainBody": "one", "AccountId": mail.account_id}
    saved = mail.succeed("SaveDraft", member_xml({"Entity": draft}))
    item = int(saved.text("Response/EmailItemId") or 0)
    again = {"Subject": "two", "EmailItemId": item}
    mail.succeed("SaveDraft", member_xml({"Entity": again}))
    [source] = mail.sources("INBOX.Drafts")
    assert b"Subject: two\r\n" in source
    mail.assert_level()
