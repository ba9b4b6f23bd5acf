"""What operations on live messages refuse to change: nothing is changed then, neither on the
server nor in the cache, and the error names the member."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.asked import Asked
from tests.support.boxes import ints, strings
from tests.support.dovecot import DovecotServer
from tests.support.imapmodel.server import serving
from tests.support.live_mail import LiveMail, Office
from tests.support.mailboxes import cache_view, message, server_view
from tests.support.service import member_xml

IDS = ints("MessageServerIds", [1])
EMAIL = {"Subject": "x", "From": {"Address": "anna@example.com"}, "PlainBody": "x"}
# Operation → its members after the connection data.
PLAIN = {
    "MarkAsRead": IDS + member_xml({"Read": True}),
    "Delete": IDS,
    "MoveToFolder": IDS + member_xml({"TargetFolder": "Work"}),
    "SaveEMail": member_xml({"Email": EMAIL}),
}
EXTENDED = {"DeleteExtended": strings("MessageIds", ["<message-1@example.com>"])}
ASKED = Asked(PLAIN, EXTENDED)
ALL = pytest.mark.parametrize("operation", ASKED.names)
BY_NUMBER = ["MarkAsRead", "Delete", "MoveToFolder"]
TARGETS = [("Delete", "MoveToFolder"), ("MoveToFolder", "TargetFolder")]


@pytest.fixture(scope="module")
def mailbox(office: Office, dovecot: DovecotServer) -> LiveMail:
    mail = office.mailbox(dovecot)
    mail.deliver(message(1), message(2))
    mail.deliver(message(3), folder="Work")
    mail.deliver(message(4), folder="Above/Below")
    mail.sync()
    return mail


@pytest.fixture
def mail(mailbox: LiveMail) -> Iterator[LiveMail]:
    """The mailbox, in which nothing may be changed."""
    with mailbox.client() as client:
        before = server_view(client)
    assert cache_view(mailbox.service, mailbox.account_id) == before
    yield mailbox
    with mailbox.client() as client:
        assert server_view(client) == before
    assert cache_view(mailbox.service, mailbox.account_id) == before


# Connection data and folders --------------------------------------------------------------------


@ALL
def test_without_connection_data_nothing_is_changed(mail: LiveMail, operation: str) -> None:
    said = mail.refused("Argument", operation, ASKED[operation])["Message"]
    assert said.startswith(f"{ASKED.member(operation)}: 'nil' is required")


@ALL
@pytest.mark.parametrize(
    ("member", "value"),
    [("ServerName", " "), ("ServerName", "a@b/c"), ("UserName", ""), ("Password", "a\nb")],
)
def test_connection_data_that_leads_nowhere_is_named_even_without_messages(
    mail: LiveMail, operation: str, member: str, value: str
) -> None:
    info = ASKED.info(mail, operation, **{member: value})
    members = "" if operation in ("Delete", "MarkAsRead") else ASKED[operation]
    said = mail.refused("Argument", operation, info, members)["Message"]
    assert said.startswith(f"{ASKED.member(operation)}/{member}: ")


@ALL
def test_with_a_wrong_password_nothing_is_changed(mail: LiveMail, operation: str) -> None:
    said = ASKED.refused(mail, "MailServer", operation, Password="wrong-pass-word")
    assert "login refused" in said
    assert "wrong-pass-word" not in said


def test_an_smtp_server_has_nothing_to_delete(mail: LiveMail) -> None:
    said = ASKED.refused(mail, "Argument", "DeleteExtended", Protocol="SMTP")
    assert said.startswith("ConnectionInfoExtended/Protocol: 'SMTP'")


@ALL
def test_a_folder_that_does_not_exist_is_named(mail: LiveMail, operation: str) -> None:
    said = ASKED.refused(mail, "NotFound", operation, "No such")
    assert said == f"{ASKED.member(operation)}/Folder: there is no folder 'No such'"


@ALL
def test_a_folder_that_holds_no_mail_is_named(mail: LiveMail, operation: str) -> None:
    reply = mail.call(
        operation,
        (mail.info if operation in PLAIN else mail.extended)("Above"),
        ASKED[operation],
    )
    assert reply.succeeded is False
    assert reply.exception["Message"].startswith(f"{ASKED.member(operation)}/Folder: ")


@pytest.mark.parametrize(("operation", "member"), TARGETS)
@pytest.mark.parametrize(
    ("target", "kind"), [("No such", "NotFound"), ("a\nb", "Argument"), ("a//b", "Argument")]
)
def test_a_target_that_is_no_folder_is_named_and_not_made(
    mail: LiveMail, operation: str, member: str, target: str, kind: str
) -> None:
    members = IDS + member_xml({member: target})
    said = mail.refused(kind, operation, mail.info(), members)["Message"]
    assert said.startswith(f"{member}: ")


@pytest.mark.parametrize(("operation", "member"), TARGETS)
def test_a_target_that_the_server_refuses_comes_with_its_reason(
    mail: LiveMail, operation: str, member: str
) -> None:
    members = IDS + member_xml({member: "Above"})
    reply = mail.call(operation, mail.info(), members)
    assert reply.succeeded is False
    assert reply.exception["Message"].startswith(f"{member}: ")
    assert "Above" in reply.exception["Message"]


def test_messages_are_not_moved_to_nowhere(mail: LiveMail) -> None:
    said = mail.refused("Argument", "MoveToFolder", mail.info(), IDS)["Message"]
    assert said.startswith("TargetFolder: '' is empty")


def test_blanks_for_a_folder_delete_nothing_for_good(mail: LiveMail) -> None:
    members = IDS + member_xml({"MoveToFolder": " "})
    said = mail.refused("Argument", "Delete", mail.info(), members)["Message"]
    assert said.startswith("MoveToFolder: ' ' is empty")


def test_to_delete_into_the_same_folder_would_do_nothing(mail: LiveMail) -> None:
    members = IDS + member_xml({"MoveToFolder": "Inbox"})
    said = mail.refused("Argument", "Delete", mail.info(), members)["Message"]
    assert said.startswith("MoveToFolder: 'Inbox' is the folder")


@ALL
def test_a_server_that_allows_no_changes_says_so(office: Office, operation: str) -> None:
    """The model server is for readers: it knows no SELECT, and no APPEND."""
    with serving() as server:
        server.mailbox.add("INBOX", message(1))
        server.mailbox.make("Work")
        mail = LiveMail(office.service, office.ticket, server.port, "anybody")
        said = ASKED.refused(mail, "MailServer", operation)
        assert server.problems
        server.problems.clear()
    assert "refused" in said


# Messages ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", BY_NUMBER)
def test_when_one_message_is_missing_nothing_is_done_to_the_others(
    mail: LiveMail, operation: str
) -> None:
    some = ints("MessageServerIds", [2, 9, 1, -7])
    members = PLAIN[operation].replace(IDS, some)
    said = mail.refused("NotFound", operation, mail.info(), members)["Message"]
    assert said == "MessageServerIds: no message 9, -7 in 'INBOX'"


@pytest.mark.parametrize("operation", BY_NUMBER)
def test_zero_is_no_id(mail: LiveMail, operation: str) -> None:
    members = PLAIN[operation].replace(IDS, ints("MessageServerIds", [1, 0]))
    said = mail.refused("Argument", operation, mail.info(), members)["Message"]
    assert said.startswith("MessageServerIds: '0'")


def test_when_one_message_id_is_missing_nothing_is_deleted(mail: LiveMail) -> None:
    ids = ["<message-1@example.com>", *(f"<no-{number}@example.com>" for number in range(20))]
    said = mail.refused("NotFound", "DeleteExtended", mail.extended(), strings("MessageIds", ids))
    shown = said["Message"]
    assert shown.startswith("MessageIds: no message <no-0@example.com>, ")
    assert shown.endswith(" and 10 others in 'INBOX'")


@pytest.mark.parametrize("given", ["", " ", None])
def test_an_empty_message_id_is_named(mail: LiveMail, given: str | None) -> None:
    ids = strings("MessageIds", ["<message-1@example.com>", given])
    said = mail.refused("Argument", "DeleteExtended", mail.extended(), ids)["Message"]
    assert said.startswith("MessageIds/string[2]: ")


def test_a_number_of_another_message_than_the_id_says_is_not_deleted(mail: LiveMail) -> None:
    with mail.client() as client:
        client.select("INBOX")
        validity = int(client.response("UIDVALIDITY")[1][0])
    ids = strings("MessageIds", [f"{validity}:1:<message-2@example.com>"])
    mail.refused("NotFound", "DeleteExtended", mail.extended(), ids)


# Saving -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("email", "kind", "said"),
    [
        (None, "Argument", "Email: 'nil'"),
        ({"Subject": "a\nBcc: eve@example.com"}, "Argument", "Email/Subject"),
        ({"From": {"Address": "nobody"}}, "Argument", "Email/From"),
        (
            {"To": {"EMailAddress": {"Address": "a@b\r\nRCPT"}}, "From": EMAIL["From"]},
            "Argument",
            "Email/To/EMailAddress[1]",
        ),
        (
            {"From": EMAIL["From"], "Attachments": {"EMailAttachment": {"Filename": "a"}}},
            "Argument",
            "Email/Attachments/EMailAttachment[1]/Stream",
        ),
        ({"From": EMAIL["From"], "Sent": "0099-01-01T00:00:00"}, "Argument", "Email/Sent: '0099"),
        (
            {"From": EMAIL["From"], "ReceivedAt": "1969-12-31T23:00:00"},
            "Argument",
            "Email/ReceivedAt: '1969-",
        ),
        (
            {"From": EMAIL["From"], "ReceivedAt": "2107-01-01T00:00:00Z"},
            "Argument",
            "Email/ReceivedAt: '2107-",
        ),
        ({"From": EMAIL["From"], "EmailItemId": 4711}, "NotFound", "no message 4711"),
    ],
)
def test_a_mail_that_cannot_be_written_is_not_saved(
    mail: LiveMail, email: dict[str, Any] | None, kind: str, said: str
) -> None:
    told = mail.refused(kind, "SaveEMail", mail.info(), member_xml({"Email": email}))
    assert told["Message"].startswith(said)


def test_a_message_of_another_associates_cache_looks_like_none(
    mail: LiveMail, office: Office
) -> None:
    (item, *_) = mail.items("INBOX").values()
    _, thief = office.service.associate("thief")
    other = LiveMail(office.service, thief, mail.port, mail.user)
    email = member_xml({"Email": {"From": EMAIL["From"], "EmailItemId": item}})
    said = other.refused("NotFound", "SaveEMail", other.info(), email)["Message"]
    assert said == f"no message {item}"
