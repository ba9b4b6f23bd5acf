"""A small service of the contract's own carriers, and the wire around it, for the SOAP tests."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from services84.agents.call import Call, Presented
from services84.agents.registry import Operation, ServiceTable
from services84.carriers.account import (
    ArrayOfSyncUserAccount,
    EMailAccount,
    ServiceAuth,
    SyncUserAccount,
)
from services84.carriers.base import (
    ArrayOfInt,
    ArrayOfString,
    Binary,
    Boolean,
    DateTime,
    Double,
    ETableRight,
    FieldPropertyDictionary,
    Int,
    Short,
    String,
)
from services84.carriers.principal import AuthenticationGenericData, UserType
from services84.errors import NotAuthenticated
from services84.settings import Settings
from services84.soap.endpoint import SoapEndpoint
from services84.store.values import Associate

SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
TNS = "http://www.superoffice.net/ws/crm/NetServer/Services84"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
TICKET = "7T:1234abcxyzExample=="

TEXT_XML = "text/xml; charset=utf-8"
SOAP_XML = "application/soap+xml; charset=utf-8"


class Service:
    """The table, and everything that its operations were called with.

    `result` is what SaveEMailAccount and Echo give back, or raise when it is an exception.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.presented: list[Presented] = []
        self.extra: dict[str, str] = {}
        self.result: Any = None
        self.table = self._make_table()

    def _make_table(self) -> ServiceTable:
        table = ServiceTable(
            "EMail", request_headers=("ApplicationToken", "Credentials", "TimeZone")
        )
        for name, returns, parameters in (
            ("SyncEmailAccount", None, {"SyncUserAccount": SyncUserAccount}),
            ("SyncEmailAccounts", None, {"SyncUserAccounts": ArrayOfSyncUserAccount}),
            ("SaveEMailAccount", EMailAccount, {"EMailAccount": EMailAccount}),
            ("GetEMailAccount", EMailAccount, {"EMailAccountId": Int}),
            ("GetCurrentAccountId", Int, {}),
            (
                "Sign",
                None,
                {"Data": AuthenticationGenericData, "Properties": FieldPropertyDictionary},
            ),
            ("Echo", EVERYTHING, EVERYTHING),
        ):
            self._declare(table, name, returns, parameters)
        return table

    def _declare(
        self, table: ServiceTable, name: str, returns: Any, parameters: Mapping[str, Any]
    ) -> None:
        @table.operation(name, returns=returns, **parameters)
        def handler(call: Call, *arguments: Any) -> Any:
            """Do what the test says. More is not known."""
            self.calls.append((name, arguments))
            call.extra.update(self.extra)
            if isinstance(self.result, BaseException):
                raise self.result
            return self.result

    def admit(self, operation: Operation, presented: Presented) -> Call:
        self.presented.append(presented)
        if operation.needs_ticket and presented.ticket != TICKET:
            raise NotAuthenticated("the ticket is not known or has expired")
        associate = Associate(7, "tje0", "Terje", False)
        return Call(
            services=None,  # type: ignore[arg-type]
            presented=presented,
            arrived=datetime.now(UTC),
            associate=associate,
        )


EVERYTHING = {
    "Int": Int,
    "Short": Short,
    "Boolean": Boolean,
    "Double": Double,
    "DateTime": DateTime,
    "String": String,
    "Binary": Binary,
    "Enumeration": UserType,
    "Flags": ETableRight,
    "Ints": ArrayOfInt,
    "Strings": ArrayOfString,
    "Auth": ServiceAuth,
}


@dataclass(frozen=True)
class Answer:
    """An HTTP answer with what SOAP says in it."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    root: Any = field(default=None)

    @property
    def version(self) -> str:
        return etree.QName(self.root).namespace

    def find(self, name: str) -> Any:
        """The first element with the local name `name`, or None."""
        found = self.root.xpath("//*[local-name() = $name]", name=name)
        return found[0] if found else None

    def text(self, name: str) -> str | None:
        element = self.find(name)
        return None if element is None else element.text

    @property
    def result(self) -> Any:
        """The Body's child."""
        return self.root[-1][0]


def envelope(body: str, *, header: str | None = None, version: str = SOAP11) -> str:
    """An envelope with the ticket in its header, unless `header` says otherwise."""
    if header is None:
        header = f"<Credentials><Ticket>{TICKET}</Ticket></Credentials>"
    return (
        f'<s:Envelope xmlns:s="{version}" xmlns="{TNS}" xmlns:i="{XSI}">'
        f"<s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    )


def make_endpoint(service: Service, **settings: Any) -> SoapEndpoint:
    return SoapEndpoint(service.table, service.admit, Settings(**settings))


def request_environ(
    body: bytes = b"", content_type: str | None = TEXT_XML, method: str = "POST", **more: Any
) -> dict[str, Any]:
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": "/Remote/Services84/EMail.svc",
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "8084",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "localhost:8084",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "CONTENT_LENGTH": str(len(body)),
    }
    if content_type is not None:
        environ["CONTENT_TYPE"] = content_type
    return environ | more


def ask(endpoint: Any, environ: Mapping[str, Any]) -> Answer:
    """Call a WSGI application and read its answer."""
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]]) -> None:
        started.extend((status, headers))

    body = b"".join(endpoint(environ, start_response))
    headers = {name.lower(): value for name, value in started[1]}
    assert headers["content-length"] == str(len(body)) or environ["REQUEST_METHOD"] == "HEAD"
    xml = "xml" in headers["content-type"] and body
    root = etree.fromstring(body, etree.XMLParser(huge_tree=True)) if xml else None
    return Answer(int(started[0][:3]), headers, body, root)


def post(
    endpoint: Any, body: str | bytes, content_type: str | None = TEXT_XML, **more: Any
) -> Answer:
    """POST a message."""
    data = body.encode() if isinstance(body, str) else body
    return ask(endpoint, request_environ(data, content_type, **more))
