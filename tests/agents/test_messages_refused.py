"""What reading operations on live messages refuse, and what they say then."""

from __future__ import annotations

import pytest

from tests.support.asked import Asked
from tests.support.boxes import ints, strings
from tests.support.dovecot import DovecotServer
from tests.support.imapmodel.faults import Fault, Kind
from tests.support.imapmodel.server import serving
from tests.support.live_mail import LiveMail, Office, values_of
from tests.support.mailboxes import message
from tests.support.service import member_xml

ONE = member_xml({"MessageServerId": 1})
IDS = ints("MessageServerIds", [1])
NAMES = strings("MessageIds", ["<message-1@example.com>"])
PART = member_xml({"AttachmentId": "1"})
# Operation → its members after the connection data; the first four take ConnectionInfo.
PLAIN = {
    "GetEMailFromId": ONE,
    "GetAttachment": ONE + PART,
    "GetEMailAsStream": ONE,
    "GetEMailEnvelopes": IDS,
}
EXTENDED = {"GetEmailMessageIds": "", "GetEmailsAsString": NAMES}
ASKED = Asked(PLAIN, EXTENDED)
ALL = pytest.mark.parametrize("operation", ASKED.names)
LONG = "x" * 5000


@pytest.fixture(scope="module")
def mail(office: Office, dovecot: DovecotServer) -> LiveMail:
    mail = office.mailbox(dovecot)
    mail.deliver(message(1), message(2))
    return mail


# Connection data --------------------------------------------------------------------------------


@ALL
def test_without_connection_data_nothing_is_read(mail: LiveMail, operation: str) -> None:
    said = mail.refused("Argument", operation, ASKED[operation])["Message"]
    assert said.startswith(f"{ASKED.member(operation)}: 'nil' is required")


@ALL
@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("ServerName", ""),
        ("ServerName", "a b"),
        ("ServerName", "host:99999"),
        ("UserName", ""),
        ("UserName", "a\nb"),
        ("Password", "a\rb"),
    ],
)
def test_connection_data_that_leads_nowhere_is_named(
    mail: LiveMail, operation: str, member: str, value: str
) -> None:
    said = ASKED.refused(mail, "Argument", operation, **{member: value})
    assert said.startswith(f"{ASKED.member(operation)}/{member}: ")


@ALL
def test_a_wrong_password_is_refused_and_not_told(mail: LiveMail, operation: str) -> None:
    said = ASKED.refused(mail, "MailServer", operation, Password="wrong-pass-word")
    assert "login refused" in said
    assert "wrong-pass-word" not in said


@pytest.mark.parametrize("operation", EXTENDED)
@pytest.mark.parametrize("protocol", ["SMTP", "smtp", "POP3"])
def test_only_imap_gives_mail(mail: LiveMail, operation: str, protocol: str) -> None:
    said = ASKED.refused(mail, "Argument", operation, Protocol=protocol)
    assert said.startswith(f"ConnectionInfoExtended/Protocol: '{protocol}'")


@pytest.mark.parametrize("operation", EXTENDED)
def test_a_port_that_is_none_is_named(mail: LiveMail, operation: str) -> None:
    assert ASKED.refused(mail, "Argument", operation, Port=70000).startswith(
        "ConnectionInfoExtended/Port: '70000'"
    )


# Folders ----------------------------------------------------------------------------------------


@ALL
def test_a_folder_that_does_not_exist_is_named(mail: LiveMail, operation: str) -> None:
    said = ASKED.refused(mail, "NotFound", operation, "No such")
    assert said == f"{ASKED.member(operation)}/Folder: there is no folder 'No such'"


@ALL
@pytest.mark.parametrize("folder", ["a\nb", "a//b", "a\x85b"])
def test_what_is_no_name_of_a_folder_is_named(mail: LiveMail, operation: str, folder: str) -> None:
    said = ASKED.refused(mail, "Argument", operation, folder)
    assert said.startswith(f"{ASKED.member(operation)}/Folder: ")


@ALL
def test_a_folder_that_the_server_does_not_open_comes_with_its_reason(
    office: Office, operation: str
) -> None:
    with serving() as server:
        phantom = server.mailbox.make("Phantom")
        assert phantom is not None
        phantom.phantom = True
        mail = LiveMail(office.service, office.ticket, server.port, "anybody")
        said = ASKED.refused(mail, "MailServer", operation, "Phantom")
    assert said.startswith(f"{ASKED.member(operation)}/Folder: 'Phantom': ")
    assert said.endswith("this folder cannot be opened")


# Messages ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["GetEMailFromId", "GetAttachment", "GetEMailAsStream"])
@pytest.mark.parametrize("number", [9, -1, 2**31 - 1, -(2**31)])
def test_a_message_that_does_not_exist_is_named(
    mail: LiveMail, operation: str, number: int
) -> None:
    members = member_xml({"MessageServerId": number})
    part = PART if operation == "GetAttachment" else ""
    said = mail.refused("NotFound", operation, mail.info(), members, part)
    assert said["Message"] == f"MessageServerId: no message {number} in 'INBOX'"


@pytest.mark.parametrize("operation", ["GetEMailFromId", "GetAttachment", "GetEMailAsStream"])
@pytest.mark.parametrize("members", ["", member_xml({"MessageServerId": 0})])
def test_zero_and_nothing_are_no_ids(mail: LiveMail, operation: str, members: str) -> None:
    part = PART if operation == "GetAttachment" else ""
    said = mail.refused("Argument", operation, mail.info(), members, part)
    assert said["Message"].startswith("MessageServerId: '0'")


def test_zero_among_ids_is_named(mail: LiveMail) -> None:
    ids = ints("MessageServerIds", [1, 0])
    said = mail.refused("Argument", "GetEMailEnvelopes", mail.info(), ids)
    assert said["Message"].startswith("MessageServerIds: '0'")


def test_too_many_heads_at_once_are_refused(mail: LiveMail) -> None:
    ids = ints("MessageServerIds", range(1, 20_002))
    said = mail.refused("Argument", "GetEMailEnvelopes", mail.info(), ids)
    assert said["Message"].startswith("MessageServerIds: '20001' are more than 20000")


def test_recent_is_no_flag_that_a_client_sets(mail: LiveMail) -> None:
    flags = member_xml({"Flags": "Seen Recent"})
    said = mail.refused("Argument", "GetEMailFromId", mail.info(), ONE, flags)
    assert said["Message"].startswith("Flags: 'Recent'")
    assert mail.flags()[1] == frozenset()


@pytest.mark.parametrize(
    ("given", "kind"), [("9", "NotFound"), (LONG, "NotFound"), (" ", "Argument")]
)
def test_an_attachment_that_does_not_exist_is_named(mail: LiveMail, given: str, kind: str) -> None:
    members = ONE + member_xml({"AttachmentId": given})
    said = mail.refused(kind, "GetAttachment", mail.info(), members)["Message"]
    assert said.startswith("AttachmentId: ")
    assert len(said) < 300


@pytest.mark.parametrize("ids", [["<a@b>", ""], ["<a@b>", None], ["<a@b>", " "]])
def test_an_empty_id_is_named(mail: LiveMail, ids: list[str | None]) -> None:
    members = strings("MessageIds", ids)
    said = mail.refused("Argument", "GetEmailsAsString", mail.extended(), members)
    assert said["Message"].startswith("MessageIds/string[2]: ")


@pytest.mark.parametrize("operation", ["GetEmailsAsString", "DeleteExtended"])
def test_too_many_and_too_long_ids_are_named(mail: LiveMail, operation: str) -> None:
    many = strings("MessageIds", ["<a@b>"] * 50_001)
    said = mail.refused("Argument", operation, mail.extended(), many)["Message"]
    assert said == "MessageIds: '50001' are more than 50000 ids"
    long = strings("MessageIds", ["<a@b>", LONG])
    said = mail.refused("Argument", operation, mail.extended(), long)["Message"]
    assert said.startswith("MessageIds/string[2]: 'xxx")
    assert len(said) < 200


@pytest.mark.parametrize("given", ["0:1:<a@b>", "1:0:", "99999999999:1:<a@b>x", "9999999999:1:"])
def test_numbers_that_no_server_has_are_named(mail: LiveMail, given: str) -> None:
    members = strings("MessageIds", [given])
    if given.startswith("99999999999"):  # eleven digits: a Message-ID like any other
        reply = mail.succeed("GetEmailsAsString", mail.extended(), members)
        assert values_of(reply) == [None]
        return
    said = mail.refused("Argument", "GetEmailsAsString", mail.extended(), members)
    assert said["Message"].startswith(f"MessageIds/string[1]: '{given}'")


def test_more_text_than_an_answer_may_have_is_refused(
    mail: LiveMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services84.agents.email.messages._most_bytes", lambda _: 1000)
    both = strings("MessageIds", ["message-1@example.com", "message-2@example.com"])
    said = mail.refused("Argument", "GetEmailsAsString", mail.extended(), both)
    assert "ask for fewer at once" in said["Message"]
    one = strings("MessageIds", ["message-1@example.com"])
    assert mail.succeed("GetEmailsAsString", mail.extended(), one)


@pytest.mark.parametrize(
    "members", ["", member_xml({"MimeMessage": None}), member_xml({"MimeMessage": ""})]
)
def test_no_message_is_read_from_nothing(mail: LiveMail, members: str) -> None:
    said = mail.refused("Argument", "CreateEMailFromMimeMessage", members)["Message"]
    assert said.startswith("MimeMessage: ")


# Servers ----------------------------------------------------------------------------------------


@ALL
@pytest.mark.parametrize("fault", ["NIL", "NO"])
def test_a_message_that_the_server_does_not_give_is_no_reason_to_pretend(
    office: Office, operation: str, fault: str
) -> None:
    with serving() as server:
        found = server.mailbox.add("INBOX", message(1))
        assert found is not None
        found.fault = fault
        mail = LiveMail(office.service, office.ticket, server.port, "anybody")
        info = ASKED.info(mail, operation)
        if operation in ("GetEMailEnvelopes", "GetEmailMessageIds"):  # they need no body
            assert len(values_of(mail.succeed(operation, info, ASKED[operation]))) == 1
            return
        said = mail.refused("MailServer", operation, info, ASKED[operation])["Message"]
        assert "does not give" in said or "damaged" in said


@ALL
@pytest.mark.parametrize("kind", [Kind.BYE, Kind.CUT, Kind.THROTTLE])
def test_a_server_that_gives_up_is_told_with_its_reason(
    office: Office, operation: str, kind: Kind
) -> None:
    with serving() as server:
        server.mailbox.add("INBOX", message(1))
        server.faults.set(Fault(kind, word="FETCH", amount=50, times=9))
        mail = LiveMail(office.service, office.ticket, server.port, "anybody")
        assert ASKED.refused(mail, "MailServer", operation)
