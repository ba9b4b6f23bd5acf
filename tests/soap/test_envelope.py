"""The envelope: its version, its headers, the one operation in its Body."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

from services84.errors import MalformedMessage, NotUnderstood, VersionMismatch
from services84.soap.envelope import (
    Addressing,
    SoapVersion,
    addressing_of,
    check_understood,
    read_envelope,
)

SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
WSA = "http://www.w3.org/2005/08/addressing"
BOTH = pytest.mark.parametrize("soap", [SOAP11, SOAP12])


def tree(content: str, soap: str = SOAP11) -> Any:
    return etree.fromstring(
        f'<s:Envelope xmlns:s="{soap}" xmlns:a="{WSA}" xmlns="urn:x">{content}</s:Envelope>'
    )


@pytest.mark.parametrize(
    "text",
    [
        '<Envelope xmlns="http://www.w3.org/2001/12/soap-envelope"><Body/></Envelope>',
        "<Envelope><Body><x/></Body></Envelope>",
    ],
)
def test_another_soap_version_is_a_mismatch(text: str) -> None:
    with pytest.raises(VersionMismatch):
        read_envelope(etree.fromstring(text))


@BOTH
@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "no Body"),
        ("<s:Header/>", "no Body"),
        ("<s:Body/>", "no element"),
        ("<s:Body> text </s:Body>", "no element"),
        ("<s:Body><x/><y/></s:Body>", "2 elements"),
        ("<s:Body><x/></s:Body><s:Body><x/></s:Body>", "Body after its Body"),
        ("<s:Body><x/></s:Body><s:Header/>", "Header after its Body"),
        ("<s:Body><x/></s:Body><y/>", "y after its Body"),
        ("<s:Header/><s:Header/><s:Body><x/></s:Body>", "more than one Header"),
    ],
)
def test_an_envelope_of_another_shape_is_malformed(soap: str, content: str, problem: str) -> None:
    with pytest.raises(MalformedMessage, match=problem):
        read_envelope(tree(content, soap))


def test_what_is_no_envelope_is_malformed() -> None:
    with pytest.raises(MalformedMessage, match="no SOAP envelope but a html"):
        read_envelope(etree.fromstring("<html/>"))


@BOTH
def test_version_headers_and_operation_are_found(soap: str) -> None:
    message = read_envelope(tree("<s:Header><h/> <g/></s:Header><s:Body> <op/> </s:Body>", soap))
    assert message.version is SoapVersion(soap)
    assert [block.tag for block in message.headers] == ["{urn:x}h", "{urn:x}g"]
    assert message.operation.tag == "{urn:x}op"


@BOTH
def test_header_elements_outside_a_header_count(soap: str) -> None:
    message = read_envelope(tree("<h/><s:Header><g/></s:Header><s:Body><op/></s:Body>", soap))
    assert [block.tag for block in message.headers] == ["{urn:x}h", "{urn:x}g"]


@pytest.mark.parametrize(
    ("soap", "role", "ours"),
    [
        (SOAP11, "s:actor=''", True),
        (SOAP11, "s:actor='http://schemas.xmlsoap.org/soap/actor/next'", True),
        (SOAP11, "s:actor='urn:somebody'", False),
        (SOAP12, "s:role='http://www.w3.org/2003/05/soap-envelope/role/next'", True),
        (SOAP12, "s:role='http://www.w3.org/2003/05/soap-envelope/role/ultimateReceiver'", True),
        (SOAP12, "s:role='http://www.w3.org/2003/05/soap-envelope/role/none'", False),
        (SOAP12, "s:role='urn:somebody'", False),
    ],
)
def test_headers_for_others_are_passed_over(soap: str, role: str, ours: bool) -> None:
    content = f"<s:Header><h s:mustUnderstand='1' {role}/></s:Header><s:Body><x/></s:Body>"
    message = read_envelope(tree(content, soap))
    assert len(message.headers) == ours
    if not ours:
        check_understood(message, [])


@BOTH
@pytest.mark.parametrize("flag", ["1", "true", " true "])
def test_a_mandatory_header_that_nobody_knows_is_not_understood(soap: str, flag: str) -> None:
    content = f"<s:Header><h s:mustUnderstand='{flag}'/><g/></s:Header><s:Body><x/></s:Body>"
    message = read_envelope(tree(content, soap))
    with pytest.raises(NotUnderstood) as caught:
        check_understood(message, ["{urn:x}other"])
    assert caught.value.headers == ["{urn:x}h"]
    check_understood(message, ["{urn:x}h"])


@BOTH
@pytest.mark.parametrize("flag", ["0", "false"])
def test_a_header_that_is_not_mandatory_may_be_unknown(soap: str, flag: str) -> None:
    content = f"<s:Header><h s:mustUnderstand='{flag}'/></s:Header><s:Body><x/></s:Body>"
    check_understood(read_envelope(tree(content, soap)), [])


def test_a_must_understand_that_is_no_boolean_is_malformed() -> None:
    message = read_envelope(tree("<h s:mustUnderstand='yes'/><s:Body><x/></s:Body>"))
    with pytest.raises(MalformedMessage, match="mustUnderstand of the header h"):
        check_understood(message, [])


def test_ws_addressing_is_understood() -> None:
    content = "<s:Header><a:To s:mustUnderstand='1'>x</a:To></s:Header><s:Body><x/></s:Body>"
    check_understood(read_envelope(tree(content)), [])


def test_a_header_given_twice_is_malformed() -> None:
    message = read_envelope(tree("<s:Header><h/><h/></s:Header><s:Body><x/></s:Body>"))
    with pytest.raises(MalformedMessage, match="h is given 2 times"):
        message.header("{urn:x}h")
    assert message.header("{urn:x}g") is None


def test_addressing_is_answered_only_to_who_insists() -> None:
    polite = "<a:Action>x</a:Action><a:MessageID>urn:1</a:MessageID>"
    message = read_envelope(tree(f"<s:Header>{polite}</s:Header><s:Body><x/></s:Body>"))
    assert addressing_of(message) is None
    firm = polite.replace("<a:Action>", "<a:Action s:mustUnderstand='1'>")
    message = read_envelope(tree(f"<s:Header>{firm}</s:Header><s:Body><x/></s:Body>"))
    assert addressing_of(message) == Addressing(WSA, "urn:1")
