"""What is not sent, and how a caller learns why; nothing has changed then."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.boxes import strings
from tests.support.dovecot import DovecotServer
from tests.support.service import member_xml
from tests.support.submission import SubmissionServer
from tests.support.submission_account import (
    Post,
    Sender,
    emails,
    fails,
)

NOBODY = {"EMailAddress": {"Address": "nobody@example.org"}}
LATER = {"EMailAddress": {"Address": "later@example.org"}}


@pytest.fixture(scope="module")
def anna(post: Post, dovecot: DovecotServer, submission: SubmissionServer) -> Sender:
    return post.sender(dovecot, submission)


@pytest.fixture
def fresh(post: Post, dovecot: DovecotServer, submission: SubmissionServer) -> Sender:
    return post.sender(dovecot, submission)


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
        (None, {"ServerName": "a@b"}, "SentItemsConnectionInfo/ServerName"),
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
