"""Names and arguments as IMAP writes them: modified UTF-7, quoted strings, literals, dates. Pure.

Sends nothing; `connection` sends the pieces one by one and waits where a literal is announced.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import date, datetime

Pieces = tuple[bytes, ...]
"""A command's arguments; every piece but the last ends in the announcement of a literal, after
which the server is waited for."""

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SHIFTED = re.compile(rb"&([^-]*)-")
_UNPRINTABLE = re.compile("([^\x20-\x7e]+)")
_ANNOUNCED = re.compile(rb"(?<!~)\{(\d{1,10})\}\Z")
_LONGEST_ANNOUNCEMENT = 16
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
    if b"&" not in name:
        return name.decode("ascii")
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


def to_utf8(name: bytes) -> bytes:
    """A name for a server that speaks UTF-8 (RFC 6855), from the spelling that we keep.

    A folder has one spelling, the modified UTF-7 of its name, whichever way its server speaks:
    else each would be a new folder on the day that the server learns UTF-8.
    """
    spoken = decode_name(name).encode("utf-8") if name.isascii() else name
    return spoken if is_possible(spoken) else name


def from_utf8(name: bytes) -> bytes:
    """The opposite of `to_utf8`; what is no UTF-8 is kept as it stands, and sent back so."""
    try:
        return encode_name(name.decode("utf-8")) if is_possible(name) else name
    except UnicodeDecodeError:
        return name


def verbatim(text: bytes | str) -> Pieces:
    """An argument that is already in the protocol's form."""
    return (text.encode("ascii") if isinstance(text, str) else text,)


def astring(value: bytes, *, utf8: bool = False) -> Pieces:
    """A string argument: quoted where that can carry it, else as a literal (RFC 3501 section 9).

    With `utf8`, UTF-8 is quoted too (RFC 6855 section 3). Raises ValueError for a NUL, which no
    IMAP string can hold.
    """
    if b"\0" in value:
        raise ValueError("a NUL cannot be sent")
    if _QUOTABLE.fullmatch(value) or (utf8 and _is_quotable_utf8(value)):
        return (b'"' + value.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"',)
    return (b"{%d}" % len(value), value)


def _is_quotable_utf8(value: bytes) -> bool:
    try:
        return value.decode("utf-8").isprintable()
    except UnicodeDecodeError:
        return False


def unannounced(pieces: Pieces, longest: int) -> Pieces:
    """The same with literals of up to `longest` bytes sent at once, without waiting for the
    server (RFC 7888); for servers that offer that."""
    hasty = list(pieces[:1])
    for piece in pieces[1:]:
        announced = _ANNOUNCED.search(hasty[-1][-_LONGEST_ANNOUNCEMENT:])
        if announced and int(announced[1]) <= longest:
            hasty[-1] = hasty[-1][:-1] + b"+}\r\n" + piece
        else:
            hasty.append(piece)
    return tuple(hasty)


def joined(*arguments: Pieces) -> Pieces:
    """Several arguments as one, with a space between each two."""
    pieces = [b""]
    for at, (first, *rest) in enumerate(arguments):
        pieces[-1] += b" " + first if at else first
        pieces += rest
    return tuple(pieces)


def day(when: date) -> str:
    """A date (RFC 3501 section 9), whatever the locale."""
    return f"{when.day}-{_MONTHS[when.month - 1]}-{when.year:04}"


def date_time(when: datetime) -> str:
    """A date-time (RFC 3501 section 9), whatever the locale; raises ValueError without a zone."""
    if when.utcoffset() is None:
        raise ValueError("the date has no time zone")
    return f"{day(when):0>11} {when:%H:%M:%S} {when.strftime('%z')[:5]}"


def is_possible(name: bytes) -> bool:
    """Whether a listed name can be sent back: no server can mean a NUL or a line break."""
    return not any(character in name for character in (b"\x00", b"\r", b"\n"))
