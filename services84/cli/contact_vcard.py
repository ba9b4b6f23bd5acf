"""Reading address books as vCards: 2.1, 3.0 (RFC 2426) and 4.0 (RFC 6350). Pure.

Done by hand because an error has to name its line, which the libraries for vCards do not know.
"""

from __future__ import annotations

import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from services84.cli.contact_fields import Entry, Said
from services84.errors import InvalidValue

_HEAD = re.compile(
    r"(?:[A-Za-z0-9-]+\.)?(?P<name>[A-Za-z0-9-]+)"
    r'(?P<parameters>(?:;(?:[^":;]|"[^"]*")*)*):'
)
_PARAMETER = re.compile(r';([^=;":]+)(?:=((?:[^";]|"[^"]*")*))?')
_PIECE = re.compile(r"((?:\\.|[^\\;])*)(?:;|$)", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_PLAIN = {
    "UID": "id",
    "FN": "fullname",
    "TITLE": "title",
    "EMAIL": "email",
    "NOTE": "description",
    "BDAY": "birthday",
}
_STRUCTURED = {
    "N": ("lastname", "firstname", "middlename", "mrmrs"),
    "ORG": ("company", "department"),
}


@dataclass
class _Line:
    """A property: its name in capitals, what its parameters say, and its value as it stands."""

    number: int
    name: str
    types: set[str] = field(default_factory=set)
    value: str = ""
    preference: int = 100  # RFC 6350 section 5.3: 1 is the most preferred


def read_vcards(text: str, file: str) -> list[Entry]:
    """The entries of the cards; groups are left out, which are nobody.

    Raises InvalidValue, naming the line, for what is no card or does not end.
    """
    entries: list[Entry] = []
    card: list[_Line] | None = None
    depth = begun = 0
    for line in _lines(text, file):
        kind = line.value.strip().upper()
        if line.name == "BEGIN":
            depth += 1
            if depth == 1:
                if kind != "VCARD":
                    raise InvalidValue(f"{file}:{line.number}", kind, "is no card")
                card, begun = [], line.number
        elif card is None:
            raise InvalidValue(f"{file}:{line.number}", line.name, "stands outside of a card")
        elif line.name == "END":
            depth -= 1
            if depth == 0:
                entries += _entry(begun, card)
                card = None
        elif depth == 1 and not (line.name == "AGENT" and kind.startswith("BEGIN:")):
            card.append(line)
    if card is not None:
        raise InvalidValue(f"{file}:{begun}", "BEGIN:VCARD", "has no END:VCARD")
    return entries


# Lines ------------------------------------------------------------------------------------------


def _lines(text: str, file: str) -> Iterator[_Line]:
    """The properties; folded lines put together (RFC 6350 section 3.2)."""
    waiting = ""
    begun = 0
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text), start=1):
        if line[:1] in (" ", "\t") and waiting:
            waiting += line[1:]
        elif waiting.endswith("=") and _is_quoted_printable(waiting):
            waiting += f"\n{line}"
        else:
            if waiting.strip():
                yield _line(waiting, file, begun)
            waiting, begun = line, number
    if waiting.strip():
        yield _line(waiting, file, begun)


def _is_quoted_printable(line: str) -> bool:
    return "QUOTED-PRINTABLE" in line.partition(":")[0].upper()


def _line(text: str, file: str, number: int) -> _Line:
    head = _HEAD.match(text)
    if head is None:
        raise InvalidValue(f"{file}:{number}", text, "is no property of a card")
    line = _Line(number, head["name"].upper(), value=text[head.end() :])
    charset = ""
    for found, given in _PARAMETER.findall(head["parameters"]):
        # vCard 2.1 leaves the names of TYPE and ENCODING out.
        name, value = (found.upper(), given.strip('"')) if given else ("TYPE", found)
        if name == "TYPE":
            line.types |= {word.strip().upper() for word in value.split(",")}
        elif name == "PREF" and value.isdigit():
            line.preference = int(value)
        elif name == "CHARSET":
            charset = value
    if "PREF" in line.types:
        line.preference = 1
    if _is_quoted_printable(text):
        line.value = _decoded(line.value, charset)
    return line


def _decoded(value: str, charset: str) -> str:
    raw = quopri.decodestring(value.encode("utf-8", "surrogateescape"))
    for name in (charset or "utf-8", "utf-8", "cp1252"):
        try:
            return raw.decode(name)
        except (UnicodeDecodeError, LookupError):
            continue
    return raw.decode("latin-1")


# Cards ------------------------------------------------------------------------------------------


def _entry(begun: int, card: list[_Line]) -> list[Entry]:
    fields: dict[str, list[Said]] = {}
    kind = "individual"
    for line in sorted(card, key=lambda line: line.preference):
        if line.name in ("KIND", "X-ADDRESSBOOKSERVER-KIND"):
            kind = line.value.strip().lower()
        elif line.name == "X-ABSHOWAS" and line.value.strip().upper() == "COMPANY":
            kind = "org"
        elif line.name == "TEL":
            number = _plain(line.value).removeprefix("tel:")
            fields.setdefault(_phone_kind(line.types), []).append(_said(number, line))
        elif line.name in _STRUCTURED:
            _add_pieces(fields, line)
        elif line.name in _PLAIN:
            value = _plain(line.value)
            if line.name == "EMAIL":
                value = value.removeprefix("mailto:")
            fields.setdefault(_PLAIN[line.name], []).append(_said(value, line))
    if kind == "group":
        return []
    return [Entry(begun, fields, is_company=kind in ("org", "organization"))]


def _add_pieces(fields: dict[str, list[Said]], line: _Line) -> None:
    pieces = _PIECE.findall(line.value)
    for name, piece in zip(_STRUCTURED[line.name], pieces, strict=False):
        if piece.strip():
            fields.setdefault(name, []).append(_said(_plain(piece), line))


def _said(value: str, line: _Line) -> Said:
    return Said(value, line.name, line.number)


def _plain(value: str) -> str:
    """A text without its escapes (RFC 6350 section 3.4)."""
    return _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)


def _phone_kind(types: set[str]) -> str:
    for found, kind in (
        ("FAX", "fax"),
        ("CELL", "mobile"),
        ("PAGER", "other"),
        ("HOME", "private"),
    ):
        if found in types:
            return kind
    return "office"
