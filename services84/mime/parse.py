"""From a message's bytes to what a mail program shows of it. Pure, and never raises.

Every message gives a value; what could not be read is left out and named in `problem`.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from services84.mime import charsets, headers
from services84.mime.dates import read_date
from services84.mime.headers import Headers, Parametered, decode_base64, parametered
from services84.mime.structure import Part, read_structure, with_line_ends

UNREADABLE = "the message cannot be read"  # how a problem begins that leaves nothing of a message
NORMAL = 3  # EMailPriority of the vendor: 1 Highest, 2 High, 3 Normal, 4 Low, 5 Lowest
_BLANKS = b" \t\r\n"


@dataclass(frozen=True)
class ParsedAttachment:
    """A part that is no text of the message. `part` is its number (RFC 3501 section 6.4.5),
    `size` its decoded bytes, as near as the encoding tells."""

    part: str
    content_id: str
    name: str
    content_type: str
    size: int
    encoding: str
    inline: bool


@dataclass(frozen=True)
class ParsedMessage:
    """A message. Header texts are decoded, on one line; `sent_at` is in UTC; `priority` is 1
    (highest) to 5; `problem` is empty, or says what could not be read."""

    message_id: str = ""
    in_reply_to: str = ""
    references: str = ""
    subject: str = ""
    sender: str = ""
    reply_to: str = ""
    to: str = ""
    cc: str = ""
    bcc: str = ""
    sent_at: datetime | None = None
    priority: int = NORMAL
    plain_body: str = field(default="", repr=False)
    html_body: str = field(default="", repr=False)
    calendar: str = field(default="", repr=False)
    attachments: tuple[ParsedAttachment, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Texts:
    """What a message says to people: as plain text, as HTML, and as the invitation that it is."""

    plain: str = field(default="", repr=False)
    html: str = field(default="", repr=False)
    calendar: str = field(default="", repr=False)


def parse(source: bytes, *, texts: bool = True) -> ParsedMessage:
    """What `source` says; of whatever shape it is. Its texts are left empty unless wanted:
    decoding them is a good part of the work."""
    try:
        return _parse(with_line_ends(source), texts=texts)
    except Exception as error:  # a message must never stop a folder, whoever is to blame
        return ParsedMessage(problem=f"the message cannot be read ({type(error).__name__})")


def read_texts(source: bytes) -> Texts:
    """The texts of a message, as `parse` gives them; of whatever shape it is."""
    try:
        source = with_line_ends(source)
        return _contents(source, read_structure(source).root)[0]
    except Exception:  # as above
        return Texts()


def part_bytes(source: bytes, part: str) -> bytes | None:
    """The decoded bytes of the part with this number, or None where there is none.

    A multipart's own number names no bytes.
    """
    source = with_line_ends(source)
    for leaf in read_structure(source).root.leaves():
        if leaf.number == part:
            return _decoded(source, leaf)
    return None


def leaf_bytes(source: bytes, leaf: Part) -> bytes:
    """The decoded bytes of a part that `read_structure` has found in this very source."""
    return _decoded(source, leaf)


def _parse(source: bytes, *, texts: bool) -> ParsedMessage:
    structure = read_structure(source)
    fields = structure.root.headers
    said, attachments = _contents(source, structure.root, decoded=texts)
    return ParsedMessage(
        message_id=message_id(fields),
        in_reply_to=fields.text("in-reply-to"),
        references=fields.text("references"),
        subject=fields.text("subject"),
        sender=fields.addresses("from") or fields.addresses("sender"),
        reply_to=fields.addresses("reply-to"),
        to=fields.addresses("to"),
        cc=fields.addresses("cc"),
        bcc=fields.addresses("bcc"),
        sent_at=read_date(fields.raw("date")),
        priority=priority(fields),
        plain_body=said.plain,
        html_body=said.html,
        calendar=said.calendar,
        attachments=tuple(attachments),
        problem="; ".join(structure.problems),
    )


def message_id(fields: Headers) -> str:
    """The Message-ID with its angle brackets; where there are none, the whole value."""
    text = " ".join(fields.raw("message-id").decode("utf-8", "replace").split())
    start, end = text.find("<"), text.find(">")
    return text[start : end + 1] if 0 <= start < end else text


_IMPORTANCE = {"high": 1, "urgent": 1, "normal": 3, "low": 5, "non-urgent": 5}


def priority(fields: Headers) -> int:
    """1 (highest) to 5, by X-Priority, Importance, Priority or X-MSMail-Priority."""
    if number := fields.raw("x-priority"):
        found = re.match(r"\s*([1-5])\b", number.decode("latin-1"))
        if found:
            return int(found[1])
    for name in ("importance", "priority", "x-msmail-priority"):
        word = fields.raw(name).decode("latin-1").strip().lower()
        if word in _IMPORTANCE:
            return _IMPORTANCE[word]
    return NORMAL


# Texts and attachments --------------------------------------------------------------------------


@dataclass
class _Parts:
    """The texts of a message, part by part."""

    plain: list[str] = field(default_factory=list)
    html: list[str] = field(default_factory=list)
    calendar: list[str] = field(default_factory=list)

    def of(self, part: Part) -> list[str] | None:
        """Where the text of a part belongs, if it is one of the message's own texts."""
        kinds = {
            "text/plain": self.plain,
            "text/html": self.html,
            "text/calendar": self.calendar,
        }
        return kinds.get(part.content_type)

    def together(self) -> Texts:
        """All of them."""
        calendar = "".join(self.calendar[:1])
        return Texts(_together(self.plain), _together(self.html), calendar)


def _contents(
    source: bytes, root: Part, *, decoded: bool = True
) -> tuple[Texts, list[ParsedAttachment]]:
    texts = _Parts()
    attachments: list[ParsedAttachment] = []
    for part in root.leaves():
        disposition = parametered(part.headers.raw("content-disposition"))
        name = _name(part, disposition)
        kind = texts.of(part)
        if kind is not None and _belongs(part, disposition, name, kind):
            kind.append(_text(source, part) if decoded else "")
            if kind is not texts.calendar or not name:
                continue
        attachments.append(_attachment(source, part, disposition, name))
    return texts.together(), attachments


def _text(source: bytes, part: Part) -> str:
    return charsets.decode(_decoded(source, part), part.parameters.get("charset"))


def _belongs(part: Part, disposition: Parametered, name: str, kind: list[str]) -> bool:
    """Whether a text is to be read as the message's, and is not a file sent along."""
    if part.content_type == "text/calendar":
        return not kind
    if disposition.value == "attachment":
        return False
    if kind and part.parent == "multipart/alternative":
        return False
    return not name or not part.parent


def _together(texts: list[str]) -> str:
    return "\n".join(text for text in texts if text.strip()) if len(texts) > 1 else "".join(texts)


def _name(part: Part, disposition: Parametered) -> str:
    name = disposition.parameters.get("filename") or part.parameters.get("name") or ""
    # A path would be the sender's; only its last step is a name.
    return re.split(r"[/\\]", name.replace("\0", ""))[-1].strip() or name.strip()


def _attachment(source: bytes, part: Part, disposition: Parametered, name: str) -> ParsedAttachment:
    content_id = part.headers.text("content-id").strip("<> ")
    related = part.parent == "multipart/related" and bool(content_id)
    return ParsedAttachment(
        part=part.number,
        content_id=content_id,
        name=name or _subject_as_name(source, part),
        content_type=part.content_type,
        size=_size(source, part),
        encoding=part.encoding,
        inline=disposition.value == "inline" or (related and disposition.value != "attachment"),
    )


def _subject_as_name(source: bytes, part: Part) -> str:
    if part.content_type != "message/rfc822":
        return ""
    inner, _ = headers.read_headers(source, part.start, part.end)
    subject = re.sub(r'[\x00-\x1f/\\:*?"<>|]', " ", inner.text("subject"))
    return f"{' '.join(subject.split())[:150] or 'message'}.eml"


# Transfer encodings -----------------------------------------------------------------------------


def _decoded(source: bytes, part: Part) -> bytes:
    body = source[part.start : part.end]
    if part.encoding == "base64":
        return decode_base64(body)
    if part.encoding == "quoted-printable":
        return binascii.a2b_qp(body)
    if part.encoding in {"x-uuencode", "uuencode", "uue", "x-uue"}:
        return b"".join(_uudecoded(body))
    return body


def _size(source: bytes, part: Part) -> int:
    if part.encoding != "base64":
        return len(_decoded(source, part))
    # Counted, not decoded: attachments are most of all bytes.
    letters, at = _even_lines(source, part.start, part.end)
    rest = source[at : part.end].translate(None, _BLANKS).rstrip(b"=")
    return (letters + len(rest)) * 3 // 4


def _even_lines(source: bytes, start: int, end: int) -> tuple[int, int]:
    """How many letters stand in lines that are all as long as the first, and where those end."""
    first = source.find(b"\n", start, end)
    ends = source[first : end : first + 1 - start] if first > start else b""
    if not ends or ends.count(b"\n") < len(ends):
        return 0, start
    letters = len(source[start:first].translate(None, _BLANKS))
    lines = len(ends) - 1  # the last one may be padded
    return letters * lines, start + (first + 1 - start) * lines


def _uudecoded(body: bytes) -> Iterator[bytes]:
    inside = False
    for line in body.splitlines():
        if not inside:
            inside = line.startswith(b"begin ")
        elif line.strip() in (b"end", b"`", b""):
            continue
        else:
            try:
                yield binascii.a2b_uu(line)
            except binascii.Error:
                # Lines that lost or gained blanks on the way: as long as they say they are.
                size = (((line[0] - 32) & 63) * 4 + 5) // 3
                try:
                    yield binascii.a2b_uu(line[:size])
                except binascii.Error:
                    continue
