"""The item ids of messages: once given, they stay."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from tests.model.rig import Row
from tests.support.imapmodel.mailbox import Mailbox, Message


class Ledger:
    """The item ids of messages that stay where they are, whatever goes wrong meanwhile."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._ids: dict[Hashable, int] = {}

    def check(self, rows: Iterable[Row]) -> None:
        """No message that is still there has lost its row, or has another."""
        there: dict[Hashable, int] = {}
        for row in rows:
            folder = self._mailbox.folders.get(row.folder)
            message = folder and folder.known_as.get((row.uid_validity, row.uid))
            if message is not None:
                there[self._name(message, row.folder, row.uid_validity)] = row.item_id
        for name, folder in self._mailbox.folders.items():
            for message in folder.messages:
                key = self._name(message, name, folder.uid_validity)
                if key in self._ids:
                    assert there.get(key) == self._ids[key], (name, message)
        self._ids |= there

    def _name(self, message: Message, folder: str, uid_validity: int) -> Hashable:
        """What nobody can tell from its like is another message under another UIDVALIDITY; so is
        what was moved, and may have come back to its own remains."""
        if self._mailbox.can_be_told(message) and message.journey == message.lineage:
            return message.lineage, folder
        return message.lineage, folder, uid_validity


class Journeys(Ledger):
    """The item ids of messages wherever they go."""

    def _name(self, message: Message, folder: str, uid_validity: int) -> Hashable:
        if self._mailbox.can_be_told(message):
            return message.journey
        return super()._name(message, folder, uid_validity)
