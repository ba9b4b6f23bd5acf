"""What sending does: the message arrives, a copy is kept, and the cache knows at once."""

from __future__ import annotations

import base64

import pytest

from tests.support.boxes import strings, uids_in
from tests.support.courier import CourierServer
from tests.support.dovecot import DovecotServer
from tests.support.mailboxes import message
from tests.support.service import member_xml
from tests.support.submission import SubmissionServer
from tests.support.submission_account import (
    SECRET,
    Post,
    Sender,
    emails,
    read,
)

ENTITY = "Response/EMailEntity"


@pytest.fixture
def anna(post: Post, dovecot: DovecotServer, submission: SubmissionServer) -> Sender:
    sender = post.sender(dovecot, submission)
    sender.sync()
    return sender


# Through the account ----------------------------------------------------------------------------


def test_a_sent_mail_arrives_and_a_copy_is_kept_that_the_cache_knows(anna: Sender) -> None:
    reply = anna.succeed("Send", emails(anna.mail()))

    [received] = anna.received()
    arrived = read(received.source)
    assert received.mail_from == anna.address
    assert (arrived["Subject"], arrived["To"]) == ("Grüße", anna.to)
    assert arrived["From"].addresses[0].addr_spec == anna.address
    assert arrived.get_content() == "Hello – and good bye\r\n"
    [copy] = anna.sent()
    assert copy["Message-ID"] == arrived["Message-ID"]
    assert list(anna.flags("Sent").values()) == [{"\\Seen"}]
    [(uid, item_id)] = anna.items("Sent").items()
    told = {
        name: reply.text(f"{ENTITY}/{name}")
        for name in ("MessageID", "ServerId", "EmailItemId", "FolderName", "AccountId", "IsSent")
    }
    assert told == {
        "MessageID": arrived["Message-ID"],
        "ServerId": str(uid),
        "EmailItemId": str(item_id),
        "FolderName": "Sent",
        "AccountId": str(anna.account_id),
        "IsSent": "true",
    }
    assert reply.extra == {}
    anna.assert_level()


def test_bcc_gets_the_mail_and_only_the_copy_names_them(anna: Sender) -> None:
    hidden = f"hidden-{anna.user}@example.org"
    anna.succeed("Send", emails(anna.mail(Bcc={"EMailAddress": {"Address": hidden}})))
    [received] = anna.received(hidden)
    assert received.recipients == [anna.to, hidden]
    assert b"hidden" not in received.source
    assert [copy["Bcc"] for copy in anna.sent()] == [hidden]


def test_a_mail_with_a_message_id_is_sent_under_it_and_filed_once(anna: Sender) -> None:
    again = emails(anna.mail(MessageID="<once@example.com>"))
    first = anna.succeed("Send", again)
    second = anna.succeed("Send", again)
    assert [read(each.source)["Message-ID"] for each in anna.received()] == [
        "<once@example.com>"
    ] * 2
    assert len(anna.sent()) == 1
    server_id = f"{ENTITY}/ServerId"
    assert first.text(server_id) == second.text(server_id)


def test_an_answer_names_all_that_went_before(anna: Sender) -> None:
    parent = message(7).replace(
        b"Message-ID:", b"References: <first@x.org>\r\n <second@x.org>\r\nMessage-ID:"
    )
    anna.deliver(parent)
    anna.sync()
    answered = {"MessageId": "<message-7@example.com>"}
    unknown = {"MessageId": "<stranger@x.org>"}
    anna.succeed("Send", emails(anna.mail(InReplyTo=answered), anna.mail(InReplyTo=unknown)))
    known, strange = (read(each.source) for each in anna.received())
    assert known["In-Reply-To"] == "<message-7@example.com>"
    assert known["References"].split() == [
        "<first@x.org>",
        "<second@x.org>",
        "<message-7@example.com>",
    ]
    assert (strange["In-Reply-To"], strange["References"]) == ("<stranger@x.org>",) * 2


def test_the_folder_for_sent_mail_is_found_by_its_usual_name(anna: Sender) -> None:
    with anna.client() as client:
        client.create('"Gesendete Elemente"')
    anna.succeed("Send", emails(anna.mail()))
    assert len(anna.sent("Gesendete Elemente")) == 1
    assert "Sent" not in anna.folders()
    anna.assert_level()


def test_a_new_folder_for_sent_mail_is_subscribed(anna: Sender) -> None:
    anna.succeed("Send", emails(anna.mail()))
    with anna.client() as client:
        assert b"Sent" in b"".join(filter(None, client.lsub()[1]))


def test_html_with_a_picture_and_a_file_is_what_mail_programs_expect(anna: Sender) -> None:
    picture = {
        "Filename": "ü.png",
        "Id": "logo@example",
        "Disposition": "inline",
        "Type": "image/png",
        "Stream": base64.b64encode(b"\x89PNG").decode(),
    }
    file = {"Filename": "größe.bin", "Stream": base64.b64encode(bytes(range(256))).decode()}
    attachments = f"<n:Attachments>{member_xml({'EMailAttachment': picture})}"
    attachments += f"{member_xml({'EMailAttachment': file})}</n:Attachments>"
    mail = emails(anna.mail(HTMLBody='<img src="cid:logo@example">'))
    anna.succeed("Send", mail.replace("</n:EMailEntity>", f"{attachments}</n:EMailEntity>"))
    arrived = read(anna.received()[0].source)
    kinds = [part.get_content_type() for part in arrived.walk()]
    assert kinds == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
        "application/octet-stream",
    ]
    [attached] = arrived.iter_attachments()
    assert attached.get_filename() == "größe.bin"
    assert attached.get_content() == bytes(range(256))


def test_attachments_of_a_cached_mail_need_no_bytes(anna: Sender) -> None:
    anna.deliver(message(1, attachment=b"%PDF-1.4" * 500))
    anna.sync()
    [item_id] = anna.items("INBOX").values()
    attachment = {"EMailAttachment": {"Filename": "copy.pdf", "Id": "2"}}
    anna.succeed("Send", emails(anna.mail(EmailItemId=item_id, Attachments=attachment)))
    [attached] = read(anna.received()[0].source).iter_attachments()
    assert attached.get_content() == b"%PDF-1.4" * 500


def test_letters_of_the_whole_world_reach_a_server_with_smtputf8(anna: Sender) -> None:
    friend = f"jürgen-{anna.user}@bücher.example"
    anna.succeed("Send", emails(anna.mail(To={"EMailAddress": {"Address": friend}})))
    [received] = anna.received(friend)
    assert {"BODY=8BITMIME", "SMTPUTF8"} <= set(received.options)
    assert read(received.source)["To"] == friend
    anna.assert_level()


def test_no_emails_are_sent_by_sending_none(anna: Sender) -> None:
    for members in ("", "<n:Emails/>"):
        assert len(anna.succeed("Send", members).body[0]) == 0
    assert "Sent" not in anna.folders()


def test_a_login_serves_all_emails_of_a_call(anna: Sender, submission: SubmissionServer) -> None:
    anna.succeed("Send", emails(*(anna.mail(Subject=f"No. {n}") for n in range(5))))
    assert submission.logins(anna.user) == 1
    subjects = [read(each.source)["Subject"] for each in anna.received()]
    assert subjects == [f"No. {n}" for n in range(5)] == [one["Subject"] for one in anna.sent()]


# By connection data -----------------------------------------------------------------------------


def test_emails_go_through_the_server_that_is_named(anna: Sender) -> None:
    reply = anna.succeed("SendEMails", anna.outgoing(), emails(anna.mail()))
    assert len(anna.received()) == 1
    assert reply.text(f"{ENTITY}/MessageID") == read(anna.received()[0].source)["Message-ID"]
    assert reply.text(f"{ENTITY}/ServerId") is None
    assert "Sent" not in anna.folders()


@pytest.mark.parametrize(("asked", "folder"), [(None, "Sent"), ("Archive/Out", "Archive/Out")])
def test_a_copy_goes_into_the_folder_that_is_named_or_the_one_for_sent_mail(
    anna: Sender, asked: str | None, folder: str
) -> None:
    mails = emails(anna.mail(From={"Address": "boss@example.com", "Name": "Böß"}))
    reply = anna.succeed("SendEMails", anna.outgoing(), mails, anna.sent_items(asked))
    assert [copy["From"].addresses[0].display_name for copy in anna.sent(folder)] == ["Böß"]
    assert reply.text(f"{ENTITY}/FolderName") == folder
    assert anna.received()[0].mail_from == "boss@example.com"
    anna.assert_level()


def test_a_relay_needs_no_login(anna: Sender, submission: SubmissionServer) -> None:
    way = anna.outgoing(submission.port_relay, UserName=None, Password=None)
    anna.succeed("SendEMails", way, emails(anna.mail()))
    assert len(anna.received()) == 1


def test_copies_are_kept_where_all_folders_are_below_inbox(
    anna: Sender, courier: CourierServer
) -> None:
    user = courier.add_user(f"copies-of-{anna.user}", SECRET)
    server = {"ServerName": f"127.0.0.1:{courier.port}", "UserName": user}
    for _ in range(2):
        reply = anna.succeed(
            "SendEMails", anna.outgoing(), emails(anna.mail()), anna.sent_items(**server)
        )
    assert reply.extra == {}
    assert reply.text(f"{ENTITY}/ServerId") == "2"
    with courier.client(user) as client:
        assert uids_in(client, "INBOX.Sent") == [1, 2]


# Relaying ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["SMTP", "smtp", "", None])
def test_a_message_is_relayed_as_it_is_to_those_who_are_named(
    anna: Sender, protocol: str | None
) -> None:
    source = "From: Somebody <else@x.org>\nTo: Nobody <list@x.org>\nBcc: who\n\thides\n\nTéxt\n.\n"
    members = member_xml({"Rfc822": source, "From": "bounces@example.com"})
    recipients = strings("Recipients", [anna.to, f"second-{anna.to}", anna.to])
    anna.succeed("RelayMessage", anna.relay(protocol), members, recipients)
    [received] = anna.received()
    assert received.mail_from == "bounces@example.com"
    assert received.recipients == [anna.to, f"second-{anna.to}"]
    assert (
        received.source
        == "From: Somebody <else@x.org>\r\nTo: Nobody <list@x.org>\r\n\r\nTéxt\r\n.\r\n".encode()
    )


def test_a_message_from_nobody_is_relayed(anna: Sender) -> None:
    members = member_xml({"Rfc822": "Subject: bounce\n\nx\n", "From": "<>"})
    anna.succeed("RelayMessage", anna.relay(), members, strings("Recipients", [anna.to]))
    assert anna.received()[0].mail_from == "<>"


# Documents and forwarding -----------------------------------------------------------------------


@pytest.mark.parametrize("strip", [False, True])
def test_a_mail_is_sent_and_is_there_as_a_temporary_document(anna: Sender, strip: bool) -> None:
    attachment = {"EMailAttachment": {"Filename": "a.bin", "Stream": "AAEC/w=="}}
    members = {"Email": anna.mail(Attachments=attachment), "StripAttachments": strip}
    name = anna.succeed("SendAndSaveEmailToTmpDocument", member_xml(members)).text("Response")
    [received] = anna.received()
    found = anna.succeed("GetEMailFromTemp", member_xml({"FileName": name}))
    assert found.text("Response/MessageID") == read(received.source)["Message-ID"]
    stream = found.text("Response/Attachments/EMailAttachment/Stream")
    assert stream == (None if strip else "AAEC/w==")
    assert len(anna.sent()) == 1
    anna.assert_level()


def test_a_forwarded_mail_can_be_sent_with_what_was_attached(anna: Sender) -> None:
    anna.deliver(message(1, attachment=b"%PDF-1.4" * 500))
    anna.sync()
    [item_id] = anna.items("INBOX").values()
    attachment = {"Filename": "ü.pdf", "Id": "2", "Type": "application/pdf"}
    original = {
        "To": {"EMailAddress": {"Address": "not an address"}},
        "Subject": "Plans",
        "HTMLBody": "<body><p>Look</p></body>",
        "MessageID": "<message-1@example.com>",
        "PlainBody": "Look",
        "Attachments": {"EMailAttachment": attachment},
        "EmailItemId": item_id,
    }
    reply = anna.succeed("CreateForwardEmail", member_xml({"Email": original}))
    assert reply.text("Response/Subject") == "Fw: Plans"
    assert reply.text("Response/From/Address") == anna.address
    assert "not an address" in (reply.text("Response/PlainBody") or "")
    assert "<p>Look</p>" in (reply.text("Response/HTMLBody") or "")
    header = "Response/CustomHeaderList/EMailCustomHeader"
    assert reply.text(f"{header}/Name") == "References"
    stream = reply.text("Response/Attachments/EMailAttachment/Stream")
    assert base64.b64decode(stream or "") == b"%PDF-1.4" * 500
    assert anna.received() == []
