"""zeep, told nothing but the address: its types and calls come from the served WSDL."""

from __future__ import annotations

from typing import Any

import pytest
import zeep
from zeep.transports import Transport

from services84.agents import EMAIL
from tests.conformance.conftest import Customer
from tests.support.server import ServerProcess, plain_session

VERSIONS = ["1.1", "1.2"]


def client_of(server: ServerProcess, service: str, version: str | None = None) -> zeep.Client:
    query = f"singleWsdl&soap={version}" if version else "wsdl"
    transport = Transport(session=plain_session())
    return zeep.Client(f"{server.base}/{service}.svc?{query}", transport=transport)


def sign_in(customer: Customer, version: str) -> dict[str, Any]:
    """Request headers with a ticket."""
    principal = client_of(customer.server, "SoPrincipal", version).service
    reply = principal.AuthenticateUsernamePassword(
        UserName=customer.name, Password=customer.password
    )
    assert reply.header.Succeeded
    assert reply.body.AuthenticationSucceeded
    assert reply.body.Response.Associate == customer.name
    return {"Credentials": {"Ticket": reply.body.Credentials.Ticket}}


def account_of(customer: Customer) -> dict[str, Any]:
    return {
        "EMailAddress": customer.address,
        "IncomingCredentials": {
            "Server": "127.0.0.1",
            "Port": customer.dovecot.port_plain,
            "AuthType": "Password",
            "Username": customer.name,
            "Password": customer.mail_password,
        },
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_a_wrong_password_is_an_answer_and_gives_no_ticket(
    customer: Customer, version: str
) -> None:
    principal = client_of(customer.server, "SoPrincipal", version).service
    reply = principal.AuthenticateUsernamePassword(UserName=customer.name, Password="not it")
    assert reply.header.Succeeded
    assert reply.header.ExceptionInfo.Message is None  # zeep's view of nil
    assert not reply.body.AuthenticationSucceeded
    assert reply.body.Credentials is None


@pytest.mark.parametrize("version", VERSIONS)
def test_a_bad_ticket_is_seen_in_the_headers(customer: Customer, version: str) -> None:
    email = client_of(customer.server, "EMail", version).service
    headers = {"Credentials": {"Ticket": "7T:bm90IGEgdGlja2V0"}}
    reply = email.GetEMailAccount(EMailAccountId=1, _soapheaders=headers)
    assert reply.header.Succeeded is False
    assert reply.header.ExceptionInfo.ExceptionType == "SoAuthenticationException"
    assert "ticket" in reply.header.ExceptionInfo.FriendlyText
    assert reply.header.ExceptionInfo.StackTrace is None


@pytest.mark.parametrize("version", VERSIONS)
def test_authenticate_save_sync_and_get(customer: Customer, version: str) -> None:
    headers = sign_in(customer, version)
    email = client_of(customer.server, "EMail", version).service

    saved = email.SaveEMailAccount(EMailAccount=account_of(customer), _soapheaders=headers)
    assert saved.header.Succeeded, saved.header.ExceptionInfo
    account_id = saved.body.Response.EMailAccountId
    assert account_id > 0

    synced = email.SyncEmailAccount(
        SyncUserAccount={"AccountId": account_id},
        _soapheaders={**headers, "TimeZone": {"SoTimeZoneId": 261}},
    )
    assert synced.header.Succeeded, synced.header.ExceptionInfo
    assert synced.header.TimeZone.SoTimeZoneId == 261
    extra = {pair.Key: pair.Value for pair in synced.header.ExtraInfo.ExtraInfoNameValuePair}
    assert extra["Sync.State"] == "completed"
    assert extra["Sync.New"] == str(customer.messages)

    got = email.GetEMailAccount(EMailAccountId=account_id, _soapheaders=headers)
    assert got.header.Succeeded, got.header.ExceptionInfo
    account = got.body.Response
    assert account.EMailAddress == customer.address
    assert account.AccountStatus == 4
    assert account.IncomingCredentials.Username == customer.name
    assert account.IncomingCredentials.Password != customer.mail_password
    assert len(customer.cached_subjects(account_id)) == customer.messages


def test_the_accounts_that_are_due_can_be_handed_to_sync_email_accounts(customer: Customer) -> None:
    headers = sign_in(customer, "1.1")
    email = client_of(customer.server, "EMail", "1.1").service
    email.SaveEMailAccount(EMailAccount=account_of(customer), _soapheaders=headers)
    ready = email.GetReadySyncEmailAccounts(_soapheaders=headers).body.Response
    (mine,) = ready.SyncUserAccount
    assert mine.AssociateName == customer.name
    synced = email.SyncEmailAccounts(SyncUserAccounts=ready, _soapheaders=headers)
    told = {pair.Key: pair.Value for pair in synced.header.ExtraInfo.ExtraInfoNameValuePair}
    assert told.pop("Request.Id")
    assert told == {"Sync.Started": "1", "Sync.Joined": "0", "Sync.Refused": "0"}


def test_both_ports_are_in_the_wsdl_and_the_first_is_the_vendors(server: ServerProcess) -> None:
    client = client_of(server, "EMail")
    (service,) = client.wsdl.services.values()
    first, second = service.ports.values()
    assert first.name == "BasicHttpBinding_EMail"
    assert type(first.binding).__name__ == "Soap11Binding"
    assert type(second.binding).__name__ == "Soap12Binding"
    operations = first.binding._operations
    assert len(operations) == len(EMAIL)
    assert operations.keys() == second.binding._operations.keys()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_wsdl_of_one_version_has_one_port(server: ServerProcess, version: str) -> None:
    (service,) = client_of(server, "EMail", version).wsdl.services.values()
    assert len(service.ports) == 1
