"""Operations that change folders on the mail server that a call names: made, emptied, removed.

Where the mailbox is a cached account of the caller's, the cache follows at once. A folder that is
changed as a whole has to be named; nobody wants that to happen to INBOX by an oversight.
"""

from __future__ import annotations

from contextlib import suppress

from services84.agents.call import Call
from services84.agents.email.folders import FOLDER, is_selectable
from services84.agents.mailboxes import (
    IMAP,
    errand_at,
    existing_folder,
    refusals_about,
    require_folder,
    server_name,
    where,
)
from services84.agents.registry import operation
from services84.carriers.account import EMailConnectionInfo
from services84.carriers.base import String
from services84.carriers.folder import ArrayOfEMailFolder, EMailFolder
from services84.errors import InvalidValue, MailServerRefused
from services84.imap.connection import ImapConnection
from services84.sync.errands import Errand


@operation("CreateFolder", ConnectionInfo=EMailConnectionInfo)
def create_folder(call: Call, info: EMailConnectionInfo | None) -> None:
    """Make the folder that ConnectionInfo names, with those above it, and subscribe to it."""
    name = _required_name(info)
    with errand_at(call, info) as errand:
        known = errand.connection.folders(states=False)
        spelt = server_name(errand, name, member=FOLDER, folders=known)
        if any(one.server_name == spelt and is_selectable(one) for one in known):
            raise InvalidValue(FOLDER, name, "exists already")
        errand.relist()
        with refusals_about(FOLDER, name):
            errand.connection.create_folder(spelt)
        with suppress(MailServerRefused):  # it is there all the same
            errand.connection.subscribe(spelt)


@operation("DeleteFolder", ConnectionInfo=EMailConnectionInfo)
def delete_folder(call: Call, info: EMailConnectionInfo | None) -> None:
    """Remove the folder that ConnectionInfo names with all its messages and its subscription.

    Folders below it stay with theirs (RFC 3501 section 6.3.4).
    """
    name = _required_name(info)
    with errand_at(call, info) as errand:
        spelt = existing_folder(errand, name, member=FOLDER)
        with refusals_about(FOLDER, name):
            errand.delete(spelt)
        with suppress(MailServerRefused):  # many servers have forgotten it by now
            errand.connection.unsubscribe(spelt)


@operation("EmptyFolder", ConnectionInfo=EMailConnectionInfo, MoveToFolder=String)
def empty_folder(call: Call, info: EMailConnectionInfo | None, move_to_folder: str | None) -> None:
    """Remove every message of the folder that ConnectionInfo names, or move all of them to
    MoveToFolder where that is given."""
    name = _required_name(info)
    if move_to_folder:
        require_folder(move_to_folder, "MoveToFolder")
    with errand_at(call, info) as errand:
        known = errand.connection.folders(states=False)
        spelt = existing_folder(errand, name, member=FOLDER, folders=known)
        if not move_to_folder:
            _remove_all(errand, spelt, name)
            return
        target = existing_folder(errand, move_to_folder, member="MoveToFolder", folders=known)
        if target == spelt:
            problem = "is the folder that is to be emptied"
            raise InvalidValue("MoveToFolder", move_to_folder, problem)
        errand.alone()
        with refusals_about(FOLDER, name):
            errand.connection.select(spelt)
        with refusals_about("MoveToFolder", move_to_folder):
            _move_all(errand, spelt, target)


def _remove_all(errand: Errand, spelt: str, name: str) -> None:
    with refusals_about(FOLDER, name):
        errand.connection.select(spelt)
        errand.touch(spelt)
        _check_gone(len(errand.connection.empty().marked))


def _move_all(errand: Errand, spelt: str, target: str) -> None:
    errand.touch(spelt, target)
    moved = errand.connection.move(errand.connection.every_uid(), target)
    errand.moved(spelt, target, moved.copied.uid_validity, moved.copied.uids)
    _check_gone(len(moved.removed.marked))


def _check_gone(left: int) -> None:
    if left:
        raise MailServerRefused(
            f"{left} messages are marked as deleted and still there: the server can only remove"
            " all that are marked in a folder at once, and others are marked as well"
        )


@operation("SetSubscription", ConnectionInfo=EMailConnectionInfo, Folders=ArrayOfEMailFolder)
def set_subscription(
    call: Call, info: EMailConnectionInfo | None, folders: list[EMailFolder | None] | None
) -> None:
    """Subscribe to each of the folders, or unsubscribe, as its member Subscribed says."""
    where(call, info, IMAP)
    wanted = _subscriptions(folders or [])
    if not wanted:
        return
    with errand_at(call, info) as errand:
        known = errand.connection.folders(states=False)
        there = {one.server_name for one in known}
        changes = {}
        for member, (name, subscribed) in wanted.items():
            find = existing_folder if subscribed else server_name
            changes[find(errand, name, member=member, folders=known)] = member, name, subscribed
        errand.relist()
        for spelt, (member, name, subscribed) in changes.items():
            if subscribed or spelt in there:
                with refusals_about(member, name):
                    change_subscription(errand.connection, spelt, subscribed=subscribed)
            else:  # of a folder that is gone its subscription may be left, or not
                with suppress(MailServerRefused):
                    errand.connection.unsubscribe(spelt)


def _subscriptions(folders: list[EMailFolder | None]) -> dict[str, tuple[str, bool]]:
    """Name and wanted state by the member that names it."""
    wanted = {}
    for number, folder in enumerate(folders, start=1):
        member = f"Folders/EMailFolder[{number}]"
        if folder is None:
            raise InvalidValue(member, "nil", "is empty")
        require_folder(folder.Name, f"{member}/Name")
        wanted[f"{member}/Name"] = (folder.Name, bool(folder.Subscribed))
    return wanted


def change_subscription(connection: ImapConnection, spelt: str, *, subscribed: bool) -> None:
    """Subscribe to a folder, or unsubscribe; raises MailServerError."""
    if subscribed:
        connection.subscribe(spelt)
    else:
        connection.unsubscribe(spelt)


def _required_name(info: EMailConnectionInfo | None) -> str:
    if info is None:
        raise InvalidValue("ConnectionInfo", "nil", "is required")
    require_folder(info.Folder, FOLDER)
    return str(info.Folder)
