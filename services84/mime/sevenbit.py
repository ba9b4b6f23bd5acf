"""A message in 7 bits, for servers that take no more (RFC 6152 section 3). Pure.

Bodies with 8-bit characters are encoded anew, parts of messages within messages too; everything
else stays byte by byte as it is. Signatures over the whole message do not survive this, by their
nature.
"""

from __future__ import annotations

import binascii
import re

from services84.mime.structure import Part, read_structure

DEEPEST = 20  # levels of messages within messages
_ENCODING_FIELD = re.compile(
    rb"^content-transfer-encoding[ \t]*:[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*\r?\n", re.I | re.M
)
_LINE = 57  # bytes in a line of Base64 of 76 characters


def seven_bit(source: bytes, depth: int = 0) -> bytes:
    """The message with its 8-bit bodies encoded; lines have to end in CRLF.

    What cannot be encoded is left: characters in fields, and messages that are nested too deep.
    """
    if source.isascii() or depth > DEEPEST:
        return source
    pieces: list[bytes] = []
    done = 0
    for leaf in read_structure(source).root.leaves():
        body = source[leaf.start : leaf.end]
        if body.isascii() or leaf.encoding not in {"7bit", "8bit", "binary"} or leaf.start < done:
            continue
        encoding, encoded = _encoded(leaf, body, depth)
        pieces += [_relabelled(source, done, leaf.start, encoding), encoded]
        done = leaf.end
    return b"".join([*pieces, source[done:]])


def _encoded(leaf: Part, body: bytes, depth: int) -> tuple[bytes, bytes]:
    """The body in 7 bits, and how it is encoded."""
    if leaf.content_type == "message/rfc822":  # may not be encoded itself (RFC 2046, 5.2.1)
        return b"7bit", seven_bit(body, depth + 1)
    if leaf.content_type.startswith("text/") and leaf.encoding != "binary":
        lines = body.split(b"\r\n")
        return b"quoted-printable", b"\r\n".join(map(_quoted_line, lines))
    ranges = range(0, len(body), _LINE)
    lines = [binascii.b2a_base64(body[at : at + _LINE], newline=False) for at in ranges]
    return b"base64", b"\r\n".join(lines)


def _quoted_line(line: bytes) -> bytes:
    return binascii.b2a_qp(line, istext=False).replace(b"=\n", b"=\r\n")


def _relabelled(source: bytes, done: int, start: int, encoding: bytes) -> bytes:
    """What stands before a body, its own header with another transfer encoding.

    The header is what follows the last boundary line or, at the beginning, all.
    """
    before = source[done:start]
    header = before.rfind(b"\r\n--")
    at = before.find(b"\r\n", header + 2) + 2 if header >= 0 else 0
    own = _ENCODING_FIELD.sub(b"", before[at:])
    ends = own == b"\r\n" or own.endswith(b"\r\n\r\n")
    field = b"Content-Transfer-Encoding: " + encoding + b"\r\n"
    return before[:at] + field + own + (b"" if ends else b"\r\n")
