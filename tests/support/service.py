"""The service in this process: an Application on a database of its own, called over WSGI."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from lxml import etree

from services84.application import Application, now
from services84.namespaces import SERVICES84, SOAP11_ENVELOPE, SOAP12_ENVELOPE
from services84.requestids import EXTRA
from services84.security.passwords import hash_password
from services84.security.tickets import hash_ticket, new_ticket
from services84.security.vault import Vault
from services84.settings import read_settings
from services84.store.database import Database
from services84.store.values import Associate
from tests.support import events

ENVELOPES = {"1.1": SOAP11_ENVELOPE, "1.2": SOAP12_ENVELOPE}
TYPES = {"1.1": "text/xml; charset=utf-8", "1.2": "application/soap+xml; charset=utf-8"}
PASSWORD = "correct horse 84"


@dataclass(frozen=True)
class Reply:
    """A SOAP reply, taken apart."""

    status: str
    content_type: str
    root: etree._Element

    def header(self, name: str) -> etree._Element | None:
        return self.root.find(f"{{*}}Header/{{{SERVICES84}}}{name}")

    @property
    def succeeded(self) -> bool | None:
        found = self.header("Succeeded")
        return None if found is None else found.text == "true"

    @property
    def exception(self) -> dict[str, str]:
        """Type, Message and FriendlyText of ExceptionInfo; empty when there is none."""
        info = self.header("ExceptionInfo")
        if info is None:
            return {}
        return {etree.QName(child).localname: child.text or "" for child in info}

    @property
    def told(self) -> dict[str, str]:
        """Everything in ExtraInfo."""
        info = self.header("ExtraInfo")
        pairs = [] if info is None else list(info)
        return {pair[0].text or "": pair[1].text or "" for pair in pairs}

    @property
    def extra(self) -> dict[str, str]:
        """What the operation tells in ExtraInfo; the id of the request is not its own."""
        return {key: value for key, value in self.told.items() if key != EXTRA}

    @property
    def body(self) -> etree._Element:
        return self.root.find("{*}Body")[0]  # type: ignore[index]

    def text(self, path: str) -> str | None:
        """The text below the body's element, by local names: `Response/EMailAccountId`."""
        steps = "/".join(f"{{{SERVICES84}}}{step}" for step in path.split("/"))
        return self.body.findtext(steps)


def envelope(
    operation: str,
    members: str = "",
    *,
    version: str = "1.1",
    ticket: str | None = None,
    application_token: str | None = None,
    time_zone: Mapping[str, Any] | None = None,
) -> bytes:
    """A request as a legacy client sends it; `members` is XML with the prefix `n`."""
    headers = ""
    if application_token is not None:
        headers += f"<n:ApplicationToken>{escape(application_token)}</n:ApplicationToken>"
    if ticket is not None:
        headers += f"<n:Credentials><n:Ticket>{escape(ticket)}</n:Ticket></n:Credentials>"
    if time_zone is not None:
        headers += member_xml({"TimeZone": time_zone})
    return (
        f'<?xml version="1.0" encoding="utf-8"?>'
        f'<s:Envelope xmlns:s="{ENVELOPES[version]}" xmlns:n="{SERVICES84}" '
        f'xmlns:i="http://www.w3.org/2001/XMLSchema-instance">'
        f"<s:Header>{headers}</s:Header>"
        f"<s:Body><n:{operation}>{members}</n:{operation}></s:Body></s:Envelope>"
    ).encode()


def member_xml(members: Mapping[str, Any]) -> str:
    """Members as XML in their order; a mapping nests, None is nil."""
    parts = []
    for name, value in members.items():
        if value is None:
            parts.append(f'<n:{name} i:nil="true"/>')
        elif isinstance(value, Mapping):
            parts.append(f"<n:{name}>{member_xml(value)}</n:{name}>")
        else:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            parts.append(f"<n:{name}>{escape(text)}</n:{name}>")
    return "".join(parts)


class Service:
    """An Application with shortcuts for tests."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.services = application.services

    def associate(self, name: str, *, admin: bool = False) -> tuple[Associate, str]:
        """A new associate with a ticket."""
        found = self.services.principals.add_associate(
            name, hash_password(PASSWORD), full_name=name.title(), is_admin=admin
        )
        return found, self.ticket(found)

    def ticket(self, associate: Associate, *, seconds: float = 3600) -> str:
        text, digest = new_ticket()
        expires = self.services.clock() + timedelta(seconds=seconds)
        self.services.principals.add_ticket(digest, associate.associate_id, expires)
        return text

    def application_token(self, name: str, *, email_agent: bool) -> str:
        text, _ = new_ticket()
        self.services.principals.add_application(name, hash_ticket(text), email_agent=email_agent)
        return text

    def call(
        self,
        operation: str,
        members: Mapping[str, Any] | None = None,
        *,
        service: str = "EMail",
        version: str = "1.1",
        **headers: Any,
    ) -> Reply:
        body = envelope(operation, member_xml(members or {}), version=version, **headers)
        return self.post(body, service=service, content_type=TYPES[version])

    def post(
        self,
        body: bytes,
        *,
        service: str = "EMail",
        content_type: str = "text/xml; charset=utf-8",
        **environ: Any,
    ) -> Reply:
        status, headers, content = self.request(
            f"/Remote/Services84/{service}.svc",
            REQUEST_METHOD="POST",
            CONTENT_TYPE=content_type,
            CONTENT_LENGTH=str(len(body)),
            **{"wsgi.input": io.BytesIO(body), **environ},
        )
        reply = Reply(
            status,
            headers.get("content-type", ""),
            etree.fromstring(content, etree.XMLParser(huge_tree=True)),
        )
        events.called(body, reply)
        return reply

    def request(self, path: str, **environ: Any) -> tuple[str, dict[str, str], bytes]:
        """One WSGI request; gives status, headers in lower case and the body."""
        path, _, query = path.partition("?")
        got: dict[str, Any] = {}

        def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
            got["status"] = status
            got["headers"] = {}
            for name, value in headers:  # several of a name as one (RFC 9110 section 5.3)
                before = got["headers"].get(name.lower())
                got["headers"][name.lower()] = value if before is None else f"{before}, {value}"

        complete = {
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "8084",
            "HTTP_HOST": "localhost:8084",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(b""),
            **environ,
        }
        chunks = self.application(complete, start_response)
        content = b"".join(chunks)
        return got["status"], got["headers"], content


@contextmanager
def running_service(
    folder: Path,
    database_url: str | None = None,
    *,
    background: bool = False,
    clock: Callable[[], datetime] = now,
    **settings: Any,
) -> Iterator[Service]:
    """A service with its own key and, unless one is given, its own SQLite database.

    With `background` it syncs by the clock, as a server does.
    """
    key = folder / "test.key"
    if not key.exists():
        Vault.create_key_file(key)
    url = database_url or f"sqlite:///{folder / 'service.sqlite3'}"
    database = Database(url)
    database.migrate()
    database.close()
    application = Application(
        read_settings(database_url=url, key_file=key, **{"backoff_base": 0.001, **settings}),
        background=background,
        clock=clock,
    )
    try:
        yield Service(application)
    finally:
        application.close()
