"""The served schemas under .NET, and every operation's replies against them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from services84.agents import EMAIL, TABLES
from tests.conformance.cached_messages import use_the_cache
from tests.conformance.conftest import Customer
from tests.conformance.folders import use_folders
from tests.conformance.live_messages import read_and_file
from tests.conformance.mono import compile_program, run_program
from tests.conformance.people import archive_a_mail, ask_the_book, fill_book
from tests.conformance.sending import send_mail
from tests.soap.contract_schema import check_reply, compile_schemas, inline_schemas
from tests.support.server import ServerProcess, plain_session
from tests.support.service import TYPES, Reply, envelope, member_xml, running_service
from tests.support.submission import SubmissionServer

EVERY_TABLE = pytest.mark.parametrize("service", list(TABLES))
VERSIONS = pytest.mark.parametrize("version", ["1.1", "1.2"])
ZONE = (
    b"<n:TimeZone><n:SoTimeZoneId>261</n:SoTimeZoneId><n:SoTimeZoneLocationCode>NO"
    b"</n:SoTimeZoneLocationCode></n:TimeZone></s:Header>"
)


@cache
def served(base: str, service: str, soap: str = "both") -> bytes:
    with plain_session() as session:
        return session.get(f"{base}/{service}.svc?singleWsdl&soap={soap}", timeout=30).content


@pytest.fixture(scope="session")
def compiler(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """.NET's schema compiler as a program."""
    return compile_program("Schemas", tmp_path_factory.mktemp("dotnet"), "System.Xml")


@EVERY_TABLE
@pytest.mark.parametrize("soap", ["both", "1.1", "1.2"])
def test_dotnet_compiles_the_schemas(
    compiler: Path, server: ServerProcess, tmp_path: Path, service: str, soap: str
) -> None:
    wsdl = served(server.base, service, soap)
    file = tmp_path / "service.wsdl"
    file.write_bytes(wsdl)
    done = run_program(compiler, str(file))
    elements = sum(
        child.tag.endswith("}element") for schema in inline_schemas(wsdl) for child in schema
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"elements={elements}\n", "")


class Talk:
    """Calls as one customer; every reply is checked. `said` are the operations called."""

    def __init__(self, server: ServerProcess, version: str, ticket: str) -> None:
        self.said: set[str] = set()
        self._server = server
        self._version = version
        self._ticket = ticket
        self._schemas = {name: compile_schemas(served(server.base, name)) for name in TABLES}

    def succeeds(self, operation: str, members: str = "") -> Reply:
        """The reply to `members`, XML with the prefix `n`; its headers have values."""
        service = next(table.name for table in TABLES.values() if operation in table)
        body = envelope(operation, members, version=self._version, ticket=self._ticket)
        zoned = body.replace(b"</s:Header>", ZONE)
        reply = self._server.post(zoned, TYPES[self._version], service=service)
        assert reply.succeeded, (operation, reply.exception)
        check_reply(self._schemas[service], reply.root)
        self.said.add(operation)
        return reply


def connection(port: int, customer: Customer) -> str:
    members = {
        "ServerName": f"127.0.0.1:{port}",
        "UserName": customer.name,
        "Password": customer.mail_password,
        "UseSSL": False,
    }
    return member_xml({"ConnectionInfo": members})


def account(customer: Customer) -> str:
    credentials = {
        "Server": "127.0.0.1",
        "Port": customer.dovecot.port_plain,
        "Username": customer.name,
        "Password": customer.mail_password,
    }
    members = {"EMailAddress": customer.address, "IncomingCredentials": credentials}
    return member_xml({"EMailAccount": members})


def generic(user: Mapping[str, str]) -> str:
    pairs = "".join(
        member_xml({"AuthenticationGenericDataKeyValuePair": {"Key": key, "Value": value}})
        for key, value in user.items()
    )
    return f"<n:AuthenticationData>{pairs}</n:AuthenticationData>"


@VERSIONS
def test_every_reply_of_a_success_is_valid(
    customer: Customer, submission: SubmissionServer, version: str
) -> None:
    """In an order in which each finds what it needs."""
    talk = Talk(customer.server, version, customer.server.sign_in(customer.name))
    user = {"UserName": customer.name, "Password": customer.password}
    for default in (op.name for op in EMAIL if op.name.startswith("CreateDefault")):
        talk.succeeds(default)
    saved = talk.succeeds("SaveEMailAccount", account(customer))
    one = member_xml({"EMailAccountId": saved.text("Response/EMailAccountId")})
    sync = member_xml({"SyncUserAccount": {"AccountId": saved.text("Response/EMailAccountId")}})
    talk.succeeds("GetEMailAccount", one)
    talk.succeeds("GetEMailAccountFromEMailAddress", member_xml({"FromAddress": customer.address}))
    talk.succeeds("GetCurrentAccountId")
    talk.succeeds("GetCurrentAccount")
    talk.succeeds("AuthenticateIncoming", connection(customer.dovecot.port_plain, customer))
    extended = connection(customer.dovecot.port_plain, customer)
    talk.succeeds("Authenticate", extended.replace("ConnectionInfo>", "ConnectionInfoExtended>"))
    submission.add_user(customer.name, customer.mail_password)
    talk.succeeds("AuthenticateOutgoing", connection(submission.port_plain, customer))
    talk.succeeds("TestAuthenticate")
    talk.succeeds("GetReadySyncEmailAccounts")
    talk.succeeds("SyncEmailAccount", sync)
    talk.succeeds("SyncEmailAccounts", f"<n:SyncUserAccounts>{sync}</n:SyncUserAccounts>")
    use_folders(talk.succeeds, connection(customer.dovecot.port_plain, customer))
    read_and_file(talk.succeeds, connection(customer.dovecot.port_plain, customer))
    use_the_cache(talk.succeeds)
    fill_book(customer.server, customer.address)
    ask_the_book(talk.succeeds, customer.address)
    archive_a_mail(talk.succeeds, customer.address)
    imap, smtp = customer.dovecot.port_plain, submission.port_plain
    servers = [connection(port, customer) for port in (imap, smtp)]
    number = saved.text("Response/EMailAccountId") or ""
    send_mail(talk.succeeds, number, customer.address, *servers)
    talk.succeeds("GetSystemInfo")
    talk.succeeds("AuthenticateImplicit")
    talk.succeeds("AuthenticateUsernamePassword", member_xml(user))
    talk.succeeds("AuthenticateGeneric", generic(user))
    talk.succeeds("DeleteEMailAccount", one)
    assert talk.said == {op.name for table in TABLES.values() for op in table}


@EVERY_TABLE
@VERSIONS
def test_every_reply_of_a_failure_is_valid(tmp_path: Path, service: str, version: str) -> None:
    """Online no operation is fulfilled for an application that nobody knows."""
    with running_service(tmp_path, installation="online") as running:
        _, _, wsdl = running.request(f"/Remote/Services84/{service}.svc?singleWsdl")
        schema = compile_schemas(wsdl)
        for operation in TABLES[service]:
            reply = running.call(
                operation.name, service=service, version=version, application_token="nobody's"
            )
            assert reply.exception["ExceptionType"] == "SoAuthenticationException"
            check_reply(schema, reply.root)
