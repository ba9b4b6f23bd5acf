"""Which media type an answer is given in (RFC 9110 section 12.5.1). Pure."""

from __future__ import annotations

from collections.abc import Sequence

from services84.errors import NotAcceptable

JSON = "application/json"
XML = "application/xml"
MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
# Best first: the first is given to whoever takes everything.
JSON_TYPES = (JSON, "text/json", MERGE_PATCH, JSON_PATCH)
XML_TYPES = (XML, "text/xml")
BINARY_TYPES = ("application/octet-stream", "message/rfc822")
OFFERED = (*JSON_TYPES[:2], *XML_TYPES, *JSON_TYPES[2:])


def negotiated(accept: str | None, offered: Sequence[str] = OFFERED) -> str:
    """The type of `offered` that the header wants most; raises NotAcceptable.

    Parameters other than `q` do not count: everything is UTF-8.
    """
    ranges = _ranges(accept or "*/*")
    if not ranges:
        return offered[0]
    qualities = {kind: _quality(kind, ranges) for kind in offered}
    best = max(offered, key=lambda kind: qualities[kind])  # of equals the first
    if qualities[best] <= 0:
        raise NotAcceptable(f"the answer can be given as {', '.join(offered)} only")
    return best


def is_xml(kind: str) -> bool:
    """Whether an answer of this type is XML."""
    return kind in XML_TYPES


def _ranges(header: str) -> dict[str, float]:
    """Media ranges in lower case, with their weights; what is no media range is passed over."""
    found = {}
    for part in header.split(","):
        kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if kind == "*":  # some clients' spelling
            kind = "*/*"
        if kind.count("/") == 1:
            found[kind] = _weight(parameters)
    return found


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 1.0
    return 1.0


def _quality(kind: str, ranges: dict[str, float]) -> float:
    """The weight of the most specific range that has `kind`."""
    for candidate in (kind, f"{kind.partition('/')[0]}/*", "*/*"):
        if candidate in ranges:
            return ranges[candidate]
    return 0.0
