"""Operations that change messages by their ids in the cache: on the mail server, and there.

All of a call's messages are checked before one is changed, in whichever accounts they are. What a
server cannot remove at once, for want of UIDPLUS and with other messages marked as deleted in the
same folder, is marked as well, and ExtraInfo says how many (`Delete.Marked`, `Move.Marked`).
Filing by connection data is the matter of `live_filing`.

Decided here, where the vendor documents nothing: DeleteEmails without MoveToFolder deletes for
good, whatever a mail program is set to, but on the server only as the account's deletion policy
has it (`cached_alone`); messages stay within their account.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from services84.agents.access import cached_folder
from services84.agents.cached_alone import change_flags_here, delete_here
from services84.agents.call import Call
from services84.agents.filed_messages import Mailbox, Progress, chosen, in_mailboxes
from services84.agents.known_messages import newest, own_accounts, spellings
from services84.agents.mailboxes import existing_folder, refusals_about, require_folder
from services84.agents.registry import operation
from services84.agents.usual_folders import TRASH, usual_folder
from services84.carriers.base import ArrayOfInt, Boolean, Int, String
from services84.errors import InvalidValue
from services84.store.values import FolderAttribute, ItemPlace

SEEN = frozenset({"\\Seen"})
ANSWERED = frozenset({"\\Answered"})
NOTHING = frozenset[str]()


@operation("MarkEmailsAsRead", Ids=ArrayOfInt, Read=Boolean)
def mark_emails_as_read(call: Call, ids: list[int] | None, read: bool | None) -> None:
    """Mark messages as read, or as unread."""
    places = chosen(call, ids, member="Ids")
    add, remove = (SEEN, NOTHING) if read else (NOTHING, SEEN)
    _change_flags(call, places, add, remove, member="Ids")


@operation("DeleteEmails", Ids=ArrayOfInt, MoveToFolder=String)
def delete_emails(call: Call, ids: list[int] | None, move_to: str | None) -> None:
    """Delete messages for good; or move them to MoveToFolder of their account, if it is given."""
    places = chosen(call, ids, member="Ids")
    if move_to:
        require_folder(move_to, "MoveToFolder")
        _move(
            call,
            places,
            lambda mailbox: existing_folder(mailbox.errand, move_to, member="MoveToFolder"),
            Names("Ids", "MoveToFolder", move_to),
        )
        return
    there = delete_here(call, places)
    progress = Progress(len(places), len(places) - len(there))
    with progress.told():
        work = partial(_delete, call, progress)
        in_mailboxes(call, there, work, member="Ids", forgiving=True)


@operation("MoveEmailsToTrash", Ids=ArrayOfInt)
def move_emails_to_trash(call: Call, ids: list[int] | None) -> None:
    """Move messages to their account's folder for deleted mail: the one that the server marks as
    such, else one with a usual name, else a new one."""
    _move(
        call,
        chosen(call, ids, member="Ids"),
        lambda mailbox: usual_folder(mailbox.errand, TRASH),
        Names("Ids", "Trash", "Trash", has_to_exist=False),
    )


@operation("MoveEmailsToFolder", FolderId=Int, EmailItemIds=ArrayOfInt)
def move_emails_to_folder(call: Call, folder_id: int | None, item_ids: list[int] | None) -> None:
    """Move messages to a folder of the same account."""
    folder = cached_folder(call, folder_id)
    if folder.attributes & (FolderAttribute.NO_SELECT | FolderAttribute.NON_EXISTENT):
        raise InvalidValue("FolderId", folder.folder_id, "is a folder that holds no messages")
    places = chosen(call, item_ids, member="EmailItemIds")
    for place in places:
        if place.account_id != folder.account_id:
            problem = f"is in another account than folder {folder.folder_id}"
            raise InvalidValue("EmailItemIds", place.item_id, problem)

    def target(mailbox: Mailbox) -> str:
        with refusals_about("FolderId", folder.name):
            mailbox.connection.status(folder.server_name)
        return folder.server_name

    _move(call, places, target, Names("EmailItemIds", "FolderId", folder.name))


@operation("SetRepliedAt", MessageId=String)
def set_replied_at(call: Call, message_id: str | None) -> None:
    """Note that the caller's message with this Message-ID has been answered now: the cache keeps
    when, and the mail server marks it, in every folder of its account that has it."""
    wanted = spellings(message_id, member="MessageId")
    items = call.services.items
    found = items.with_message_id(wanted, own_accounts(call))
    newest_id = newest(call, found, message_id).item_id
    places = items.places(item.item_id for item in found)
    account_id = places[newest_id].account_id if newest_id in places else 0
    copies = [place for place in places.values() if place.account_id == account_id]
    _change_flags(call, copies, ANSWERED, NOTHING, member="MessageId", forgiving=True)
    items.set_replied([place.item_id for place in copies], call.arrived)


# Doing it ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Names:
    """The members that name the messages and their new folder, and that folder."""

    messages: str
    target: str
    folder: str
    has_to_exist: bool = True


def _change_flags(
    call: Call,
    places: Sequence[ItemPlace],
    add: frozenset[str],
    remove: frozenset[str],
    *,
    member: str,
    forgiving: bool = False,
) -> None:
    there = change_flags_here(call, places, add, remove)
    progress = Progress(len(places), len(places) - len(there))

    def work(mailbox: Mailbox) -> None:
        store = partial(mailbox.connection.store_flags, add=add, remove=remove)
        for group in mailbox.groups:
            mailbox.change(group, progress, store)

    with progress.told():
        in_mailboxes(call, there, work, member=member, forgiving=forgiving)


def _delete(call: Call, progress: Progress, mailbox: Mailbox) -> None:
    def work(uids: Sequence[int]) -> None:
        _note_marked(call, "Delete.Marked", len(mailbox.connection.delete(uids).marked))

    for group in mailbox.groups:
        mailbox.change(group, progress, work)


def _move(
    call: Call,
    places: Sequence[ItemPlace],
    target_of: Callable[[Mailbox], str],
    names: Names,
) -> None:
    """Move messages; those that are in the folder already stay."""
    progress = Progress(len(places))

    def work(mailbox: Mailbox) -> None:
        target = target_of(mailbox)
        with refusals_about(names.target, names.folder):
            _move_all(call, mailbox, target, progress)

    with progress.told():
        check = target_of if names.has_to_exist else None
        in_mailboxes(call, places, work, member=names.messages, check=check, alone=True)


def _move_all(call: Call, mailbox: Mailbox, target: str, progress: Progress) -> None:
    for group in mailbox.groups:
        source = group.folder.server_name
        if source == target:
            progress.done += len(group.ids)
            continue

        def work(uids: Sequence[int], source: str = source) -> None:
            mailbox.errand.touch(target)
            moved = mailbox.connection.move(uids, target)
            told = moved.copied
            mailbox.errand.moved(source, target, told.uid_validity, told.uids)
            _note_marked(call, "Move.Marked", len(moved.removed.marked))

        mailbox.change(group, progress, work)


def _note_marked(call: Call, name: str, count: int) -> None:
    if count:
        call.extra[name] = str(int(call.extra.get(name, "0")) + count)
