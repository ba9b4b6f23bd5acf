"""What `parse` leaves in the bytes, for whoever asks: attachments' contents, mailboxes one by
one, the remaining header fields, and all of it as a draft. Pure, and never raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from services84.mime.addresses import Address, address_list
from services84.mime.draft import Draft, DraftAttachment, found_ids, is_content_id
from services84.mime.headers import Headers, read_headers
from services84.mime.parse import ParsedAttachment, ParsedMessage, leaf_bytes, parse
from services84.mime.structure import Part, read_structure, with_line_ends

_NAME = re.compile(rb"^([\x21-\x39\x3b-\x7e]{1,200})[ \t]*:", re.MULTILINE)
_ADDRESS_HEADERS = frozenset(
    {"reply-to", "sender", "errors-to", "return-receipt-to", "disposition-notification-to"}
    | {"resent-from", "resent-to", "resent-cc", "delivered-to", "x-original-to"}
)
_CONTROLS = dict.fromkeys([*range(32), 127], " ")
# Fields that other members of an EMailEntity show.
_SHOWN = frozenset(
    {"from", "to", "cc", "bcc", "subject", "date", "message-id", "in-reply-to", "mime-version"}
    | {"x-priority", "importance", "priority", "x-msmail-priority"}
)


@dataclass(frozen=True)
class AttachmentContent:
    """An attachment with its decoded bytes; `description` is its Content-Description."""

    about: ParsedAttachment
    data: bytes = field(repr=False)
    description: str = ""


def attachment_ids(attachments: Sequence[ParsedAttachment]) -> tuple[str, ...]:
    """The id of each, different from all others: its Content-ID, else its part's number."""
    ids: list[str] = []
    for attachment in attachments:
        wanted = attachment.content_id
        ids.append(attachment.part if not wanted or wanted in ids else wanted)
    return tuple(ids)


def attachment_of(source: bytes, attachment_id: str) -> AttachmentContent | None:
    """The attachment that an id names, or None.

    An id is a Content-ID, with or without its angle brackets; or the number of a MIME part as
    IMAP counts them ("2", "2.1"); or, where there is no such attachment, a whole number n for
    the n-th part of all (from 1) that is no multipart.
    """
    source = with_line_ends(source)
    wanted = attachment_id.strip()
    leaves = list(read_structure(source).root.leaves())
    attachments = parse(source).attachments
    found = _named(attachments, wanted)
    if found is None and wanted.isascii() and wanted.isdigit():
        at = int(wanted[:9]) - 1
        found = _named(attachments, leaves[at].number) if 0 <= at < len(leaves) else None
    return None if found is None else _content(source, found, leaves)


def attachments_of(source: bytes) -> Iterator[AttachmentContent]:
    """All attachments with their bytes, one after the other."""
    source = with_line_ends(source)
    leaves = list(read_structure(source).root.leaves())
    for attachment in parse(source).attachments:
        yield _content(source, attachment, leaves)


def _named(attachments: Sequence[ParsedAttachment], wanted: str) -> ParsedAttachment | None:
    content_id = wanted.strip("<> ")
    by_content_id = (each for each in attachments if content_id and each.content_id == content_id)
    by_number = (each for each in attachments if each.part == wanted)
    return next(by_content_id, None) or next(by_number, None)


def _content(
    source: bytes, attachment: ParsedAttachment, leaves: Sequence[Part]
) -> AttachmentContent:
    leaf = next(leaf for leaf in leaves if leaf.number == attachment.part)
    description = leaf.headers.text("content-description")
    return AttachmentContent(attachment, leaf_bytes(source, leaf), description)


# Header fields ----------------------------------------------------------------------------------


def custom_headers(source: bytes) -> dict[str, tuple[str, ...]]:
    """The fields that have no member of their own, with all their values, readable; names as
    they are written the first time, in the message's order."""
    source = with_line_ends(source)
    headers, body = read_headers(source, 0, len(source))
    spelling: dict[str, str] = {}
    for found in _NAME.finditer(source, 0, body):
        name = found[1].decode("ascii")
        spelling.setdefault(name.lower(), name)
    values: dict[str, tuple[str, ...]] = {}
    for name, raw in headers.fields:
        if name not in _SHOWN and not name.startswith("content-"):
            written = spelling.get(name, name)
            values[written] = (*values.get(written, ()), _value(name, raw))
    return values


def _value(name: str, raw: bytes) -> str:
    one = Headers(((name, raw),))
    return one.addresses(name) if name in _ADDRESS_HEADERS else one.text(name)


def first_address(text: str) -> Address:
    """The first mailbox of a field; both texts empty where there is none."""
    return next(iter(address_list(text)), Address("", ""))


# All of it --------------------------------------------------------------------------------------


def read_draft(source: bytes, *, with_attachments: bool = True) -> Draft:
    """The message as a draft: what a reply, a forwarded message or another copy starts from.

    Addresses are as they came: composing it again may find fault with them.
    """
    return draft_of(parse(source), tuple(attachments_of(source)) if with_attachments else ())


def draft_of(message: ParsedMessage, attachments: Sequence[AttachmentContent] = ()) -> Draft:
    """A parsed message as a draft, with these attachments."""
    return Draft(
        sender=_clean(first_address(message.sender)),
        to=_mailboxes(message.to),
        cc=_mailboxes(message.cc),
        bcc=_mailboxes(message.bcc),
        reply_to=_mailboxes(message.reply_to),
        subject=message.subject.translate(_CONTROLS),
        plain=message.plain_body,
        html=message.html_body,
        calendar=message.calendar,
        priority=message.priority,
        message_id=" ".join(found_ids(message.message_id)[:1]),
        in_reply_to=" ".join(found_ids(message.in_reply_to)[:1]),
        references=" ".join(found_ids(message.references)),
        attachments=tuple(_as_draft(each) for each in attachments),
    )


def _mailboxes(text: str) -> tuple[Address, ...]:
    return tuple(map(_clean, address_list(text)))


def _clean(mailbox: Address) -> Address:
    name = " ".join(mailbox.name.translate(_CONTROLS).split())
    return Address(name, mailbox.address)


def _as_draft(content: AttachmentContent) -> DraftAttachment:
    about = content.about
    return DraftAttachment(
        name=about.name.translate(_CONTROLS),
        data=content.data,
        content_type=about.content_type,
        content_id=about.content_id if is_content_id(about.content_id) else "",
        inline=about.inline,
        description=content.description.translate(_CONTROLS),
    )
