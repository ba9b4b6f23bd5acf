"""From the bytes of a connection to whole responses (RFC 3501 section 2.2). Pure: no sockets.

Finds where a response ends, literals included, and keeps within limits whatever the server
sends. What a response means is `responses`' matter.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

MIB = 1024 * 1024
_ANNOUNCED = re.compile(rb"\{(\d+)\+?\}\r?\n\Z")
_MOST_DIGITS = 18
_SHORT = 1024  # bytes of a line
# Free text may end like a literal's announcement, and is none.
_TEXT_ONLY = re.compile(rb"(?!\* )|\* +(?:OK|NO|BAD|BYE|PREAUTH)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Limits:
    """What one server may make us hold, in bytes."""

    line: int = 16 * MIB  # a response without its literals
    literal: int = 256 * MIB  # the literals of one response
    command: int = 512 * MIB  # all responses to one command, with what keeping them costs


@dataclass(frozen=True, slots=True)
class Response:
    """One response: its text without the final line end, and the literals announced in it.

    In the text an announcement (`{5}`, line end) stands where the literal belongs.
    """

    text: bytes
    literals: tuple[bytes, ...] = field(default=(), repr=False)


class LimitReached(ValueError):
    """The server sends more than the limits allow; the text says what, fit to follow a name."""


class Framer:
    """Cuts a stream into responses. One per connection; not for several threads."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._short = min(limits.line, _SHORT)
        self._line = bytearray()  # the unfinished line
        self._lines: list[bytes] = []  # the finished lines of the unfinished response
        self._lines_size = 0
        self._literal = io.BytesIO()  # which gives its bytes without a copy of them
        self._missing = 0  # bytes of the literal still to come
        self._literals: list[bytes] = []
        self._literals_size = 0

    def feed(self, data: bytes) -> Iterator[Response]:
        """The responses that `data` completes; take them all before feeding again.

        Raises LimitReached after the responses that came before; nothing may be fed afterwards.
        """
        at = 0
        while at < len(data):
            if self._missing:
                at = self._feed_literal(data, at)
                continue
            end = data.find(b"\n", at) + 1
            response = self._whole(data, at, end)
            if response is None:
                self._take(data[at : end or None])
                response = self._end_line() if end else None
            at = end or len(data)
            if response:
                yield response

    def _whole(self, data: bytes, at: int, end: int) -> Response | None:
        """The response that is all of one line, as most are; None to have it looked at closely."""
        if not end or self._line or self._lines or end - at > self._short:
            return None
        line = data[at:end]
        if line.endswith((b"}\r\n", b"}\n")):
            return None
        text = line.rstrip(b"\r\n")
        return Response(text) if text else None

    def _feed_literal(self, data: bytes, at: int) -> int:
        end = min(at + self._missing, len(data))
        self._missing -= end - at
        if not self._missing and not self._literal.tell():
            self._literals.append(data[at:end])
            return end
        with memoryview(data) as view:
            self._literal.write(view[at:end])
        if not self._missing:
            self._literals.append(self._literal.getvalue())
            self._literal = io.BytesIO()
        return end

    def _take(self, piece: bytes) -> None:
        self._lines_size += len(piece)
        if self._lines_size > self._limits.line:
            raise LimitReached(f"sent a response of more than {_mib(self._limits.line)}")
        self._line += piece

    def _end_line(self) -> Response | None:
        """The response that ends with this line, if one does."""
        line = bytes(self._line)
        self._line.clear()
        self._lines.append(line)
        announced = _ANNOUNCED.search(line) if line.endswith((b"}\r\n", b"}\n")) else None
        if announced and not _TEXT_ONLY.match(self._lines[0]):
            self._announce(announced[1])
            return None
        self._lines[-1] = line.rstrip(b"\r\n")
        response = Response(b"".join(self._lines), tuple(self._literals))
        self._lines, self._lines_size = [], 0
        self._literals, self._literals_size = [], 0
        return response if response.text else None

    def _announce(self, digits: bytes) -> None:
        size = int(digits) if len(digits) <= _MOST_DIGITS else self._limits.literal + 1
        self._literals_size += size
        if self._literals_size > self._limits.literal:
            raise LimitReached(f"sent a literal of more than {_mib(self._limits.literal)}")
        self._missing = size
        if not size:
            self._literals.append(b"")


def _mib(size: int) -> str:
    return f"{size / MIB:g} MB"
