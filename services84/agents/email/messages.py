"""Operations that read messages on the mail server which a call names; and one of any source.

Nothing here changes a message, except that GetEMailFromId sets the flags that it is given: what
is read stays unread. Messages of the cache are the matter of `cached_messages`.

Decided here, where the vendor documents nothing: GetEmailMessageIds names a message by the long
form `uvalidity:uid:MsgId` where its Message-ID is missing or not its alone; GetEmailsAsString
gives nil in the place of a message that is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from services84.agents.call import Call
from services84.agents.email.addresses import look_up_all
from services84.agents.email.documents import file_under
from services84.agents.entities import (
    attachment_by_id,
    entity_of_source,
    envelope_of_source,
    flags_from,
    server_id,
)
from services84.agents.mailboxes import uids_from
from services84.agents.message_ids import read_ids, uids_of, written_ids
from services84.agents.open_folders import (
    OpenFolder,
    cached_ids,
    check_extended_mailbox,
    check_mailbox,
    one_uid,
    open_folder,
)
from services84.agents.registry import operation
from services84.carriers.account import EMailConnectionInfo, EMailConnectionInfoExtended
from services84.carriers.base import ArrayOfInt, ArrayOfString, Binary, Boolean, Int, String
from services84.carriers.message import (
    ArrayOfEMailEnvelope,
    EMailAttachment,
    EMailEntity,
    EMailEnvelope,
    EMailFlags,
)
from services84.errors import InvalidValue, MailServerRefused, NotFound
from services84.imap.values import FetchedHeader, FetchedMessage
from services84.mime.mimetext import mime_bytes, mime_text
from services84.mime.stripping import strip_attachments
from services84.sync.vocabulary import flags_seen

MOST_ENVELOPES = 20_000  # of one call; its answer has to come within a minute
BYTES_A_COMMAND = 16 * 1024 * 1024  # of several messages that are fetched together
EXTENDED = "ConnectionInfoExtended"


@operation(
    "GetEMailFromId",
    returns=EMailEntity,
    ConnectionInfo=EMailConnectionInfo,
    MessageServerId=Int,
    LookupAddresses=Boolean,
    Flags=EMailFlags,
    IncludeAttachments=Boolean,
)
def get_email_from_id(
    call: Call,
    info: EMailConnectionInfo | None,
    message_id: int | None,
    with_known: bool | None,
    flags: Sequence[str] | None,
    contents: bool | None,
) -> EMailEntity:
    """Give a message of the folder by its id on the server; it stays unread.

    Flags are set on it, and stand in the answer. With IncludeAttachments these come with their
    bytes, else by name only. With LookupAddresses the address book says who people are.
    """
    uid, added = one_uid(message_id), _settable(flags)
    check_mailbox(call, info)
    with open_folder(call, info, to_change=bool(added)) as folder:
        message, source = message_of(folder, uid)
        if added:
            folder.touch()
            folder.connection.store_flags([uid], add=frozenset(f"\\{name}" for name in added))
    entity = entity_of_source(
        source,
        contents=bool(contents),
        uid=uid,
        flags=flags_seen(message.flags).flags | flags_from(added),
        received=message.internal_date,
        folder=folder.name,
    )
    locate(call, folder, entity)
    if with_known:
        look_up_all(call, [entity])
    return entity


@operation(
    "GetAttachment",
    returns=EMailAttachment,
    ConnectionInfo=EMailConnectionInfo,
    MessageServerId=Int,
    AttachmentId=String,
)
def get_attachment(
    call: Call,
    info: EMailConnectionInfo | None,
    message_id: int | None,
    attachment_id: str | None,
) -> EMailAttachment:
    """Give an attachment of a message with its bytes, by its Content-ID or its part's number."""
    uid = one_uid(message_id)
    asked = (attachment_id or "").strip()
    if not asked:
        raise InvalidValue("AttachmentId", "", "is empty; the id of an attachment is required")
    check_mailbox(call, info)
    with open_folder(call, info) as folder:
        _, source = message_of(folder, uid)
    found = attachment_by_id(source, asked)
    if found is None:
        raise NotFound(
            f"AttachmentId: message {server_id(uid)} has no attachment {asked[:100]!r}",
            parameters={"AttachmentId": asked[:100]},
        )
    return found


@operation(
    "GetEMailAsStream",
    returns=Binary,
    ConnectionInfo=EMailConnectionInfo,
    MessageServerId=Int,
    StripAttachments=Boolean,
)
def get_email_as_stream(
    call: Call, info: EMailConnectionInfo | None, message_id: int | None, strip: bool | None
) -> bytes:
    """Give a message byte for byte as the server has it; with StripAttachments without these."""
    uid = one_uid(message_id)
    check_mailbox(call, info)
    with open_folder(call, info) as folder:
        _, source = message_of(folder, uid)
    return strip_attachments(source) if strip else source


@operation(
    "GetEMailEnvelopes",
    returns=ArrayOfEMailEnvelope,
    ConnectionInfo=EMailConnectionInfo,
    MessageServerIds=ArrayOfInt,
)
def get_email_envelopes(
    call: Call, info: EMailConnectionInfo | None, message_ids: list[int] | None
) -> list[EMailEnvelope]:
    """Give the heads of messages, in the order of their ids; those that are gone are left out."""
    uids = uids_from(message_ids, member="MessageServerIds")
    if len(uids) > MOST_ENVELOPES:
        problem = f"are more than {MOST_ENVELOPES} ids"
        raise InvalidValue("MessageServerIds", len(uids), problem)
    check_mailbox(call, info)
    if not uids:
        return []
    with open_folder(call, info) as folder:
        heads = list(folder.connection.headers(uids))
    envelopes = [_envelope(head) for head in heads]
    file_under(call, call.caller.associate_id, envelopes)
    return envelopes


@operation("CreateEMailFromMimeMessage", returns=EMailEntity, MimeMessage=String)
def create_email_from_mime_message(call: Call, text: str | None) -> EMailEntity:
    """Read a message that is given as text, whatever shape it is of; nothing is stored."""
    if not text:
        raise InvalidValue("MimeMessage", "", "is empty; a message is required")
    entity = entity_of_source(mime_bytes(text))
    file_under(call, call.caller.associate_id, [entity])
    return entity


@operation(
    "GetEmailMessageIds",
    returns=ArrayOfString,
    ConnectionInfoExtended=EMailConnectionInfoExtended,
)
def get_email_message_ids(call: Call, info: EMailConnectionInfoExtended | None) -> list[str]:
    """Give an id for every message of the folder, oldest first: its Message-ID; where that is
    missing or another message's too, `uvalidity:uid:MsgId`."""
    check_extended_mailbox(call, info)
    with open_folder(call, info, member=EXTENDED) as folder:
        return written_ids(folder.uid_validity, folder.connection.message_ids())


@operation(
    "GetEmailsAsString",
    returns=ArrayOfString,
    ConnectionInfoExtended=EMailConnectionInfoExtended,
    MessageIds=ArrayOfString,
)
def get_emails_as_string(
    call: Call, info: EMailConnectionInfoExtended | None, ids: list[str | None] | None
) -> list[str | None]:
    """Give messages as text, one for each id and in their order; nil for one that is not there.

    Ids are Message-IDs, of several messages that of the first; or `uvalidity:uid:MsgId`.
    """
    names = read_ids(ids, member="MessageIds")
    check_extended_mailbox(call, info)
    if not names:
        return []
    with open_folder(call, info, member=EXTENDED) as folder:
        first = {given: uids[0] for given, uids in uids_of(folder, names).items() if uids}
        texts = _texts(folder, list(dict.fromkeys(first.values())), _most_bytes(call))
    return [texts.get(first[given]) if given in first else None for given in ids or () if given]


# For the operations on live messages ------------------------------------------------------------


def message_of(folder: OpenFolder, uid: int) -> tuple[FetchedMessage, bytes]:
    """A message and its bytes; raises NotFound, and MailServerRefused where the server has the
    message and does not give it."""
    for message in folder.connection.messages([uid]):
        return message, _given(folder, message)
    raise folder.missing("MessageServerId", [server_id(uid)])


def locate(call: Call, folder: OpenFolder, entity: EMailEntity) -> None:
    """Write into a message of a folder what the cache and the archive know of it."""
    uid = (entity.ServerId or 0) & 0xFFFFFFFF
    known = cached_ids(call, folder.errand, folder.server_name, folder.uid_validity, [uid])
    entity.AccountId = folder.errand.account_id or 0
    item = call.services.items.get(known[uid]) if uid in known else None
    if item is not None:
        entity.EmailItemId, entity.RepliedAt = item.item_id, item.replied_at
    file_under(call, call.caller.associate_id, [entity])


def _given(folder: OpenFolder, message: FetchedMessage) -> bytes:
    if message.source is None:
        shown = server_id(message.uid)
        raise MailServerRefused(f"the server does not give message {shown} of {folder.name!r}")
    return message.source


def _settable(flags: Iterable[str] | None) -> list[str]:
    """The flags that are to be set; raises InvalidValue for the one that only servers set."""
    given = list(flags or ())
    if "Recent" in given:
        raise InvalidValue("Flags", "Recent", "is set by the mail server alone")
    return given


def _envelope(head: FetchedHeader) -> EMailEnvelope:
    return envelope_of_source(
        head.header or b"",
        uid=head.uid,
        flags=flags_seen(head.flags).flags,
        size=head.size,
        received=head.internal_date,
    )


def _most_bytes(call: Call) -> int:
    return call.services.settings.max_body_bytes


def _texts(folder: OpenFolder, uids: Sequence[int], most: int) -> dict[int, str]:
    """The messages as text, by UID; raises InvalidValue where they are too long for one answer."""
    sizes = folder.connection.sizes(uids)
    if len(sizes) > 1 and sum(sizes.values()) > most:
        problem = f"are messages of more than {most} bytes together; ask for fewer at once"
        raise InvalidValue("MessageIds", len(sizes), problem)
    return {
        message.uid: mime_text(_given(folder, message))
        for some in _batches(sizes)
        for message in folder.connection.messages(some)
    }


def _batches(sizes: dict[int, int]) -> Iterator[list[int]]:
    """UIDs in groups of at most BYTES_A_COMMAND, unless a message is longer by itself."""
    batch: list[int] = []
    filled = 0
    for uid, size in sizes.items():
        if batch and filled + size > BYTES_A_COMMAND:
            yield batch
            batch, filled = [], 0
        batch.append(uid)
        filled += size
    if batch:
        yield batch
