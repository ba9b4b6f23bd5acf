"""Ten thousand messages by one call, within WCF's minute; numbers above 2^31-1."""

from __future__ import annotations

import subprocess
import time

import pytest

from services84.imap.connection import ImapConnection
from tests.support.boxes import ints, strings
from tests.support.dovecot import DovecotServer
from tests.support.imapmodel.server import serving
from tests.support.live_mail import LiveMail, Office, values_of
from tests.support.mailboxes import message
from tests.support.service import member_xml

MANY = 10_240
A_CALL = 50.0  # seconds; WCF's default patience is a minute
HIGH = 3_000_000_000
READ = member_xml({"Read": True})


def found(mail: LiveMail, folder: str, which: str) -> list[int]:
    """The UIDs that another client finds."""
    with mail.client() as client:
        client.select(folder, readonly=True)
        return [int(uid) for uid in client.uid("SEARCH", which)[1][0].split()]


def server_id(uid: int) -> int:
    return uid - 2**32 if uid >= 2**31 else uid


def test_ten_thousand_messages_are_read_marked_moved_and_deleted(
    office: Office, dovecot: DovecotServer
) -> None:
    mail = office.mailbox(dovecot, cached=False)
    mail.deliver(*map(message, range(10)))
    with mail.client() as client:
        client.create("Work")
        client.select("INBOX")
        while int(client.select("INBOX")[1][0] or 0) < MANY:
            client.copy("1:*", "INBOX")
    uids = found(mail, "INBOX", "ALL")
    ids = ints("MessageServerIds", uids)
    target = member_xml({"TargetFolder": "Work"})
    for operation, members, folder in [
        ("GetEMailEnvelopes", ids, "INBOX"),
        ("MarkAsRead", ids + READ, "INBOX"),
        ("MoveToFolder", ids + target, "INBOX"),
        ("Delete", ids, "Work"),
    ]:
        started = time.monotonic()
        reply = mail.succeed(operation, mail.info(folder), members)
        assert time.monotonic() - started < A_CALL, operation
        if operation == "GetEMailEnvelopes":
            assert len(values_of(reply)) == MANY
        if operation == "MarkAsRead":
            assert found(mail, "INBOX", "SEEN") == uids
        if operation == "MoveToFolder":
            assert found(mail, "Work", "SEEN") == uids
    assert found(mail, "INBOX", "ALL") == found(mail, "Work", "ALL") == []


def test_thousands_of_message_ids_take_few_commands(
    office: Office, dovecot: DovecotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = office.mailbox(dovecot, cached=False)
    mail.deliver(*map(message, range(300)))
    commands: list[str] = []
    original = ImapConnection._perform

    def counted(self: ImapConnection, command: str, *arguments: object) -> object:
        commands.append(command)
        return original(self, command, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(ImapConnection, "_perform", counted)
    known = values_of(mail.succeed("GetEmailMessageIds", mail.extended()))
    assert len(known) == 300
    asked = [*known, *(f"<no-{number}@example.com>" for number in range(9_700))]
    reply = mail.succeed("GetEmailsAsString", mail.extended(), strings("MessageIds", asked))
    texts = values_of(reply)
    assert [text is None for text in texts] == [False] * 300 + [True] * 9_700
    assert len(commands) < 20
    mail.succeed("DeleteExtended", mail.extended(), strings("MessageIds", known))
    assert mail.state() == {}


def test_numbers_above_two_to_the_31_are_read_as_their_twos_complement(office: Office) -> None:
    with serving() as server:
        server.mailbox.add("INBOX", message(1))
        server.mailbox.jump_uids("INBOX")
        server.mailbox.add("INBOX", message(2))
        (_, high) = (each.uid for each in server.mailbox.folders["INBOX"].messages)
        assert high > 2**31
        number = server_id(high)
        mail = LiveMail(office.service, office.ticket, server.port, "anybody")
        one = member_xml({"MessageServerId": number})
        whole = mail.succeed("GetEMailFromId", mail.info(), one)
        assert whole.text("Response/ServerId") == str(number)
        assert whole.text("Response/MessageID") == "<message-2@example.com>"
        assert mail.succeed("GetEMailAsStream", mail.info(), one)
        heads = mail.succeed(
            "GetEMailEnvelopes", mail.info(), ints("MessageServerIds", [number, 1])
        )
        assert [each.text for each in heads.root.iter("{*}ServerId")] == [str(number), "1"]
        validity = server.mailbox.folders["INBOX"].uid_validity
        ids = strings("MessageIds", [f"{validity}:{high}:"])
        (text,) = values_of(mail.succeed("GetEmailsAsString", mail.extended(), ids))
        assert text == message(2).decode()


def test_messages_above_two_to_the_31_are_changed(office: Office, dovecot: DovecotServer) -> None:
    mail = office.mailbox(dovecot)
    mail.deliver(message(1))
    mail.deliver(message(2), folder="Work")
    for folder in ("INBOX", "Work"):
        jump_uids(dovecot, mail.user, folder)
    mail.deliver(message(3), message(4), message(5))
    mail.sync()
    assert list(mail.state()) == [1, HIGH, HIGH + 1, HIGH + 2]
    first, second, third = map(server_id, (HIGH, HIGH + 1, HIGH + 2))
    before = mail.items("INBOX")
    some = ints("MessageServerIds", [first, 1])
    mail.succeed("MarkAsRead", mail.info(), some, READ)
    assert [uid for uid, flags in mail.flags().items() if "\\Seen" in flags] == [1, HIGH]
    target = member_xml({"TargetFolder": "Work"})
    mail.succeed("MoveToFolder", mail.info(), ints("MessageServerIds", [second]), target)
    assert mail.items("Work")[HIGH] == before[HIGH + 1]
    mail.succeed("Delete", mail.info(), ints("MessageServerIds", [third]))
    assert list(mail.state()) == [1, HIGH]
    email = member_xml({"Email": {"From": {"Address": "a@example.com"}}})
    saved = mail.succeed("SaveEMail", mail.info(), email)
    assert saved.text("Response/ServerId") == str(server_id(HIGH + 3))
    mail.assert_level()


def jump_uids(dovecot: DovecotServer, user: str, folder: str) -> None:
    """Let the folder's next message have a high number."""
    configuration = str(dovecot.folder / "plain.conf")
    update = ["mailbox", "update", "-u", user, "--min-next-uid", str(HIGH), folder]
    subprocess.run(["doveadm", "-c", configuration, *update], check=True, timeout=20)
