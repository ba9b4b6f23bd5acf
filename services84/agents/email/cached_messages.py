"""Operations that read messages of the cache; no mail server is asked.

By Message-ID only the caller's own accounts are searched, and of several messages the one that
came last is given.

Decided here, where the vendor documents nothing: a Message-ID that no message has is an error
(SoNotFoundException), as an id is; only GetEMailAccountFromEMailAddress is documented to give an
empty carrier instead.
"""

from __future__ import annotations

from services84.agents.access import cached_item
from services84.agents.call import Call
from services84.agents.entities import attachment_by_id
from services84.agents.known_messages import known_message, newest, own_accounts, spellings
from services84.agents.registry import operation
from services84.carriers.base import Boolean, Int, String
from services84.carriers.message import EMailAttachment, EMailEntity
from services84.errors import InvalidValue, NotFound, StoreError


@operation("GetEMail", returns=EMailEntity, Id=Int, IncludeAttachments=Boolean)
def get_email(call: Call, item_id: int | None, contents: bool | None) -> EMailEntity:
    """Give a cached message by its id. With IncludeAttachments these come with their bytes, else
    by name only."""
    item, folder = cached_item(call, item_id)
    return known_message(call, item, contents=bool(contents), folder=folder)


@operation("GetMailFromMessageId", returns=EMailEntity, MessageId=String)
def get_mail_from_message_id(call: Call, message_id: str | None) -> EMailEntity:
    """Give the caller's cached message with this Message-ID, with its attachments."""
    wanted = spellings(message_id, member="MessageId")
    found = call.services.items.with_message_id(wanted, own_accounts(call))
    return known_message(call, newest(call, found, message_id), contents=True)


@operation("GetMailFromInReplyTo", returns=EMailEntity, MessageId=String)
def get_mail_from_in_reply_to(call: Call, message_id: str | None) -> EMailEntity:
    """Give the caller's cached message that answers the one with this Message-ID, with its
    attachments."""
    wanted = spellings(message_id, member="MessageId")
    found = call.services.items.answering(wanted, own_accounts(call))
    return known_message(call, newest(call, found, message_id), contents=True)


@operation("GetAttachmentFromId", returns=EMailAttachment, MailItemId=Int, AttachmentId=String)
def get_attachment_from_id(
    call: Call, item_id: int | None, attachment_id: str | None
) -> EMailAttachment:
    """Give an attachment of a cached message with its bytes: by its Content-ID, by its part's
    number (`2.1`), or by the place of its part among all (`3`)."""
    item, _ = cached_item(call, item_id)
    wanted = (attachment_id or "").strip()
    if not wanted:
        raise InvalidValue("AttachmentId", "", "is empty; the id of an attachment is required")
    source = call.services.items.source(item.item_id)
    if source is None:
        raise StoreError(f"message {item.item_id} has no content")
    found = attachment_by_id(source, wanted)
    if found is None:
        raise NotFound(
            f"AttachmentId: message {item.item_id} has no attachment {wanted[:100]!r}",
            parameters={"AttachmentId": wanted[:100]},
        )
    return found
