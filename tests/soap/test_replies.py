"""Replies: the four headers always, the body as the WSDL has it, in the request's version."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from services84.carriers.account import EMailAccount, ServiceAuth
from services84.errors import (
    AccessDenied,
    InvalidValue,
    LoginRefused,
    NotFound,
    SecretUnreadable,
    StoreUnavailable,
    TooManyAttempts,
)
from services84.soap.endpoint import SoapEndpoint
from tests.soap.wire import (
    SOAP11,
    SOAP12,
    TEXT_XML,
    TICKET,
    TNS,
    XSI,
    Service,
    envelope,
    make_endpoint,
    post,
)

GET = "<GetEMailAccount><EMailAccountId>5</EMailAccountId></GetEMailAccount>"
BOTH = pytest.mark.parametrize("soap", [SOAP11, SOAP12])


def test_a_void_success_word_for_word(endpoint: SoapEndpoint) -> None:
    answer = post(endpoint, envelope("<SyncEmailAccount/>"))
    assert answer.headers == {
        "content-type": "text/xml; charset=utf-8",
        "content-length": str(len(answer.body)),
    }
    assert answer.body.decode() == (
        "<?xml version='1.0' encoding='utf-8'?>\n"
        f'<s:Envelope xmlns:s="{SOAP11}" xmlns:n="{TNS}" xmlns:i="{XSI}"><s:Header>'
        '<n:ExceptionInfo i:nil="true"/><n:ExtraInfo i:nil="true"/><n:Succeeded>true</n:Succeeded>'
        '<n:TimeZone i:nil="true"/></s:Header><s:Body><n:SyncEmailAccountResponse/></s:Body>'
        "</s:Envelope>"
    )


def test_members_come_in_the_order_of_the_wsdl_and_none_is_left_out(
    endpoint: SoapEndpoint, service: Service
) -> None:
    service.result = EMailAccount(
        ErrorReason="",
        IncomingCredentials=ServiceAuth(Port=993, Server="mail.example.com"),
        EMailAddress="a@example.com",
        EMailAccountId=5,
    )
    answer = post(endpoint, envelope(GET))
    (account,) = answer.result
    assert account.tag == f"{{{TNS}}}Response"
    assert [child.tag.partition("}")[2] for child in account] == [
        "EMailAccountId",
        "EMailAddress",
        "IncomingCredentials",
        "ErrorReason",
    ]
    assert [(child.tag.partition("}")[2], child.text) for child in account[2]] == [
        ("Server", "mail.example.com"),
        ("Port", "993"),
    ]


@pytest.mark.parametrize(("result", "text"), [(7, "7"), (0, "0")])
def test_a_simple_result(endpoint: SoapEndpoint, service: Service, result: int, text: str) -> None:
    service.result = result
    answer = post(endpoint, envelope("<GetCurrentAccountId/>"))
    assert [(child.tag, child.text) for child in answer.result] == [(f"{{{TNS}}}Response", text)]


@pytest.mark.parametrize("operation", ["GetCurrentAccountId", "GetEMailAccount"])
def test_no_result_is_no_element(endpoint: SoapEndpoint, operation: str) -> None:
    answer = post(endpoint, envelope(f"<{operation}/>"))
    assert answer.result.tag == f"{{{TNS}}}{operation}Response"
    assert len(answer.result) == 0


@BOTH
def test_extra_info_tells_what_the_operation_adds(
    endpoint: SoapEndpoint, service: Service, soap: str
) -> None:
    service.extra = {"Sync.State": "completed", "Sync.New": "3"}
    answer = post(endpoint, envelope("<SyncEmailAccount/>", version=soap))
    assert answer.version == soap
    pairs = [[child.text for child in pair] for pair in answer.find("ExtraInfo")]
    assert pairs == [["Sync.State", "completed"], ["Sync.New", "3"]]


def test_text_that_xml_cannot_carry_never_breaks_a_reply(
    endpoint: SoapEndpoint, service: Service
) -> None:
    service.result = EMailAccount(ErrorReason="a\x00b\ud800c", EMailAddress="]]>&<\r\n")
    answer = post(endpoint, envelope(GET))
    assert answer.text("ErrorReason") == "a�b�c"
    assert answer.text("EMailAddress") == "]]>&<\r\n"


@BOTH
@pytest.mark.parametrize(
    ("error", "kind", "message", "parameters"),
    [
        (NotFound("no account 5"), "SoNotFoundException", "no account 5", None),
        (AccessDenied("not yours"), "SoAccessDeniedException", "not yours", None),
        (
            InvalidValue("EMailAccount/AuthType", "Kerberos", "is no AuthType"),
            "SoArgumentException",
            "EMailAccount/AuthType: 'Kerberos' is no AuthType",
            {"Member": "EMailAccount/AuthType", "Problem": "is no AuthType"},
        ),
        (
            TooManyAttempts(8.0),
            "SoAuthenticationException",
            "too many failed attempts; try again in 8 seconds",
            {"RetryAfter": "8"},
        ),
        (
            LoginRefused("refused", host="mail.example.com:993"),
            "SoMailServerException",
            "refused",
            {"Server": "mail.example.com:993"},
        ),
    ],
)
def test_a_failed_call_is_told_in_the_header(
    endpoint: SoapEndpoint,
    service: Service,
    soap: str,
    error: Any,
    kind: str,
    message: str,
    parameters: Any,
) -> None:
    service.result = error
    answer = post(endpoint, envelope(GET, version=soap))
    assert answer.status == 200
    assert answer.version == soap
    assert [child.tag.partition("}")[2] for child in answer.root[0]] == [
        "ExceptionInfo",
        "ExtraInfo",
        "Succeeded",
        "TimeZone",
    ]
    info = {child.tag.partition("}")[2]: child.text for child in answer.find("ExceptionInfo")}
    info.pop("Parameters", None)
    assert info == {
        "Message": message,
        "FriendlyText": message,
        "ExceptionType": kind,
        "Source": "services84",
    }
    found = answer.find("Parameters")
    pairs = None if found is None else {pair[0].text: pair[1].text for pair in found}
    assert pairs == parameters
    assert answer.text("Succeeded") == "false"
    assert answer.result.tag == f"{{{TNS}}}GetEMailAccountResponse"
    assert len(answer.result) == 0


SECRET = "hunter2 /var/lib/key postgresql://u:p@h"


@pytest.mark.parametrize("mode", ["header", "fault"])
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (StoreUnavailable(SECRET), "SoDatabaseException"),
        (SecretUnreadable(SECRET), "SoSecretException"),
        (RuntimeError(SECRET), "SoException"),
        (RecursionError(SECRET), "SoException"),
    ],
)
def test_what_is_not_for_callers_stays_in_the_log(
    service: Service, mode: str, error: Exception, kind: str
) -> None:
    service.result = error
    with capture_logs() as logs:
        answer = post(make_endpoint(service, errors=mode), envelope(GET))
    assert answer.status == (200 if mode == "header" else 500)
    assert SECRET.encode() not in answer.body
    assert b"Traceback" not in answer.body
    if mode == "header":
        assert answer.text("ExceptionType") == kind
    assert logs[0]["log_level"] == "error"
    assert logs[0]["exc_info"] is error


def test_a_result_that_cannot_be_written_is_a_failure_not_a_broken_reply(
    endpoint: SoapEndpoint, service: Service
) -> None:
    service.result = EMailAccount(AccountStatus=99999)
    with capture_logs() as logs:
        answer = post(endpoint, envelope(GET))
    assert answer.text("Succeeded") == "false"
    assert len(answer.result) == 0
    assert "99999" in str(logs[0]["exc_info"])


def test_a_wrong_ticket_is_a_failure_with_a_reason(endpoint: SoapEndpoint) -> None:
    header = "<Credentials><Ticket>7T:stale</Ticket></Credentials>"
    answer = post(endpoint, envelope(GET, header=header))
    assert answer.status == 200
    assert answer.text("ExceptionType") == "SoAuthenticationException"
    assert "expired" in (answer.text("FriendlyText") or "")


def test_one_line_is_logged_for_a_call_without_its_secrets(
    endpoint: SoapEndpoint, service: Service
) -> None:
    with capture_logs() as logs:
        post(
            endpoint,
            envelope(
                "<SaveEMailAccount><EMailAccount><ErrorReason>hunter2</ErrorReason></EMailAccount></SaveEMailAccount>"
            ),
        )
    (line,) = logs
    assert {
        key: line[key] for key in ("event", "service", "operation", "soap", "outcome", "associate")
    } == {
        "event": "call",
        "service": "EMail",
        "operation": "SaveEMailAccount",
        "soap": "1.1",
        "outcome": "ok",
        "associate": 7,
    }
    assert line["seconds"] >= 0
    assert TICKET not in str(logs)
    assert "hunter2" not in str(logs)


def test_many_calls_at_once_do_not_mix(service: Service) -> None:
    from concurrent.futures import ThreadPoolExecutor

    endpoint = make_endpoint(service)

    def call(number: int) -> tuple[str, str | None]:
        soap = SOAP12 if number % 2 else SOAP11
        header = (
            f"<Credentials><Ticket>{TICKET}</Ticket></Credentials>"
            f"<TimeZone><SoTimeZoneId>{number}</SoTimeZoneId></TimeZone>"
        )
        answer = post(
            endpoint, envelope("<SyncEmailAccount/>", header=header, version=soap), TEXT_XML
        )
        return answer.version, answer.text("SoTimeZoneId")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(call, range(100)))
    assert answers == [(SOAP12 if n % 2 else SOAP11, str(n)) for n in range(100)]
