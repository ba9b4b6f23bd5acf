"""What is asked of a mail server about a folder: ahead for many folders, or of one as it comes.

A look at a folder asks for what it needs when it finds that out. Where several folders are
surveyed at once, it can only be given what was foreseen; what was not is asked for in a next round,
or of the folder alone. What the answers mean is `looking`'s matter.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from services84.imap.connection import ImapConnection
from services84.imap.values import (
    ExaminedFolder,
    FetchedIdentity,
    FlagState,
    FolderDelta,
    Inquiry,
    Surveyed,
    SyncPoint,
)
from services84.store.values import Folder
from services84.sync import plan

_TELLS_MOD_SEQ = frozenset({"CONDSTORE", "QRESYNC"})


class Need(enum.Enum):
    """What a look may need beside what opening the folder tells."""

    FLAGS = "flags"
    CHANGES = "changes"
    UIDS = "uids"
    ALONE = "alone"  # the folder open, and nothing else under way


class Unasked(Exception):
    """A look needs what was not asked for; nothing was written yet."""

    def __init__(self, need: Need) -> None:
        super().__init__(need.value)
        self.need = need


@dataclass(frozen=True)
class Due:
    """A folder that has to be looked at, with what is to be asked, and about how many messages
    it has (None: nobody knows)."""

    folder: Folder
    needs: frozenset[Need]
    messages: int | None

    @property
    def alone(self) -> bool:
        return Need.ALONE in self.needs

    def with_need(self, need: Need) -> Due:
        """The same; what was asked for in vain is asked for alone."""
        more = Need.ALONE if need in self.needs else need
        return Due(self.folder, self.needs | {more}, self.messages)

    def inquiry(self) -> Inquiry:
        """What the server is asked."""
        until = plan.known_until(self.folder)
        return Inquiry(
            self.folder.server_name,
            until and SyncPoint(*until),
            flags=Need.FLAGS in self.needs,
            changes=self.folder.highest_mod_seq if Need.CHANGES in self.needs else None,
            uids=Need.UIDS in self.needs,
            messages=self.messages,
        )


def due(
    folder: Folder, status: ExaminedFolder | None, capabilities: frozenset[str], work: plan.Work
) -> Due:
    """What can be foreseen; `work` is what the folder probably needs."""
    needs = set()
    if work is plan.Work.REBUILD:
        needs = {Need.ALONE, Need.FLAGS}
    elif work is plan.Work.COMPARE:
        needs = {Need.FLAGS}
    elif "QRESYNC" not in capabilities:  # with which opening the folder tells the changes
        needs = {Need.CHANGES}
    return Due(folder, frozenset(needs), _messages(folder, status))


def probable_work(folder: Folder, capabilities: frozenset[str], *, widened: bool) -> plan.Work:
    """What a folder needs of which the server has not told anything yet."""
    can_tell = plan.known_until(folder) is not None and capabilities & _TELLS_MOD_SEQ
    return plan.Work.DELTA if can_tell and not widened else plan.Work.COMPARE


def _messages(folder: Folder, status: ExaminedFolder | None) -> int | None:
    if status is not None:
        return status.exists
    return folder.mirrored + len(plan.left_out(folder)) if folder.complete else None


class Answers:
    """What the server tells of a folder. It is asked only where the folder is `alone`; otherwise
    Unasked is raised for what it was not asked before."""

    def __init__(self, connection: ImapConnection, told: Surveyed, *, alone: bool) -> None:
        self._connection = connection
        self._told = told
        self._alone = alone

    def delta(self, mod_seq: int) -> FolderDelta:
        """What has come or changed, and what is gone where that can be told."""
        if self._told.examined is not None and self._told.examined.delta is not None:
            return self._told.examined.delta
        if self._told.changes is not None:
            return self._told.changes
        return self._asking(Need.CHANGES).changes(mod_seq)

    def flags(self) -> Mapping[int, FlagState]:
        """The flags of every message."""
        if self._told.flags is not None:
            return self._told.flags
        return self._asking(Need.FLAGS).flags()

    def uids(self) -> list[tuple[int, int]]:
        """The UIDs of all messages, as ranges."""
        if self._told.uids is not None:
            return self._told.uids
        return self._asking(Need.UIDS).uids()

    def identities(self) -> Mapping[int, FetchedIdentity]:
        """What tells every message apart."""
        return self._asking(Need.ALONE).identities()

    def _asking(self, need: Need) -> ImapConnection:
        if not self._alone:
            raise Unasked(need)
        return self._connection
