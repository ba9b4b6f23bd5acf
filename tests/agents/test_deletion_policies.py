"""What deleting, marking and saving do to messages by their ids, under each deletion policy."""

from __future__ import annotations

import pytest

from services84.store.values import ItemFlag
from tests.support.boxes import ints
from tests.support.dovecot import DovecotServer
from tests.support.live_mail import UNCHANGED, LiveMail, Office
from tests.support.mailboxes import message
from tests.support.options import CLEAR, KEEP_ON_SERVER, set_options
from tests.support.service import member_xml


@pytest.fixture
def mail(office: Office, dovecot: DovecotServer) -> LiveMail:
    """Four messages that are cached; nothing on the server is removed when they are deleted."""
    mail = office.mailbox(dovecot)
    set_options(mail.service, mail.account_id, deletion_policy=KEEP_ON_SERVER)
    mail.deliver(*map(message, range(1, 5)))
    mail.sync()
    return mail


@pytest.fixture
def copies(mail: LiveMail) -> LiveMail:
    """The same, when the server has none of them any more."""
    set_options(mail.service, mail.account_id, deletion_policy=CLEAR)
    mail.sync()
    assert mail.state() == {}
    assert len(mail.items("INBOX")) == 4
    return mail


def totals(mail: LiveMail) -> tuple[int, int]:
    [inbox] = [
        one
        for one in mail.service.services.folders.list(mail.account_id)
        if one.server_name == "INBOX"
    ]
    return inbox.total, inbox.unread


def assert_nothing_to_do(mail: LiveMail) -> None:
    extra = mail.sync()
    assert {name: extra[name] for name in UNCHANGED} == UNCHANGED


# DontDelete -------------------------------------------------------------------------------------


def test_with_dont_delete_messages_are_deleted_here_and_stay_on_the_server(
    mail: LiveMail,
) -> None:
    ids = mail.items("INBOX")
    before = mail.state()

    mail.succeed("DeleteEmails", ints("Ids", [ids[1], ids[3]]))

    assert mail.state() == before
    assert set(mail.items("INBOX")) == {2, 4}
    assert totals(mail) == (2, 2)
    mail.refused("NotFound", "GetEMail", member_xml({"Id": ids[1], "IncludeAttachments": False}))
    assert_nothing_to_do(mail)
    assert set(mail.items("INBOX")) == {2, 4}


def test_what_was_deleted_here_does_not_come_back(mail: LiveMail) -> None:
    ids = mail.items("INBOX")
    mail.succeed("DeleteEmails", ints("Ids", [ids[1]]))
    with mail.client() as client:
        client.select("INBOX")
        client.uid("STORE", "1", "+FLAGS", "\\Flagged")
    mail.deliver(message(5))
    assert mail.sync()["Sync.New"] == "1"
    assert set(mail.items("INBOX")) == {2, 3, 4, 5}
    # Not under another UIDVALIDITY either.
    assert isinstance(mail.server, DovecotServer)
    (mail.server.maildir(mail.user) / "dovecot-uidlist").unlink()
    mail.sync()
    assert totals(mail)[0] == 4
    assert ids[1] not in mail.items("INBOX").values()
    with mail.client() as client:
        client.select("INBOX")
        client.store("1:*", "+FLAGS", "\\Deleted")
        client.expunge()
    mail.sync()
    assert totals(mail) == (0, 0)
    assert_nothing_to_do(mail)


def test_moving_is_no_deleting(mail: LiveMail) -> None:
    ids = mail.items("INBOX")
    mail.succeed("MoveEmailsToTrash", ints("Ids", [ids[1]]))
    assert set(mail.state()) == {2, 3, 4}
    assert ids[1] in mail.items("Trash").values()


def test_the_usual_policy_deletes_on_the_server(office: Office, dovecot: DovecotServer) -> None:
    mail = office.mailbox(dovecot)
    mail.deliver(message(1), message(2))
    mail.sync()
    mail.succeed("DeleteEmails", ints("Ids", [mail.items("INBOX")[1]]))
    assert set(mail.state()) == {2}
    mail.assert_level()


# Copies that the server has no more -------------------------------------------------------------


def test_a_copy_can_be_read_and_stands_for_nothing_on_the_server(copies: LiveMail) -> None:
    item_id = copies.items("INBOX")[1]
    members = member_xml({"Id": item_id, "IncludeAttachments": False})
    reply = copies.succeed("GetEMail", members)
    assert reply.text("Response/Subject") == "Message 1 – Grüße"
    assert reply.text("Response/ServerId") == "0"


def test_copies_are_marked_as_read_here(copies: LiveMail) -> None:
    ids = copies.items("INBOX")
    copies.succeed("MarkEmailsAsRead", ints("Ids", [ids[1], ids[2]]), member_xml({"Read": True}))
    assert totals(copies) == (4, 2)
    assert_nothing_to_do(copies)
    copies.succeed("MarkEmailsAsRead", ints("Ids", [ids[1]]), member_xml({"Read": False}))
    assert totals(copies) == (4, 3)


def test_a_copy_that_is_deleted_is_gone(copies: LiveMail) -> None:
    ids = copies.items("INBOX")
    copies.deliver(message(9))
    set_options(copies.service, copies.account_id, deletion_policy=KEEP_ON_SERVER)
    copies.sync()
    set_options(copies.service, copies.account_id, deletion_policy=CLEAR)
    both = [ids[1], copies.items("INBOX")[5]]
    copies.succeed("DeleteEmails", ints("Ids", both))
    assert copies.state() == {}
    assert not set(both) & set(copies.items("INBOX").values())
    assert totals(copies)[0] == 3


@pytest.mark.parametrize("operation", ["MoveEmailsToTrash", "DeleteEmails"])
def test_a_copy_cannot_be_moved(copies: LiveMail, operation: str) -> None:
    ids = copies.items("INBOX")
    members = [ints("Ids", [ids[1]])]
    if operation == "DeleteEmails":
        members.append(member_xml({"MoveToFolder": "INBOX"}))
    told = copies.refused("NotFound", operation, *members)
    assert "on the mail server any more" in told["Message"]
    assert set(copies.items("INBOX")) == {1, 2, 3, 4}


def test_a_copy_is_answered(copies: LiveMail) -> None:
    copies.succeed("SetRepliedAt", member_xml({"MessageId": "<message-1@example.com>"}))
    item = copies.service.services.items.get(copies.items("INBOX")[1])
    assert item is not None
    assert item.replied_at is not None
    assert item.flags & ItemFlag.ANSWERED


def test_new_mail_is_known_beside_copies(copies: LiveMail) -> None:
    [inbox] = [
        one
        for one in copies.service.services.folders.list(copies.account_id)
        if one.server_name == "INBOX"
    ]
    latest = copies.items("INBOX")[4]
    asked = member_xml({"MailItemId": latest, "FolderId": inbox.folder_id})
    assert copies.succeed("HasNewMail", asked).text("Response") == "false"
    copies.deliver(message(7))
    copies.sync()
    assert copies.succeed("HasNewMail", asked).text("Response") == "true"
    newest = copies.succeed("LatestItemIdByFolder", member_xml({"FolderId": inbox.folder_id}))
    assert newest.text("Response") == str(copies.items("INBOX")[5])
