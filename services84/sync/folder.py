"""One folder's sync: examines, asks `plan` what that means, fetches, and commits batch by batch.

A folder goes through named states: examined, then untouched | rebuilt, compared, fetched,
complete. Every batch is fetched first and committed afterwards, in one transaction with whatever
the cursor may say by then; no transaction is open while the server is waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from services84.errors import MailServerRefused
from services84.imap.connection import FetchedMessage, ImapConnection
from services84.store.folders import FolderStore
from services84.store.items import ItemStore
from services84.store.values import FlagChange, Folder, FolderBatch, Identity, Lease, NewItem
from services84.sync import plan
from services84.sync.rows import new_item

log = structlog.get_logger(__name__)

NOT_GIVEN = "the server did not give this message"


@dataclass
class Tally:
    """What a run has done so far; shown as progress and kept in the run's row."""

    new: int = 0
    changed: int = 0
    removed: int = 0
    messages_total: int = 0
    bytes_done: int = 0
    skipped: list[str] = field(default_factory=list)


class FolderSync:
    """Brings one folder of the cache level with the server.

    `checkpoint` is called after every commit; it reports progress and raises when the run has to
    stop (lease lost, shutting down).
    """

    def __init__(
        self,
        connection: ImapConnection,
        folders: FolderStore,
        items: ItemStore,
        lease: Lease,
        tally: Tally,
        checkpoint: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._folders = folders
        self._items = items
        self._lease = lease
        self._tally = tally
        self._checkpoint = checkpoint

    def run(self, folder: Folder) -> None:
        """Sync `folder`.

        Raises MailServerRefused when the server does not let it be examined, any other
        MailServerError when the conversation broke, LeaseLost when another process took over.
        """
        examined = self._connection.examine(folder.server_name)
        seen = plan.FolderSeen(
            uid_validity=examined.uid_validity,
            uid_next=examined.uid_next,
            exists=examined.exists,
            highest_mod_seq=examined.highest_mod_seq,
        )
        work = plan.plan_folder(folder, seen)
        if work is plan.Work.NOTHING:
            return
        if work is plan.Work.REBUILD:
            self._rebuild(folder, seen)
        differences = self._compare(folder, seen)
        complete = self._fetch(folder, seen, differences.missing) and differences.trusted
        self._folders.apply(
            self._lease,
            folder.folder_id,
            FolderBatch(
                uid_validity=seen.uid_validity,
                drop_other_validity=complete,
                cursor=plan.cursor_after(seen, complete=complete),
            ),
        )
        self._checkpoint()

    def _rebuild(self, folder: Folder, seen: plan.FolderSeen) -> None:
        """UIDVALIDITY has changed: keep the rows of messages that are provably the same."""
        stored = self._items.identities(folder.folder_id, other_than=seen.uid_validity)
        if not stored or not seen.exists:
            return
        on_server = {
            uid: Identity(uid, found.message_id, found.internal_date, found.size)
            for uid, found in self._connection.identities().items()
        }
        taken = self._items.states(folder.folder_id, seen.uid_validity)
        unknown = {uid: who for uid, who in on_server.items() if uid not in taken}
        self._apply(folder, seen, rekeyed=plan.match_identities(stored, unknown))

    def _compare(self, folder: Folder, seen: plan.FolderSeen) -> plan.Differences:
        """Find the differences; write those that need no fetching."""
        names = self._connection.flags()
        flags = {uid: plan.flags_seen(state.flags) for uid, state in names.items()}
        differences = plan.compare(
            self._items.states(folder.folder_id, seen.uid_validity),
            flags,
            exists=seen.exists,
            refusals=self._items.refusals(folder.folder_id, seen.uid_validity),
        )
        if differences.changed or differences.removed:
            self._apply(folder, seen, changed=differences.changed, removed=differences.removed)
        return differences

    def _fetch(self, folder: Folder, seen: plan.FolderSeen, missing: Sequence[int]) -> bool:
        """Fetch and commit `missing`, newest first; False when some were not given."""
        if not missing:
            return True
        self._tally.messages_total += len(missing)
        sizes = self._connection.sizes(missing)
        refused = plan.too_large(sizes)
        if refused:
            self._apply(folder, seen, refused=refused)
        wanted = [uid for uid in missing if uid not in refused]
        complete = True
        for batch in plan.batches(wanted, sizes):
            added, not_given = self._fetch_batch(batch)
            self._apply(folder, seen, added=added, refused=not_given)
            complete = complete and not not_given
        return complete

    def _fetch_batch(self, uids: Sequence[int]) -> tuple[list[NewItem], dict[int, str]]:
        """Messages of one batch; a refused batch is asked for again one by one."""
        try:
            return self._read(uids, self._connection.messages(uids))
        except MailServerRefused as refusal:
            if len(uids) == 1:
                return [], {uids[0]: refusal.message}
        added: list[NewItem] = []
        refused: dict[int, str] = {}
        for uid in uids:
            one, not_given = self._fetch_batch([uid])
            added += one
            refused |= not_given
        return added, refused

    def _read(
        self, uids: Sequence[int], messages: Iterable[FetchedMessage]
    ) -> tuple[list[NewItem], dict[int, str]]:
        wanted = set(uids)
        added: dict[int, NewItem] = {}
        for message in messages:
            if message.uid in wanted and message.source is not None:
                added[message.uid] = new_item(message, message.source)
                self._tally.bytes_done += len(message.source)
        return list(added.values()), {uid: NOT_GIVEN for uid in uids if uid not in added}

    def _apply(
        self,
        folder: Folder,
        seen: plan.FolderSeen,
        *,
        added: Sequence[NewItem] = (),
        changed: Sequence[FlagChange] = (),
        removed: Sequence[int] = (),
        rekeyed: Mapping[int, int] | None = None,
        refused: Mapping[int, str] | None = None,
    ) -> None:
        """Commit one batch. The cursor stays incomplete until the folder's last batch."""
        batch = FolderBatch(
            uid_validity=seen.uid_validity,
            added=added,
            changed=changed,
            removed=removed,
            rekeyed=rekeyed or {},
            refused=refused or {},
            cursor=plan.cursor_after(seen, complete=False),
        )
        self._folders.apply(self._lease, folder.folder_id, batch)
        self._tally.new += len(added)
        self._tally.changed += len(changed)
        self._tally.removed += len(removed)
        self._checkpoint()
