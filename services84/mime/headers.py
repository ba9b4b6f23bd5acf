"""Header fields of real mail: where they are, what they say. Pure.

RFC 5322 fields, RFC 2047 encoded words, RFC 2045 parameters with RFC 2231's continuations, and
what comes instead: raw 8-bit, words split within a character, missing quotes.
"""

from __future__ import annotations

import base64
import binascii
import functools
import itertools
import quopri
import re
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter

from services84.mime import charsets

LONGEST_VALUE = 1024 * 1024  # bytes of one field that are looked at
_FIELD = re.compile(rb"([\x21-\x39\x3b-\x7e]+)[ \t]*:")
# A field with all its lines, and something after it: of a cut end, lines are read one by one.
_WHOLE = re.compile(rb"([\x21-\x39\x3b-\x7e]++)[ \t]*+:([^\n]*+\n(?:[ \t][^\n]*+\n)*+)(?![ \t]|\Z)")
_FIELDS = re.compile(rb"(([\x21-\x39\x3b-\x7e]++)[ \t]*+:([^\n]*+\n(?:[ \t][^\n]*+\n)*+))")
_ENVELOPE = re.compile(rb">?From ")


@dataclass(frozen=True)
class Headers:
    """The fields of one message or part, names lower-case, in their order. `written` has their
    values as they came: most fields are never asked for, and are not unfolded therefore."""

    written: tuple[tuple[str, bytes], ...]

    @property
    def fields(self) -> tuple[tuple[str, bytes], ...]:
        """All fields, their values unfolded."""
        return tuple((name, _unfolded(value)) for name, value in self.written)

    @functools.cached_property
    def _first(self) -> dict[str, bytes]:
        return dict(reversed(self.written))

    def raw(self, name: str) -> bytes:
        """The first value of a field, unfolded; empty where there is none."""
        value = self._first.get(name)
        return _unfolded(value) if value else b""

    def text(self, name: str) -> str:
        """The first value of a field, readable, on one line."""
        value = self.raw(name)
        return decode_words(_readable(value)) if value else ""

    def addresses(self, name: str) -> str:
        """All values of an address field, readable; a decoded name that holds a comma or the
        like is quoted, so that the list can still be told apart."""
        if name not in self._first:
            return ""
        values = [_unfolded(value) for found, value in self.written if found == name]
        texts = [decode_words(_readable(value), quote=True) for value in values]
        return ", ".join(filter(None, texts))


def read_headers(source: bytes, start: int, end: int) -> tuple[Headers, int]:
    """The fields from `start`, and where the body begins.

    The body begins after an empty line, or at a line that is no field where none follows either.
    """
    if usual := _read_usual_headers(source, start, end):
        return usual
    fields: list[tuple[str, bytes]] = []
    last = at = start
    # Whole fields at a time, as long as there is nothing else; from the last of them by lines.
    while found := _WHOLE.match(source, at, end):
        name, value = found.groups()
        fields.append((_field_name(name), value))
        last, at = at, found.end()
    stop = source.find(b"\n", at, end) + 1 or end
    if source[at:stop].strip(b"\r\n") == b"":
        return Headers(tuple(fields)), stop
    return _read_odd_headers(source, last, end, fields[:-1])


def _read_usual_headers(source: bytes, start: int, end: int) -> tuple[Headers, int] | None:
    """The same, at one go, where nothing but whole fields stands before the first empty line."""
    crlf = source.find(b"\n\r\n", start, end)
    lf = source.find(b"\n\n", start, crlf if crlf >= 0 else end)
    last = lf if lf >= 0 else crlf
    if last < 0:
        return None
    found = _FIELDS.findall(source[start : last + 1])
    if sum(map(len, map(itemgetter(0), found))) != last + 1 - start:
        return None
    fields = tuple([(_field_name(name), value) for _, name, value in found])
    return Headers(fields), last + (2 if last == lf else 3)


@functools.lru_cache(maxsize=512)  # most mail uses the same few dozens
def _field_name(name: bytes) -> str:
    return name.decode("ascii").lower()


def _unfolded(value: bytes) -> bytes:
    """A value of one or more lines on one, however they end."""
    value = value.strip()
    if b"\n" in value:
        value = b"".join([line.rstrip(b"\r\n") for line in value.split(b"\n")])
    return value if len(value) <= LONGEST_VALUE else value[:LONGEST_VALUE].strip()


def _read_odd_headers(
    source: bytes, start: int, end: int, fields: list[tuple[str, bytes]]
) -> tuple[Headers, int]:
    """Go on from `start`, line by line, after `fields`."""
    lines: list[bytes] = []
    at = start
    while at < end:
        stop = source.find(b"\n", at, end) + 1 or end
        line = source[at:stop]
        if line.strip(b"\r\n") == b"":
            at = stop
            break
        found = _FIELD.match(line)
        if found:
            _finish(fields, lines)
            fields.append((found[1].decode("ascii").lower(), b""))
            lines = [line[found.end() :]]
        elif line[:1] in b" \t" and lines:
            lines.append(line)
        elif not _goes_on(source, line, stop, end):
            break
        at = stop
    _finish(fields, lines)
    return Headers(tuple(fields)), at


def _finish(fields: list[tuple[str, bytes]], lines: list[bytes]) -> None:
    if fields and lines:
        value = b"".join(line.rstrip(b"\r\n") for line in lines)[:LONGEST_VALUE]
        fields[-1] = (fields[-1][0], value.strip())


def _goes_on(source: bytes, line: bytes, stop: int, end: int) -> bool:
    """Whether the fields go on after a line that is none, as after mbox's "From "."""
    return bool(_ENVELOPE.match(line)) or bool(_FIELD.match(source, stop, min(end, stop + 100)))


def _readable(raw: bytes) -> str:
    """On one line, blanks collapsed: folding adds none that a reader should see."""
    return " ".join(charsets.decode(raw.replace(b"\0", b""), None).split())


# Encoded words ----------------------------------------------------------------------------------

# A word ends at the first "?=" and holds no beginning of another, so that every character is
# looked at once, however many words begin and never end.
_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?((?:[^?=]++|\?(?!=)|=(?!\?(?!=)))*+)\?=")
_ESCAPED = re.compile(r"\\.", re.DOTALL)
_SPECIALS = frozenset('()<>[]:;@\\,"')


def decode_words(text: str, *, quote: bool = False) -> str:
    """RFC 2047: encoded words decoded; neighbours of one charset are joined before decoding,
    since a character may be split between them. With `quote`, a decoded phrase that holds
    special characters is put in quotes, unless it stands in some already."""
    if "=?" not in text:
        return text
    out = _Pieces(quote)
    run: list[tuple[str, bytes]] = []
    at = 0
    for found in _WORD.finditer(text):
        between = text[at : found.start()]
        if run and between.strip():
            out.put_words(run)
            run = []
        if not run:
            out.put(between)
        run.append((found[1].partition("*")[0].lower(), _word_bytes(found[2], found[3])))
        at = found.end()
    if run:
        out.put_words(run)
    return out.text() + text[at:]


class _Pieces:
    """A field as it is put together; knows whether its end stands within quotes."""

    def __init__(self, quote: bool) -> None:
        self._quote = quote
        self._pieces: list[str] = []
        self._within = False

    def put(self, piece: str) -> None:
        self._pieces.append(piece)
        bare = _ESCAPED.sub("", piece) if "\\" in piece else piece
        self._within ^= bare.count('"') % 2 == 1

    def put_words(self, run: list[tuple[str, bytes]]) -> None:
        text = " ".join("".join(_decode_run(run)).split())
        if (
            self._quote
            and not self._within
            and _SPECIALS.intersection(text)
            and not _is_quoted(text)
        ):
            text = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        self.put(text)

    def text(self) -> str:
        return "".join(self._pieces)


def _is_quoted(text: str) -> bool:
    """Whether the quotes themselves were encoded, as some programs do."""
    return len(text) > 1 and text.startswith('"') and text.endswith('"')


def _decode_run(run: list[tuple[str, bytes]]) -> Iterator[str]:
    for charset, words in itertools.groupby(run, key=lambda word: word[0]):
        yield charsets.decode(b"".join(raw for _, raw in words), charset)


def _word_bytes(encoding: str, text: str) -> bytes:
    raw = text.encode("utf-8", "surrogateescape")
    if encoding in "qQ":
        return quopri.decodestring(raw, header=True)
    return decode_base64(raw)


def decode_base64(raw: bytes) -> bytes:
    """Base64 with strange characters, wrong padding or a cut end: what can be read of it."""
    try:
        return base64.b64decode(raw)
    except binascii.Error:
        clean = re.sub(rb"[^A-Za-z0-9+/]", b"", raw)
        clean = clean[: -1 if len(clean) % 4 == 1 else None]
        return base64.b64decode(clean + b"=" * (-len(clean) % 4))


# Parameters -------------------------------------------------------------------------------------

_PARAMETER = re.compile(r';\s*([^\s=;"]{1,100})\s*=\s*("(?:[^"\\]++|\\.)*+"|[^;]*)', re.DOTALL)
_SECTION = re.compile(r"([^*]+)\*(\d{1,3})?(\*)?\Z")


@dataclass(frozen=True)
class Parametered:
    """A field such as Content-Type: its value and its parameters by name; lower-case both."""

    value: str
    parameters: dict[str, str]


_SHORT = 100  # bytes; longer ones name boundaries and files, and are seldom the same


def parametered(raw: bytes) -> Parametered:
    """The value and the parameters of a field; RFC 2231 and RFC 2047 forms decoded."""
    if len(raw) > _SHORT:
        return _parametered(raw)
    known = _often_parametered(raw)
    return Parametered(known.value, dict(known.parameters))


def _parametered(raw: bytes) -> Parametered:
    if not raw:
        return Parametered("", {})
    text = charsets.decode(raw, None)
    value = text.partition(";")[0].strip().lower()
    plain: dict[str, str] = {}
    extended: dict[str, dict[int, tuple[str, bool]]] = {}
    for found in _PARAMETER.finditer(text):
        name, content = found[1].lower(), _unquoted(found[2].strip())
        section = _SECTION.match(name)
        if section:
            encoded = section[3] is not None or section[2] is None
            sections = extended.setdefault(section[1], {})
            sections.setdefault(int(section[2] or 0), (content, encoded))
        else:
            plain.setdefault(name, " ".join(decode_words(content).split()))
    for name, sections in extended.items():
        plain[name] = _joined(sections)
    return Parametered(value, plain)


_often_parametered = functools.lru_cache(maxsize=512)(_parametered)


def _unquoted(text: str) -> str:
    if len(text) > 1 and text.startswith('"') and text.endswith('"'):
        return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)
    return text.strip('"')


def _joined(sections: dict[int, tuple[str, bool]]) -> str:
    charset = "utf-8"
    pieces: list[bytes] = []
    for number in sorted(sections):
        content, encoded = sections[number]
        if encoded and not pieces and content.count("'") > 1:
            charset, _, content = content.split("'", 2)
        piece = content.encode("utf-8", "surrogateescape")
        pieces.append(urllib.parse.unquote_to_bytes(piece) if encoded else piece)
    return decode_words(charsets.decode(b"".join(pieces), charset))
