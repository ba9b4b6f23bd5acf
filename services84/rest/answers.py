"""Answers of plain values, JSON or XML as the caller takes it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from flask import Response, request
from lxml import etree

from services84.rest.negotiation import is_xml, negotiated
from services84.wire.lexical import write_text


def plain_answer(value: Any, *, root: str, status: int = HTTPStatus.OK) -> Response:
    """An answer of texts, numbers, mappings and lists; as XML in an element named `root`.

    Raises NotAcceptable.
    """
    kind = negotiated(request.headers.get("Accept"))
    body = xml_bytes(value, root) if is_xml(kind) else json_bytes(value)
    return Response(body, status, content_type=f"{kind}; charset=utf-8")


def json_bytes(value: Any) -> bytes:
    """A value as JSON."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")


def xml_bytes(value: Any, root: str) -> bytes:
    """A value as XML: members are elements, items of a list are `item`s, and a name that no element
    can have is told by `member` with its attribute `name`."""
    element = etree.Element(root)
    _fill(element, value)
    written: bytes = etree.tostring(element, encoding="utf-8", xml_declaration=True)
    return written


def _fill(element: Any, value: Any) -> None:
    if isinstance(value, Mapping):
        for name, held in value.items():
            _fill(_member(element, str(name)), held)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for held in value:
            _fill(etree.SubElement(element, "item"), held)
    elif value is not None:
        element.text = write_text(str(value).lower() if isinstance(value, bool) else str(value))


def _member(element: Any, name: str) -> Any:
    if name.isidentifier() and name.isascii():
        return etree.SubElement(element, name)
    member = etree.SubElement(element, "member")
    member.set("name", write_text(name))
    return member
