"""Folders that a call opens on a mail server by connection data, and which messages they have.

What is missing there is told before anything is done, by the member that names it. What is done
with the messages is the matter of the operations.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from services84.agents.call import Call
from services84.agents.entities import server_id
from services84.agents.mailboxes import (
    IMAP,
    INBOX,
    ConnectionInfo,
    errand_at,
    existing_folder,
    protocol_of,
    refusals_about,
    uids_from,
    where,
)
from services84.carriers.account import EMailConnectionInfo, EMailConnectionInfoExtended
from services84.errors import InvalidValue, NotFound
from services84.imap.connection import ImapConnection
from services84.imap.names import decode_name
from services84.imap.values import ListedFolder
from services84.sync.errands import Errand

SHOWN = 10  # ids that an error names one by one
_INBOX = ListedFolder(INBOX, INBOX, "", frozenset(), subscribed=True)


@dataclass(frozen=True)
class NamedFolder:
    """A folder that exists: as the server spells it, and as people read it."""

    server_name: str
    name: str


@dataclass(frozen=True)
class OpenFolder(NamedFolder):
    """A folder that is open on the errand's connection, with the folders that were listed for
    that: INBOX alone, or all of them."""

    errand: Errand
    uid_validity: int
    exists: int
    listed: Sequence[ListedFolder]

    @property
    def connection(self) -> ImapConnection:
        return self.errand.connection

    def touch(self) -> None:
        """Its messages are being changed: the cache follows when the errand ends."""
        self.errand.touch(self.server_name)

    def alone(self) -> None:
        """Let no other call move messages here until this one is done, and hear from the server
        what others have done by then. Raises MailServerBusy."""
        self.errand.alone()
        self.connection.noop()

    def missing(self, member: str, ids: Sequence[object]) -> NotFound:
        """The error for messages that are not here."""
        shown = ", ".join(map(str, ids[:SHOWN]))
        if len(ids) > SHOWN:
            shown += f" and {len(ids) - SHOWN} others"
        return NotFound(
            f"{member}: no message {shown} in {self.name!r}",
            parameters={"Member": member, "Messages": shown},
        )


@contextmanager
def open_folder(
    call: Call,
    info: ConnectionInfo | None,
    *,
    member: str = "ConnectionInfo",
    to_change: bool = False,
) -> Iterator[OpenFolder]:
    """An errand with the folder of connection data open; `to_change` its messages, or to read.

    Raises InvalidValue naming the member, NotFound for a folder that the server does not list,
    MailServerError.
    """
    with errand_at(call, info, member=member) as errand:
        asked = info.Folder if info is not None else None
        # INBOX is read without asking for all folders; the cache, which follows changes, knows
        # it by the spelling of the server's list.
        brief = not to_change and _means_inbox(asked)
        listed = [_INBOX] if brief else errand.connection.folders()
        folder = named_folder(errand, listed, asked, member=f"{member}/Folder")
        opening = errand.connection.select if to_change else errand.connection.examine
        with refusals_about(f"{member}/Folder", asked):
            state = opening(folder.server_name)
        yield OpenFolder(
            folder.server_name, folder.name, errand, state.uid_validity, state.exists, listed
        )


def named_folder(
    errand: Errand, listed: Sequence[ListedFolder], name: str | None, *, member: str
) -> NamedFolder:
    """The one of a server's folders that a name means; empty is INBOX.

    Raises NotFound, and InvalidValue for a name that no folder can have.
    """
    spelt = existing_folder(errand, name, member=member, folders=list(listed))
    return NamedFolder(spelt, decode_name(spelt.encode("latin-1")))


def _means_inbox(name: str | None) -> bool:
    return (name or "").strip().upper() in ("", INBOX)


# What a call has to give ------------------------------------------------------------------------


def check_mailbox(call: Call, info: EMailConnectionInfo | None) -> None:
    """Raises InvalidValue for connection data that leads to no mailbox; connects to nothing."""
    where(call, info, IMAP)


def check_extended_mailbox(call: Call, info: EMailConnectionInfoExtended | None) -> None:
    """As `check_mailbox`; of the protocols only IMAP gives mail that has come."""
    member = "ConnectionInfoExtended"
    where(call, info, IMAP, member=member)
    if info is not None and protocol_of(info, IMAP) != IMAP:
        problem = "only sends mail; this operation needs IMAP, or nothing at all"
        raise InvalidValue(f"{member}/Protocol", info.Protocol, problem)


def one_uid(server_id: int | None) -> int:
    """The UID of MessageServerId."""
    return uids_from([server_id], member="MessageServerId")[0]


# Which messages there are -----------------------------------------------------------------------


def check_present(folder: OpenFolder, uids: Sequence[int]) -> None:
    """Raises NotFound unless all of MessageServerIds exist in the folder."""
    missing = set(uids).difference(folder.connection.present(uids))
    if missing:
        ids = [server_id(uid) for uid in uids if uid in missing]
        raise folder.missing("MessageServerIds", ids)


def cached_ids(
    call: Call, errand: Errand, server_name: str, uid_validity: int, uids: Sequence[int]
) -> dict[int, int]:
    """UID → EmailItemId of those messages that the cache has."""
    if errand.account_id is None:
        return {}
    for folder in call.services.folders.list(errand.account_id):
        if _same(folder.server_name, server_name) and folder.uid_validity == uid_validity:
            states = call.services.items.states(folder.folder_id, uid_validity, uids)
            return {uid: state.item_id for uid, state in states.items()}
    return {}


def _same(one: str, other: str) -> bool:
    return one == other or one.upper() == other.upper() == INBOX
