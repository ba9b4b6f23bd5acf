"""Messages as text instead of bytes, as members of calls hold them. Pure, and never raises.

A text that comes has lost what its bytes were: it may be bytes as Latin-1 characters, or decoded
by the charset that it declares, with line ends as XML leaves them. The bytes given back are those
that `parse` reads best.
"""

from __future__ import annotations

import re

from services84.mime import charsets
from services84.mime.structure import Part, read_structure, with_line_ends

_LINE_END = re.compile(r"\r*\n|\r")


def mime_bytes(text: str) -> bytes:
    """The bytes of a message that is given as text, its lines ended by CRLF.

    A byte order mark and blanks before the first field are left out.
    """
    text = text.lstrip("\ufeff \t\r\n\0")
    return _bytes_of(_LINE_END.sub("\r\n", text))


def mime_text(source: bytes) -> str:
    """A message as text: by the charset that a text of it declares, else as UTF-8 or Western.
    What `mime_bytes` makes of it again reads the same."""
    # Text in a charset that shifts by escapes, which XML cannot carry, is not left as it stands.
    if _is_utf8(source) and b"\x1b" not in source:
        return source.decode("utf-8")
    source = with_line_ends(source)
    pieces: list[str] = []
    at = 0
    for leaf in read_structure(source).root.leaves():
        if leaf.start >= at:
            pieces += [_either(source[at : leaf.start]), _read(leaf, source[leaf.start : leaf.end])]
            at = leaf.end
    return "".join([*pieces, _either(source[at:])])


def _read(leaf: Part, body: bytes) -> str:
    if leaf.content_type.startswith(("text/", "message/")):
        charset = leaf.parameters.get("charset")
        text = charsets.decode(body, charset)
        if charsets.encode(text, charset) == body:
            return text
        return _either(body)
    return body.decode("latin-1")


def _either(raw: bytes) -> str:
    """Text that declares no charset, or another than its own."""
    for charset in ("utf-8", "cp1252"):
        try:
            return raw.decode(charset)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")


def _bytes_of(text: str) -> bytes:
    if text.isascii():
        return text.encode("ascii")
    as_latin = _latin(text)
    if as_latin is not None and _is_utf8(as_latin):
        return as_latin  # bytes that somebody took for characters
    raw = _utf8(text)
    pieces: list[bytes] = []
    at = 0
    for leaf in read_structure(raw).root.leaves():
        body = _recoded(leaf, raw[leaf.start : leaf.end])
        if body is not None and leaf.start >= at:
            pieces += [raw[at : leaf.start], body]
            at = leaf.end
    return b"".join([*pieces, raw[at:]])


def _recoded(leaf: Part, body: bytes) -> bytes | None:
    """A body in the charset that it declares; None where UTF-8 is as good, or the best there is."""
    if body.isascii() or leaf.encoding not in {"7bit", "8bit", "binary"}:
        return None
    text = body.decode("utf-8", "replace")
    if not leaf.content_type.startswith(("text/", "message/")):
        return _latin(text)
    charset = leaf.parameters.get("charset")
    return charsets.encode(text, charset) if charset else None


def _latin(text: str) -> bytes | None:
    """The characters as bytes; characters of lost bytes (surrogates) are those bytes again."""
    try:
        return text.encode("latin-1", "surrogateescape")
    except UnicodeEncodeError:
        return None


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _utf8(text: str) -> bytes:
    """UTF-8; halves of a character are put together, or replaced where the other half is gone."""
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole.encode("utf-8")
