"""Operations that tell of the folders of the mail server that a call names: lists and numbers.

They change nothing; `folder_changes` does. What works on cached accounts is `folder_cache`'s
matter, what is in the folders the messages'.

A folder is named as GetFolderList gives it, or with slashes for the server's delimiter; without
a name it is INBOX.
"""

from __future__ import annotations

from collections.abc import Iterable

from services84.agents.call import Call
from services84.agents.convert import folder_carrier
from services84.agents.entities import HIGHEST_INT
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
from services84.carriers.base import ArrayOfString, Boolean, Int
from services84.carriers.folder import ArrayOfEMailFolder, EMailFolder
from services84.imap.connection import ImapConnection
from services84.imap.values import FolderStatus, ListedFolder
from services84.store.visits import Visited
from services84.sync.errands import Errand
from services84.sync.rows import folder_draft

FOLDER = "ConnectionInfo/Folder"
SECTION = "\N{SECTION SIGN}"  # the vendor's separator in GetFolderList
_NOT_SELECTABLE = frozenset({"\\noselect", "\\nonexistent"})


@operation(
    "GetFolderList",
    returns=ArrayOfString,
    ConnectionInfo=EMailConnectionInfo,
    IncludeItemCount=Boolean,
)
def get_folder_list(
    call: Call, info: EMailConnectionInfo | None, include_item_count: bool | None
) -> list[str]:
    """List the folders that can hold mail, subscribed or not, INBOX first: each as its delimiter,
    a section sign and its name, and with IncludeItemCount the numbers of unread and of all
    messages after commas (/§INBOX,100,250). A name may hold commas itself, the numbers never."""
    with errand_at(call, info) as errand:
        folders = sorted(filter(is_selectable, errand.connection.folders(states=False)), key=_place)
        if not include_item_count:
            return [_line(folder) for folder in folders]
        told = errand.connection.statuses(folder.server_name for folder in folders)
    nothing = (0, 0)  # of a folder that is listed and cannot be looked into
    numbers = {name: (status.unseen, status.messages) for name, status in told.items()}
    return [_line(folder, numbers.get(folder.server_name, nothing)) for folder in folders]


def _line(folder: ListedFolder, numbers: tuple[int, ...] = ()) -> str:
    return ",".join([f"{folder.delimiter}{SECTION}{folder.name}", *map(str, numbers)])


@operation(
    "GetFolderEMailCount",
    returns=Int,
    ConnectionInfo=EMailConnectionInfo,
    OnlyUnread=Boolean,
)
def get_folder_email_count(
    call: Call, info: EMailConnectionInfo | None, only_unread: bool | None
) -> int:
    """Count the messages of a folder, or the unread ones of them."""
    with errand_at(call, info) as errand:
        status = _status(errand, _name(info))[1]
    # A server counts up to 2^32-1, xs:int to half of that.
    return min(status.unseen if only_unread else status.messages, HIGHEST_INT)


@operation(
    "GetFolderInfo",
    returns=ArrayOfEMailFolder,
    ConnectionInfo=EMailConnectionInfo,
    Folders=ArrayOfString,
)
def get_folder_info(
    call: Call, info: EMailConnectionInfo | None, names: list[str | None] | None
) -> list[EMailFolder]:
    """Describe folders by their names, or without Folders all that are subscribed.

    EmailFolderId is that of the cached folder, and 0 where there is none.
    """
    with errand_at(call, info) as errand:
        known = errand.connection.folders(states=False)
        if names is None:
            wanted = sorted((one for one in known if one.subscribed), key=_place)
        else:
            wanted = _listed(errand, names, known)
        told = errand.connection.statuses(one.server_name for one in wanted if is_selectable(one))
        cached = call.services.folders.list(errand.account_id) if errand.account_id else []
    ids = {folder.server_name: folder.folder_id for folder in cached}
    return [_described(one, told.get(one.server_name), ids) for one in wanted]


def _listed(
    errand: Errand, names: Iterable[str | None], known: list[ListedFolder]
) -> list[ListedFolder]:
    """The folders of these names, each once, in their order."""
    by_name = {one.server_name: one for one in known}
    wanted: dict[str, ListedFolder] = {}
    for number, name in enumerate(names, start=1):
        member = f"Folders/string[{number}]"
        require_folder(name, member)
        spelt = existing_folder(errand, name, member=member, folders=known)
        # One that the server knows and does not list has no attributes.
        unlisted = ListedFolder(spelt, name or "", "", frozenset(), subscribed=False)
        wanted[spelt] = by_name.get(spelt, unlisted)
    return list(wanted.values())


def _described(
    folder: ListedFolder, status: FolderStatus | None, ids: dict[str, int]
) -> EMailFolder:
    return folder_carrier(
        folder_draft(folder),
        total=status.messages if status else 0,
        unread=status.unseen if status else 0,
        folder_id=ids.get(folder.server_name, 0),
    )


@operation("GetFolderHasNewEMail", returns=Boolean, ConnectionInfo=EMailConnectionInfo)
def get_folder_has_new_email(call: Call, info: EMailConnectionInfo | None) -> bool:
    """Say whether the folder holds messages that came after the caller's previous call of this
    operation for it; at the first call, whether it holds any."""
    host, login = where(call, info, IMAP)
    visits, caller = call.services.visits, call.caller.associate_id
    with errand_at(call, info) as errand:
        spelt, status = _status(errand, _name(info))
        place = (host.host.lower(), str(host.port), login.username, spelt)
        before = visits.last(caller, place)
        with refusals_about(FOLDER, _name(info)):
            found = _has_new(errand.connection, spelt, status, before)
            uid_next = status.uid_next or _highest(errand.connection, spelt) + 1
    known = Visited(status.uid_validity, uid_next)
    if known != before:
        visits.remember(caller, place, known, call.arrived)
    return found


def _has_new(
    connection: ImapConnection, spelt: str, status: FolderStatus, before: Visited | None
) -> bool:
    if before is None or before.uid_validity != status.uid_validity:
        return status.messages > 0
    if status.uid_next is not None and status.uid_next <= before.uid_next:
        return False
    return _highest(connection, spelt) >= before.uid_next


def _highest(connection: ImapConnection, spelt: str) -> int:
    """The highest UID that is there, or 0; what came may be gone again."""
    connection.examine(spelt)
    return max((last for _, last in connection.uids()), default=0)


# Names ------------------------------------------------------------------------------------------


def is_selectable(folder: ListedFolder) -> bool:
    """Whether the folder can hold messages."""
    return not folder.attributes & _NOT_SELECTABLE


def _place(folder: ListedFolder) -> tuple[bool, str, str]:
    return (folder.server_name.upper() != "INBOX", folder.name.casefold(), folder.name)


def _name(info: EMailConnectionInfo | None) -> str | None:
    return info.Folder if info is not None else None


def _status(errand: Errand, name: str | None) -> tuple[str, FolderStatus]:
    """A folder's name as the server spells it, and its numbers."""
    spelt = server_name(errand, name, member=FOLDER)
    with refusals_about(FOLDER, name):
        return spelt, errand.connection.status(spelt)
