"""From a message's attachments, stored or as bytes, to the carriers that show them. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services84.carriers.message import EMailAttachment
from services84.mime.parse import ParsedAttachment, ParsedMessage, parse
from services84.mime.reading import (
    AttachmentContent,
    attachment_ids,
    attachment_of,
    attachments_of,
)
from services84.mime.structure import read_structure, with_line_ends
from services84.store.values import NewAttachment

CALENDAR_NAME = "invitation.ics"
HIGHEST_INT = 2**31 - 1
_CALENDAR = "text/calendar"


def attachment_carriers(
    source: bytes, message: ParsedMessage, *, contents: bool
) -> list[EMailAttachment]:
    """The attachments of a message; with their bytes when `contents` are wanted. An invitation,
    which mail programs show as a part of the text, is among them."""
    found = _listed(message.attachments, _contents(source) if contents else {})
    return _with_invitation(found, source if message.calendar else None, contents=contents)


def stored_attachments(
    attachments: Sequence[NewAttachment],
    source: bytes | None,
    *,
    invites: bool,
    contents: bool,
) -> list[EMailAttachment]:
    """The attachments of a stored message, as `attachment_carriers`, with the invitation that it
    is if it `invites`; without `source` neither their bytes nor that can be given."""
    parsed = [_as_parsed(each) for each in attachments]
    return _with_invitation(
        _listed(parsed, _contents(source) if source and contents else {}),
        source if invites else None,
        contents=contents,
    )


def attachment_carrier(
    about: ParsedAttachment, attachment_id: str, content: AttachmentContent | None = None
) -> EMailAttachment:
    """One attachment under the id that it is asked for by."""
    return EMailAttachment(
        Description=(content.description if content else "") or about.name,
        Filename=about.name,
        Size=min(len(content.data) if content else about.size, HIGHEST_INT),
        Type=about.content_type,
        Encoding=about.encoding,
        Id=attachment_id,
        Disposition="inline" if about.inline else "attachment",
        Stream=content.data if content else None,
    )


def _listed(
    attachments: Sequence[ParsedAttachment], contents: Mapping[str, AttachmentContent]
) -> list[EMailAttachment]:
    return [
        attachment_carrier(about, attachment_id, contents.get(about.part))
        for about, attachment_id in zip(attachments, attachment_ids(attachments), strict=True)
    ]


def _contents(source: bytes) -> dict[str, AttachmentContent]:
    return {content.about.part: content for content in attachments_of(source)}


def _as_parsed(stored: NewAttachment) -> ParsedAttachment:
    return ParsedAttachment(
        part=stored.part,
        content_id=stored.content_id,
        name=stored.name,
        content_type=stored.content_type,
        size=stored.size,
        encoding=stored.encoding,
        inline=stored.inline,
    )


def attachment_by_id(source: bytes, attachment_id: str) -> EMailAttachment | None:
    """The attachment that an id names, with its bytes: a Content-ID, or the number of a part."""
    found = attachment_of(source, attachment_id)
    if found is not None:
        return attachment_carrier(found.about, attachment_id.strip(), found)
    invitation = _invitation(source, contents=True)
    return invitation if invitation and invitation.Id == attachment_id.strip() else None


def _with_invitation(
    attachments: list[EMailAttachment], source: bytes | None, *, contents: bool
) -> list[EMailAttachment]:
    """The attachments and the message's own calendar part, which no other member could hold."""
    if source is None or any(each.Type == _CALENDAR for each in attachments):
        return attachments
    invitation = _invitation(source, contents=contents)
    return attachments if invitation is None else [*attachments, invitation]


def _invitation(source: bytes, *, contents: bool) -> EMailAttachment | None:
    leaves = read_structure(with_line_ends(source)).root.leaves()
    part = next((leaf for leaf in leaves if leaf.content_type == _CALENDAR), None)
    if part is None:
        return None
    text = parse(source).calendar.encode("utf-8", "replace")
    return EMailAttachment(
        Description=CALENDAR_NAME,
        Filename=CALENDAR_NAME,
        Size=len(text),
        Type=_CALENDAR,
        Encoding=part.encoding,
        Id=part.number,
        Disposition="inline",
        Stream=text if contents else None,
    )
