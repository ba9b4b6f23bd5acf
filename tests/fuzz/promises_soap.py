"""What the SOAP endpoint promises of whatever is posted to it: a well-formed answer, and a reason."""

from __future__ import annotations

import atexit
import io
import shutil
import socket
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import structlog
from lxml import etree

from services84.agents import TABLES
from services84.namespaces import SERVICES84, SOAP11_ENVELOPE, SOAP12_ENVELOPE
from services84.security.outbound import Found
from tests.support.service import Service, running_service

STATUSES = frozenset({"200", "400", "413", "415", "500", "503"})
TYPES = ("text/xml; charset=utf-8", "application/soap+xml; charset=utf-8", "text/xml", "")
_ENVELOPES = (SOAP11_ENVELOPE, SOAP12_ENVELOPE)
OPERATIONS = tuple(
    (service, name)
    for service in sorted(TABLES)
    for name in sorted(operation.name for operation in TABLES[service])
)


class Unanswered(AssertionError):
    """A failure that is nobody's but ours."""


def promises(data: bytes) -> None:
    """Post what the bytes say. The first one chooses the form: a body as it stands, or an envelope
    of an operation, whose members follow."""
    service, body, content_type = request(data)
    status, headers, reply = scene().request(
        f"/Remote/Services84/{service}.svc",
        REQUEST_METHOD="POST",
        CONTENT_TYPE=content_type,
        CONTENT_LENGTH=str(len(body)),
        **{"wsgi.input": io.BytesIO(body)},
    )
    assert status.partition(" ")[0] in STATUSES, status
    root = etree.fromstring(reply, etree.XMLParser(huge_tree=True))
    assert root.tag in {f"{{{namespace}}}Envelope" for namespace in _ENVELOPES}
    fault = root.find("{*}Body/{*}Fault")
    if status.startswith("200"):
        assert fault is None
        succeeded = root.find(f"{{*}}Header/{{{SERVICES84}}}Succeeded")
        assert succeeded is not None
        info = root.find(f"{{*}}Header/{{{SERVICES84}}}ExceptionInfo")
        assert succeeded.text == "true" or (info is not None and len(info))
    else:
        assert fault is not None
    assert headers["content-type"].startswith(("text/xml", "application/soap+xml"))


def request(data: bytes) -> tuple[str, bytes, str]:
    """Service, body and content type."""
    if len(data) < 3:
        return "EMail", data, TYPES[0]
    form, chosen, rest = data[0], data[1], data[2:]
    content_type = TYPES[form % len(TYPES)]
    if form & 0x80:
        return OPERATIONS[chosen % len(OPERATIONS)][0], rest, content_type
    service, operation = OPERATIONS[chosen % len(OPERATIONS)]
    version = (form >> 2) & 1
    return service, envelope(operation, rest, version), TYPES[version]


def envelope(operation: str, members: bytes, version: int = 0) -> bytes:
    """A request by an administrator who is signed in; the members as they stand."""
    return (
        (
            f'<s:Envelope xmlns:s="{_ENVELOPES[version]}" xmlns="{SERVICES84}" '
            f'xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><s:Header><Credentials><Ticket>'
            f"{_ticket()}</Ticket></Credentials></s:Header><s:Body><{operation}>"
        ).encode()
        + members
        + f"</{operation}></s:Body></s:Envelope>".encode()
    )


def _nowhere(host: str, port: int) -> Sequence[Found]:
    """No name is looked up, and only loopback is reached: at a port where nobody is."""
    if host == "localhost" or host.startswith("127."):
        return [(socket.AF_INET, ("127.0.0.1", 9))]
    raise socket.gaierror(socket.EAI_NONAME, "there is no network here")


@cache
def scene() -> Service:
    """The service, with an account; it lives as long as the process."""
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix="services84-fuzz-", dir=memory))
    stack = ExitStack()
    atexit.register(lambda: shutil.rmtree(folder, ignore_errors=True))
    atexit.register(stack.close)
    service = stack.enter_context(
        running_service(folder, sync_wait=0, mail_connect_timeout=0.5, mail_read_timeout=0.5)
    )
    service.services.mail._dialer._resolver = _nowhere
    structlog.configure(processors=[_our_own_failures])
    return service


def _our_own_failures(logger: Any, method: str, event: dict[str, Any]) -> str:
    """A call that failed otherwise than by an error of ours, which the log alone is told."""
    if event.get("event") == "call failed":
        raise Unanswered("the call failed by no error of ours") from event.get("exc_info")
    raise structlog.DropEvent


@cache
def _ticket() -> str:
    _, ticket = scene().associate("fuzzer", admin=True)
    members = {
        "EMailAccount": {
            "EMailAddress": "a@example.com",
            "IncomingCredentials": {"Server": "127.0.0.1", "Port": 9, "Username": "a"},
        }
    }
    scene().call("SaveEMailAccount", members, ticket=ticket)
    return ticket
