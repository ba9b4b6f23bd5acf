"""What operations read of messages on the mail server; nothing of it becomes read by that."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest

from services84.store.book_import import import_book
from services84.store.crm_values import PersonDraft
from tests.support.boxes import ints, strings
from tests.support.dovecot import DovecotServer
from tests.support.live_mail import LiveMail, Office, values_of
from tests.support.mailboxes import message
from tests.support.service import member_xml

MAIL = (
    b"From: Anna <anna@example.com>\r\nTo: Bob <bob@example.com>\r\nCc: c@example.com\r\n"
    b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <1@example.com>\r\n"
    b"In-Reply-To: <0@example.com>\r\nX-Priority: 1\r\nX-Color: blue\r\n"
    b"Date: Mon, 2 Mar 2026 10:00:00 +0100\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="m"\r\n\r\n'
    b"--m\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
    b"--m\r\nContent-Type: image/png\r\nContent-ID: <logo@example.com>\r\n"
    b"Content-Disposition: inline\r\nContent-Transfer-Encoding: base64\r\n\r\nUE5H\r\n"
    b'--m\r\nContent-Type: application/pdf; name="a.pdf"\r\nContent-Disposition: attachment\r\n'
    b"Content-Transfer-Encoding: base64\r\n\r\nUERG\r\n--m--\r\n"
)


@pytest.fixture
def mail(office: Office, dovecot: DovecotServer) -> LiveMail:
    mail = office.mailbox(dovecot)
    mail.deliver(MAIL, message(2), flags="\\Flagged")
    mail.deliver(message(3), folder="Entw&APw-rfe/2026")
    return mail


def one(uid: int) -> str:
    return member_xml({"MessageServerId": uid})


def test_a_message_is_given_whole_and_stays_unread(mail: LiveMail) -> None:
    members = member_xml({"LookupAddresses": False, "Flags": "", "IncludeAttachments": True})
    reply = mail.succeed("GetEMailFromId", mail.info(), one(1), members)
    assert reply.text("Response/Subject") == "Grüße"
    assert reply.text("Response/From/Address") == "anna@example.com"
    assert reply.text("Response/PlainBody") == "hello"
    assert reply.text("Response/Priority") == "Highest"
    assert reply.text("Response/Flags") == "Flagged"
    assert reply.text("Response/FolderName") == "INBOX"
    assert reply.text("Response/ServerId") == "1"
    assert reply.text("Response/Size") == str(len(MAIL))
    assert reply.text("Response/InReplyTo/MessageId") == "<0@example.com>"
    assert reply.text("Response/CustomHeaderList/EMailCustomHeader/Name") == "X-Color"
    streams = [found.text for found in reply.root.iter("{*}Stream")]
    assert streams == ["UE5H", "UERG"]
    assert reply.text("Response/AccountId") == str(mail.account_id)
    assert mail.flags()[1] == {"\\Flagged"}


def test_what_the_cache_has_is_known_by_its_id(mail: LiveMail) -> None:
    mail.sync()
    item = mail.items("INBOX")[2]
    answered = datetime(2026, 3, 9, 8, tzinfo=UTC)
    mail.service.services.items.set_replied([item], answered)
    reply = mail.succeed("GetEMailFromId", mail.info("inbox"), one(2))
    assert reply.text("Response/EmailItemId") == str(item)
    assert (reply.text("Response/RepliedAt") or "").startswith("2026-03-09T08:00:00")


def test_without_their_bytes_attachments_are_named(mail: LiveMail) -> None:
    reply = mail.succeed("GetEMailFromId", mail.info(), one(1))
    names = [found.text for found in reply.root.iter("{*}Filename")]
    assert "a.pdf" in names
    assert not list(reply.root.iter("{*}Stream"))


def test_flags_are_set_on_the_message_that_is_given(mail: LiveMail) -> None:
    mail.sync()
    flags = member_xml({"Flags": "Seen Answered"})
    reply = mail.succeed("GetEMailFromId", mail.info(), one(1), flags)
    assert reply.text("Response/Flags") == "Seen Flagged Answered"
    assert mail.flags() == {1: {"\\Seen", "\\Answered", "\\Flagged"}, 2: {"\\Flagged"}}
    mail.assert_level()


def test_a_mailbox_that_is_no_account_is_read_all_the_same(
    office: Office, dovecot: DovecotServer
) -> None:
    mail = office.mailbox(dovecot, cached=False)
    mail.deliver(MAIL)
    reply = mail.succeed("GetEMailFromId", mail.info(), one(1), member_xml({"Flags": "Flagged"}))
    assert reply.text("Response/AccountId") == reply.text("Response/EmailItemId") == "0"
    assert mail.flags() == {1: {"\\Flagged"}}


def test_a_folder_is_named_as_people_read_it(mail: LiveMail) -> None:
    reply = mail.succeed("GetEMailFromId", mail.info("Entwürfe/2026"), one(1))
    assert reply.text("Response/MessageID") == "<message-3@example.com>"
    assert reply.text("Response/FolderName") == "Entwürfe/2026"


def test_the_address_book_says_who_people_are_when_it_is_asked(mail: LiveMail) -> None:
    import_book(
        mail.service.services.database, [PersonDraft("Bob Berg", addresses=["BOB@example.com"])]
    )
    known = mail.succeed(
        "GetEMailFromId", mail.info(), one(1), "<n:LookupAddresses>true</n:LookupAddresses>"
    )
    assert known.text("Response/To/EMailAddress/PersonName") == "Bob Berg"
    unknown = mail.succeed("GetEMailFromId", mail.info(), one(1))
    assert unknown.text("Response/To/EMailAddress/PersonName") is None


@pytest.mark.parametrize(
    ("given", "stream", "name"),
    [
        ("<logo@example.com>", b"PNG", None),
        ("logo@example.com", b"PNG", None),
        ("2", b"PNG", None),
        ("3", b"PDF", "a.pdf"),
    ],
)
def test_an_attachment_is_found_by_its_content_id_or_number(
    mail: LiveMail, given: str, stream: bytes, name: str | None
) -> None:
    reply = mail.succeed("GetAttachment", mail.info(), one(1), member_xml({"AttachmentId": given}))
    assert base64.b64decode(reply.text("Response/Stream") or "") == stream
    assert name in (None, reply.text("Response/Filename"))
    assert mail.flags()[1] == {"\\Flagged"}


def test_a_message_is_given_byte_for_byte(mail: LiveMail) -> None:
    reply = mail.succeed("GetEMailAsStream", mail.info(), one(1))
    assert base64.b64decode(reply.text("Response") or "") == MAIL
    assert mail.flags()[1] == {"\\Flagged"}


def test_a_message_is_given_without_its_attachments(mail: LiveMail) -> None:
    strip = member_xml({"StripAttachments": True})
    reply = mail.succeed("GetEMailAsStream", mail.info(), one(1), strip)
    stripped = base64.b64decode(reply.text("Response") or "")
    assert b"hello" in stripped
    assert b"UERG" not in stripped
    assert stripped.startswith(MAIL[:100])


def test_heads_come_in_the_order_of_the_ids_each_once_and_without_those_that_are_gone(
    mail: LiveMail,
) -> None:
    reply = mail.succeed("GetEMailEnvelopes", mail.info(), ints("MessageServerIds", [2, 77, 1, 2]))
    ids = [found.text for found in reply.root.iter("{*}ServerId")]
    assert ids == ["2", "1"]
    subjects = [found.text for found in reply.root.iter("{*}Subject")]
    assert subjects == ["Message 2 – Grüße", "Grüße"]
    sizes = [found.text for found in reply.root.iter("{*}Size")]
    assert sizes == [str(len(message(2))), str(len(MAIL))]
    assert mail.flags() == {1: {"\\Flagged"}, 2: {"\\Flagged"}}


@pytest.mark.parametrize("ids", ["", "<n:MessageServerIds/>", '<n:MessageServerIds i:nil="true"/>'])
def test_no_ids_have_no_heads(mail: LiveMail, ids: str) -> None:
    assert values_of(mail.succeed("GetEMailEnvelopes", mail.info("No such"), ids)) == []


# By Message-IDs ---------------------------------------------------------------------------------


def validity(mail: LiveMail, folder: str = "INBOX") -> int:
    with mail.client() as client:
        client.select(folder, readonly=True)
        return int(client.response("UIDVALIDITY")[1][0])


def test_messages_are_named_so_that_each_id_means_one(mail: LiveMail) -> None:
    mail.deliver(b"Subject: nameless\r\n\r\nx\r\n", message(2), message(5))
    reply = mail.succeed("GetEmailMessageIds", mail.extended())
    number = validity(mail)
    assert values_of(reply) == [
        "<1@example.com>",
        f"{number}:2:<message-2@example.com>",
        f"{number}:3:",
        f"{number}:4:<message-2@example.com>",
        "<message-5@example.com>",
    ]
    texts = mail.succeed(
        "GetEmailsAsString", mail.extended(), strings("MessageIds", values_of(reply))
    )
    assert [text.encode() for text in values_of(texts) if text] == mail.sources()
    assert mail.flags()[1] == {"\\Flagged"}


def test_an_empty_folder_has_no_ids(mail: LiveMail) -> None:
    with mail.client() as client:
        client.create("Empty")
    assert values_of(mail.succeed("GetEmailMessageIds", mail.extended("Empty", Protocol=""))) == []


def test_texts_come_one_for_each_id_and_nil_for_one_that_is_not_there(mail: LiveMail) -> None:
    number = validity(mail)
    asked = [
        "1@example.com",
        "<nobody@example.com>",
        f"{number}:2:",
        f"{number}:2:<1@example.com>",  # that is another message's
        f"{number}:9:<1@example.com>",
        f"{number + 1}:9:1@example.com",  # the folder was renumbered meanwhile
        f"{number + 1}:2:",
        "<1@example.com>",
    ]
    reply = mail.succeed("GetEmailsAsString", mail.extended(), strings("MessageIds", asked))
    given = [text and text.encode() for text in values_of(reply)]
    first, second = MAIL, message(2)
    assert given == [first, None, second, None, None, first, None, first]


def test_a_message_id_among_many_messages_is_searched_for(mail: LiveMail) -> None:
    with mail.client() as client:
        client.select("INBOX")
        for _ in range(7):
            client.copy("1:*", "INBOX")
            client.noop()
    mail.deliver(message(99), message(100))
    ids = strings("MessageIds", ["message-99@example.com", "<no@example.com>"])
    reply = mail.succeed("GetEmailsAsString", mail.extended(), ids)
    assert [text and text.encode() for text in values_of(reply)] == [message(99), None]


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (b"Subject: x\r\n\r\n\xc3\xa4\r\n", "ä"),
        (b"Subject: x\r\nContent-Type: text/plain; charset=cp1252\r\n\r\n\x80\xe4\r\n", "€ä"),
        (b"Subject: x\r\nContent-Type: text/plain\r\n\r\n\xe4\r\n", "ä"),
        (
            b"Subject: x\r\nContent-Type: text/plain; charset=iso-2022-jp\r\n\r\n"
            b"\x1b$B4A;z\x1b(B\r\n",
            "漢字",
        ),
    ],
)
def test_a_text_that_is_not_ascii_is_read_by_its_charset(
    mail: LiveMail, content: bytes, shown: str
) -> None:
    mail.deliver(content, folder="Odd")
    (given,) = values_of(mail.succeed("GetEmailMessageIds", mail.extended("Odd")))
    reply = mail.succeed("GetEmailsAsString", mail.extended("Odd"), strings("MessageIds", [given]))
    (text,) = values_of(reply)
    assert text is not None
    assert shown in text
    again = mail.succeed("CreateEMailFromMimeMessage", member_xml({"MimeMessage": text}))
    assert (again.text("Response/PlainBody") or "").strip() == shown


def test_a_message_is_read_from_text_and_stored_nowhere(mail: LiveMail) -> None:
    text = MAIL.decode().replace("\r\n", "\n")
    reply = mail.succeed("CreateEMailFromMimeMessage", member_xml({"MimeMessage": text}))
    assert reply.text("Response/Subject") == "Grüße"
    assert reply.text("Response/PlainBody") == "hello"
    assert (reply.text("Response/Sent") or "").startswith("2026-03-02T09:00:00")
    assert [found.text for found in reply.root.iter("{*}Stream")] == ["UE5H", "UERG"]
    assert len(mail.state()) == 2
