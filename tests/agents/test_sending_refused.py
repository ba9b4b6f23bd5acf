"""What is not sent, and how a caller learns exactly what was: nothing is ever sent twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from services84.agents.email.sent_copies import files_itself
from tests.support.boxes import strings
from tests.support.dovecot import DovecotServer
from tests.support.scripted import Conversation, Play, answer, say, scripted
from tests.support.service import Reply, member_xml
from tests.support.submission import SubmissionServer
from tests.support.submission_account import (
    SECRET,
    Post,
    Sender,
    emails,
    parameters,
    running_post,
)

NOBODY = {"EMailAddress": {"Address": "nobody@example.org"}}
LATER = {"EMailAddress": {"Address": "later@example.org"}}
NO_SERVER = {"OutgoingCredentials": None}


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    with running_post(tmp_path_factory.mktemp("post")) as post:
        yield post


@pytest.fixture(scope="module")
def anna(post: Post, dovecot: DovecotServer, submission: SubmissionServer) -> Sender:
    return post.sender(dovecot, submission)


@pytest.fixture
def fresh(post: Post, dovecot: DovecotServer, submission: SubmissionServer) -> Sender:
    return post.sender(dovecot, submission)


def fails(sender: Sender, operation: str, *members: str) -> tuple[Reply, dict[str, str]]:
    reply = sender.call(operation, *members)
    assert reply.succeeded is False
    assert SECRET not in str(reply.exception)
    return reply, parameters(reply)


# What is wrong with a mail ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"To": None}, "Emails/EMailEntity[2]/To"),
        ({"To": {"EMailAddress": {"Address": "a@b\r\nRCPT TO:<c@d>"}}}, "To/EMailAddress[1]"),
        ({"To": {"EMailAddress": {"Address": "no address"}}}, "To/EMailAddress[1]/Address"),
        ({"MessageID": "<a@b> <c@d>"}, "Emails/EMailEntity[2]/MessageID"),
        ({"Subject": "a\r\nBcc: c@d"}, "Emails/EMailEntity[2]/Subject"),
        ({"MessageID": "<one@example.com>"}, "that of Emails/EMailEntity[1] too"),
        ({"Attachments": {"EMailAttachment": {"Filename": "x"}}}, "EMailAttachment[1]/Stream"),
    ],
)
def test_all_is_checked_before_anything_is_sent(
    anna: Sender, members: dict[str, Any], named: str
) -> None:
    to = {"EMailAddress": {"Address": f"checked-{anna.to}"}}
    good = anna.mail(To=to, MessageID="<one@example.com>")
    for operation, way in (("Send", ""), ("SendEMails", anna.outgoing())):
        refusal = anna.refused("Argument", operation, way, emails(good, anna.mail(**members)))
        assert named in refusal["Message"]
    assert anna.received(f"checked-{anna.to}") == []
    assert "Sent" not in anna.folders()


def test_an_email_that_is_none_is_named(anna: Sender) -> None:
    nil = '<n:Emails><n:EMailEntity i:nil="true"/></n:Emails>'
    assert "Emails/EMailEntity[1]" in anna.refused("Argument", "Send", nil)["Message"]
    for operation in ("SendAndSaveEmailToTmpDocument", "CreateForwardEmail"):
        refusal = anna.refused("Argument", operation, '<n:Email i:nil="true"/>')
        assert refusal["Message"].startswith("Email:")


def test_another_ones_mail_looks_like_one_that_does_not_exist(
    post: Post, anna: Sender, fresh: Sender
) -> None:
    fresh.deliver(b"Subject: private\r\n\r\nx\r\n")
    fresh.sync()
    [foreign] = fresh.items("INBOX").values()
    texts = []
    for item_id in (foreign, 999_999):
        mail = anna.mail(EmailItemId=item_id)
        calls = [("Send", emails(mail)), ("CreateForwardEmail", member_xml({"Email": mail}))]
        calls.append(("SendAndSaveEmailToTmpDocument", member_xml({"Email": mail})))
        refusals = [anna.refused("NotFound", *one)["Message"] for one in calls]
        texts.append([text.replace(str(item_id), "N") for text in refusals])
    assert texts[0] == texts[1]


# What is wrong with the way ---------------------------------------------------------------------


def test_without_an_account_nobody_sends(post: Post, anna: Sender) -> None:
    _, ticket = post.service.associate("without account")
    other = Sender(post.service, ticket, anna.port, anna.user, submission=anna.submission)
    assert "no mail account" in other.refused("NotFound", "Send", emails(anna.mail()))["Message"]


def test_an_account_that_only_gets_mail_says_what_it_lacks(
    post: Post, dovecot: DovecotServer, submission: SubmissionServer
) -> None:
    sender = post.sender(dovecot, submission, OutgoingCredentials=None)
    for operation, members in (
        ("Send", emails(sender.mail())),
        ("SendAndSaveEmailToTmpDocument", member_xml({"Email": sender.mail()})),
    ):
        refusal = sender.refused("MailServer", operation, members)
        assert "no outgoing mail server" in refusal["Message"]


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"ServerName": ""}, "OutgoingConnectionInfo/ServerName"),
        ({"UserName": ""}, "OutgoingConnectionInfo/UserName"),
        ({"ServerName": "a:b:c"}, "OutgoingConnectionInfo/ServerName"),
    ],
)
def test_wrong_connection_data_is_named(anna: Sender, members: dict[str, Any], named: str) -> None:
    way = anna.outgoing(**members)
    assert named in anna.refused("Argument", "SendEMails", way, emails(anna.mail()))["Message"]


@pytest.mark.parametrize(
    ("folder", "members", "named"),
    [
        ("a\tb", {}, "SentItemsConnectionInfo/Folder"),
        ("//", {}, "SentItemsConnectionInfo/Folder"),
        (None, {"UserName": ""}, "SentItemsConnectionInfo/UserName"),
    ],
)
def test_a_copy_that_could_never_be_kept_is_told_before_anything_is_sent(
    fresh: Sender, folder: str | None, members: dict[str, Any], named: str
) -> None:
    copies = fresh.sent_items(folder, **members)
    calls = (fresh.outgoing(), emails(fresh.mail()), copies)
    assert named in fresh.refused("Argument", "SendEMails", *calls)["Message"]
    assert fresh.received() == []


def test_a_wrong_password_and_a_server_that_is_not_there_are_told(anna: Sender) -> None:
    mails = emails(anna.mail())
    wrong = anna.refused("MailServer", "SendEMails", anna.outgoing(Password="wrong"), mails)
    assert "login refused" in wrong["Message"]
    anna.refused("MailServer", "SendEMails", anna.outgoing(1), mails)


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"Rfc822": " \n", "From": "a@b.org"}, "Rfc822"),
        ({"Rfc822": "x", "From": ""}, "From"),
        ({"Rfc822": "x", "From": "no address"}, "From"),
        ({"Rfc822": "x", "From": "a@b.org"}, "Recipients"),
    ],
)
def test_what_cannot_be_relayed_is_named(anna: Sender, members: dict[str, Any], named: str) -> None:
    xml = member_xml(members)
    assert anna.refused("Argument", "RelayMessage", anna.relay(), xml)["Message"].startswith(named)


def test_only_smtp_relays(anna: Sender) -> None:
    xml = member_xml({"Rfc822": "x", "From": "a@b.org"}) + strings("Recipients", [anna.to])
    for protocol in ("IMAP", "imap", "POP3"):
        refusal = anna.refused("Argument", "RelayMessage", anna.relay(protocol), xml)
        assert refusal["Message"].startswith("ConnectionInfoExtended/Protocol")
    line_break = strings("Recipients", [anna.to, "c@d.org\r\nDATA"])
    xml = member_xml({"Rfc822": "x", "From": "a@b.org"}) + line_break
    refusal = anna.refused("Argument", "RelayMessage", anna.relay(), xml)
    assert refusal["Message"].startswith("Recipients/string[2]")


# What the server refuses ------------------------------------------------------------------------


def test_a_refused_recipient_is_named_and_the_mail_goes_to_nobody(fresh: Sender) -> None:
    both = member_xml({"EMailAddress": {"Address": fresh.to}}) + member_xml(NOBODY)
    mail = emails(fresh.mail(To=None)).replace(
        "</n:EMailEntity>", f"<n:Cc>{both}</n:Cc></n:EMailEntity>"
    )
    for operation, way in (("Send", ""), ("SendEMails", fresh.outgoing())):
        reply, told = fails(fresh, operation, way, mail)
        assert reply.exception["ExceptionType"] == "SoRecipientsRefusedException"
        assert "nobody@example.org (550 5.1.1 no such user)" in reply.exception["Message"]
        assert told["Recipients"] == "nobody@example.org"
    xml = member_xml({"Rfc822": "x", "From": "a@b.org"})
    xml += strings("Recipients", ["nobody@example.org"])
    reply, told = fails(fresh, "RelayMessage", fresh.relay(), xml)
    assert told["Recipients"] == "nobody@example.org"
    assert fresh.received() == []
    assert "Sent" not in fresh.folders()


def test_when_the_third_fails_the_caller_learns_what_was_sent(fresh: Sender) -> None:
    ids = [f"<{number}@{fresh.user}.example>" for number in range(1, 6)]
    mails = [fresh.mail(MessageID=each) for each in ids]
    mails[2]["To"] = NOBODY
    reply, told = fails(fresh, "Send", emails(*mails))
    assert reply.exception["Message"].startswith("Emails/EMailEntity[3]: ")
    assert reply.exception["Message"].endswith("sent: 1, 2 of 5; not tried: 4, 5 of 5")
    assert told == {
        "Server": "127.0.0.1",
        "Recipients": "nobody@example.org",
        "Sent.1": ids[0],
        "Sent.2": ids[1],
        "Failed.3": ids[2],
        "NotSent.4": ids[3],
        "NotSent.5": ids[4],
    }
    assert len(fresh.received()) == 2
    assert [copy["Message-ID"] for copy in fresh.sent()] == ids[:2]
    fresh.sync()
    fresh.assert_level()


def test_a_mail_that_is_not_sent_leaves_no_document(fresh: Sender) -> None:
    _, told = fails(
        fresh, "SendAndSaveEmailToTmpDocument", member_xml({"Email": fresh.mail(To=LATER)})
    )
    assert list(told) == ["Server", "Recipients", "Failed.1"]
    assert "Sent" not in fresh.folders()


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
