"""What IMAP responses say: bytes in, values out. Pure; tolerant of odd but real servers.

A response that makes no sense gives None (or is left out) rather than an exception: one strange
line must not stop a sync. RFC 3501 section 7, with RFC 5258 (LIST), 5530 (codes), 7162 (VANISHED,
MODSEQ), 4315 (UID sets).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from services84.imap.framing import Response
from services84.imap.uidsets import HIGHEST_UID, uid_ranges
from services84.mailtext import readable

Value = bytes | None | list["Value"]
"""A parsed item: a string or atom, NIL, or a list."""

_TOKEN = re.compile(
    rb"""[ \t\r\n]*(?:
        (?P<open>\()
      | (?P<close>\))
      | "(?P<quoted>[^"\\]*(?:\\.[^"\\]*)*)"
      | ~?\{(?P<literal>\d+)\+?\}\r?\n
      | (?P<atom>(?:\[[^\[\]\r\n]*\](?:<\d+>)?|[^\s()"])+)
    )""",
    re.VERBOSE | re.DOTALL,
)
_MOST_NESTED = 64
_OFTEN = 100  # bytes of flags, so many of which are remembered
HIGHEST_NUMBER = 2**63 - 1  # of a mod-sequence (RFC 7162 section 7); no other number is larger
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)


class Malformed(ValueError):
    """The text is no list of IMAP values."""


def values(text: bytes, literals: tuple[bytes, ...] = ()) -> list[Value]:
    """The values that `text` holds, literals put in their places; raises Malformed."""
    stack: list[list[Value]] = [[]]
    waiting = iter(literals)
    at, end = 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            raise Malformed(f"nothing known at {at}")
        at = found.end()
        if found.lastgroup == "open":
            stack.append([])
            if len(stack) > _MOST_NESTED:
                raise Malformed("nested too deeply")
        elif found.lastgroup == "close":
            if len(stack) == 1:
                raise Malformed("closed and never opened")
            inner = stack.pop()
            stack[-1].append(inner)
        else:
            stack[-1].append(_value(found, waiting))
    if len(stack) != 1:
        raise Malformed("opened and never closed")
    return stack[0]


def _value(found: re.Match[bytes], literals: Iterable[bytes]) -> bytes | None:
    text = found[found.lastgroup or 0]
    if found.lastgroup == "quoted":
        return _ESCAPED.sub(rb"\1", text)
    if found.lastgroup == "literal":
        return next(iter(literals), b"")
    return None if text.upper() == b"NIL" else text


# Status responses -------------------------------------------------------------------------------

_CODE = re.compile(rb"\[([^\s\]]+)(?: ([^\]]*))?\]\s*", re.DOTALL)


@dataclass(frozen=True)
class StatusText:
    """What follows OK, NO, BAD or BYE: a response code, upper-case, its argument, and text."""

    code: str
    argument: str
    text: str


def status_text(raw: bytes) -> StatusText:
    """The parts of a status response's text; code and argument are empty where there is none."""
    found = _CODE.match(raw)
    if found is None:
        return StatusText("", "", readable(raw))
    argument = (found[2] or b"").decode("latin-1")
    return StatusText(found[1].decode("latin-1").upper(), argument, readable(raw[found.end() :]))


_UNTAGGED = re.compile(rb"\*[ \t]+(?:(\d{1,18})[ \t]+)?([A-Za-z0-9.-]+)[ \t]*")


@dataclass(frozen=True)
class Untagged:
    """An untagged response's number, kind (upper-case) and the text after them."""

    number: int | None
    kind: str
    rest: bytes


def untagged(response: Response) -> Untagged | None:
    """What an untagged response is about, or None when it is none."""
    found = _UNTAGGED.match(response.text)
    if found is None:
        return None
    number = int(found[1]) if found[1] else None
    return Untagged(number, found[2].decode("ascii").upper(), response.text[found.end() :])


def capabilities(text: bytes) -> frozenset[str]:
    """The names of a CAPABILITY response or code, upper-case."""
    return frozenset(text.decode("ascii", "replace").upper().split())


# Folders ----------------------------------------------------------------------------------------

_LIST = re.compile(
    rb"""\((?P<attributes>[^)]*)\)[ ]+
    (?:NIL|"(?P<quoted>(?:\\.|[^"\\])*)"|\{\d+\}\r?\n)[ ]*(?P<name>.*)""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_LONGEST_NAME = 65536
_EXTENSION = rb"(?:[ ]+\(.*)?\Z"
_QUOTED_NAME = re.compile(rb'"((?:[^"\\]|\\.)*)"' + _EXTENSION, re.DOTALL)
_LITERAL_NAME = re.compile(rb"~?\{\d+\+?\}\r?\n" + _EXTENSION, re.DOTALL)
_ATOM_NAME = re.compile(rb"(.+?)" + _EXTENSION, re.DOTALL)


# As with FETCH below: what nearly all servers say, at one go.
_USUAL_LIST = re.compile(
    rb"""\*[ ]LIST[ ]\(([^()"{}\r\n]{0,200}+)\)[ ]"([^"\\])"[ ]
    (?:"([^"\\\r\n]{0,1000}+)"|([\w./&+,=#-]{1,1000}+))""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Listed:
    """A LIST or LSUB response: attributes lower-case, the delimiter (empty for NIL), the name."""

    attributes: frozenset[str]
    delimiter: bytes
    name: bytes


def listed(response: Response) -> Listed | None:
    """What a LIST, LSUB or XLIST response says, or None. The name is empty for the root.

    Names that should be quoted and are not (blanks, quotes within quotes) are taken whole.
    """
    usual = _USUAL_LIST.fullmatch(response.text)
    if usual is not None and not response.literals:
        told, delimiter, quoted, atom = usual.groups()
        return Listed(_attributes(told), delimiter, atom if quoted is None else quoted)
    return None if response.text.startswith(b"* STATUS ") else _listed(response)


def _listed(response: Response) -> Listed | None:
    """The same, of a response in any form."""
    said = untagged(response)
    if said is None or said.kind not in {"LIST", "LSUB", "XLIST"} or len(said.rest) > _LONGEST_NAME:
        return None
    found = _LIST.match(said.rest)
    if found is None:
        return None
    literals = list(response.literals)
    delimiter = _ESCAPED.sub(rb"\1", found["quoted"] or b"")
    if b"{" in said.rest[: found.start("name")] and not found["quoted"] and literals:
        delimiter = literals.pop(0)
    name = _listed_name(found["name"], literals)
    return Listed(_attributes(found["attributes"]), delimiter[:1], name)


@functools.lru_cache(maxsize=256)
def _attributes(text: bytes) -> frozenset[str]:
    return frozenset(text.decode("latin-1").lower().split())


def _listed_name(text: bytes, literals: list[bytes]) -> bytes:
    if _LITERAL_NAME.match(text):
        return literals[0] if literals else b""
    quoted = _QUOTED_NAME.match(text)
    if quoted:
        return _ESCAPED.sub(rb"\1", quoted[1])
    if text.startswith(b'"') and text.endswith(b'"') and len(text) > 1:
        return text[1:-1]
    atom = _ATOM_NAME.match(text)
    return atom[1] if atom else b""


def namespaces(response: Response) -> list[list[tuple[bytes, bytes]]] | None:
    """A NAMESPACE response (RFC 2342): prefixes with their delimiters (empty for NIL), of the
    user's own folders, of other users' and of shared ones; or None."""
    said = untagged(response)
    if said is None or said.kind != "NAMESPACE":
        return None
    try:
        kinds = values(said.rest, response.literals)
    except ValueError:
        return None
    lists = [kind if isinstance(kind, list) else [] for kind in kinds]
    return [[pair for one in kind if (pair := _space(one))] for kind in lists]


def _space(value: Value) -> tuple[bytes, bytes] | None:
    match value:
        case [bytes() as prefix, bytes() as delimiter, *_]:
            return prefix, delimiter
        case [bytes() as prefix, None, *_]:
            return prefix, b""
    return None


# Messages ---------------------------------------------------------------------------------------

_DATE = re.compile(
    rb"\s*(\d{1,2})-([A-Za-z]{3})-(\d{4})\s+(\d\d):(\d\d):(\d\d)(?:\s+([+-])(\d\d)(\d\d))?"
)
_MONTHS = b"jan feb mar apr may jun jul aug sep oct nov dec".split()


@dataclass(frozen=True)
class Fetched:
    """A FETCH response; None where the server did not say. `sections` by upper-case name, as in
    `BODY[]`; a section that is NIL is there with None."""

    number: int
    uid: int | None = None
    flags: frozenset[str] | None = None
    internal_date: datetime | None = None
    size: int | None = None
    mod_seq: int | None = None
    sections: dict[str, bytes | None] = field(default_factory=dict, repr=False)


# What nearly all FETCH responses look like, to be read at one go: a sync hears three of a message.
# Whatever is spelled otherwise is read by its tokens.
_USUAL_FETCH = re.compile(
    rb"""\*[ ](?P<number>\d{1,18})[ ]FETCH[ ]\((?:[ ]?(?:
        UID[ ](?P<uid>\d{1,10})(?=[ )])
      | FLAGS[ ]\((?P<flags>[^()"{}\[\]\r\n]*+)\)
      | RFC822\.SIZE[ ](?P<size>\d{1,18})(?=[ )])
      | INTERNALDATE[ ]"(?P<date>[^"\\]*+)"
      | MODSEQ[ ]\((?P<mod_seq>\d{1,18})\)
      | BODY\[\][ ]\{(?P<literal>\d+)\}\r\n
    ))++\)""",
    re.VERBOSE,
)


def fetched(response: Response) -> Fetched | None:
    """What a FETCH response says, or None when it is none or makes no sense."""
    usual = _USUAL_FETCH.fullmatch(response.text)
    if usual is not None:
        number, uid, flags, size, date, mod_seq, literal = usual.groups()
        if len(response.literals) == (literal is not None):
            return Fetched(
                int(number),
                None if uid is None or int(uid) > HIGHEST_UID else int(uid),
                None if flags is None else _flag_set(flags),
                None if date is None else internal_date(date),
                None if size is None else int(size),
                None if mod_seq is None else int(mod_seq),
                {} if literal is None else {"BODY[]": response.literals[0]},
            )
    said = untagged(response)
    if said is None or said.kind != "FETCH" or said.number is None:
        return None
    try:
        items = values(said.rest, response.literals)
        pairs = items[0] if items else None
        if not isinstance(pairs, list):
            return None
        return _fetched(said.number, pairs)
    except ValueError:
        return None


def _fetched(number: int, pairs: list[Value]) -> Fetched:
    named = {
        name.decode("latin-1").upper(): value
        for name, value in zip(pairs[::2], pairs[1::2], strict=False)
        if isinstance(name, bytes)
    }
    mod_seq = named.get("MODSEQ")
    uid = _number(named.get("UID"))
    return Fetched(
        number=number,
        uid=uid if uid is not None and uid <= HIGHEST_UID else None,
        flags=_flags(named.get("FLAGS")),
        internal_date=internal_date(named.get("INTERNALDATE")),
        size=_number(named.get("RFC822.SIZE")),
        mod_seq=_number(mod_seq[0] if isinstance(mod_seq, list) and mod_seq else None),
        sections={
            name.partition("<")[0]: value
            for name, value in named.items()
            if name.startswith("BODY[") and not isinstance(value, list)
        },
    )


def _number(value: Value) -> int | None:
    if isinstance(value, bytes) and value.isdigit() and len(value) <= 20:
        number = int(value)
        return number if number <= HIGHEST_NUMBER else None
    return None


def _flags(value: Value) -> frozenset[str] | None:
    if not isinstance(value, list):
        return None
    return frozenset(flag.decode("latin-1") for flag in value if isinstance(flag, bytes))


def _flag_set(text: bytes) -> frozenset[str]:
    """The flags of a list that is written in the usual way."""
    return _often_set(text) if len(text) <= _OFTEN else _flags(values(text)) or frozenset()


@functools.lru_cache(maxsize=256)  # the messages of a mailbox share a few combinations
def _often_set(text: bytes) -> frozenset[str]:
    return _flags(values(text)) or frozenset()


def internal_date(value: Value) -> datetime | None:
    """An INTERNALDATE (RFC 3501 date-time), or None when it is no date."""
    found = _DATE.match(value) if isinstance(value, bytes) else None
    if found is None or found[2].lower() not in _MONTHS:
        return None
    day, year, hour, minute, second = (int(found[at]) for at in (1, 3, 4, 5, 6))
    zone = timedelta(hours=int(found[8] or 0), minutes=int(found[9] or 0))
    try:
        return datetime(
            year,
            _MONTHS.index(found[2].lower()) + 1,
            day,
            hour,
            minute,
            min(second, 59),  # a leap second
            tzinfo=timezone(-zone if found[7] == b"-" else zone),
        )
    except ValueError:
        return None


# Numbers and sets -------------------------------------------------------------------------------


_USUAL_STATUS = re.compile(
    rb"""\*[ ]STATUS[ ](?:"([^"\\\r\n]*+)"|(?!(?i:NIL)[ ])([\w./&+,=#-]++))[ ]
    \(((?:[A-Z]+[ ]\d{1,18}(?:[ ]|(?=\))))*+)\)""",
    re.VERBOSE,
)


def status(response: Response) -> tuple[bytes, dict[str, int]] | None:
    """A STATUS response: the folder's name and its numbers by upper-case item, or None."""
    usual = _USUAL_STATUS.fullmatch(response.text)
    if usual is not None and not response.literals:
        quoted, atom, told = usual.groups()
        words = told.decode("ascii").split()
        numbers = dict(zip(words[::2], map(int, words[1::2]), strict=True))
        return atom if quoted is None else quoted, numbers
    return None if response.text.startswith(b"* LIST ") else _status(response)


def _status(response: Response) -> tuple[bytes, dict[str, int]] | None:
    """The same, of a response in any form."""
    said = untagged(response)
    if said is None or said.kind != "STATUS":
        return None
    try:
        name, pairs = values(said.rest, response.literals)[:2]
    except ValueError:
        return None
    if not isinstance(pairs, list) or isinstance(name, list):
        return None
    numbers = {
        item.decode("latin-1").upper(): number
        for item, value in zip(pairs[::2], pairs[1::2], strict=False)
        if isinstance(item, bytes) and (number := _number(value)) is not None
    }
    return name if name is not None else b"NIL", numbers


def search(response: Response) -> list[int] | None:
    """The numbers of a SEARCH response, or None when it is none; `(MODSEQ n)` is left out."""
    said = untagged(response)
    if said is None or said.kind != "SEARCH":
        return None
    numbers = said.rest.partition(b"(")[0].split()
    return [int(number) for number in numbers if number.isdigit() and len(number) <= 20]


_COUNT = re.compile(rb"\bCOUNT (\d{1,10})\b", re.IGNORECASE)
_ESEARCH = re.compile(rb"(?:\(TAG [^)]*\))?\s*(?:UID\b)?(?:.*?\bALL ([\d:,]+))?", re.IGNORECASE)


def found_uids(response: Response) -> list[tuple[int, int]] | None:
    """The ranges of a UID SEARCH's answer, as SEARCH or as ESEARCH (RFC 4731); or None."""
    said = untagged(response)
    if said is None or said.kind not in {"SEARCH", "ESEARCH"}:
        return None
    if said.kind == "SEARCH":
        return [(number, number) for number in search(response) or []]
    found = _ESEARCH.match(said.rest)
    try:
        return uid_ranges((found[1] or b"").decode("ascii")) if found else []
    except ValueError:
        return None


def vanished(response: Response) -> tuple[bool, list[tuple[int, int]]] | None:
    """A VANISHED response: whether EARLIER, and the ranges of UIDs; or None."""
    said = untagged(response)
    if said is None or said.kind != "VANISHED":
        return None
    earlier = said.rest.upper().startswith(b"(EARLIER)")
    try:
        return earlier, uid_ranges(said.rest.split(b")")[-1].strip().decode("latin-1"))
    except ValueError:
        return None


def count(response: Response) -> int | None:
    """The COUNT of an ESEARCH response (RFC 4731), or None."""
    said = untagged(response)
    if said is None or said.kind != "ESEARCH":
        return None
    found = _COUNT.search(said.rest)
    return int(found[1]) if found else None
