"""The address of a service: a WSGI callable for POSTed SOAP and for GET of the WSDL.

The order of checks is fixed: HTTP, XML, envelope, mandatory headers, operation, then admission,
and only then the operation's parameters. A caller without a valid ticket learns nothing from
what it put into the body.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from functools import lru_cache, partial
from http import HTTPStatus
from typing import Any, Literal, cast
from urllib.parse import parse_qsl

import structlog

from services84.agents.call import Call, Presented
from services84.agents.registry import Operation, ServiceTable
from services84.errors import (
    CallError,
    MessageError,
    MethodNotAllowed,
    UnknownOperation,
    UnsupportedMediaType,
)
from services84.metrics import OK, Metrics, outcome_of
from services84.namespaces import SERVICES84
from services84.proxies import address_of, client_address, remote_user
from services84.requestids import told_id
from services84.settings import PREFIX, Settings
from services84.soap.envelope import (
    Addressing,
    SoapMessage,
    SoapVersion,
    addressing_of,
    check_understood,
    local_name,
    read_envelope,
    version_of,
)
from services84.soap.faults import exception_info, fault_reply
from services84.soap.headers import UNDERSTOOD, ReplyHeaders, read_presented
from services84.soap.service import Exchange, ReplyAction, SpyneService
from services84.soap.wsdl import build_wsdl, reply_action
from services84.wire.body import BodyLimit, RequestBody
from services84.wire.budget import BodyBudget, Share
from services84.wire.reply import Reply, StartResponse, text_reply, xml_reply
from services84.wire.xmlreader import XmlLimits, read_xml

log = structlog.get_logger(__name__)

Admit = Callable[[Operation, Presented], Call]
Environ = Mapping[str, Any]
# application/xml and a missing type are taken for SOAP too: the envelope says what it is.
MEDIA_TYPES = ("text/xml", "application/soap+xml", "application/xml")
WSDL_QUERIES = ("wsdl", "singlewsdl")
# Whoever signs in has little to say, and is nobody yet. Bytes, by service.
SMALL_BODIES = {"SoPrincipal": 64 * 1024}


@dataclass(frozen=True)
class _Request:
    """A well-formed request for an operation that exists; its parameters are not read yet."""

    operation: Operation
    presented: Presented
    exchange: Exchange


@dataclass
class _Course:
    """How far one request has come; what is not reached yet is None."""

    version: SoapVersion
    addressing: Addressing | None = None
    request: _Request | None = None
    call: Call | None = None
    outcome: str = OK
    told: Mapping[str, str] = field(default_factory=dict)  # in ExtraInfo, whatever the operation


class SoapEndpoint:
    """One .svc address. `admit` lets a caller in or raises (see `agents.gate`); `budget` is the
    process's, where others read bodies beside it."""

    def __init__(
        self,
        table: ServiceTable,
        admit: Admit,
        settings: Settings,
        budget: BodyBudget | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self.table = table
        self._metrics = metrics or Metrics()
        self._admit = admit
        self._settings = settings
        self._service = SpyneService(table)
        self._limits = XmlLimits(settings.max_xml_depth, settings.max_xml_elements)
        self._body_limit = BodyLimit(settings.max_body_bytes, f"{PREFIX}MAX_BODY_BYTES")
        small = SMALL_BODIES.get(table.name)
        if small is not None and small < settings.max_body_bytes:
            self._body_limit = BodyLimit(small)
        self._budget = budget or BodyBudget(settings.body_budget_bytes)
        self._wsdl = lru_cache(maxsize=16)(partial(build_wsdl, table))

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a POST, or a GET or HEAD whose query asks for the WSDL."""
        method = environ["REQUEST_METHOD"]
        if method in ("GET", "HEAD") and asks_for_wsdl(environ):
            reply = self.wsdl_reply(environ, address_of(environ, self._settings))
            return reply.send(start_response, head=method == "HEAD")
        return self.soap_reply(environ).send(start_response, head=method == "HEAD")

    def wsdl_reply(self, environ: Environ, address: str) -> Reply:
        """The WSDL with `address` in its ports; `&soap=` chooses the ports."""
        wanted = _query(environ).get("soap") or self._settings.wsdl_soap
        if wanted not in ("both", "1.1", "1.2"):
            return text_reply(
                HTTPStatus.BAD_REQUEST, f"soap={wanted[:20]!r} is none of 1.1, 1.2, both"
            )
        body = self._wsdl(address, cast(Literal["both", "1.1", "1.2"], wanted))
        return xml_reply(HTTPStatus.OK, "text/xml", body)

    def soap_reply(self, environ: Environ) -> Reply:
        """Read, admit, invoke and answer; every failure becomes a reply here."""
        started = time.monotonic()
        course = _Course(version=_version_by_type(environ), told=told_id(environ))
        body = RequestBody(environ)
        with self._budget.share() as share:
            try:
                course.request = self._receive(environ, body, share, course)
                reply = self._fulfil(course.request, course)
            except MessageError as error:
                course.outcome = outcome_of(error)
                reply = fault_reply(error, course.version, course.addressing)
            except Exception as error:  # whatever it is, the caller gets an answer
                reply = self._failed(error, course)
        body.leave()
        self._log(course, time.monotonic() - started)
        return reply

    def _receive(
        self, environ: Environ, body: RequestBody, share: Share, course: _Course
    ) -> _Request:
        if environ["REQUEST_METHOD"] != "POST":
            raise MethodNotAllowed(f"{environ['REQUEST_METHOD']} is not for this address; use POST")
        charset = _charset(environ)
        # The bytes have no name here, so that they are gone once they are a tree.
        root = read_xml(body.read(self._body_limit, share), self._limits, charset=charset)
        course.version = version_of(root)
        message = read_envelope(root)
        check_understood(message, UNDERSTOOD)
        course.addressing = addressing_of(message)
        operation = self._operation(message)
        presented = read_presented(
            message,
            self._service.protocol(message.version),
            remote_address=client_address(environ, self._settings),
            remote_user=remote_user(environ, self._settings),
        )
        return _Request(operation, presented, self._service.exchange(message, operation))

    def _operation(self, message: SoapMessage) -> Operation:
        name = local_name(message.operation.tag)
        if message.operation.tag != f"{{{SERVICES84}}}{name}" or name not in self.table:
            raise UnknownOperation(f"{message.operation.tag} is no operation of {self.table.file}")
        return self.table[name]

    def _fulfil(self, request: _Request, course: _Course) -> Reply:
        course.call = self._admit(request.operation, request.presented)
        request.exchange.read()
        request.exchange.invoke(course.call)
        return self._written(request, course, None)

    def _failed(self, error: Exception, course: _Course) -> Reply:
        course.outcome = outcome_of(error)
        if not isinstance(error, CallError):  # the caller is not told why; the log is
            log.error("call failed", service=self.table.name, exc_info=error)
        if course.request is None or self._settings.errors == "fault":
            return fault_reply(error, course.version, course.addressing)
        return self._written(course.request, course, error)

    def _written(self, request: _Request, course: _Course, error: Exception | None) -> Reply:
        headers = ReplyHeaders(
            exception=exception_info(error) if error is not None else None,
            extra={**(course.call.extra if course.call is not None else {}), **course.told},
            time_zone=request.presented.time_zone,
        )
        action = (
            ReplyAction(course.addressing, reply_action(request.operation))
            if course.addressing is not None
            else None
        )
        body = request.exchange.write(headers, action)
        return xml_reply(HTTPStatus.OK, course.version.media_type, body)

    def _log(self, course: _Course, seconds: float) -> None:
        associate = course.call.associate if course.call is not None else None
        operation = course.request.operation.name if course.request is not None else None
        self._metrics.call_served(
            service=self.table.name,
            operation=operation,
            protocol=f"SOAP {course.version.label}",
            outcome=course.outcome,
            seconds=seconds,
        )
        log.info(
            "call",
            service=self.table.name,
            operation=operation,
            soap=course.version.label,
            outcome=course.outcome,
            seconds=round(seconds, 3),
            associate=associate.associate_id if associate is not None else None,
        )


def asks_for_wsdl(environ: Environ) -> bool:
    """Whether the query names wsdl or singleWsdl, in any case."""
    return any(name in WSDL_QUERIES for name in _query(environ))


def _query(environ: Environ) -> dict[str, str]:
    pairs = parse_qsl(str(environ.get("QUERY_STRING", "")), keep_blank_values=True)
    return {name.lower(): value for name, value in pairs}


def _charset(environ: Environ) -> str | None:
    """The charset of an acceptable Content-Type; raises UnsupportedMediaType for others."""
    encoding = str(environ.get("HTTP_CONTENT_ENCODING") or "identity").strip().lower()
    if encoding != "identity":
        raise UnsupportedMediaType(f"the content encoding {encoding[:40]!r} is not supported")
    return _charset_named(str(environ.get("CONTENT_TYPE") or ""))


@lru_cache(maxsize=64)  # callers have one each; to parse it takes longer than the envelope
def _charset_named(text: str) -> str | None:
    if not text.strip():
        return None
    header = _content_type(text)
    if header.get_content_type() not in MEDIA_TYPES:
        raise UnsupportedMediaType(
            f"the content type {text[:80]!r} carries no SOAP; use {MEDIA_TYPES[0]} for SOAP 1.1 "
            f"and {MEDIA_TYPES[1]} for SOAP 1.2"
        )
    try:
        charset = header.get_param("charset")
    except (ValueError, LookupError, TypeError) as error:
        raise UnsupportedMediaType("the parameters of the content type cannot be read") from error
    # RFC 2231 forms are no charset of any client; some write the quotes of another language.
    return (charset.strip(" \t'") or None) if isinstance(charset, str) else None


def _version_by_type(environ: Environ) -> SoapVersion:
    """The version to answer in while the envelope is not known."""
    return _version_named(str(environ.get("CONTENT_TYPE") or ""))


@lru_cache(maxsize=64)
def _version_named(text: str) -> SoapVersion:
    kind = _content_type(text).get_content_type()
    return SoapVersion.V12 if kind == SoapVersion.V12.media_type else SoapVersion.V11


def _content_type(text: str) -> Message:
    header = Message()
    header["Content-Type"] = text.replace("\r", " ").replace("\n", " ")
    return header
