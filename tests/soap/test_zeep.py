"""zeep, from the served WSDL, over HTTP on loopback, through both bindings."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
import zeep

from services84.carriers.account import EMailAccount, ServiceAuth
from services84.errors import NotFound
from tests.soap.wire import TICKET, TNS, Service, make_endpoint


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def address(service: Service) -> Iterator[str]:
    server: WSGIServer = make_server("127.0.0.1", 0, make_endpoint(service), handler_class=Quiet)  # type: ignore[arg-type]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/Remote/Services84/EMail.svc"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=["BasicHttpBinding_EMail", "Soap12HttpBinding_EMail"])
def calls(address: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The operations of the service through one of its ports."""
    with zeep.Client(f"{address}?wsdl") as client:
        yield client.bind("WcfEMailService", request.param)


HEADERS = {"Credentials": {"Ticket": TICKET}}


def test_a_bad_ticket_is_a_failure_with_a_reason(calls: Any) -> None:
    reply = calls.GetEMailAccount(5, _soapheaders={"Credentials": {"Ticket": "7T:stale"}})
    assert reply.header.Succeeded is False
    assert reply.header.ExceptionInfo.ExceptionType == "SoAuthenticationException"
    assert reply.body.Response is None


def test_a_failed_call_is_told_in_the_header(calls: Any, service: Service) -> None:
    service.result = NotFound("no account 5")
    reply = calls.GetEMailAccount(5, _soapheaders=HEADERS)
    assert reply.header.ExceptionInfo.FriendlyText == "no account 5"


def test_a_wrong_request_is_a_fault(calls: Any) -> None:
    kind = zeep.xsd.ComplexType([zeep.xsd.Element("SoTimeZoneId", zeep.xsd.Integer())])
    zone = zeep.xsd.Element(f"{{{TNS}}}TimeZone", kind)(SoTimeZoneId=1)
    with pytest.raises(zeep.exceptions.Fault, match="TimeZone is given 2 times"):
        calls.GetCurrentAccountId(_soapheaders=[zone, zone])


def test_an_account_goes_there_and_back(calls: Any, service: Service) -> None:
    service.result = EMailAccount(
        EMailAccountId=5, IncomingCredentials=ServiceAuth(Server="mail.example.com", Port=993)
    )
    service.extra = {"Sync.State": "completed"}
    reply = calls.SaveEMailAccount(
        {
            "EMailAccountId": 0,
            "EMailAddress": "jørgen@example.com",
            "IncomingCredentials": {"Port": 143, "Password": "x"},
        },
        _soapheaders=HEADERS | {"TimeZone": {"SoTimeZoneId": 261}},
    )
    assert reply.header.Succeeded is True
    assert reply.header.ExceptionInfo.Message is None  # zeep makes an empty object of a nil header
    assert reply.header.TimeZone.SoTimeZoneId == 261
    assert reply.header.ExtraInfo.ExtraInfoNameValuePair[0].Key == "Sync.State"
    assert reply.body.Response.EMailAccountId == 5
    assert reply.body.Response.IncomingCredentials.Port == 993
    ((_, (account,)),) = service.calls
    assert account.EMailAddress == "jørgen@example.com"
    assert account.IncomingCredentials.Password == "x"


def test_arrays_and_simple_results(calls: Any, service: Service) -> None:
    accounts = {"SyncUserAccount": [{"AccountId": 1}, {"AccountId": 2}]}
    assert calls.SyncEmailAccounts(accounts, _soapheaders=HEADERS).header.Succeeded is True
    ((_, (given,)),) = service.calls
    assert [account.AccountId for account in given] == [1, 2]
    service.result = 42
    assert calls.GetCurrentAccountId(_soapheaders=HEADERS).body.Response == 42
