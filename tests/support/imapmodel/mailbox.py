"""The state of one mailbox and the changes that other clients make to it. Pure; not for threads:
`server` holds a lock.

Every change does what RFC 3501 and 7162 demand of the numbers: UIDs only grow, each change has a
mod-sequence of its own, what was expunged is remembered with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

HIGHEST_UID = 2**32 - 1
EPOCH = datetime(2026, 3, 6, 10, 0, tzinfo=UTC)
INBOX = "INBOX"


@dataclass(eq=False)
class Message:
    """A message in a folder.

    `lineage` is one from its arrival in that folder until it leaves it, also over a change of
    UIDVALIDITY; `journey` is one over moves from folder to folder as well.
    """

    lineage: int
    journey: int
    uid: int
    content: bytes
    date: datetime
    flags: set[str]
    mod_seq: int
    fault: str = ""  # "NO" or "NIL": how its body is refused


@dataclass(eq=False)
class Folder:
    """A folder. `known_as` has everything that ever had a UID here, by UIDVALIDITY and UID."""

    uid_validity: int
    uid_next: int = 1
    mod_seq: int = 1
    messages: list[Message] = field(default_factory=list)  # in the order of their UIDs
    expunged: list[tuple[int, int]] = field(default_factory=list)  # UID, mod-sequence
    attributes: set[str] = field(default_factory=set)
    subscribed: bool = True
    phantom: bool = False  # listed, and cannot be examined
    keeps_mod_seq: bool = True
    known_as: dict[tuple[int, int], Message] = field(default_factory=dict)

    @property
    def selectable(self) -> bool:
        return "\\Noselect" not in self.attributes

    def next_mod_seq(self) -> int:
        self.mod_seq += 1
        return self.mod_seq


class Mailbox:
    """Folders with their messages, and what can be done to them."""

    def __init__(self) -> None:
        self._validity = 1000
        self._lineage = 0
        self._alike: dict[tuple[bytes, datetime], set[int]] = {}  # journeys
        self._twins: set[int] = set()
        self.folders: dict[str, Folder] = {}
        self.make(INBOX)

    # Folders ------------------------------------------------------------------------------------

    def make(self, name: str) -> Folder | None:
        """A new folder; None where there is one, which becomes selectable again."""
        found = self.folders.get(name)
        if found is not None:
            found.attributes.discard("\\Noselect")
            return None
        self.folders[name] = Folder(self._new_validity())
        return self.folders[name]

    def _new_validity(self) -> int:
        self._validity += 1
        return self._validity

    def delete(self, name: str) -> None:
        if name != INBOX:
            self.folders.pop(name, None)

    def rename(self, old: str, new: str) -> None:
        if old != INBOX and old in self.folders and new not in self.folders:
            self.folders[new] = self.folders.pop(old)

    def make_unselectable(self, name: str) -> None:
        """As DELETE does to a folder with folders below it: its mail is gone."""
        folder = self.folders[name]
        if name != INBOX and folder.selectable:
            folder.attributes.add("\\Noselect")
            self.expunge(name, lambda _: True)
            folder.uid_validity, folder.uid_next = self._new_validity(), 1
            folder.expunged.clear()

    def renumber(self, name: str, *, lower: bool = False, same_uids: bool = False) -> None:
        """The same mail under another UIDVALIDITY, by default with other UIDs."""
        folder = self.folders[name]
        validity = self._new_validity()
        folder.uid_validity = 1000 - (validity - 1000) if lower else validity
        folder.expunged.clear()
        if not same_uids:
            folder.uid_next = 1
        for message in folder.messages:
            if not same_uids:
                message.uid = folder.uid_next
                folder.uid_next += 1
            message.mod_seq = folder.next_mod_seq()
            self._remember(folder, message)

    def replace_all(self, name: str) -> None:
        """Another folder of the same name: nothing of the old one is left."""
        folder = self.folders[name]
        folder.messages.clear()
        folder.expunged.clear()
        folder.uid_validity, folder.uid_next = self._new_validity(), 1

    def jump_uids(self, name: str, room: int = 40) -> None:
        """Go on near the highest UID there is."""
        folder = self.folders[name]
        folder.uid_next = max(folder.uid_next, HIGHEST_UID - room)

    # Messages -----------------------------------------------------------------------------------

    def add(
        self,
        name: str,
        content: bytes,
        flags: Iterable[str] = (),
        date: datetime | None = None,
        *,
        journey: int | None = None,
    ) -> Message | None:
        """A new message; None where the folder takes none or has no UID left."""
        folder = self.folders[name]
        if not folder.selectable or folder.uid_next >= HIGHEST_UID:
            return None
        self._lineage += 1
        when = date or EPOCH + timedelta(seconds=self._lineage)
        message = Message(
            lineage=self._lineage,
            journey=journey or self._lineage,
            uid=folder.uid_next,
            content=content,
            date=when,
            flags=set(flags),
            mod_seq=folder.next_mod_seq(),
        )
        folder.uid_next += 1
        folder.messages.append(message)
        self._remember(folder, message)
        alike = self._alike.setdefault((content, when), set())
        alike.add(message.journey)
        if len(alike) > 1 or b"Message-ID:" not in content:
            self._twins.update(alike)
        return message

    def can_be_told(self, message: Message) -> bool:
        """Whether there never was another message with its Message-ID, date and size, so that it
        can be recognised under another UID."""
        return message.journey not in self._twins

    @staticmethod
    def _remember(folder: Folder, message: Message) -> None:
        folder.known_as[folder.uid_validity, message.uid] = message

    def flag(self, name: str, chosen: Callable[[Message], bool], flag: str, *, on: bool) -> None:
        folder = self.folders[name]
        for message in filter(chosen, folder.messages):
            if (flag in message.flags) != on:
                message.flags ^= {flag}
                message.mod_seq = folder.next_mod_seq()

    def expunge(self, name: str, chosen: Callable[[Message], bool]) -> list[Message]:
        folder = self.folders[name]
        gone = list(filter(chosen, folder.messages))
        for message in gone:
            folder.messages.remove(message)
            folder.expunged.append((message.uid, folder.next_mod_seq()))
        return gone

    def move(self, source: str, target: str, chosen: Callable[[Message], bool]) -> None:
        """To another folder, where they have new UIDs and are new messages."""
        if source != target and self.folders[target].selectable:
            for message in self.expunge(source, chosen):
                self.add(
                    target, message.content, message.flags, message.date, journey=message.journey
                )
