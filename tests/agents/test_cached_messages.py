"""What operations give of the cache: messages by id and Message-ID, attachments, what is new."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from services84.mime.parse import UNREADABLE
from services84.store.book_import import import_book
from services84.store.crm_values import PersonDraft
from services84.store.values import RunOutcome
from tests.support.boxes import ints
from tests.support.dovecot import DovecotServer
from tests.support.live_mail import LiveMail, Office
from tests.support.mailboxes import message
from tests.support.service import Reply, member_xml

ANSWER = (
    b"From: Anna <anna@example.com>\r\nTo: Bob <bob@example.com>\r\n"
    b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <answer@example.com>\r\n"
    b"In-Reply-To: <question@example.com>\r\nX-Priority: 1\r\nX-Color: blue\r\n"
    b"Date: Mon, 2 Mar 2026 10:00:00 +0100\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="m"\r\n\r\n'
    b'--m\r\nContent-Type: multipart/related; boundary="r"\r\n\r\n'
    b"--r\r\nContent-Type: text/html\r\n\r\n<b>hello</b>\r\n"
    b"--r\r\nContent-Type: image/png\r\nContent-ID: <logo@example.com>\r\n"
    b"Content-Disposition: inline\r\nContent-Transfer-Encoding: base64\r\n\r\nUE5H\r\n--r--\r\n"
    b'--m\r\nContent-Type: application/pdf; name="a.pdf"\r\nContent-Disposition: attachment\r\n'
    b"Content-Transfer-Encoding: base64\r\n\r\nUERG\r\n--m--\r\n"
)
QUESTION = (
    b"From: Bob <bob@example.com>\r\nSubject: a question\r\nMessage-ID: <question@example.com>\r\n"
    b"\r\nhow?\r\n"
)


@pytest.fixture
def mail(office: Office, dovecot: DovecotServer) -> LiveMail:
    """The mailbox of an associate who has no other: by Message-ID all accounts are searched."""
    name = f"reader{office.service.services.items.highest_id()}"
    _, ticket = office.service.associate(name)
    mail = Office(office.service, ticket).mailbox(dovecot)
    mail.deliver(QUESTION, message(2))
    mail.deliver(ANSWER, folder="Entw&APw-rfe/2026", flags="\\Flagged")
    mail.sync()
    return mail


def answer_id(mail: LiveMail) -> int:
    return mail.items("Entwürfe/2026")[1]


def folder_id(mail: LiveMail, name: str = "INBOX") -> int:
    folders = mail.service.services.folders.list(mail.account_id)
    return next(one.folder_id for one in folders if one.name == name)


def get(mail: LiveMail, item: int | None, *, contents: bool = True) -> Reply:
    return mail.succeed("GetEMail", member_xml({"Id": item, "IncludeAttachments": contents}))


def streams(reply: Reply) -> list[str | None]:
    return [found.text for found in reply.root.iter("{*}Stream")]


# Whole messages ---------------------------------------------------------------------------------


def test_a_message_is_given_whole_and_no_server_is_asked(
    mail: LiveMail, dovecot: DovecotServer
) -> None:
    logins = dovecot.logins(mail.user)
    reply = get(mail, answer_id(mail))
    assert dovecot.logins(mail.user) == logins
    assert reply.text("Response/Subject") == "Grüße"
    assert reply.text("Response/HTMLBody") == "<b>hello</b>"
    assert reply.text("Response/Priority") == "Highest"
    assert reply.text("Response/Flags") == "Flagged"
    assert reply.text("Response/FolderName") == "Entwürfe/2026"
    assert reply.text("Response/Size") == str(len(ANSWER))
    assert reply.text("Response/AccountId") == str(mail.account_id)
    assert reply.text("Response/EmailItemId") == str(answer_id(mail))
    assert reply.text("Response/CustomHeaderList/EMailCustomHeader/Name") == "X-Color"
    assert reply.text("Response/InReplyTo/Subject") == "a question"
    assert reply.text("Response/InReplyTo/EMailSOInfo/Archived") == "false"
    assert reply.text("Response/RepliedAt") is None
    assert streams(reply) == ["UE5H", "UERG"]


def test_a_message_that_a_reader_died_of_is_read_by_nobody_again(mail: LiveMail) -> None:
    with mail.service.application.database.transaction() as connection:
        connection.execute(
            text("UPDATE email_item SET parse_problem = :problem WHERE email_item_id = :id"),
            {"problem": f"{UNREADABLE} (its reader died)", "id": answer_id(mail)},
        )
    reply = get(mail, answer_id(mail))
    assert reply.text("Response/Subject") == "Grüße"
    assert not reply.text("Response/HTMLBody")
    assert reply.text("Response/CustomHeaderList/EMailCustomHeader/Name") is None
    assert streams(reply) == []


def test_without_their_bytes_attachments_are_named(mail: LiveMail) -> None:
    reply = get(mail, answer_id(mail), contents=False)
    assert [found.text for found in reply.root.iter("{*}Filename")][-1] == "a.pdf"
    assert streams(reply) == []


def test_whom_the_address_book_knows_is_told(mail: LiveMail) -> None:
    persons = [
        PersonDraft("Bob Berg", firstname="Bob", lastname="Berg", addresses=("BOB@example.com",))
    ]
    import_book(mail.service.services.database, persons)
    reply = get(mail, answer_id(mail))
    assert reply.text("Response/To/EMailAddress/PersonName") == "Bob Berg"


def test_what_is_archived_is_told(mail: LiveMail) -> None:
    email = member_xml({"Email": {"EmailItemId": answer_id(mail)}})
    name = mail.succeed("SaveEmailToTmpDocument", email).text("Response")
    document = member_xml({"DocumentEntity": {"Name": name}})
    mail.succeed("CreateEMailFromDocumentEntity", document)
    assert get(mail, answer_id(mail)).text("Response/EMailSOInfo/Archived") == "true"


@pytest.mark.parametrize("item", [None, 0, -1, 999_999])
def test_a_message_that_is_not_there_is_not_found(mail: LiveMail, item: int | None) -> None:
    refusal = mail.refused("NotFound", "GetEMail", member_xml({"Id": item}))
    assert refusal["Message"] == f"no message {item or 0}"


def test_an_administrator_reads_what_others_have(mail: LiveMail, office: Office) -> None:
    name = f"admin{answer_id(mail)}"
    _, ticket = office.service.associate(name, admin=True)
    admin = LiveMail(office.service, ticket, mail.port, mail.user)
    assert get(admin, answer_id(mail)).text("Response/InReplyTo/Subject") == "a question"
    by_id = member_xml({"MessageId": "<answer@example.com>"})
    admin.refused("NotFound", "GetMailFromMessageId", by_id)


# By Message-ID ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spelt", ["<answer@example.com>", "answer@example.com", " <answer@ example.com> "]
)
def test_a_message_is_found_by_its_message_id(mail: LiveMail, spelt: str) -> None:
    reply = mail.succeed("GetMailFromMessageId", member_xml({"MessageId": spelt}))
    assert reply.text("Response/EmailItemId") == str(answer_id(mail))
    assert streams(reply) == ["UE5H", "UERG"]


def test_an_answer_is_found_by_what_it_answers(mail: LiveMail) -> None:
    asked = member_xml({"MessageId": "question@example.com"})
    reply = mail.succeed("GetMailFromInReplyTo", asked)
    assert reply.text("Response/MessageID") == "<answer@example.com>"


def test_of_several_the_one_that_came_last_is_given(mail: LiveMail, dovecot: DovecotServer) -> None:
    several = ANSWER.replace(b"answer@", b"several@").replace(b"question@", b"asked@")
    for year in (2023, 2025, 2024):
        when = datetime(year, 6, 1, tzinfo=UTC)
        dovecot.deliver(mail.user, "INBOX", several, internal_date=when)
    mail.sync()
    for operation, name in (
        ("GetMailFromMessageId", "several@example.com"),
        ("GetMailFromInReplyTo", "asked@example.com"),
    ):
        reply = mail.succeed(operation, member_xml({"MessageId": name}))
        assert (reply.text("Response/ReceivedAt") or "")[:4] == "2025"


@pytest.mark.parametrize(
    "operation", ["GetMailFromMessageId", "GetMailFromInReplyTo", "SetRepliedAt"]
)
def test_a_message_id_has_to_be_one_that_the_caller_has(
    mail: LiveMail, office: Office, operation: str
) -> None:
    for empty in (None, "", " <> "):
        refusal = mail.refused("Argument", operation, member_xml({"MessageId": empty}))
        assert refusal["Message"].startswith("MessageId: ")
    mail.refused("Argument", operation, member_xml({"MessageId": "x" * 3000}))
    nowhere = member_xml({"MessageId": "<nowhere@example.com>"})
    refusal = mail.refused("NotFound", operation, nowhere)
    assert refusal["Message"] == "MessageId: no message <nowhere@example.com>"
    _, ticket = office.service.associate(f"thief of {answer_id(mail)}")
    thief = LiveMail(office.service, ticket, mail.port, mail.user)
    for name in ("<answer@example.com>", "<question@example.com>"):
        thief.refused("NotFound", operation, member_xml({"MessageId": name}))
    assert mail.flags("Entw&APw-rfe/2026") == {1: {"\\Flagged"}}


# Attachments ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attachment", "content"),
    [
        ("logo@example.com", b"PNG"),
        ("<logo@example.com>", b"PNG"),
        ("1.2", b"PNG"),
        ("2", b"PDF"),
        ("3", b"PDF"),
    ],
)
def test_an_attachment_is_found_by_content_id_and_by_number(
    mail: LiveMail, attachment: str, content: bytes
) -> None:
    asked = member_xml({"MailItemId": answer_id(mail), "AttachmentId": attachment})
    reply = mail.succeed("GetAttachmentFromId", asked)
    assert base64.b64decode(reply.text("Response/Stream") or "") == content


@pytest.mark.parametrize(("attachment", "kind"), [("", "Argument"), ("9", "NotFound")])
def test_an_attachment_that_is_not_there_is_named(
    mail: LiveMail, attachment: str, kind: str
) -> None:
    asked = member_xml({"MailItemId": answer_id(mail), "AttachmentId": attachment})
    assert mail.refused(kind, "GetAttachmentFromId", asked)["Message"].startswith("AttachmentId: ")
    gone = member_xml({"MailItemId": 999_999, "AttachmentId": "1"})
    mail.refused("NotFound", "GetAttachmentFromId", gone)


# What is new ------------------------------------------------------------------------------------


def has_new(mail: LiveMail, item: int, folder: int | None = None) -> bool:
    asked = member_xml({"MailItemId": item, "FolderId": folder or folder_id(mail)})
    return mail.succeed("HasNewMail", asked).text("Response") == "true"


def latest(mail: LiveMail, folder: int | None = None) -> int:
    asked = member_xml({"FolderId": folder or folder_id(mail)})
    return int(mail.succeed("LatestItemIdByFolder", asked).text("Response") or 0)


def test_new_is_what_came_after_a_message(mail: LiveMail) -> None:
    items = mail.items("INBOX")
    assert latest(mail) == items[2]
    assert (has_new(mail, items[1]), has_new(mail, items[2]), has_new(mail, 0)) == (
        True,
        False,
        True,
    )
    mail.deliver(message(3))
    assert not has_new(mail, items[2])  # the cache alone is looked at
    mail.sync()
    assert has_new(mail, items[2])
    assert latest(mail) == mail.items("INBOX")[3]


def test_a_message_that_was_moved_here_is_new_here(mail: LiveMail) -> None:
    last = latest(mail)
    moved = member_xml({"FolderId": folder_id(mail)}) + ints("EmailItemIds", [answer_id(mail)])
    mail.succeed("MoveEmailsToFolder", moved)
    assert has_new(mail, last)


def test_what_came_after_a_message_that_is_gone_is_new(mail: LiveMail) -> None:
    mail.deliver(message(3))
    mail.sync()
    gone = latest(mail)
    mail.succeed("DeleteEmails", ints("Ids", [gone]))
    assert not has_new(mail, gone)
    mail.deliver(message(4))
    mail.sync()
    assert has_new(mail, gone)


def test_an_empty_folder_has_nothing_new(mail: LiveMail) -> None:
    with mail.client() as client:
        client.create("Empty")
    mail.sync()
    empty = folder_id(mail, "Empty")
    assert (latest(mail, empty), has_new(mail, 0, empty)) == (0, False)


@pytest.mark.parametrize("operation", ["HasNewMail", "LatestItemIdByFolder"])
def test_what_is_new_in_a_folder_of_others_is_not_told(
    mail: LiveMail, office: Office, operation: str
) -> None:
    mail.refused("NotFound", operation, member_xml({"FolderId": 999_999}))
    mail.refused("NotFound", operation)
    _, ticket = office.service.associate(f"{operation} {answer_id(mail)}")
    thief = LiveMail(office.service, ticket, mail.port, mail.user)
    asked = member_xml({"FolderId": folder_id(mail)})
    assert thief.refused("NotFound", operation, asked)["Message"].startswith("no mail folder ")


def test_a_number_that_is_no_id_is_refused(mail: LiveMail) -> None:
    asked = member_xml({"MailItemId": -1, "FolderId": folder_id(mail)})
    assert mail.refused("Argument", "HasNewMail", asked)["Message"].startswith("MailItemId: ")


# Fetching what is new ---------------------------------------------------------------------------


def new_mail(mail: LiveMail, *folders: int) -> list[str | None]:
    """The subjects of what comes by GetNewMail."""
    reply = mail.succeed("GetNewMail", ints("Folders", folders))
    return [found.text for found in reply.root.iter("{*}MessageId")]


def test_new_mail_of_some_folders_is_fetched_and_told(mail: LiveMail) -> None:
    assert new_mail(mail, folder_id(mail)) == []
    mail.deliver(message(3), message(4))
    mail.deliver(message(5), folder="Entw&APw-rfe/2026")
    wanted = [f"<message-{number}@example.com>" for number in (4, 3)]
    assert new_mail(mail, folder_id(mail), folder_id(mail)) == wanted
    assert set(mail.items("INBOX")) == {1, 2, 3, 4}
    assert set(mail.items("Entwürfe/2026")) == {1}
    both = [folder_id(mail), folder_id(mail, "Entwürfe/2026")]
    assert new_mail(mail, *both) == ["<message-5@example.com>"]
    mail.assert_level()


def test_a_folder_that_was_never_synced_is_fetched_whole(mail: LiveMail) -> None:
    mail.deliver(message(3), message(4), folder="Later")
    mail.succeed("CacheFolderList")
    wanted = [f"<message-{number}@example.com>" for number in (4, 3)]
    assert new_mail(mail, folder_id(mail, "Later")) == wanted
    mail.assert_level()


def test_what_takes_too_long_to_be_waited_for_goes_on(
    mail: LiveMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account is being synced elsewhere, for longer than a call waits."""
    services = mail.service.services
    lease = services.accounts.take_lease(mail.account_id, "another", services.clock(), 600)
    assert lease is not None
    mail.deliver(message(3))
    with monkeypatch.context() as patched:
        patched.setattr("services84.sync.errands.LEASE_SECONDS", 0.1)
        reply = mail.succeed("GetNewMail", ints("Folders", [folder_id(mail)]))
    assert len(list(reply.body[0])) == 0
    assert reply.extra["Sync.State"] == "running"
    services.accounts.finish_run(lease, RunOutcome(partial=True), services.clock())
    mail.sync()
    mail.assert_level()


def test_no_folders_have_no_new_mail(mail: LiveMail) -> None:
    mail.succeed("GetNewMail")
    assert new_mail(mail) == []


def test_new_mail_of_folders_that_are_not_there_is_refused(mail: LiveMail, office: Office) -> None:
    mail.deliver(message(3))
    wanted = ints("Folders", [folder_id(mail), 999_999])
    assert "999999" in mail.refused("NotFound", "GetNewMail", wanted)["Message"]
    _, ticket = office.service.associate(f"newcomer {answer_id(mail)}")
    thief = LiveMail(office.service, ticket, mail.port, mail.user)
    thief.refused("NotFound", "GetNewMail", ints("Folders", [folder_id(mail)]))
    assert set(mail.items("INBOX")) == {1, 2}


def test_a_server_that_lets_nobody_in_gives_no_new_mail(
    mail: LiveMail, dovecot: DovecotServer
) -> None:
    number = folder_id(mail)
    dovecot.add_user(mail.user, "another password")
    refusal = mail.refused("MailServer", "GetNewMail", ints("Folders", [number]))
    assert "login refused" in refusal["Message"]
