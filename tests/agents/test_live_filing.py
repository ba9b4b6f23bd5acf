"""What operations do to messages on the mail server: another client sees it, and so does the
cache, at once; the next sync finds nothing to do."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from services84.imap.connection import ImapConnection
from services84.imap.values import Appended
from tests.support.boxes import ints, strings
from tests.support.dovecot import DovecotServer
from tests.support.live_mail import LiveMail, Office
from tests.support.mailboxes import message
from tests.support.service import member_xml

TARGET = member_xml({"TargetFolder": "Entwürfe/2026"})
SPELT = "Entw&APw-rfe/2026"
UIDS = ints("MessageServerIds", [1, 3, 1])
EMAIL = {
    "To": {"EMailAddress": {"Name": "Bob", "Address": "bob@example.com"}},
    "Bcc": {"EMailAddress": {"Address": "hidden@example.com"}},
    "Subject": "Grüße",
    "From": {"Name": "Ännä", "Address": "anna@example.com"},
    "Sent": "2026-03-02T10:00:00+01:00",
    "Flags": "Seen Recent Draft",
    "PlainBody": "hello",
    "Attachments": {"EMailAttachment": {"Filename": "ü.bin", "Stream": "AAEC/w=="}},
    "ReceivedAt": "2026-03-03T11:00:00Z",
}


@pytest.fixture
def mail(office: Office, dovecot: DovecotServer) -> LiveMail:
    mail = office.mailbox(dovecot)
    mail.deliver(*map(message, range(1, 5)))
    mail.deliver(message(9), folder=SPELT)
    mail.sync()
    return mail


# Marking ----------------------------------------------------------------------------------------


def test_messages_are_marked_as_read_and_as_unread_again(mail: LiveMail) -> None:
    mail.succeed("MarkAsRead", mail.info(), UIDS, member_xml({"Read": True}))
    assert [uid for uid, flags in mail.flags().items() if "\\Seen" in flags] == [1, 3]
    mail.assert_level()
    mail.succeed("MarkAsRead", mail.info(), ints("MessageServerIds", [3]))
    assert [uid for uid, flags in mail.flags().items() if "\\Seen" in flags] == [1]
    mail.assert_level()


def test_other_flags_stay(mail: LiveMail) -> None:
    with mail.client() as client:
        client.select("INBOX")
        client.uid("STORE", "1", "+FLAGS", "(\\Flagged $Later)")
    mail.succeed("MarkAsRead", mail.info(), UIDS, member_xml({"Read": True}))
    assert mail.flags()[1] == {"\\Seen", "\\Flagged", "$Later"}
    mail.assert_level()


# Deleting and moving ----------------------------------------------------------------------------


def test_messages_are_deleted_and_no_others(each_way: LiveMail) -> None:
    each_way.succeed("Delete", each_way.info(), UIDS)
    assert each_way.sources() == [message(2), message(4)]
    each_way.assert_level()


@pytest.mark.parametrize(
    ("operation", "target"),
    [("MoveToFolder", TARGET), ("Delete", TARGET.replace("TargetFolder", "MoveToFolder"))],
)
def test_messages_are_moved_and_keep_their_ids_in_the_cache(
    each_way: LiveMail, operation: str, target: str
) -> None:
    before = each_way.items("INBOX")
    each_way.succeed(operation, each_way.info(), UIDS, target)
    assert each_way.sources() == [message(2), message(4)]
    assert each_way.sources(SPELT) == [message(9), message(1), message(3)]
    moved = each_way.items("Entwürfe/2026")
    assert {before[1], before[3]} <= set(moved.values())
    each_way.assert_level()


def test_messages_that_others_marked_as_deleted_are_not_expunged(
    mail: LiveMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = {"MOVE", "UIDPLUS"}
    offered = property(lambda connection: connection._session.capabilities - hidden)
    monkeypatch.setattr(ImapConnection, "capabilities", offered)
    with mail.client() as client:
        client.select("INBOX")
        client.uid("STORE", "2", "+FLAGS", "(\\Deleted)")
    reply = mail.succeed("Delete", mail.info(), ints("MessageServerIds", [1]))
    assert reply.extra == {"Delete.Marked": "1"}
    assert [uid for uid, flags in mail.flags().items() if "\\Deleted" in flags] == [1, 2]
    reply = mail.succeed("MoveToFolder", mail.info(), ints("MessageServerIds", [3]), TARGET)
    assert reply.extra == {"Move.Marked": "1"}
    assert mail.sources(SPELT) == [message(9), message(3)]
    assert len(mail.sources()) == 4
    mail.assert_level()


def test_messages_are_moved_to_where_they_are(mail: LiveMail) -> None:
    inbox = member_xml({"TargetFolder": "inbox"})
    mail.succeed("MoveToFolder", mail.info(), UIDS, inbox)
    assert list(mail.state()) == [1, 2, 3, 4]
    mail.assert_level()


def test_messages_are_deleted_by_their_message_ids(each_way: LiveMail) -> None:
    each_way.deliver(message(2))
    with each_way.client() as client:
        client.select("INBOX")
        validity = int(client.response("UIDVALIDITY")[1][0])
    ids = ["message-2@example.com", f"{validity}:3:", f"{validity + 1}:77:<message-4@example.com>"]
    each_way.succeed("DeleteExtended", each_way.extended(), strings("MessageIds", ids))
    assert each_way.sources() == [message(1)]
    each_way.assert_level()


@pytest.mark.parametrize(
    ("operation", "nothing"),
    [
        ("MarkAsRead", ints("MessageServerIds", [])),
        ("Delete", ""),
        ("MoveToFolder", '<n:MessageServerIds i:nil="true"/>' + TARGET),
        ("DeleteExtended", ""),
    ],
)
def test_without_ids_nothing_is_done(mail: LiveMail, operation: str, nothing: str) -> None:
    info = mail.extended() if operation == "DeleteExtended" else mail.info()
    mail.succeed(operation, info, nothing)
    assert list(mail.state()) == [1, 2, 3, 4]


def test_a_mailbox_that_is_no_account_is_changed_all_the_same(
    office: Office, dovecot: DovecotServer
) -> None:
    mail = office.mailbox(dovecot, cached=False)
    mail.deliver(*map(message, range(1, 4)))
    mail.deliver(message(9), folder=SPELT)
    mail.succeed("MarkAsRead", mail.info(), ints("MessageServerIds", [1]), "<n:Read>true</n:Read>")
    mail.succeed("MoveToFolder", mail.info(), ints("MessageServerIds", [1]), TARGET)
    mail.succeed("Delete", mail.info(), ints("MessageServerIds", [2]))
    mail.succeed("SaveEMail", mail.info(), member_xml({"Email": EMAIL}))
    assert list(mail.state()) == [3, 4]
    assert mail.flags(SPELT)[2] == {"\\Seen"}


# Saving -----------------------------------------------------------------------------------------


def test_a_mail_is_saved_with_its_flags_and_dates(mail: LiveMail) -> None:
    email = member_xml({"Email": EMAIL})
    reply = mail.succeed("SaveEMail", mail.info("Entwürfe/2026"), email)
    assert reply.text("Response/ServerId") == "2"
    assert reply.text("Response/FolderName") == "Entwürfe/2026"
    assert reply.text("Response/AccountId") == str(mail.account_id)
    assert reply.text("Response/EmailItemId") == str(mail.items("Entwürfe/2026")[2])
    source, flags = mail.state(SPELT)[2]
    assert flags == {"\\Seen", "\\Draft"}
    assert f"Message-ID: {reply.text('Response/MessageID')}".encode() in source
    assert b"Bcc: hidden@example.com" in source
    mail.assert_level()
    read = mail.succeed(
        "GetEMailFromId",
        mail.info("Entwürfe/2026"),
        member_xml({"MessageServerId": 2, "IncludeAttachments": True}),
    )
    assert (read.text("Response/Sent") or "").startswith("2026-03-02T09:00:00")
    assert (read.text("Response/ReceivedAt") or "").startswith("2026-03-03T11:00:00")
    assert read.text("Response/From/Name") == "Ännä"
    assert read.text("Response/Attachments/EMailAttachment/Filename") == "ü.bin"
    (stream,) = [found.text or "" for found in read.root.iter("{*}Stream")]
    assert base64.b64decode(stream) == b"\0\1\2\xff"


def test_a_saved_mail_is_found_where_the_server_does_not_tell_its_number(
    mail: LiveMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = ImapConnection.append

    def silent(self: ImapConnection, *arguments: Any) -> Appended:
        original(self, *arguments)
        return Appended()

    monkeypatch.setattr(ImapConnection, "append", silent)
    given = {**EMAIL, "MessageID": "<mine@example.com>"}
    ordered = {name: given[name] for name in [*list(EMAIL)[:6], "MessageID", *list(EMAIL)[6:]]}
    reply = mail.succeed("SaveEMail", mail.info(), member_xml({"Email": ordered}))
    assert reply.text("Response/MessageID") == "<mine@example.com>"
    assert reply.text("Response/ServerId") == "5"
    assert reply.text("Response/EmailItemId") == str(mail.items("INBOX")[5])


def test_a_mail_without_a_sender_and_dates_is_the_callers_and_of_now(mail: LiveMail) -> None:
    nobody = {"Subject": "note", "Sent": "0001-01-01T00:00:00", "PlainBody": "x"}
    reply = mail.succeed("SaveEMail", mail.info(), member_xml({"Email": nobody}))
    assert mail.flags()[5] == frozenset()
    year = str(mail.service.services.clock().year)
    assert (reply.text("Response/Sent") or "").startswith(year)
    assert (reply.text("Response/ReceivedAt") or "").startswith(year)
    assert b"@example.com>" in mail.sources()[-1].partition(b"\r\nSubject")[0]


def test_attachments_of_a_cached_message_are_saved_without_sending_their_bytes(
    mail: LiveMail,
) -> None:
    mail.deliver(message(7, attachment=b"%PDF"))
    mail.sync()
    item = mail.items("INBOX")[5]
    carrier = {
        "Subject": "copy",
        "From": {"Address": "anna@example.com"},
        "Attachments": {"EMailAttachment": {"Filename": "b.pdf", "Id": "2"}},
        "EmailItemId": item,
    }
    mail.succeed("SaveEMail", mail.info(), member_xml({"Email": carrier}))
    assert base64.b64encode(b"%PDF") in mail.sources()[-1]
    mail.assert_level()
