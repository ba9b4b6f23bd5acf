"""Names and arguments as IMAP writes them: modified UTF-7, quoted strings, literals. Pure.

Sends nothing; `connection` sends the pieces one by one and waits where a literal is announced.
"""

from __future__ import annotations

import base64
import binascii
import re

Pieces = tuple[bytes, ...]
"""A command's arguments; every piece but the last ends in the announcement of a literal, after
which the server is waited for."""

_SHIFTED = re.compile(rb"&([^-]*)-")
_UNPRINTABLE = re.compile("([^\x20-\x7e]+)")
_QUOTABLE = re.compile(rb"[\x20-\x7e\t]*")


def encode_name(name: str) -> bytes:
    """A mailbox name in modified UTF-7 (RFC 3501 section 5.1.3)."""
    pieces = _UNPRINTABLE.split(name)
    return b"".join(
        _shift(piece) if at % 2 else piece.replace("&", "&-").encode("ascii")
        for at, piece in enumerate(pieces)
    )


def _shift(text: str) -> bytes:
    packed = base64.b64encode(text.encode("utf-16-be", "surrogatepass")).rstrip(b"=")
    return b"&" + packed.replace(b"/", b",") + b"-"


def decode_name(name: bytes) -> str:
    """The readable form of a mailbox name.

    Tolerant: raw 8-bit names are read as UTF-8, or as Latin-1 when they are none, and a name
    that is no proper modified UTF-7 is given as it stands.
    """
    if not name.isascii():
        try:
            return name.decode("utf-8")
        except UnicodeDecodeError:
            return name.decode("latin-1")
    try:
        return _decode_strictly(name)
    except (ValueError, binascii.Error):
        return name.decode("ascii")


def _decode_strictly(name: bytes) -> str:
    pieces = _SHIFTED.split(name)
    if any(b"&" in piece for piece in pieces[::2]):
        raise ValueError("a shift that is never ended")
    return "".join(
        _unshift(piece) if at % 2 else piece.decode("ascii") for at, piece in enumerate(pieces)
    )


def _unshift(packed: bytes) -> str:
    if not packed:
        return "&"
    padded = packed.replace(b",", b"/") + b"=" * (-len(packed) % 4)
    return base64.b64decode(padded, validate=True).decode("utf-16-be")


def verbatim(text: bytes | str) -> Pieces:
    """An argument that is already in the protocol's form."""
    return (text.encode("ascii") if isinstance(text, str) else text,)


def astring(value: bytes) -> Pieces:
    """A string argument: quoted where that can carry it, else as a literal (RFC 3501 section 9).

    Raises ValueError for a NUL, which no IMAP string can hold.
    """
    if b"\0" in value:
        raise ValueError("a NUL cannot be sent")
    if _QUOTABLE.fullmatch(value):
        return (b'"' + value.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"',)
    return (b"{%d}" % len(value), value)


def joined(*arguments: Pieces) -> Pieces:
    """Several arguments as one, with a space between each two."""
    pieces = [b""]
    for at, (first, *rest) in enumerate(arguments):
        pieces[-1] += b" " + first if at else first
        pieces += rest
    return tuple(pieces)


def is_possible(name: bytes) -> bool:
    """Whether a listed name can be sent back: no server can mean a NUL or a line break."""
    return not any(character in name for character in (b"\x00", b"\r", b"\n"))
