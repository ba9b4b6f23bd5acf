"""The parts of a message as they are written: transfer encodings and multiparts. Pure.

RFC 2045 and RFC 2046. Large bodies are encoded piece by piece into the one buffer of the
message, so that an attachment is in memory once as it came and once as it is sent.
"""

from __future__ import annotations

import binascii
import hashlib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from services84.mime.fields import with_parameters

LONGEST_LINE = 990  # bytes; 998 are allowed (RFC 5322 section 2.1.1)
_LINE = 57  # bytes in a line of Base64 of 76 characters
_LINE_END = re.compile(r"\r\n|\r|\n")
_ODD = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")  # what a text in 7 bits should not carry
_EVIL_LINE_END = re.compile(rb"\r(?!\n)|(?<!\r)\n")


@dataclass
class Leaf:
    """A part with a body: its fields, each with its line end, and its bytes as in `encoding`."""

    fields: list[bytes]
    body: bytes = field(repr=False)
    base64: bool = False

    def write(self, out: io.BytesIO) -> None:
        """Fields, empty line and body; the body without a line end of its own."""
        out.write(b"".join(self.fields) + b"\r\n")
        if self.base64:
            _write_base64(out, self.body)
        else:
            out.write(self.body)

    def holds(self, mark: bytes) -> bool:
        """Whether a boundary of these letters might occur in the body."""
        return not self.base64 and mark in self.body


@dataclass
class Multipart:
    """Parts in one; `fields` are those beside its Content-Type."""

    subtype: str
    children: Sequence[Leaf | Multipart]
    parameters: Sequence[str] = ()
    fields: list[bytes] = field(default_factory=list)
    seed: str = ""

    def write(self, out: io.BytesIO) -> None:
        """Fields and children; without a line end after the closing boundary."""
        boundary = self._boundary()
        parameters = [f'boundary="{boundary}"', *self.parameters]
        kind = with_parameters("Content-Type", f"multipart/{self.subtype}", parameters)
        out.write(b"".join(self.fields) + kind)
        for child in self.children:
            out.write(f"\r\n--{boundary}\r\n".encode())
            child.write(out)
        out.write(f"\r\n--{boundary}--".encode())

    def holds(self, mark: bytes) -> bool:
        return any(child.holds(mark) for child in self.children)

    def _boundary(self) -> str:
        """The same for the same message; no part holds it. "=_" stands in no encoded body."""
        number = 0
        while True:
            seed = f"{self.seed}/{self.subtype}/{number}".encode()
            boundary = f"=_{hashlib.sha256(seed).hexdigest()[:28]}"
            if not self.holds(boundary.encode()):
                return boundary
            number += 1


def _write_base64(out: io.BytesIO, data: bytes) -> None:
    view = memoryview(data)
    end = b"\r\n"
    for at in range(0, len(data), _LINE):
        out.write(binascii.b2a_base64(view[at : at + _LINE], newline=False))
        if at + _LINE < len(data):
            out.write(end)


# Texts ------------------------------------------------------------------------------------------


def text_leaf(
    kind: str, text: str, *, eight_bit: bool = False, parameters: Sequence[str] = ()
) -> Leaf:
    """A part of text, as legible as 7 bits allow; with `eight_bit` UTF-8 as it is.

    Line ends become CRLF; half a character (a lone surrogate) becomes U+FFFD.
    """
    raw = _LINE_END.sub("\n", text).encode("utf-16-le", "surrogatepass")
    raw = raw.decode("utf-16-le", "replace").encode("utf-8")
    encoding, body = _encoded_text(raw, eight_bit)
    charset = "us-ascii" if raw.isascii() else "utf-8"
    fields = [
        with_parameters("Content-Type", f"text/{kind}", [f"charset={charset}", *parameters]),
        f"Content-Transfer-Encoding: {encoding}\r\n".encode(),
    ]
    return Leaf(fields, body, base64=encoding == "base64")


def _encoded_text(raw: bytes, eight_bit: bool) -> tuple[str, bytes]:
    short = max(map(len, raw.split(b"\n"))) <= LONGEST_LINE
    if short and not _ODD.search(raw):
        if raw.isascii():
            return "7bit", raw.replace(b"\n", b"\r\n")
        if eight_bit:
            return "8bit", raw.replace(b"\n", b"\r\n")
    unusual = len(raw.translate(None, bytes(range(128))))
    if unusual * 5 > len(raw):  # Base64 is shorter, and nobody could read the other
        return "base64", raw.replace(b"\n", b"\r\n")
    return "quoted-printable", binascii.b2a_qp(raw).replace(b"\n", b"\r\n")


# Messages in messages ---------------------------------------------------------------------------


def fits_as_message(data: bytes, *, eight_bit: bool) -> bool:
    """Whether a whole message may be a part as it is: it may not be encoded (RFC 2046
    section 5.2.1), so its own lines have to be fit to be sent."""
    if not eight_bit and not data.isascii():
        return False
    return b"\0" not in data and max(map(len, data.split(b"\n"))) <= LONGEST_LINE + 8


def with_crlf(data: bytes) -> bytes:
    """The bytes with CRLF for every line end of another kind; themselves where there is none."""
    if data.count(b"\n") == data.count(b"\r\n") == data.count(b"\r"):
        return data
    return _EVIL_LINE_END.sub(b"\r\n", data)
