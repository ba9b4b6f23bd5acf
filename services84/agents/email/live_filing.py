"""Operations that change the messages of a folder on the mail server which a call names.

Ids that are missing are told before anything is done. What the server cannot remove at once, for
want of UIDPLUS and with other messages marked as deleted in the same folder, is marked as well,
and ExtraInfo says how many (`Delete.Marked`, `Move.Marked`). Filing by the ids of the cache is
the matter of `filing`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from services84.agents.call import Call
from services84.agents.email.documents import file_under
from services84.agents.entities import HIGHEST_INT, server_id
from services84.agents.entity_drafts import YEARS_RECEIVED, YEARS_SENT, date_told, draft_of
from services84.agents.mailboxes import (
    errand_at,
    refusals_about,
    require_folder,
    uids_from,
)
from services84.agents.message_ids import read_ids, uids_of
from services84.agents.open_folders import (
    NamedFolder,
    OpenFolder,
    cached_ids,
    check_extended_mailbox,
    check_mailbox,
    check_present,
    named_folder,
    open_folder,
)
from services84.agents.registry import operation
from services84.agents.writers import original_of, own_address
from services84.carriers.account import EMailConnectionInfo, EMailConnectionInfoExtended
from services84.carriers.base import ArrayOfInt, ArrayOfString, Boolean, String
from services84.carriers.message import EMailEntity
from services84.errors import InvalidValue
from services84.imap.connection import ImapConnection
from services84.imap.values import Appended, Removed
from services84.mime.compose import compose
from services84.mime.draft import Draft, identified
from services84.sync.errands import Errand

SEEN = frozenset({"\\Seen"})
NOTHING = frozenset[str]()
EXTENDED = "ConnectionInfoExtended"


@operation("SaveEMail", returns=EMailEntity, ConnectionInfo=EMailConnectionInfo, Email=EMailEntity)
def save_email(
    call: Call, info: EMailConnectionInfo | None, email: EMailEntity | None
) -> EMailEntity:
    """Put a mail into the folder, with its flags, dated as it says; nothing is sent.

    Gives it back with its ServerId, FolderName and MessageID. Bcc is kept in it.
    """
    check_mailbox(call, info)
    draft = identified(draft_of(email, original=original_of(call, email), sender=own_address(call)))
    assert email is not None
    email.Sent = _moment(call, email.Sent, "Email/Sent", YEARS_SENT)
    email.ReceivedAt = _moment(call, email.ReceivedAt, "Email/ReceivedAt", YEARS_RECEIVED)
    source = compose(draft, date=email.Sent, with_bcc=True, member="Email/")
    with errand_at(call, info) as errand:
        listed = errand.connection.folders()
        asked = info.Folder if info is not None else None
        folder = named_folder(errand, listed, asked, member="ConnectionInfo/Folder")
        errand.touch(folder.server_name)
        with refusals_about("ConnectionInfo/Folder", asked):
            added = _append(errand.connection, folder, source, email, draft)
    _describe(call, errand, folder, email, draft, added, len(source))
    return email


@operation(
    "MarkAsRead", ConnectionInfo=EMailConnectionInfo, MessageServerIds=ArrayOfInt, Read=Boolean
)
def mark_as_read(
    call: Call,
    info: EMailConnectionInfo | None,
    message_ids: list[int] | None,
    read: bool | None,
) -> None:
    """Mark messages of the folder as read, or as unread."""
    uids = uids_from(message_ids, member="MessageServerIds")
    check_mailbox(call, info)
    if not uids:
        return
    with open_folder(call, info, to_change=True) as folder:
        check_present(folder, uids)
        folder.touch()
        add, remove = (SEEN, NOTHING) if read else (NOTHING, SEEN)
        folder.connection.store_flags(uids, add=add, remove=remove)


@operation(
    "Delete",
    ConnectionInfo=EMailConnectionInfo,
    MessageServerIds=ArrayOfInt,
    MoveToFolder=String,
)
def delete(
    call: Call,
    info: EMailConnectionInfo | None,
    message_ids: list[int] | None,
    move_to: str | None,
) -> None:
    """Delete messages of the folder for good; or move them to MoveToFolder, if it is given."""
    uids = uids_from(message_ids, member="MessageServerIds")
    if move_to:  # blanks, and the messages would be gone for good
        require_folder(move_to, "MoveToFolder")
    check_mailbox(call, info)
    if not uids:
        return
    with open_folder(call, info, to_change=True) as folder:
        target = _target(folder, move_to, "MoveToFolder") if move_to else None
        if target is not None:
            if target.server_name == folder.server_name:
                problem = "is the folder that the messages are in"
                raise InvalidValue("MoveToFolder", move_to, problem)
            folder.alone()
        check_present(folder, uids)
        if target is not None:
            with refusals_about("MoveToFolder", move_to):
                _move(call, folder, target, uids)
        else:
            _delete(call, folder, uids)


@operation(
    "MoveToFolder",
    ConnectionInfo=EMailConnectionInfo,
    MessageServerIds=ArrayOfInt,
    TargetFolder=String,
)
def move_to_folder(
    call: Call,
    info: EMailConnectionInfo | None,
    message_ids: list[int] | None,
    target_name: str | None,
) -> None:
    """Move messages of the folder to another one, which has to exist."""
    uids = uids_from(message_ids, member="MessageServerIds")
    if not (target_name or "").strip():
        raise InvalidValue("TargetFolder", "", "is empty; the name of a folder is required")
    check_mailbox(call, info)
    if not uids:
        return
    with open_folder(call, info, to_change=True) as folder:
        target = _target(folder, target_name, "TargetFolder")
        folder.alone()
        check_present(folder, uids)
        if target.server_name != folder.server_name:
            with refusals_about("TargetFolder", target_name):
                _move(call, folder, target, uids)


@operation(
    "DeleteExtended",
    ConnectionInfoExtended=EMailConnectionInfoExtended,
    MessageIds=ArrayOfString,
)
def delete_extended(
    call: Call, info: EMailConnectionInfoExtended | None, ids: list[str | None] | None
) -> None:
    """Delete messages of the folder for good, by their Message-IDs or `uvalidity:uid:MsgId`.

    A Message-ID that several messages have stands for all of them.
    """
    names = read_ids(ids, member="MessageIds")
    check_extended_mailbox(call, info)
    if not names:
        return
    with open_folder(call, info, member=EXTENDED, to_change=True) as folder:
        found = uids_of(folder, names)
        missing = [given for given, uids in found.items() if not uids]
        if missing:
            raise folder.missing("MessageIds", missing)
        _delete(call, folder, sorted({uid for uids in found.values() for uid in uids}))


# Removing and moving ----------------------------------------------------------------------------


def _target(folder: OpenFolder, name: str | None, member: str) -> NamedFolder:
    return named_folder(folder.errand, folder.listed, name, member=member)


def _delete(call: Call, folder: OpenFolder, uids: Sequence[int]) -> None:
    folder.touch()
    _tell_marked(call, "Delete.Marked", folder.connection.delete(uids))


def _move(call: Call, folder: OpenFolder, target: NamedFolder, uids: Sequence[int]) -> None:
    errand = folder.errand
    errand.touch(folder.server_name, target.server_name)
    moved = errand.connection.move(uids, target.server_name)
    copied = moved.copied
    errand.moved(folder.server_name, target.server_name, copied.uid_validity, copied.uids)
    _tell_marked(call, "Move.Marked", moved.removed)


def _tell_marked(call: Call, name: str, removed: Removed) -> None:
    if removed.marked:
        call.extra[name] = str(len(removed.marked))


# Saving -----------------------------------------------------------------------------------------


def _moment(call: Call, given: datetime | None, member: str, years: tuple[int, int]) -> datetime:
    """When a mail was sent or came, now if nothing is said; raises InvalidValue. To the second,
    as messages and servers have it."""
    return (date_told(given, member, years) or call.arrived).replace(microsecond=0)


def _append(
    connection: ImapConnection,
    folder: NamedFolder,
    source: bytes,
    email: EMailEntity,
    draft: Draft,
) -> Appended:
    """Store the message; where the server does not tell under which UID, it is looked for."""
    flags = _imap_flags(email.Flags)
    received: datetime = email.ReceivedAt
    added = connection.append(folder.server_name, source, flags, received)
    if added.uid is not None:
        return added
    opened = connection.examine(folder.server_name)
    uids = connection.uids_by_message_id([draft.message_id])[draft.message_id]
    return Appended(opened.uid_validity, max(uids, default=None))


def _imap_flags(literals: Iterable[str] | None) -> list[str]:
    """Flags as a server takes them: \\Recent is the server's own."""
    return [f"\\{name}" for name in literals or () if name != "Recent"]


def _describe(
    call: Call,
    errand: Errand,
    folder: NamedFolder,
    email: EMailEntity,
    draft: Draft,
    added: Appended,
    size: int,
) -> None:
    """Write into the saved mail where it is now."""
    uid = added.uid or 0
    email.MessageID = draft.message_id
    email.Size = min(size, HIGHEST_INT)
    email.ServerId = server_id(uid)
    email.FolderName = folder.name
    email.AccountId = errand.account_id or 0
    known = cached_ids(call, errand, folder.server_name, added.uid_validity or 0, [uid])
    email.EmailItemId = known.get(uid, 0)
    file_under(call, call.caller.associate_id, [email])
