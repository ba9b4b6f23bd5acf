"""The blank carriers: what is in them on the wire, and that they are taken as they are given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from lxml import etree

from services84.agents import EMAIL
from services84.namespaces import SERVICES84
from services84.soap.wsdl import build_wsdl
from tests.soap.contract_schema import check_reply, compile_schemas
from tests.support.dovecot import DovecotServer
from tests.support.service import ENVELOPES, TYPES, Reply, Service, envelope, running_service

DEFAULTS = sorted(op.name for op in EMAIL if op.name.startswith("CreateDefault"))

NOBODY = (
    "<ContactId>0</ContactId><ContactName></ContactName><PersonId>0</PersonId>"
    "<PersonName></PersonName><AssociateId>0</AssociateId><Address></Address>"
    "<EmailId>0</EmailId><DuplicatePersonIds></DuplicatePersonIds><Name></Name>"
)
NOTHING = (
    "<DocumentId>0</DocumentId><AppointmentId>0</AppointmentId><ProjectId>0</ProjectId>"
    "<SaleId>0</SaleId><Archived>false</Archived><ArchivedBy>0</ArchivedBy>"
    "<ArchivedDisplayName></ArchivedDisplayName>"
)
WIRE = {
    "EMailAddress": NOBODY,
    "EMailAttachment": (
        "<Description></Description><Filename></Filename><Size>0</Size>"
        "<Type>application/octet-stream</Type><Encoding>base64</Encoding><Id></Id>"
        "<Disposition>attachment</Disposition><Stream></Stream>"
    ),
    "EMailConnectionInfo": (
        "<ServerName></ServerName><UserName></UserName><Password></Password>"
        "<Folder>INBOX</Folder><UseSSL>false</UseSSL>"
    ),
    "EMailConnectionInfoExtended": (
        "<Port>0</Port><ServerName></ServerName><Protocol></Protocol><UserName></UserName>"
        "<Password></Password><UseSSL>false</UseSSL><Folder>INBOX</Folder>"
    ),
    "EMailCustomHeader": "<Name></Name><Values></Values>",
    "EMailEntity": (
        "<To></To><Cc></Cc><Bcc></Bcc><Subject></Subject><HTMLBody></HTMLBody>"
        f"<From>{NOBODY}</From><Size>0</Size><Priority>Normal</Priority><Flags></Flags>"
        "<MessageID></MessageID><PlainBody></PlainBody><IsSent>false</IsSent>"
        f"<EMailSOInfo>{NOTHING}</EMailSOInfo><ServerId>0</ServerId><Attachments></Attachments>"
        "<CustomHeaderList></CustomHeaderList><FolderName></FolderName>"
        "<EmailItemId>0</EmailItemId><AccountId>0</AccountId>"
    ),
    "EMailEnvelope": (
        f"<ServerId>0</ServerId><MessageId></MessageId><Subject></Subject><From>{NOBODY}</From>"
        "<To></To><Priority>Normal</Priority><Flags></Flags><Size>0</Size>"
        f"<EMailSOInfo>{NOTHING}</EMailSOInfo>"
    ),
    "EMailFolder": (
        "<Name></Name><Delimiter>/</Delimiter><Flags></Flags><TotalItems>0</TotalItems>"
        "<UnreadItems>0</UnreadItems><Subscribed>true</Subscribed><EmailFolderId>0</EmailFolderId>"
    ),
    "EMailSOInfo": NOTHING,
}
ACCOUNT: dict[str, Any] = {
    "EMailAddress": "anna@example.com",
    "IncomingCredentials": {"Server": "imap.example.com", "Username": "u", "Password": "secret-84"},
}


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service for the tests that change nothing."""
    with running_service(tmp_path_factory.mktemp("untouched")) as running:
        yield running
        assert running.services.accounts.list_all() == []


@pytest.fixture(scope="module")
def berts(untouched: Service) -> str:
    """A ticket of somebody without a mail account."""
    return untouched.associate("bert")[1]


@pytest.fixture(scope="module")
def schema() -> etree.XMLSchema:
    return compile_schemas(build_wsdl(EMAIL, "http://localhost/"))


@pytest.fixture
def annas(service: Service) -> str:
    return service.associate("anna")[1]


def inside(element: Any) -> str:
    """The content of an element, by local names."""
    return "".join(
        f"<{local(child)}>{inside(child) or child.text or ''}</{local(child)}>" for child in element
    )


def local(element: Any) -> str:
    return str(etree.QName(element).localname)


def response(reply: Reply) -> Any:
    assert reply.succeeded, reply.exception
    return reply.body[0]


def children(element: Any) -> str:
    """The content of an element as it is, to be put into a request."""
    return "".join(etree.tostring(child, encoding="unicode") for child in element)


def save_account(service: Service, ticket: str) -> int:
    saved = service.call("SaveEMailAccount", {"EMailAccount": ACCOUNT}, ticket=ticket)
    return int(saved.text("Response/EMailAccountId") or 0)


# Refusals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", DEFAULTS)
def test_without_a_ticket_there_is_not_even_a_blank_carrier(
    untouched: Service, operation: str
) -> None:
    reply = untouched.call(operation)
    assert reply.exception["ExceptionType"] == "SoAuthenticationException"
    assert len(reply.body) == 0


def test_a_blank_account_is_not_saved_before_it_is_filled_in(service: Service, annas: str) -> None:
    blank = response(service.call("CreateDefaultEMailAccount", ticket=annas))
    reply = save(service, annas, children(blank))
    assert reply.exception["Message"].startswith("EMailAccount/EMailAddress: '' is empty")
    assert service.services.accounts.list_all() == []


def save(service: Service, ticket: str, members: str) -> Reply:
    account = f"<n:EMailAccount>{members}</n:EMailAccount>"
    return service.post(envelope("SaveEMailAccount", account, ticket=ticket))


# Values -----------------------------------------------------------------------------------------


def test_every_blank_carrier_is_tested() -> None:
    assert {f"CreateDefault{kind}" for kind in WIRE} == set(DEFAULTS) - {
        "CreateDefaultEMailAccount"
    }


@pytest.mark.parametrize("version", ENVELOPES)
@pytest.mark.parametrize("kind", WIRE)
def test_a_blank_carrier_is_valid_and_has_these_values(
    untouched: Service, berts: str, schema: etree.XMLSchema, kind: str, version: str
) -> None:
    reply = untouched.call(f"CreateDefault{kind}", ticket=berts, version=version)
    assert inside(response(reply)) == WIRE[kind]
    check_reply(schema, reply.root)


def test_a_blank_message_is_from_the_callers_current_account(service: Service, annas: str) -> None:
    number = save_account(service, annas)
    reply = service.call("CreateDefaultEMailEntity", ticket=annas)
    assert reply.text("Response/From/Address") == "anna@example.com"
    assert reply.text("Response/From/Name") == "Anna"
    assert reply.text("Response/From/AssociateId") == "1"
    assert reply.text("Response/AccountId") == str(number)
    assert "secret-84" not in etree.tostring(reply.root, encoding="unicode")


def test_a_blank_message_is_not_from_the_account_of_another(service: Service, annas: str) -> None:
    save_account(service, annas)
    _, admins = service.associate("chief", admin=True)
    reply = service.call("CreateDefaultEMailEntity", ticket=admins)
    assert inside(response(reply)) == WIRE["EMailEntity"]


# Taken as given ---------------------------------------------------------------------------------


def test_a_blank_account_is_saved_once_it_is_filled_in(service: Service, annas: str) -> None:
    blank = response(service.call("CreateDefaultEMailAccount", ticket=annas))
    for path, text in (
        ("EMailAddress", "anna@example.com"),
        ("IncomingCredentials/Server", "imap.example.com"),
        ("IncomingCredentials/Username", "anna"),
        ("IncomingCredentials/Password", "secret-84"),
    ):
        blank.find("/".join(f"{{{SERVICES84}}}{step}" for step in path.split("/"))).text = text
    reply = save(service, annas, children(blank))
    assert reply.succeeded, reply.exception
    assert reply.text("Response/IncomingCredentials/Port") == "143"


@pytest.mark.parametrize("version", ENVELOPES)
def test_blank_connection_data_signs_in_once_they_are_filled_in(
    service: Service, annas: str, dovecot: DovecotServer, version: str
) -> None:
    dovecot.add_user("blank", "mail-secret-84")
    blank = response(service.call("CreateDefaultEMailConnectionInfo", ticket=annas))
    for name, text in (
        ("ServerName", f"127.0.0.1:{dovecot.port_plain}"),
        ("UserName", "blank"),
        ("Password", "mail-secret-84"),
    ):
        blank.find(f"{{{SERVICES84}}}{name}").text = text
    info = f"<n:ConnectionInfo>{children(blank)}</n:ConnectionInfo>"
    body = envelope("AuthenticateIncoming", info, version=version, ticket=annas)
    reply = service.post(body, content_type=TYPES[version])
    assert reply.text("Response") == "true"
