"""From what the mail server gave to what the store takes. Pure: bytes and values in, values out."""

from __future__ import annotations

from services84.imap.values import FetchedMessage, ListedFolder
from services84.mime.parse import ParsedAttachment
from services84.store.values import FolderDraft, NewAttachment, NewItem
from services84.sync.reading import Pending, Unread
from services84.sync.vocabulary import attributes_seen, flags_seen


def folder_draft(listed: ListedFolder) -> FolderDraft:
    """A folder of the server's list as the store keeps it."""
    return FolderDraft(
        name=listed.name,
        server_name=listed.server_name,
        delimiter=listed.delimiter,
        attributes=attributes_seen(
            listed.attributes,
            inbox=listed.server_name.upper() == "INBOX",
            subscribed=listed.subscribed,
        ),
    )


def new_item(message: FetchedMessage, reading: Pending | Unread) -> NewItem:
    """A fetched message with its parsed parts; a message nobody can parse is kept with a note.

    Waits for the reading, or does it.
    """
    parsed, packed = reading.result()
    seen = flags_seen(message.flags)
    return NewItem(
        uid=message.uid,
        flags=seen.flags,
        keywords=seen.keywords,
        internal_date=message.internal_date,
        size=message.size,
        source=packed,
        message_id=parsed.message_id,
        in_reply_to=parsed.in_reply_to,
        references=parsed.references,
        subject=parsed.subject,
        sender=parsed.sender,
        reply_to=parsed.reply_to,
        to=parsed.to,
        cc=parsed.cc,
        bcc=parsed.bcc,
        sent_at=parsed.sent_at,
        priority=parsed.priority,
        attachments=tuple(_attachment(a) for a in parsed.attachments),
        parse_problem=parsed.problem,
    )


def _attachment(parsed: ParsedAttachment) -> NewAttachment:
    return NewAttachment(
        part=parsed.part,
        content_id=parsed.content_id,
        name=parsed.name,
        content_type=parsed.content_type,
        size=parsed.size,
        encoding=parsed.encoding,
        inline=parsed.inline,
    )
