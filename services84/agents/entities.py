"""From messages, stored or as bytes, and folders to the carriers that show them. No I/O.

Whom the address book knows by an address is filled in by `email.addresses`, what a message is
filed under by `email.documents`; the way back, from a carrier to a message, is `entity_drafts`.
Points in time are aware, in UTC; how a caller sees them is a front end's matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from services84.agents.attachments import (
    CALENDAR_NAME,
    HIGHEST_INT,
    attachment_by_id,
    attachment_carrier,
    attachment_carriers,
    stored_attachments,
)
from services84.carriers.address import EMailAddress
from services84.carriers.folder import EMailFolder
from services84.carriers.message import (
    EMailCustomHeader,
    EMailEntity,
    EMailEnvelope,
    EMailFlags,
    EMailPriority,
)
from services84.mime.addresses import address_list
from services84.mime.parse import Texts, parse, read_texts
from services84.mime.reading import custom_headers
from services84.store.values import (
    Folder,
    FolderAttribute,
    Item,
    ItemFlag,
    NewAttachment,
)

__all__ = [
    "CALENDAR_NAME",
    "HIGHEST_INT",
    "PRIORITIES",
    "address_of",
    "addresses_of",
    "attachment_by_id",
    "attachment_carrier",
    "attachment_carriers",
    "attribute_names",
    "entity_of_item",
    "entity_of_source",
    "envelope_of",
    "envelope_of_source",
    "flags_from",
    "flags_of",
    "folder_of",
    "priority_of",
    "server_id",
    "uid_of",
]

PRIORITIES = ("NoPriority", "Highest", "High", "Normal", "Low", "Lowest")

# Numbers, flags, priorities ---------------------------------------------------------------------


def server_id(uid: int) -> int:
    """A UID as xs:int holds it: the two's complement of one above 2^31-1."""
    return uid - 2**32 if uid > HIGHEST_INT else uid


def uid_of(server_id: int) -> int:
    """The UID that a ServerId stands for; 0 for none."""
    return server_id & 0xFFFFFFFF


def flags_of(flags: ItemFlag) -> tuple[str, ...]:
    """Flags as EMailFlags spells them."""
    return tuple(name for name in EMailFlags.Attributes.literals if ItemFlag[name.upper()] & flags)


def flags_from(literals: Iterable[str] | None) -> ItemFlag:
    """The flags that EMailFlags' literals name."""
    flags = ItemFlag.NONE
    for name in literals or ():
        flags |= ItemFlag[name.upper()]
    return flags


def priority_of(number: int) -> str:
    """A priority as EMailPriority spells it; what is out of range is Normal."""
    return PRIORITIES[number] if 0 <= number < len(PRIORITIES) else str(EMailPriority.Normal)


# Addresses and folders --------------------------------------------------------------------------


def addresses_of(field: str) -> list[EMailAddress]:
    """The mailboxes of an address field, as nobody's that the address book knows."""
    return [
        EMailAddress(Address=found.address, Name=found.name or found.address)
        for found in address_list(field)
    ]


def address_of(field: str) -> EMailAddress | None:
    """The first mailbox of an address field; None where there is none."""
    return next(iter(addresses_of(field)), None)


def folder_of(folder: Folder) -> EMailFolder:
    """A folder as it is cached."""
    return EMailFolder(
        Name=folder.name,
        Delimiter=folder.delimiter,
        Flags=" ".join(attribute_names(folder.attributes)),
        TotalItems=folder.total,
        UnreadItems=folder.unread,
        Subscribed=folder.subscribed,
        EmailFolderId=folder.folder_id,
    )


def attribute_names(attributes: FolderAttribute) -> list[str]:
    """The vendor's names of the attributes that are set: `HasNoChildren`, `Inbox`."""
    return [
        "".join(word.title() for word in (one.name or "").split("_"))
        for one in FolderAttribute
        if one & attributes
    ]


# Heads ------------------------------------------------------------------------------------------


def envelope_of(item: Item) -> EMailEnvelope:
    """The head of a stored message."""
    return EMailEnvelope(
        ServerId=0 if item.is_kept else server_id(item.uid),
        MessageId=item.message_id,
        Subject=item.subject,
        From=address_of(item.sender),
        To=addresses_of(item.to),
        Sent=item.sent_at or item.internal_date,
        Priority=priority_of(item.priority),
        Flags=flags_of(item.flags),
        Size=min(item.size, HIGHEST_INT),
    )


def envelope_of_source(
    source: bytes,
    *,
    uid: int = 0,
    flags: ItemFlag = ItemFlag.NONE,
    size: int | None = None,
    received: datetime | None = None,
) -> EMailEnvelope:
    """The head of a message of which the header, or all, is given as bytes."""
    message = parse(source)
    return EMailEnvelope(
        ServerId=server_id(uid),
        MessageId=message.message_id,
        Subject=message.subject,
        From=address_of(message.sender),
        To=addresses_of(message.to),
        Sent=message.sent_at or received,
        Priority=priority_of(message.priority),
        Flags=flags_of(flags),
        Size=min(len(source) if size is None else size, HIGHEST_INT),
    )


def _parent(message_id: str, parent: Item | None) -> EMailEnvelope | None:
    """The head of the message that another answers: all of it where it is stored."""
    if parent is not None:
        return envelope_of(parent)
    return EMailEnvelope(MessageId=message_id) if message_id else None


# Whole messages ---------------------------------------------------------------------------------


def entity_of_source(
    source: bytes,
    *,
    contents: bool = True,
    uid: int = 0,
    flags: ItemFlag = ItemFlag.NONE,
    received: datetime | None = None,
    folder: str = "",
    parent: Item | None = None,
) -> EMailEntity:
    """A message from its bytes; attachments with theirs when `contents` are wanted.

    Whatever shape it is of, this gives a carrier and raises nothing.
    """
    message = parse(source)
    return EMailEntity(
        To=addresses_of(message.to),
        Cc=addresses_of(message.cc),
        Bcc=addresses_of(message.bcc),
        Subject=message.subject,
        HTMLBody=message.html_body,
        From=address_of(message.sender),
        Sent=message.sent_at or received,
        Size=min(len(source), HIGHEST_INT),
        Priority=priority_of(message.priority),
        Flags=flags_of(flags),
        MessageID=message.message_id,
        PlainBody=message.plain_body,
        IsSent=not flags & ItemFlag.DRAFT,
        ServerId=server_id(uid),
        Attachments=attachment_carriers(source, message, contents=contents),
        CustomHeaderList=_custom_headers(source),
        FolderName=folder,
        EmailItemId=0,
        AccountId=0,
        ReceivedAt=received,
        InReplyTo=_parent(message.in_reply_to, parent),
    )


def entity_of_item(
    item: Item,
    attachments: Sequence[NewAttachment],
    folder: Folder,
    source: bytes | None = None,
    *,
    contents: bool = True,
    parent: Item | None = None,
) -> EMailEntity:
    """A stored message. Texts, custom headers and attachments' bytes come from `source`, where it
    is given and, for the latter, `contents` are wanted."""
    texts = read_texts(source) if source else Texts()
    return EMailEntity(
        To=addresses_of(item.to),
        Cc=addresses_of(item.cc),
        Bcc=addresses_of(item.bcc),
        Subject=item.subject,
        HTMLBody=texts.html,
        From=address_of(item.sender),
        Sent=item.sent_at or item.internal_date,
        Size=min(item.size, HIGHEST_INT),
        Priority=priority_of(item.priority),
        Flags=flags_of(item.flags),
        MessageID=item.message_id,
        PlainBody=texts.plain,
        IsSent=not (item.flags & ItemFlag.DRAFT or folder.attributes & FolderAttribute.DRAFTS),
        ServerId=0 if item.is_kept else server_id(item.uid),
        Attachments=stored_attachments(
            attachments, source, invites=bool(texts.calendar), contents=contents
        ),
        CustomHeaderList=_custom_headers(source) if source else [],
        FolderName=folder.name,
        EmailItemId=item.item_id,
        AccountId=folder.account_id,
        ReceivedAt=item.internal_date,
        InReplyTo=_parent(item.in_reply_to, parent),
        RepliedAt=item.replied_at,
    )


def _custom_headers(source: bytes) -> list[EMailCustomHeader]:
    return [
        EMailCustomHeader(Name=name, Values=list(values))
        for name, values in custom_headers(source).items()
    ]
