"""The one place where errors become SOAP: an ExceptionInfo header or a Fault.

What was no valid message of the contract (MessageError) becomes a Fault; a call that failed
becomes an ExceptionInfo, or a Fault where the setting `errors` says so. What a caller may know of
an error is `wire.failures`' matter.

Faults have no `detail`: some WCF versions fail on one that they do not know.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from lxml import etree

from services84.carriers.base import from_dict
from services84.carriers.headers import SoExceptionInfo, SoExceptionInfoParameters
from services84.errors import (
    BodyTooLong,
    MessageError,
    MethodNotAllowed,
    NotUnderstood,
    ServerBusy,
    UnsupportedMediaType,
    VersionMismatch,
)
from services84.namespaces import SOAP12_ENVELOPE, WS_ADDRESSING
from services84.soap.envelope import Addressing, SoapVersion, split_name
from services84.soap.service import ReplyAction, to_bytes
from services84.wire.failures import SOURCE, explain
from services84.wire.lexical import write_text
from services84.wire.reply import Reply, xml_reply

ALLOWED_METHODS = "GET, HEAD, POST"
_XML = "http://www.w3.org/XML/1998/namespace"
_STATUSES: tuple[tuple[type[MessageError], HTTPStatus], ...] = (
    (MethodNotAllowed, HTTPStatus.METHOD_NOT_ALLOWED),
    (UnsupportedMediaType, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    (BodyTooLong, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (ServerBusy, HTTPStatus.SERVICE_UNAVAILABLE),
)


def exception_info(error: BaseException) -> SoExceptionInfo:
    """The ExceptionInfo header of a failed call; StackTrace stays nil always."""
    failure = explain(error)
    return SoExceptionInfo(
        Message=failure.message,
        FriendlyText=failure.friendly_text,
        ExceptionType=failure.exception_type,
        Source=SOURCE,
        Parameters=from_dict(SoExceptionInfoParameters, failure.parameters)
        if failure.parameters
        else None,
    )


def fault_reply(
    error: BaseException, version: SoapVersion, addressing: Addressing | None = None
) -> Reply:
    """The Fault of an error, with its HTTP status (SOAP 1.1 section 6.2, 1.2 part 2 table 20)."""
    envelope = etree.Element(f"{{{version.namespace}}}Envelope", nsmap={"s": version.namespace})
    _write_headers(envelope, error, version, addressing)
    body = etree.SubElement(envelope, f"{{{version.namespace}}}Body")
    fault = etree.SubElement(body, f"{{{version.namespace}}}Fault")
    code = _code(error, version)
    text = write_text(explain(error).friendly_text)
    (_write_fault11 if version is SoapVersion.V11 else _write_fault12)(fault, code, text)
    status = _status(error, version, code)
    return xml_reply(status, version.media_type, to_bytes(envelope), *_http_headers(error))


def _http_headers(error: BaseException) -> list[tuple[str, str]]:
    if isinstance(error, MethodNotAllowed):
        return [("Allow", ALLOWED_METHODS)]
    if isinstance(error, ServerBusy):
        return [("Retry-After", f"{error.retry_after:.0f}")]
    return []


def _code(error: BaseException, version: SoapVersion) -> str:
    if isinstance(error, VersionMismatch):
        return "VersionMismatch"
    if isinstance(error, NotUnderstood):
        return "MustUnderstand"
    if explain(error).callers_fault:
        return "Client" if version is SoapVersion.V11 else "Sender"
    return "Server" if version is SoapVersion.V11 else "Receiver"


def _status(error: BaseException, version: SoapVersion, code: str) -> HTTPStatus:
    for kind, status in _STATUSES:
        if isinstance(error, kind):
            return status
    if version is SoapVersion.V12 and code == "Sender":
        return HTTPStatus.BAD_REQUEST
    return HTTPStatus.INTERNAL_SERVER_ERROR


def _write_fault11(fault: Any, code: str, text: str) -> None:
    etree.SubElement(fault, "faultcode").text = f"s:{code}"
    reason = etree.SubElement(fault, "faultstring")
    reason.set(f"{{{_XML}}}lang", "en")
    reason.text = text


def _write_fault12(fault: Any, code: str, text: str) -> None:
    value = etree.SubElement(
        etree.SubElement(fault, f"{{{SOAP12_ENVELOPE}}}Code"), f"{{{SOAP12_ENVELOPE}}}Value"
    )
    value.text = f"s:{code}"
    reason = etree.SubElement(
        etree.SubElement(fault, f"{{{SOAP12_ENVELOPE}}}Reason"), f"{{{SOAP12_ENVELOPE}}}Text"
    )
    reason.set(f"{{{_XML}}}lang", "en")
    reason.text = text


def _write_headers(
    envelope: Any, error: BaseException, version: SoapVersion, addressing: Addressing | None
) -> None:
    header = etree.SubElement(envelope, f"{{{version.namespace}}}Header")
    if isinstance(error, VersionMismatch):
        _write_upgrade(header)
    if isinstance(error, NotUnderstood) and version is SoapVersion.V12:
        for name in error.headers:
            _write_not_understood(header, name)
    if addressing is not None:
        tail = "soap/fault" if addressing.namespace == WS_ADDRESSING else "fault"
        ReplyAction(addressing, f"{addressing.namespace}/{tail}").write(header)
    if not len(header):
        envelope.remove(header)


def _write_upgrade(header: Any) -> None:
    """SOAP 1.2 part 1 section 5.4.7: the versions that are spoken here, best first."""
    name = f"{{{SOAP12_ENVELOPE}}}Upgrade"
    upgrade = etree.SubElement(header, name, nsmap={"e12": SOAP12_ENVELOPE})
    for version in (SoapVersion.V12, SoapVersion.V11):
        _write_name(upgrade, "SupportedEnvelope", version.namespace, "Envelope")


def _write_not_understood(header: Any, name: str) -> None:
    """SOAP 1.2 part 1 section 5.4.8."""
    _write_name(header, "NotUnderstood", *split_name(name))


def _write_name(parent: Any, element: str, namespace: str, name: str) -> None:
    """A SOAP 1.2 element whose attribute `qname` is a name, by a prefix that is in scope."""
    nsmap = {"q": namespace} if namespace else None
    child = etree.SubElement(parent, f"{{{SOAP12_ENVELOPE}}}{element}", nsmap=nsmap)
    prefixes = [prefix for prefix, uri in child.nsmap.items() if prefix and uri == namespace]
    child.set("qname", f"{prefixes[0]}:{name}" if prefixes else name)
