"""Faults: what is no message of the contract, in both versions; and errors as Faults on demand."""

from __future__ import annotations

from typing import Any

import pytest

from services84.errors import LoginRefused, NotFound
from services84.soap.endpoint import SoapEndpoint
from tests.soap.wire import (
    SOAP11,
    SOAP12,
    SOAP_XML,
    TEXT_XML,
    TNS,
    Answer,
    Service,
    ask,
    envelope,
    make_endpoint,
    post,
    request_environ,
)

GET = "<GetEMailAccount/>"


def test_a_soap_11_fault_word_for_word(endpoint: SoapEndpoint) -> None:
    answer = post(endpoint, envelope("<Nonsense/>"))
    assert answer.status == 500
    assert answer.headers["content-type"] == TEXT_XML
    assert answer.body.decode() == (
        "<?xml version='1.0' encoding='utf-8'?>\n"
        f'<s:Envelope xmlns:s="{SOAP11}"><s:Body><s:Fault><faultcode>s:Client</faultcode>'
        f'<faultstring xml:lang="en">{{{TNS}}}Nonsense is no operation of EMail.svc</faultstring>'
        "</s:Fault></s:Body></s:Envelope>"
    )


def test_a_soap_12_fault_word_for_word(endpoint: SoapEndpoint) -> None:
    answer = post(endpoint, envelope("<Nonsense/>", version=SOAP12), SOAP_XML)
    assert answer.status == 400
    assert answer.headers["content-type"] == SOAP_XML
    assert answer.body.decode() == (
        "<?xml version='1.0' encoding='utf-8'?>\n"
        f'<s:Envelope xmlns:s="{SOAP12}"><s:Body><s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code>'
        f'<s:Reason><s:Text xml:lang="en">{{{TNS}}}Nonsense is no operation of EMail.svc</s:Text>'
        "</s:Reason></s:Fault></s:Body></s:Envelope>"
    )


@pytest.mark.parametrize(
    "operation",
    [
        '<GetEMailAccount xmlns="urn:other"/>',
        '<GetEMailAccount xmlns=""/>',
        "<getemailaccount/>",
        "<Save/>",
    ],
)
def test_an_operation_is_found_by_its_whole_name_only(
    endpoint: SoapEndpoint, operation: str
) -> None:
    assert "is no operation of EMail.svc" in (
        post(endpoint, envelope(operation)).text("faultstring") or ""
    )


def reason(answer: Answer) -> str:
    text = answer.text("faultstring") if answer.version == SOAP11 else answer.text("Text")
    return text or ""


@pytest.mark.parametrize("content_type", [TEXT_XML, SOAP_XML])
@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "the request is empty"),
        (b"no xml", "no well-formed XML"),
        (b"<!DOCTYPE a><a/>", "document type declaration"),
        (b"<html/>", "no SOAP envelope"),
        (b"\xff\xfe<\x00", "no well-formed XML"),
    ],
)
def test_what_has_no_version_is_answered_in_that_of_its_type(
    endpoint: SoapEndpoint, body: bytes, problem: str, content_type: str
) -> None:
    answer = post(endpoint, body, content_type)
    assert answer.status == (500 if content_type == TEXT_XML else 400)
    assert answer.version == (SOAP11 if content_type == TEXT_XML else SOAP12)
    assert problem in reason(answer)


@pytest.mark.parametrize(
    ("content_type", "soap"), [(TEXT_XML, SOAP11), (SOAP_XML, SOAP12), (None, SOAP11)]
)
def test_an_unknown_soap_version_is_a_mismatch_with_an_offer(
    endpoint: SoapEndpoint, content_type: str | None, soap: str
) -> None:
    answer = post(endpoint, envelope(GET, version="urn:soap13"), content_type)
    assert answer.status == 500
    assert answer.version == soap
    code = answer.text("faultcode") if soap == SOAP11 else answer.text("Value")
    assert code == "s:VersionMismatch"
    upgrade = answer.root[0][0]
    assert upgrade.tag == f"{{{SOAP12}}}Upgrade"
    offered = []
    for supported in upgrade:
        prefix, _, name = supported.get("qname").partition(":")
        offered.append((supported.nsmap[prefix], name))
    assert offered == [(SOAP12, "Envelope"), (SOAP11, "Envelope")]


@pytest.mark.parametrize("soap", [SOAP11, SOAP12])
def test_a_mandatory_header_that_is_unknown_is_a_fault(
    endpoint: SoapEndpoint, service: Service, soap: str
) -> None:
    header = '<x:Reliable xmlns:x="urn:x" s:mustUnderstand="1"/>'
    answer = post(endpoint, envelope(GET, header=header, version=soap))
    assert answer.status == 500
    assert service.presented == []
    if soap == SOAP11:
        assert answer.text("faultcode") == "s:MustUnderstand"
    else:
        assert answer.text("Value") == "s:MustUnderstand"
        block = answer.find("NotUnderstood")
        prefix, _, name = block.get("qname").partition(":")
        assert (block.nsmap[prefix], name) == ("urn:x", "Reliable")
    assert "{urn:x}Reliable" in reason(answer)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "GET", "HEAD"])
def test_other_methods_are_not_allowed(endpoint: SoapEndpoint, method: str) -> None:
    answer = ask(endpoint, request_environ(method=method))
    assert answer.status == 405
    assert answer.headers["allow"] == "GET, HEAD, POST"


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "text/plain",
        "multipart/related; type=text/xml; boundary=x",
        "text",
        "application/x-www-form-urlencoded",
    ],
)
def test_other_types_are_unsupported(endpoint: SoapEndpoint, content_type: str) -> None:
    answer = post(endpoint, envelope(GET), content_type)
    assert answer.status == 415
    assert "carries no SOAP" in reason(answer)


def test_a_compressed_request_is_unsupported(endpoint: SoapEndpoint) -> None:
    answer = post(endpoint, b"\x1f\x8b", HTTP_CONTENT_ENCODING="gzip")
    assert answer.status == 415


@pytest.mark.parametrize("more", [{}, {"wsgi.input_terminated": True, "CONTENT_LENGTH": ""}])
def test_a_body_over_the_limit_is_too_large(service: Service, more: dict[str, Any]) -> None:
    endpoint = make_endpoint(service, max_body_bytes=2000)
    fits = envelope("<GetCurrentAccountId/>")
    fits += " " * (2000 - len(fits))
    assert post(endpoint, fits, **more).status == 200
    answer = post(endpoint, fits + " ", **more)
    assert answer.status == 413
    assert reason(answer) == (
        "the request body is longer than 2000 bytes (setting SERVICES84_MAX_BODY_BYTES)"
    )


NESTED = "<SyncUserAccounts>{}</SyncUserAccounts>"


def test_the_number_of_elements_is_a_setting(service: Service) -> None:
    endpoint = make_endpoint(service, max_xml_elements=16)
    # Envelope, Header, Credentials, Ticket, Body, operation and parameter are seven.
    fits, exceeds = (NESTED.format("<SyncUserAccount/>" * count) for count in (9, 10))
    assert post(endpoint, envelope(f"<SyncEmailAccounts>{fits}</SyncEmailAccounts>")).status == 200
    answer = post(endpoint, envelope(f"<SyncEmailAccounts>{exceeds}</SyncEmailAccounts>"))
    assert answer.status == 500
    assert reason(answer) == (
        "the request has more than 16 elements (setting SERVICES84_MAX_XML_ELEMENTS)"
    )


def test_the_depth_is_a_setting(service: Service) -> None:
    endpoint = make_endpoint(service, max_xml_depth=8)
    account = "<EMailAccount><TableRight><Mask>Select</Mask></TableRight></EMailAccount>"
    # Envelope, Body, operation, EMailAccount, TableRight and Mask are six.
    for deeper, said in (
        ("", ""),
        ("<a><a/></a>", "EMailAccount/"),
        ("<a><a><a/></a></a>", "8 levels"),
    ):
        body = account.replace("Select", deeper or "Select")
        answer = post(endpoint, envelope(f"<SaveEMailAccount>{body}</SaveEMailAccount>"))
        assert said in (reason(answer) if answer.status != 200 else "")
    assert "SERVICES84_MAX_XML_DEPTH" in reason(answer)


@pytest.mark.parametrize(
    ("soap", "error", "status", "code"),
    [
        (SOAP11, NotFound("no account 5"), 500, "s:Client"),
        (SOAP12, NotFound("no account 5"), 400, "s:Sender"),
        (SOAP11, LoginRefused("the server refused"), 500, "s:Server"),
        (SOAP12, LoginRefused("the server refused"), 500, "s:Receiver"),
    ],
)
def test_a_failed_call_is_a_fault_where_the_setting_says_so(
    service: Service, soap: str, error: Any, status: int, code: str
) -> None:
    service.result = error
    answer = post(make_endpoint(service, errors="fault"), envelope(GET, version=soap))
    assert answer.status == status
    assert answer.text("faultcode" if soap == SOAP11 else "Value") == code
    assert reason(answer) == error.message
    assert answer.find("detail") is None
    assert answer.find("Detail") is None


@pytest.mark.parametrize(
    ("namespace", "action"),
    [
        ("http://www.w3.org/2005/08/addressing", "http://www.w3.org/2005/08/addressing/soap/fault"),
        (
            "http://schemas.xmlsoap.org/ws/2004/08/addressing",
            "http://schemas.xmlsoap.org/ws/2004/08/addressing/fault",
        ),
    ],
)
def test_a_fault_for_a_caller_by_ws_addressing_relates_to_its_request(
    endpoint: SoapEndpoint, namespace: str, action: str
) -> None:
    header = (
        f'<a:Action xmlns:a="{namespace}" s:mustUnderstand="1">x</a:Action>'
        f'<a:MessageID xmlns:a="{namespace}">urn:1</a:MessageID>'
    )
    answer = post(endpoint, envelope("<Nonsense/>", header=header, version=SOAP12))
    assert [(child.tag, child.text) for child in answer.root[0]] == [
        (f"{{{namespace}}}Action", action),
        (f"{{{namespace}}}RelatesTo", "urn:1"),
    ]
