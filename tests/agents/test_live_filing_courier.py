"""Live messages on a second server: Courier has no MOVE, and its folders are below INBOX."""

from __future__ import annotations

import base64

import pytest

from tests.support.boxes import ints, strings
from tests.support.courier import CourierServer
from tests.support.live_mail import LiveMail, Office, values_of
from tests.support.mailboxes import message
from tests.support.service import member_xml

SPELT = "INBOX.Entw&APw-rfe"


@pytest.fixture
def mail(office: Office, courier: CourierServer) -> LiveMail:
    mail = office.mailbox(courier)
    mail.deliver(*map(message, range(1, 5)))
    mail.deliver(message(9), folder=SPELT)
    mail.sync()
    return mail


def test_messages_are_read(mail: LiveMail) -> None:
    one = member_xml({"MessageServerId": 1})
    read = mail.succeed("GetEMailFromId", mail.info("INBOX/Entwürfe"), one)
    assert read.text("Response/MessageID") == "<message-9@example.com>"
    assert read.text("Response/FolderName") == "INBOX.Entwürfe"
    assert mail.succeed("GetEMailFromId", mail.info("INBOX.Entwürfe"), one).succeeded
    stream = mail.succeed("GetEMailAsStream", mail.info(), one)
    assert base64.b64decode(stream.text("Response") or "") == message(1)
    heads = mail.succeed("GetEMailEnvelopes", mail.info(), ints("MessageServerIds", [4, 2, 99]))
    assert [each.text for each in heads.root.iter("{*}ServerId")] == ["4", "2"]
    ids = values_of(mail.succeed("GetEmailMessageIds", mail.extended()))
    assert ids == [f"<message-{number}@example.com>" for number in range(1, 5)]
    texts = mail.succeed("GetEmailsAsString", mail.extended(), strings("MessageIds", ids))
    assert [(text or "").encode() for text in values_of(texts)] == mail.sources()
    assert all("\\Seen" not in flags for flags in mail.flags().values())


def test_messages_are_marked_moved_and_deleted(mail: LiveMail) -> None:
    before = mail.items("INBOX")
    some = ints("MessageServerIds", [1, 3])
    mail.succeed("MarkAsRead", mail.info(), some, member_xml({"Read": True}))
    assert [uid for uid, flags in mail.flags().items() if "\\Seen" in flags] == [1, 3]
    mail.assert_level()
    mail.succeed("MoveToFolder", mail.info(), some, member_xml({"TargetFolder": "INBOX/Entwürfe"}))
    assert mail.sources() == [message(2), message(4)]
    assert mail.sources(SPELT) == [message(9), message(1), message(3)]
    assert {before[1], before[3]} <= set(mail.items("INBOX.Entwürfe").values())
    mail.assert_level()
    mail.succeed("Delete", mail.info(), ints("MessageServerIds", [2]))
    ids = strings("MessageIds", ["<message-4@example.com>"])
    mail.succeed("DeleteExtended", mail.extended(), ids)
    assert mail.state() == {}
    mail.assert_level()


def test_a_mail_is_saved(mail: LiveMail) -> None:
    email = {"Subject": "Grüße", "Flags": "Draft", "PlainBody": "x"}
    saved = mail.succeed("SaveEMail", mail.info("Entwürfe"), member_xml({"Email": email}))
    assert saved.text("Response/ServerId") == "2"
    assert saved.text("Response/FolderName") == "INBOX.Entwürfe"
    assert mail.flags(SPELT)[2] == {"\\Draft"}
    mail.assert_level()


def test_a_folder_that_does_not_exist_is_named(mail: LiveMail) -> None:
    some = ints("MessageServerIds", [1])
    target = member_xml({"TargetFolder": "No such"})
    said = mail.refused("NotFound", "MoveToFolder", mail.info(), some, target)
    assert said["Message"] == "TargetFolder: there is no folder 'No such'"
    mail.refused("NotFound", "MarkAsRead", mail.info("No such"), some)
    assert mail.sources() == [message(number) for number in range(1, 5)]
    mail.assert_level()
