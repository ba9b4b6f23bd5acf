"""Changing the messages of the open folder: flags, copies, moves, removals.

RFC 3501 with UIDPLUS (4315) and MOVE (6851) where the server offers them, by RFC 4549's rules for
clients that share a mailbox: flags are added and taken away, never replaced, and nothing is
expunged that is not to be removed. Other clients see every change at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from services84.errors import MailServerRefused
from services84.imap.conversation import LONGEST_SET, status_texts
from services84.imap.searching import Searching
from services84.imap.session import Completion
from services84.imap.uidsets import copied_uids, uid_portions
from services84.imap.values import Copied, Moved, Removed

DELETED = "\\Deleted"
_FLAG = re.compile(r"\\?[!#$&'+,\-./0-9:;<=>?@A-Z^_`a-z|}~]{1,200}")
# What one command changes: few enough that no server works on it for longer than we wait.
MESSAGES_A_CHANGE = 1000
_ROOM_FOR_THE_REST = 1000  # characters of a line that are not the set


class Changing(Searching):
    """What can be done to the messages of a folder that was opened by `select`.

    UIDs that do not exist (any more) are passed over without an error, as the protocol has it;
    `present` tells which do. Large sets go in several commands: when one fails, those before it
    have happened.
    """

    def store_flags(
        self,
        uids: Iterable[int],
        add: frozenset[str] = frozenset(),
        remove: frozenset[str] = frozenset(),
    ) -> None:
        """Add flags to messages and take others away; all their other flags stay.

        Flags are `\\Seen` and the like, or keywords; whether the server keeps a keyword is told
        by `ExaminedFolder.permanent_flags`. Raises ValueError for what is no flag, and for flags
        that are in both sets.
        """
        for flag in add | remove:
            check_flag(flag)
        if add & remove:
            raise ValueError(f"{min(add & remove)} is to be added and removed")
        self._may_change()
        wanted = list(uids)
        for sign, flags in (("+", add), ("-", remove)):
            for some in _portions(wanted) if flags else []:
                # Without .SILENT every message's flags would come back.
                self._change(f"STORE {some} {sign}FLAGS.SILENT ({' '.join(sorted(flags))})")

    def copy(self, uids: Iterable[int], target: str) -> Copied:
        """Copy messages with their flags and dates to another folder, by its server name.

        Raises FolderMissing; then and after any other refusal nothing of that command's messages
        was copied (RFC 3501 section 6.4.7).
        """
        return self._transfer("COPY", uids, target)

    def move(self, uids: Iterable[int], target: str) -> Moved:
        """Move messages to another folder, by its server name; no message is ever lost.

        By MOVE where offered, else by a copy and removing the originals as `delete` does: the
        result tells which are still there. Raises FolderMissing when nothing was moved, and
        MailServerRefused, which says so where messages were copied and could not be removed.
        """
        self._may_change()
        wanted = self.present(uids)
        if "MOVE" in self.capabilities:
            copied = self._transfer("MOVE", wanted, target)
            return Moved(copied, self._removed(wanted))
        copied = self._transfer("COPY", wanted, target)
        try:
            return Moved(copied, self._delete(wanted))
        except MailServerRefused as refusal:
            raise MailServerRefused(
                f"the messages were copied and could not be removed: {refusal.message}",
                host=self._host.host,
            ) from refusal

    def delete(self, uids: Iterable[int]) -> Removed:
        """Remove messages for good.

        By UID EXPUNGE where offered (UIDPLUS). Else by EXPUNGE, and only when no other message
        is marked as deleted; where one is, these are marked too, and the result says so.
        """
        self._may_change()
        return self._delete(self.present(uids))

    def empty(self) -> Removed:
        """Remove every message that the folder has now, by the rules of `delete`."""
        return self.delete(self.every_uid())

    def _delete(self, wanted: list[int]) -> Removed:
        if not wanted:
            return Removed(frozenset())
        self.store_flags(wanted, add=frozenset({DELETED}))
        self._expunge(wanted)
        return self._removed(wanted)

    def _expunge(self, marked: list[int]) -> None:
        if "UIDPLUS" in self.capabilities:
            for some in _portions(marked):
                self._change(f"EXPUNGE {some}")
        elif set(self._search("DELETED")) <= set(marked):
            self._perform("EXPUNGE")

    def _removed(self, wanted: list[int]) -> Removed:
        left = frozenset(self.present(wanted))
        return Removed(frozenset(wanted) - left, left)

    def _transfer(self, how: str, uids: Iterable[int], target: str) -> Copied:
        name = self._mailbox(target)
        validity, where = None, dict[int, int]()
        for some in _portions(uids):
            told = _copied(self._change(f"{how} {some}", name))
            if told is not None and validity in (None, told[0]):
                validity = told[0]
                where |= told[1]
        return Copied(validity, where)


def _portions(uids: Iterable[int]) -> list[str]:
    return uid_portions(uids, MESSAGES_A_CHANGE, LONGEST_SET - _ROOM_FOR_THE_REST)


def check_flag(flag: str) -> None:
    """Raises ValueError for what is no flag that a client may set (RFC 3501 section 9)."""
    if not _FLAG.fullmatch(flag) or flag.lower() == "\\recent":
        raise ValueError(f"{flag[:40]!r} is no flag that can be set")


def _copied(completion: Completion) -> tuple[int, dict[int, int]] | None:
    """What COPYUID told; for a MOVE it comes before the completion (RFC 6851 section 4.3)."""
    validity, where = None, dict[int, int]()
    for status in status_texts(completion):
        told = copied_uids(status.argument) if status.code == "COPYUID" else None
        if told is not None:
            validity = told[0]
            where |= told[1]
    return None if validity is None else (validity, where)
