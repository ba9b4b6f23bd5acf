"""Removing received mail from its server once it is safe in the cache (DeleteOnReceive).

In the order that loses nothing, wherever it breaks off: the stored bytes are read back and compared
with those that the server gives, the copy is marked to be kept, and only then its UID is expunged.
A sync that finds a marked message gone keeps the copy; one that finds it there begins anew. Nothing
but these UIDs is expunged: without UIDPLUS (RFC 4315) nothing is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from services84.errors import MailServerRefused, StoreError
from services84.imap.connection import ImapConnection
from services84.store.folders import FolderStore
from services84.store.items import ItemStore
from services84.store.values import Folder, FolderBatch, Lease
from services84.sync import plan

log = structlog.get_logger(__name__)


class Clearing:
    """Clears folders of one account over one connection; `checkpoint` is called after every
    commit, and raises when the run has to stop."""

    def __init__(
        self,
        connection: ImapConnection,
        folders: FolderStore,
        items: ItemStore,
        lease: Lease,
        checkpoint: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._folders = folders
        self._items = items
        self._lease = lease
        self._checkpoint = checkpoint

    def clear(self, folder: Folder) -> None:
        """Remove from the server what the cache has of a folder.

        What the server gives otherwise than it is stored, or does not give, stays there. Raises
        MailServerError, LeaseLost, StoreError, whatever `checkpoint` raises.
        """
        if folder.uid_validity is None:
            return
        known = self._items.clearable(folder.folder_id, folder.uid_validity)
        if not known or not self._open(folder):
            return
        ids = {uid: item_id for item_id, uid, _ in known}
        sizes = {uid: size for _, uid, size in known}
        for some in plan.batches(list(ids), sizes):
            self._clear_some(folder, {uid: ids[uid] for uid in self._same(some, ids)})

    def leave(self, reason: str) -> None:
        """Say why messages stay on the server; the next sync tries again."""
        log.warning("sync.not_cleared", account=self._lease.account_id, reason=reason)

    def _open(self, folder: Folder) -> bool:
        """Open the folder to change it; false where its messages cannot be removed one by one."""
        if "UIDPLUS" not in self._connection.capabilities:
            self.leave("the server has no UIDPLUS, without which others' messages could go as well")
            return False
        return self._connection.select(folder.server_name).uid_validity == folder.uid_validity

    def _same(self, uids: Sequence[int], ids: dict[int, int]) -> list[int]:
        """Those of the UIDs whose bytes the server gives exactly as they are stored."""
        try:
            given = {one.uid: one.source for one in self._connection.messages(uids)}
        except MailServerRefused as refusal:
            if len(uids) == 1:
                self.leave(refusal.message)
                return []
            return [uid for one in uids for uid in self._same([one], ids)]
        return [uid for uid in uids if plan.is_safe(self._stored(ids[uid]), given.get(uid))]

    def _stored(self, item_id: int) -> bytes | None:
        try:
            return self._items.source(item_id)
        except StoreError as error:  # damaged: the server has the only good one
            self.leave(error.message)
            return None

    def _clear_some(self, folder: Folder, ids: dict[int, int]) -> None:
        if not ids:
            return
        self._folders.keep(self._lease, list(ids.values()))
        self._checkpoint()
        removed = self._connection.delete(ids).gone
        gone = FolderBatch(folder.uid_validity or 0, removed=[ids[uid] for uid in sorted(removed)])
        self._folders.apply(self._lease, folder.folder_id, gone)
        self._checkpoint()
