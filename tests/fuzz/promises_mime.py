"""What the MIME parser, and what is built on it, promise of whatever a message is."""

from __future__ import annotations

from datetime import UTC

from services84.mime.addresses import address_list
from services84.mime.mimetext import mime_bytes, mime_text
from services84.mime.parse import ParsedMessage, parse, part_bytes
from services84.mime.reading import (
    attachment_ids,
    attachment_of,
    attachments_of,
    custom_headers,
    read_draft,
)
from services84.mime.replies import forwarded, replied
from services84.mime.sevenbit import seven_bit
from services84.mime.stripping import strip_attachments, without_field
from services84.mime.structure import with_line_ends

ONE_LINE = ("message_id", "in_reply_to", "references", "subject", "sender", "reply_to", "to", "cc")


def promises(source: bytes) -> None:
    """Raises AssertionError, or whatever the parser should not, when a promise is broken."""
    message = parse(source)
    assert not message.problem.startswith("the message cannot be read ("), message.problem
    _check(message)
    _attachments(source, message)
    _rewritten(source, message)
    draft = read_draft(source)
    forwarded(draft, sender=draft.sender)
    replied(draft, sender=draft.sender, to_all=True)
    for name, values in custom_headers(source).items():
        assert name.strip()
        assert all("\n" not in value for value in values)


def _check(message: ParsedMessage) -> None:
    for name in ONE_LINE:
        value = getattr(message, name)
        assert isinstance(value, str)
        assert "\n" not in value, name
        assert "\r" not in value, name
    assert 1 <= message.priority <= 5
    assert message.sent_at is None or message.sent_at.tzinfo is UTC
    for field in (message.sender, message.to, message.cc, message.bcc, message.reply_to):
        for address in address_list(field):
            assert "\n" not in address.address + address.name


def _attachments(source: bytes, message: ParsedMessage) -> None:
    contents = list(attachments_of(source))
    assert tuple(content.about for content in contents) == message.attachments
    ids = attachment_ids(message.attachments)
    assert len(set(ids)) == len(ids)
    for attachment, content in zip(message.attachments, contents, strict=True):
        assert part_bytes(source, attachment.part) == content.data
        assert attachment.size >= 0
        assert attachment_of(source, attachment.part) is not None
        assert "\n" not in attachment.name


def _rewritten(source: bytes, message: ParsedMessage) -> None:
    stripped = parse(strip_attachments(source))
    assert not stripped.problem.startswith("the message cannot be read (")
    assert stripped.subject == message.subject
    assert len(stripped.attachments) <= len(message.attachments)
    lines = with_line_ends(source)
    seven = seven_bit(lines)
    assert not parse(seven).problem.startswith("the message cannot be read (")
    without_field(lines, "Bcc")
    again = parse(mime_bytes(mime_text(source)))
    assert not again.problem.startswith("the message cannot be read (")
