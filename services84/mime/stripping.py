"""A message without its attachments; everything else byte by byte as it was. Pure.

What counts as an attachment is what `parse` lists as one, apart from invitations. Signatures over
the whole message do not survive this, by their nature.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from services84.mime.headers import read_headers
from services84.mime.parse import parse
from services84.mime.structure import Part, read_structure, with_line_ends

_FIELD = re.compile(rb"[^\n]*(?:\n(?=[ \t])[^\n]*)*\n?")  # a bare CR ends no line
_NAME = re.compile(rb"[\x21-\x39\x3b-\x7e]+[ \t]*:")
_NOTHING = b"Content-Type: text/plain; charset=us-ascii\r\n\r\n"


def strip_attachments(source: bytes, *, keep_inline: bool = False) -> bytes:
    """The message's header, structure and texts; with `keep_inline` also the pictures that are
    shown within a text. A message of attachments only keeps an empty text."""
    source = with_line_ends(source)
    attachments = parse(source).attachments
    gone = {
        each.part
        for each in attachments
        if each.content_type != "text/calendar"
        and not (keep_inline and each.inline and each.content_id)
    }
    if not gone:
        return source
    root = read_structure(source).root
    if not root.children:
        return _without_content(source, root.start)
    return b"".join([_closed(source[: root.start]), *_multipart(source, root, gone)])


def _multipart(source: bytes, part: Part, gone: set[str]) -> list[bytes]:
    """The body of a multipart with what is left of its children."""
    boundary = b"--" + part.parameters.get("boundary", "").rstrip().encode("latin-1", "replace")
    pieces: list[bytes] = []
    at = _line_after(source, boundary, part.start, part.end)
    for child in part.children:
        header = _closed(source[at : child.start])
        if child.children:
            body = _multipart(source, child, gone) if _keeps(child, gone) else None
        else:
            body = [source[child.start : child.end]] if child.number not in gone else None
        if body is not None:
            pieces += [boundary, b"\r\n", header, *body, b"\r\n"]
        at = _line_after(source, boundary, child.end, part.end)
    return [*(pieces or [boundary, b"\r\n", _NOTHING, b"\r\n"]), boundary, b"--\r\n"]


def _closed(header: bytes) -> bytes:
    """The fields with the empty line after them, also where a body began without one."""
    if header in (b"\n", b"\r\n") or header.endswith((b"\n\n", b"\n\r\n")):
        return header
    return header + (b"\r\n" if header.endswith(b"\n") or not header else b"\r\n\r\n")


def _keeps(part: Part, gone: set[str]) -> bool:
    return any(leaf.number not in gone for leaf in part.leaves())


def _line_after(source: bytes, boundary: bytes, start: int, end: int) -> int:
    """Where the line after the next boundary begins, as `read_structure` finds it."""
    at = start
    while (at := source.find(boundary, at, end)) >= 0:
        stop = source.find(b"\n", at, end) + 1 or end
        rest = source[at + len(boundary) : stop].strip()
        if (at == start or source[at - 1] == 0x0A) and rest in (b"", b"--"):
            return stop
        at = stop if at < stop else at + 1
    return end


def _without_content(source: bytes, body: int) -> bytes:
    """The fields of a message that is one attachment, with an empty text for it."""
    kept = [
        line if line.endswith(b"\n") else line + b"\r\n"
        for line in _field_lines(source, body)
        if _NAME.match(line) and not line.lower().startswith((b"content-", b"mime-version"))
    ]
    return b"".join(kept) + b"MIME-Version: 1.0\r\n" + _NOTHING


def _field_lines(source: bytes, body: int) -> Iterator[bytes]:
    """What stands before the body, field by field with their line ends."""
    at = 0
    while at < body:
        found = _FIELD.match(source, at, body)
        line = found[0] if found else b""
        at += len(line) or 1
        yield line


def without_field(source: bytes, name: str) -> bytes:
    """The message without the fields of this name in its header; itself where there are none."""
    _, body = read_headers(source, 0, len(source))
    start = re.compile(re.escape(name.encode("ascii")) + rb"[ \t]*:", re.IGNORECASE)
    lines = list(_field_lines(source, body))
    kept = [line for line in lines if not start.match(line)]
    return source if len(kept) == len(lines) else b"".join([*kept, source[body:]])
