"""A signed-in connection, for whoever reads and changes mail.

Commands in, values out; the session below does the talking. What it can do stands in the modules
that it is made of: `folders`, `reading`, `searching` and `surveying` change nothing;
`folder_changes`, `changing` and `appending` do.
"""

from __future__ import annotations

from types import TracebackType

from services84.imap.appending import Appending
from services84.imap.changing import Changing
from services84.imap.folder_changes import FolderChanges
from services84.imap.surveying import Surveying


class ImapConnection(FolderChanges, Changing, Appending, Surveying):
    """A signed-in connection; a context manager. For one thread at a time.

    Every method raises MailServerError: MailServerRefused for a refused command (FolderMissing
    where that is the reason), MailServerBusy when asked for patience, MailServerUnreachable when
    the conversation broke (the connection is of no use then).
    """

    def __enter__(self) -> ImapConnection:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def leave(self) -> None:
        """Sign out, and do not wait for it: there is something else to be done before `close`,
        and nothing to be asked any more. Never raises."""
        self._session.leave()

    def close(self) -> None:
        """Sign out and disconnect, within seconds; never raises."""
        self._session.end()
