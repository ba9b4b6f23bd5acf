"""What becomes of mail when something goes wrong on the way: told exactly, and never sent twice."""

from __future__ import annotations

from typing import Any

import pytest

from services84.agents.email.sent_copies import files_itself
from services84.smtp.submission import SendResult, Session
from tests.support.boxes import strings
from tests.support.dovecot import DovecotServer
from tests.support.scripted import Conversation, Play, answer, say, scripted
from tests.support.service import member_xml
from tests.support.submission import SubmissionServer
from tests.support.submission_account import (
    Post,
    Sender,
    emails,
    fails,
    read,
)


@pytest.fixture(scope="module")
def anna(post: Post, dovecot: DovecotServer, submission: SubmissionServer) -> Sender:
    return post.sender(dovecot, submission)


@pytest.fixture
def fresh(post: Post, dovecot: DovecotServer, submission: SubmissionServer) -> Sender:
    return post.sender(dovecot, submission)


# What nobody knows ------------------------------------------------------------------------------


def hear_message(conversation: Conversation) -> None:
    while conversation.receive_line() != b".\r\n":
        pass


def hang_up(conversation: Conversation) -> None:
    conversation.socket.close()


GREETING = [say(b"220 x ESMTP\r\n"), answer(b"250-x\r\n250 AUTH PLAIN\r\n", expect=b"EHLO")]
SIGNED_IN = [*GREETING, answer(b"235 in\r\n", expect=b"AUTH")]
TRANSACTION = [
    answer(b"250 ok\r\n", expect=b"MAIL FROM"),
    answer(b"250 ok\r\n", expect=b"RCPT TO"),
    answer(b"354 go on\r\n", expect=b"DATA"),
    hear_message,
]


def test_a_mail_that_may_have_been_sent_is_told_and_sent_once(fresh: Sender) -> None:
    script: list[Play] = [*SIGNED_IN, *TRANSACTION, hang_up]
    ids = ["<maybe@example.com>", "<never@example.com>"]
    mails = emails(*(fresh.mail(MessageID=each) for each in ids))
    with scripted(*script) as server:
        way = fresh.outgoing(server.port)
        reply, told = fails(fresh, "SendEMails", way, mails, fresh.sent_items())
    assert reply.exception["ExceptionType"] == "SoSendUncertainException"
    assert "may have been sent" in reply.exception["Message"]
    assert (told["Uncertain.1"], told["NotSent.2"]) == tuple(ids)
    assert [line for line in server.heard if line == b"DATA\r\n"] == [b"DATA\r\n"]
    assert "Sent" not in fresh.folders()


def test_a_relayed_message_that_may_have_been_sent_is_told(anna: Sender) -> None:
    xml = member_xml({"Rfc822": "x", "From": "a@b.org"}) + strings("Recipients", [anna.to])
    with scripted(*SIGNED_IN, *TRANSACTION, hang_up) as server:
        reply, _ = fails(anna, "RelayMessage", anna.relay(Port=server.port), xml)
    assert reply.exception["ExceptionType"] == "SoSendUncertainException"


def test_a_server_that_ends_the_connection_between_two_mails_is_called_again(
    fresh: Sender,
) -> None:
    # The second connection hears QUIT where the first hears another MAIL.
    closing = answer(b"421 enough for one connection\r\n")
    script = [*SIGNED_IN, *TRANSACTION, say(b"250 taken\r\n"), closing, hang_up]
    with scripted(*script) as server:
        way = fresh.outgoing(server.port)
        fresh.succeed("SendEMails", way, emails(fresh.mail(), fresh.mail()))
        taken = [line for line in server.heard if line == b".\r\n"]
    assert len(taken) == 2


def test_a_fault_of_our_own_while_sending_hides_nothing_that_was_sent(
    fresh: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_over = Session.send

    def broken(session: Session, *arguments: Any) -> SendResult:
        if fresh.received():
            raise RuntimeError("broken")
        return hand_over(session, *arguments)

    monkeypatch.setattr(Session, "send", broken)
    reply, told = fails(fresh, "Send", emails(fresh.mail(), fresh.mail(), fresh.mail()))
    assert reply.exception["ExceptionType"] == "SoSendUncertainException"
    assert list(told) == ["Server", "Sent.1", "Uncertain.2", "NotSent.3"]
    assert len(fresh.sent()) == 1


def test_a_call_whose_time_is_over_sends_no_further_mail(
    fresh: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services84.agents.email.outbox.LAST_LETTER", 0.0)
    reply, told = fails(fresh, "Send", emails(fresh.mail(), fresh.mail()))
    assert "the time of the call is over" in reply.exception["Message"]
    assert list(told) == ["Sent.1", "Failed.2"]
    assert (len(fresh.received()), len(fresh.sent())) == (1, 1)


# What the server cannot take --------------------------------------------------------------------


def test_a_server_for_seven_bits_gets_the_mail_in_seven_bits(fresh: Sender) -> None:
    with scripted(*SIGNED_IN, *TRANSACTION, say(b"250 taken\r\n"), hang_up) as server:
        fresh.succeed("SendEMails", fresh.outgoing(server.port), emails(fresh.mail()))
        heard = b"".join(server.heard)
    assert b"MAIL FROM:<%s>\r\n" % fresh.address.encode() in heard
    assert heard.isascii()
    content = read(heard.partition(b"DATA\r\n")[2].partition(b"\r\n.\r\n")[0])
    assert content["Subject"] == "Grüße"
    assert content.get_content().strip() == "Hello – and good bye"


def test_a_relayed_message_is_encoded_for_a_server_for_seven_bits(anna: Sender) -> None:
    source = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nTéxt\n"
    xml = member_xml({"Rfc822": source, "From": "a@b.org"}) + strings("Recipients", [anna.to])
    with scripted(*SIGNED_IN, *TRANSACTION, say(b"250 taken\r\n"), hang_up) as server:
        anna.succeed("RelayMessage", anna.relay(Port=server.port), xml)
        heard = b"".join(server.heard)
    content = read(heard.partition(b"DATA\r\n")[2].partition(b"\r\n.\r\n")[0])
    assert heard.isascii()
    assert content.get_content().strip() == "Téxt"


def test_letters_that_a_server_cannot_write_to_are_named(fresh: Sender) -> None:
    friend = "jürgen@bücher.example"
    mail = fresh.mail(To={"EMailAddress": {"Address": friend}})
    with scripted(*SIGNED_IN, answer(b"221 bye\r\n")) as server:
        reply, told = fails(fresh, "SendEMails", fresh.outgoing(server.port), emails(mail))
    assert "ASCII addresses only" in reply.exception["Message"]
    assert told["Recipients"] == friend


def test_a_mail_that_is_too_long_for_the_server_is_not_begun(fresh: Sender) -> None:
    limited = [GREETING[0], answer(b"250-x\r\n250-SIZE 100\r\n250 AUTH PLAIN\r\n", expect=b"EHLO")]
    script = [*limited, answer(b"235 in\r\n"), answer(b"221 bye\r\n", expect=b"QUIT")]
    with scripted(*script) as server:
        reply, _ = fails(fresh, "SendEMails", fresh.outgoing(server.port), emails(fresh.mail()))
    assert "at most 100 bytes" in reply.exception["Message"]


# When only the copy fails -----------------------------------------------------------------------


def test_a_copy_that_cannot_be_kept_is_no_reason_to_send_again(fresh: Sender) -> None:
    lost = fresh.sent_items("Sent", Password="wrong")
    reply = fresh.succeed("SendEMails", fresh.outgoing(), emails(fresh.mail()), lost)
    assert "no copy kept: login refused" in reply.extra["Send.SentCopy"]
    assert reply.text("Response/EMailEntity/MessageID")
    assert reply.text("Response/EMailEntity/ServerId") is None
    assert len(fresh.received()) == 1


def test_a_fault_of_our_own_after_sending_is_no_reason_to_send_again(
    fresh: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("services84.agents.email.sent_copies.special_folder", broken)
    reply = fresh.succeed("Send", emails(fresh.mail()))
    assert "no copy kept" in reply.extra["Send.SentCopy"]
    assert len(fresh.received()) == 1


def test_a_copy_for_which_there_is_no_time_is_told(
    fresh: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services84.agents.email.sent_copies.LAST_COPY", -1.0)
    reply = fresh.succeed("Send", emails(fresh.mail()))
    assert "the mail was sent, and no copy kept" in reply.extra["Send.SentCopy"]
    assert (len(fresh.received()), "Sent" in fresh.folders()) == (1, False)


def test_what_the_provider_files_itself_is_not_filed_again(
    fresh: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    providers = (("127.0.0.1", "127.0.0.1"),)
    monkeypatch.setattr("services84.agents.email.sent_copies.FILING_PROVIDERS", providers)
    with fresh.client() as client:
        client.create("Sent")
    fresh.sync()
    filed = b"Message-ID: <filed@example.com>\r\n\r\nas the provider keeps it\r\n"
    fresh.deliver(filed, folder="Sent", flags="\\Seen")
    reply = fresh.succeed("Send", emails(fresh.mail(MessageID="<filed@example.com>")))
    assert reply.text("Response/EMailEntity/ServerId") == "1"
    assert int(reply.text("Response/EMailEntity/EmailItemId") or 0) in fresh.items("Sent").values()
    fresh.succeed("Send", emails(fresh.mail()))
    assert fresh.sources("Sent") == [filed]
    fresh.assert_level()


@pytest.mark.parametrize(
    ("smtp", "imap", "filing"),
    [
        ("smtp.gmail.com", "imap.gmail.com", True),
        ("SMTP.GoogleMail.com", "imap.gmail.com", True),
        ("smtp.office365.com", "outlook.office365.com", True),
        ("smtp.gmail.com", "imap.example.com", False),
        ("smtp.gmail.com", "outlook.office365.com", False),
        ("smtp.notgmail.com", "imap.notgmail.com", False),
        ("127.0.0.1", "127.0.0.1", False),
    ],
)
def test_providers_that_file_what_is_sent_are_known(smtp: str, imap: str, filing: bool) -> None:
    assert files_itself(smtp, imap) is filing
