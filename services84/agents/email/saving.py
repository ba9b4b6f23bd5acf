"""Operations that save a message: in the cache, on the mail server, as a draft.

A member that is nil stays as it is. A message of the cache is named by EmailItemId; SaveDraft and
SaveToMailServer put one without that id on the server as a new one. Changed content makes a new
message of it, for a mail server changes none: it comes back with a new EmailItemId, and without
the bytes of its attachments.

Decided here, where the vendor documents nothing. Save changes what can be changed of a message as
it is: RepliedAt, flags and folder, the latter two on its mail server as well, since the next sync
would undo what the cache alone has. Content is refused, naming the member. Size, ReceivedAt, IsSent
and ServerId are facts that no caller changes; what a message is filed under is the archive's
matter. An empty FolderName of a new message is INBOX.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from services84.agents.cached_alone import change_flags_here
from services84.agents.call import Call
from services84.agents.entities import HIGHEST_INT, server_id
from services84.agents.entity_changes import changed_content
from services84.agents.filed_messages import GONE, Mailbox, not_found
from services84.agents.known_messages import known_message
from services84.agents.mailboxes import errand_for, existing_folder, refusals_about
from services84.agents.open_folders import cached_ids
from services84.agents.registry import operation
from services84.agents.replacing import Earlier, earlier_versions, put_in_place
from services84.agents.saved_entities import (
    Stored,
    account_for,
    content_of,
    moment_of,
    stored_flags,
    stored_message,
    wanted_flags,
)
from services84.agents.usual_folders import DRAFTS, usual_folder
from services84.carriers.message import EMailEntity
from services84.errors import InvalidValue, NotFound
from services84.imap.names import decode_name
from services84.imap.values import Appended
from services84.store.values import Item, ItemFlag
from services84.sync.errands import Errand


@operation("Save", returns=EMailEntity, Email=EMailEntity)
def save(call: Call, email: EMailEntity | None) -> EMailEntity:
    """Save a message of the cache as it is: its flags, its folder, when it was answered.

    Cache and mail server change together. Other content is refused; SaveToMailServer makes a new
    version of the message for that.
    """
    stored = stored_message(call, email, "Email")
    if email is None or stored is None:
        problem = "is no message of the cache; SaveDraft and SaveToMailServer save new ones"
        raise InvalidValue("Email/EmailItemId", 0, problem)
    account_for(call, email, stored, "Email")
    changed = changed_content(email, stored.entity)
    if changed:
        problem = "is content, which no message can change; SaveToMailServer makes a new version"
        raise InvalidValue(f"Email/{changed[0]}", _shown(getattr(email, changed[0])), problem)
    return _refile(call, email, stored)


@operation("SaveToMailServer", returns=EMailEntity, Email=EMailEntity)
def save_to_mail_server(call: Call, email: EMailEntity | None) -> EMailEntity:
    """Save a message on its mail server, and in the cache by that: its content, flags and folder.

    What has not changed is left alone. A new message goes to FolderName of AccountId, or of the
    caller's current account; nothing is sent.
    """
    stored = stored_message(call, email, "Email")
    assert email is not None
    account = account_for(call, email, stored, "Email")
    if stored is not None and not changed_content(email, stored.entity):
        return _refile(call, email, stored)
    content = content_of(call, email, stored, account, "Email")
    with errand_for(call, account.account_id) as errand:
        errand.alone()
        earlier = [] if stored is None else _versions_of(call, errand, stored, "Email")
        target = _target(errand, email, stored)
        with refusals_about("Email/FolderName", decode_name(target.encode("latin-1"))):
            added = put_in_place(call, errand, target, content, earlier)
    return _saved(call, email, Place(errand, target, added, len(content.source)), stored)


@operation("SaveDraft", returns=EMailEntity, Entity=EMailEntity)
def save_draft(call: Call, entity: EMailEntity | None) -> EMailEntity:
    """Save a message as a draft: in the folder that the mail server marks as that for drafts,
    else one with a usual name, else a new one.

    An earlier version, by EmailItemId or MessageID, is replaced if it is a draft. Bcc is kept.
    """
    stored = stored_message(call, entity, "Entity")
    assert entity is not None
    account = account_for(call, entity, stored, "Entity")
    known_id = entity.MessageID or (stored.entity.MessageID if stored else "")
    content = content_of(call, entity, stored, account, "Entity", as_draft=True)
    with errand_for(call, account.account_id) as errand:
        errand.alone()
        drafts = usual_folder(errand, DRAFTS)
        earlier = []
        if known_id:
            earlier.append(earlier_versions(errand.connection, drafts, content.message_id))
        if stored is not None and _is_draft(stored, drafts):
            with suppress(NotFound):  # the text is to be kept all the more
                earlier += _versions_of(call, errand, stored, "Entity", forgiving=True)
        added = put_in_place(call, errand, drafts, content, _merged(earlier))
    return _saved(call, entity, Place(errand, drafts, added, len(content.source)), stored)


def _shown(value: object) -> object:
    return value if isinstance(value, str) else "(changed)"


# Where it goes ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """Where a message has been put on the server."""

    errand: Errand
    server_name: str
    added: Appended
    size: int


def _goes_elsewhere(email: EMailEntity, stored: Stored) -> bool:
    wanted = (email.FolderName or "").strip()
    return bool(wanted) and wanted != stored.folder.name.strip()


def _target(errand: Errand, email: EMailEntity, stored: Stored | None) -> str:
    if stored is not None and not _goes_elsewhere(email, stored):
        return stored.folder.server_name
    return existing_folder(errand, email.FolderName, member="Email/FolderName")


def _is_draft(stored: Stored, drafts: str) -> bool:
    return stored.folder.server_name == drafts or bool(stored.item.flags & ItemFlag.DRAFT)


def _versions_of(
    call: Call, errand: Errand, stored: Stored, member: str, *, forgiving: bool = False
) -> list[Earlier]:
    """The message itself, found on the server; raises NotFound when it is not there."""
    mailbox = _found(call, errand, stored, member, forgiving=forgiving)
    found = []
    for group in mailbox.groups:
        mailbox.select(group)
        identities = errand.connection.identities(list(group.ids)) if group.ids else {}
        found.append(Earlier(group.folder.server_name, group.uid_validity, identities))
    return found


def _found(
    call: Call, errand: Errand, stored: Stored, member: str, *, forgiving: bool = False
) -> Mailbox:
    mailbox = Mailbox(call, errand, stored.folder.account_id, f"{member}/EmailItemId")
    places = call.services.items.places([stored.item.item_id])
    if not places and not forgiving:  # another call has just put a new one in its place
        raise not_found(f"{member}/EmailItemId", [stored.item.item_id])
    mailbox.find(list(places.values()), forgiving=forgiving)
    return mailbox


def _merged(earlier: Sequence[Earlier]) -> list[Earlier]:
    """One for each folder."""
    merged: dict[tuple[str, int], Earlier] = {}
    for each in earlier:
        key = (each.server_name, each.uid_validity)
        known = merged.get(key)
        identities = {**(known.identities if known else {}), **each.identities}
        merged[key] = Earlier(*key, identities)
    return list(merged.values())


def _refile(call: Call, email: EMailEntity, stored: Stored) -> EMailEntity:
    """Change a message's flags and folder, and leave its content alone."""
    wanted, known = set(wanted_flags(email, stored)), set(stored_flags(stored))
    if stored.item.is_kept:
        _refile_copy(call, email, stored, wanted, known)
    elif wanted != known or _goes_elsewhere(email, stored):
        with errand_for(call, stored.folder.account_id) as errand:
            errand.alone()
            mailbox = _found(call, errand, stored, "Email")
            target = _target(errand, email, stored)
            for group in mailbox.groups:
                mailbox.select(group)
                errand.touch(group.folder.server_name)
                add, remove = _imap(wanted - known), _imap(known - wanted)
                errand.connection.store_flags(group.ids, add=add, remove=remove)
                if target != group.folder.server_name:
                    errand.touch(target)
                    moved = errand.connection.move(group.ids, target).copied
                    source = group.folder.server_name
                    errand.moved(source, target, moved.uid_validity, moved.uids)
    item = _note_answer(call, stored.item, moment_of(email.RepliedAt))
    return known_message(call, item, contents=False)


def _refile_copy(
    call: Call, email: EMailEntity, stored: Stored, wanted: set[str], known: set[str]
) -> None:
    """Of what the mail server has no more, flags are the cache's own, and the folder stays."""
    if _goes_elsewhere(email, stored):
        raise not_found("Email/EmailItemId", [stored.item.item_id], GONE)
    places = list(call.services.items.places([stored.item.item_id]).values())
    change_flags_here(call, places, _imap(wanted - known), _imap(known - wanted))


def _imap(literals: Iterable[str]) -> frozenset[str]:
    return frozenset(f"\\{name}" for name in literals)


# What became of it ------------------------------------------------------------------------------


def _saved(call: Call, email: EMailEntity, place: Place, stored: Stored | None) -> EMailEntity:
    """The message as the cache has it now; where that lags behind, as it was given."""
    added, services = place.added, call.services
    uid = added.uid or 0
    known = cached_ids(call, place.errand, place.server_name, added.uid_validity or 0, [uid])
    item = services.items.get(known[uid]) if uid in known else None
    answered = moment_of(email.RepliedAt) or (stored.item.replied_at if stored else None)
    if item is not None:
        return known_message(call, _note_answer(call, item, answered), contents=False)
    email.EmailItemId = 0
    email.ServerId = server_id(uid)
    email.Size = min(place.size, HIGHEST_INT)
    email.FolderName = decode_name(place.server_name.encode("latin-1"))
    email.AccountId = place.errand.account_id or 0
    return email


def _note_answer(call: Call, item: Item, moment: datetime | None) -> Item:
    """Keep when a message was answered, if that is told; gives it as it is stored now."""
    items = call.services.items
    if moment is not None and moment != item.replied_at:
        items.set_replied([item.item_id], moment)
    return items.get(item.item_id) or item
