"""`/api/v1/Agents/EMail/{Operation}`: every operation of the table, derived from its declaration.

POST invokes. GET describes and never invokes, and is for everybody, as the WSDL is.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, g, request
from lxml import etree

from services84.agents import EMAIL
from services84.agents.call import Call
from services84.agents.registry import Operation
from services84.agents.rights import tell_rights
from services84.carriers.account import EMailAccount
from services84.errors import UnknownOperation
from services84.rest.answers import json_bytes, plain_answer
from services84.rest.arguments import read_arguments
from services84.rest.authentication import TIME_ZONE
from services84.rest.context import admitted, in_callers_language
from services84.rest.descriptions import describe, operation_url
from services84.rest.negotiation import BINARY_TYPES, JSON, OFFERED, is_xml, negotiated
from services84.rest.places import Places, places_of
from services84.rest.timezones import read_time_zone
from services84.rest.values import Form, check_selection, element, plain, read_selection

operations = Blueprint("operations", __name__)

EXTRA_HEADER = "X-Services84-"
_BY_NAME = {operation.name.lower(): operation for operation in EMAIL}
_UNSAFE = re.compile(r"[^\x20-\x7e\xa0-\xff]+")  # what a field of HTTP does not carry


@operations.get("/api/v1")
def index() -> Response:
    """All addresses of operations with what they do."""
    told = {
        operation_url(operation): {
            "POST": operation.documentation,
            "GET": "Describe the operation; nothing is invoked.",
        }
        for operation in EMAIL
    }
    return plain_answer(told, root="Addresses")


@operations.get("/api/v1/agents/email/<name>")
def description(name: str) -> Response:
    """What an operation takes and gives."""
    return plain_answer(describe(_operation(name)), root="Operation")


@operations.post("/api/v1/agents/email/<name>")
def invocation(name: str) -> Response:
    """Invoke an operation with what the request says."""
    operation = _operation(name)
    places = places_of(operation)
    kind = negotiated(request.headers.get("Accept"), offered_by(places))
    selected = read_selection(request.args.get("$select"))
    if places.returns is not None:
        check_selection(places.returns, selected)
    call = admitted(operation)
    result = operation.invoke(call, read_arguments(operation, call))
    if places.returns is None:
        return Response(status=HTTPStatus.NO_CONTENT, content_type=f"{JSON}; charset=utf-8")
    (value,) = result.values()
    if kind in BINARY_TYPES:
        return Response(packed(value), content_type=kind)
    if isinstance(value, EMailAccount):
        tell_rights(call, value)
    told = plain(places.returns, value, _form(call), selected)
    return Response(
        _xml(places, told) if is_xml(kind) else json_bytes(told),
        content_type=f"{kind}; charset=utf-8",
    )


def offered_by(places: Places) -> tuple[str, ...]:
    """The types in which an operation answers, the usual one first."""
    return (*BINARY_TYPES, *OFFERED) if places.gives_bytes else OFFERED


def tell_extra(reply: Response, call: Call | None) -> None:
    """What a call tells beside its answer, as headers: `Sync.State` is X-Services84-Sync-State."""
    for name, value in (call.extra if call is not None else {}).items():
        field = EXTRA_HEADER + re.sub(r"[^A-Za-z0-9]+", "-", name)
        text = _UNSAFE.sub(" ", value.encode("ascii", "replace").decode())
        reply.headers[field] = text.strip()


def packed(value: Any) -> bytes:
    """Bytes, also where they come in pieces."""
    if value is None:
        return b""
    return value if isinstance(value, bytes) else b"".join(value)


def _operation(name: str) -> Operation:
    operation = _BY_NAME.get(name.lower())
    if operation is None:
        raise UnknownOperation(f"{name[:60]!r} is no operation of the EMail agent")
    g.operation = operation.name
    return operation


def _form(call: Call) -> Form:
    with_offset = read_time_zone(request.headers.get(TIME_ZONE)).with_offset
    return Form(call.zone, with_offset, in_callers_language)


def _xml(places: Places, told: Any) -> bytes:
    assert places.returns is not None
    written: bytes = etree.tostring(
        element(places.returns, told), encoding="utf-8", xml_declaration=True
    )
    return written
