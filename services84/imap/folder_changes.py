"""Making, removing, renaming and subscribing folders (RFC 3501 sections 6.3.3 to 6.3.7)."""

from __future__ import annotations

from services84.imap import names
from services84.imap.folders import Folders
from services84.imap.names import joined


class FolderChanges(Folders):
    """What can be done to folders, each by its server name (`Folders.server_name_of`).

    Raises FolderMissing and MailServerRefused with the server's reason, and ValueError for a
    name that cannot be one.
    """

    def create_folder(self, server_name: str) -> None:
        """Make a folder, and those above it where they are missing; it is not subscribed."""
        self._about("CREATE", server_name)

    def delete_folder(self, server_name: str) -> None:
        """Remove a folder with all its messages; folders below it stay.

        Its subscription is the server's matter, and often stays.
        """
        self._let_go_of(server_name)
        self._about("DELETE", server_name)

    def rename_folder(self, old: str, new: str) -> None:
        """Rename a folder and those below it.

        Of INBOX the messages are moved to the new folder, and it stays (RFC 3501 section 6.3.5).
        """
        self._let_go_of(old)
        _check(old)
        _check(new)
        self._perform("RENAME", joined(self._mailbox(old), self._mailbox(new)))

    def subscribe(self, server_name: str) -> None:
        """Put a folder among those that clients show."""
        self._about("SUBSCRIBE", server_name)

    def unsubscribe(self, server_name: str) -> None:
        """Take a folder from among those that clients show."""
        self._about("UNSUBSCRIBE", server_name)

    def _about(self, command: str, server_name: str) -> None:
        _check(server_name)
        self._perform(command, self._mailbox(server_name))

    def _let_go_of(self, server_name: str) -> None:
        """An open folder cannot be removed, or breaks the connection when it is."""
        if self._selected == server_name:
            self.unselect()


def _check(server_name: str) -> None:
    if not server_name or not names.is_possible(server_name.encode("latin-1")):
        raise ValueError(f"{server_name[:40]!r} is no name of a folder")
