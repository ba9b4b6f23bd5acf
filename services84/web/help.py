"""The help page of a .svc address, the index of the services, and the page for all else.

`help_page`, `index_page` and `not_found_page` are pure; the functions ending in `reply` answer a
WSGI request with them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from html import escape
from http import HTTPStatus
from typing import Any

from services84.agents.registry import Operation, ServiceTable
from services84.proxies import address_of
from services84.settings import Settings
from services84.web.clients import client_guides
from services84.web.layout import code_block, page

Environ = Mapping[str, Any]
StartResponse = Callable[..., Any]

_SENTENCE_END = re.compile(r"(?<=[.!?])\s")
_HEADERS = (
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),
    ("X-Content-Type-Options", "nosniff"),
)


def help_page(table: ServiceTable, address: str) -> str:
    """HTML for the service `table` at `address`, the URL without query."""
    name, shown = escape(table.file), escape(address)
    needs_ticket = any(op.needs_ticket for op in table)
    ticket = (
        "<p>Calls need a ticket in the <code>Credentials</code> header; obtain one from "
        '<a href="SoPrincipal.svc">SoPrincipal.svc</a> by '
        "<code>AuthenticateUsernamePassword</code>.</p>"
        if needs_ticket
        else "<p>Sign in here for a ticket; the other services want it with every call.</p>"
    )
    guides = "".join(
        f"<h3>{escape(stack)}</h3>{code_block(text)}"
        for stack, text in client_guides(table, address).items()
    )
    rows = "".join(_operation_row(op) for op in table)
    return page(
        f"{table.file} - services84",
        f"<h1>{name}</h1>"
        f'<p class="soft">A SOAP service at <code>{shown}</code>, compatible with SuperOffice '
        "NetServer Services84. SOAP 1.1 and 1.2 are spoken at this same address; the envelope "
        f"decides.</p>{ticket}"
        '<ul class="links"><li><a href="?wsdl">WSDL</a></li>'
        '<li><a href="?wsdl&amp;soap=1.1">WSDL, SOAP 1.1 only</a></li>'
        '<li><a href="?wsdl&amp;soap=1.2">WSDL, SOAP 1.2 only</a></li>'
        '<li><a href="?singleWsdl">Single-file WSDL</a></li></ul>'
        f"<h2>{len(table)} operations</h2>"
        '<div class="wide"><table><thead><tr><th>Operation</th><th>Takes</th><th>Gives</th>'
        f"<th></th></tr></thead><tbody>{rows}</tbody></table></div>"
        f"<h2>Point a client at it</h2>{guides}"
        "<h2>When a call fails</h2><p>The reply has HTTP status 200, <code>Succeeded</code> "
        "false and the reason in <code>ExceptionInfo</code>, both in its SOAP header. A Fault "
        "says that the request itself was wrong.</p>",
    )


def index_page(tables: Iterable[ServiceTable], address: str) -> str:
    """HTML that lists the services of this installation; `address` is its root URL."""
    rows = "".join(
        f'<tr><td><a href="{escape(address.rstrip("/"))}/Remote/Services84/{escape(table.file)}">'
        f"{escape(table.file)}</a></td><td>{len(table)} operations</td></tr>"
        for table in tables
    )
    return page(
        "services84",
        '<h1>services84</h1><p class="soft">A self-hosted mirror of the SuperOffice NetServer '
        f"Services84 web services.</p><table><tbody>{rows}</tbody></table>",
    )


def not_found_page(tables: Iterable[ServiceTable]) -> str:
    """HTML for an address where nothing is."""
    places = ", ".join(f"<code>/Remote/Services84/{escape(table.file)}</code>" for table in tables)
    return page("Not found - services84", f"<h1>Nothing here</h1><p>The services: {places}.</p>")


def help_reply(
    environ: Environ, start_response: StartResponse, settings: Settings, table: ServiceTable
) -> Iterable[bytes]:
    """Answer a GET or HEAD of a .svc address."""
    text = help_page(table, address_of(environ, settings))
    return _send(environ, start_response, HTTPStatus.OK, text)


def index_reply(
    environ: Environ,
    start_response: StartResponse,
    settings: Settings,
    tables: Iterable[ServiceTable],
) -> Iterable[bytes]:
    """Answer a GET or HEAD of the root; other methods are not for it."""
    if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
        return not_found_reply(environ, start_response, settings, tables)
    text = index_page(tables, address_of(environ, settings))
    return _send(environ, start_response, HTTPStatus.OK, text)


def not_found_reply(
    environ: Environ,
    start_response: StartResponse,
    settings: Settings,  # the three answer alike
    tables: Iterable[ServiceTable],
) -> Iterable[bytes]:
    """Answer any request for an address where nothing is."""
    return _send(environ, start_response, HTTPStatus.NOT_FOUND, not_found_page(tables))


def _operation_row(op: Operation) -> str:
    takes = ", ".join(f"{name}: {_type_name(kind)}" for name, kind in op.parameters.items())
    gives = ", ".join(f"{name}: {_type_name(kind)}" for name, kind in op.returns.items())
    return (
        f"<tr><td><code>{escape(op.name)}</code></td><td>{escape(takes)}</td>"
        f"<td>{escape(gives)}</td><td>{escape(_first_sentence(op.documentation))}</td></tr>"
    )


def _type_name(kind: Any) -> str:
    return str(kind.get_type_name())


def _first_sentence(text: str) -> str:
    paragraph = " ".join(text.partition("\n\n")[0].split())
    return _SENTENCE_END.split(paragraph, maxsplit=1)[0]


def _send(
    environ: Environ, start_response: StartResponse, status: HTTPStatus, text: str
) -> Iterable[bytes]:
    body = text.encode()
    headers = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Length", str(len(body))),
        *_HEADERS,
    ]
    start_response(f"{status.value} {status.phrase}", headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
