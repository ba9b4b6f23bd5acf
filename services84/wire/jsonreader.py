"""The one entry point of JSON: bytes from a caller become values here, or are refused (RFC 8259).

The limits on depth and number of values are those of XML, and are applied by a scan before the
parser sees the first byte. Stricter than Python's parser: no NaN, no name twice in an object.

Pure: bytes in, values out. What the values mean is for those who know the types.
"""

from __future__ import annotations

import codecs
import json
import re
from typing import Any, NoReturn

from services84.errors import InvalidMember, LimitExceeded, MalformedMessage
from services84.settings import PREFIX
from services84.wire.xmlreader import XmlLimits

LONGEST_NUMBER = 40  # digits; no member of any type has more
# A string, or one that does not end, or what separates values; possessive quantifiers, so that no
# input makes it try twice.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+(?P<end>"|\Z)|[\[\]{},]', re.DOTALL)
_TOKENS_PER_VALUE = 5  # a name, a value, a comma, and the two ends of what holds them
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark starts with that of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ENCODINGS = re.compile(r"utf-?8|utf-?16(-?le|-?be)?|utf-?32(-?le|-?be)?|us-ascii|iso-8859-1")


def read_json(body: bytes, limits: XmlLimits, *, charset: str | None = None) -> Any:
    """The value that `body` holds.

    `charset` is that of the Content-Type; a byte order mark overrules it, and without either it is
    UTF-8. Raises MalformedMessage for what is no JSON, InvalidMember for a name that an object has
    twice, and LimitExceeded naming the limit.
    """
    text = decoded(body, charset)
    del body
    _scan(text, limits)
    try:
        return json.loads(
            text, object_pairs_hook=_object, parse_int=_integer, parse_constant=_no_number
        )
    except (ValueError, RecursionError) as error:
        raise MalformedMessage(f"the request is no JSON: {_reason(error)}") from error


def decoded(body: bytes, charset: str | None) -> str:
    """The text of a body; raises MalformedMessage for what is in no encoding of this kind."""
    encoding = (charset or "utf-8").lower()
    for mark, name in _MARKS:
        if body.startswith(mark):
            body, encoding = body[len(mark) :], name
            break
    if not _ENCODINGS.fullmatch(encoding):
        raise MalformedMessage(f"the request's encoding {encoding[:40]!r} is not supported")
    try:
        return body.decode(encoding)
    except (LookupError, UnicodeError) as error:
        raise MalformedMessage(f"the request is not encoded in {encoding}") from error


def _scan(text: str, limits: XmlLimits) -> None:
    """Raises LimitExceeded, or MalformedMessage for a string that does not end."""
    depth = values = 0
    for tokens, token in enumerate(_TOKEN.finditer(text), 1):
        mark = text[token.start()]
        if mark == '"':
            if not token["end"]:
                raise MalformedMessage("the request is no JSON: it ends inside a string")
        elif mark in "[{":
            depth += 1
            values += 1
        elif mark == ",":
            values += 1
        else:
            depth -= 1
        if depth > limits.depth:
            _exceeded("levels of nesting", limits.depth, "max_xml_depth")
        if values > limits.elements or tokens > _TOKENS_PER_VALUE * limits.elements:
            _exceeded("values", limits.elements, "max_xml_elements")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise InvalidMember(name[:60], name, "is given more than once")
            seen.add(name)
    return found


def _integer(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise ValueError(f"a number has more than {LONGEST_NUMBER} digits")
    return int(text)


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _exceeded(what: str, limit: int, setting: str) -> NoReturn:
    name = f"{PREFIX}{setting.upper()}"
    raise LimitExceeded(
        f"the request has more than {limit} {what} (setting {name})",
        parameters={"Limit": str(limit), "Setting": name},
    )


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno}, column {error.colno}"
    return str(error)
