"""One folder's sync: examines, asks `plan` what that means, fetches, and commits batch by batch.

A folder goes through named states: untouched, or examined, then rebuilt, followed (by a delta of
the server's) or compared, then fetched, then complete. Every batch is fetched first and committed
afterwards, in one transaction with whatever the cursor may say by then; no transaction waits
for the server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

import structlog

from services84.imap.connection import ImapConnection
from services84.imap.values import ExaminedFolder, FolderDelta, SyncPoint
from services84.store.folders import FolderStore
from services84.store.items import ItemStore
from services84.store.values import Folder, FolderBatch, Identity, ItemState, Lease
from services84.sync import plan
from services84.sync.fetching import fetch_batch
from services84.sync.pipeline import ahead
from services84.sync.rows import new_item
from services84.sync.vocabulary import flags_seen

log = structlog.get_logger(__name__)


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
        clock: Callable[[], datetime],
    ) -> None:
        self._connection = connection
        self._folders = folders
        self._items = items
        self._lease = lease
        self._tally = tally
        self._checkpoint = checkpoint
        self._clock = clock

    def run(self, folder: Folder, status: ExaminedFolder | None = None) -> None:
        """Sync `folder`; `status` is what the server's list said of it, where it did.

        Raises MailServerRefused when the server does not let it be examined, any other
        MailServerError when the conversation broke, LeaseLost when another process took over.
        """
        if status is not None and plan.plan_folder(folder, _seen(status)) is plan.Work.NOTHING:
            return
        until = plan.known_until(folder)
        examined = self._connection.examine(folder.server_name, until and SyncPoint(*until))
        seen = _seen(examined)
        work = plan.plan_folder(folder, seen)
        if work is plan.Work.NOTHING:
            return
        differences = None
        if work is plan.Work.REBUILD:
            self._rebuild(folder, seen)
        elif work is plan.Work.DELTA:
            differences = self._follow(folder, seen, examined.delta)
        differences = differences or self._compare(folder, seen)
        self._fetch(folder, seen, differences)

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
        self._apply(folder, _batch(seen, rekeyed=plan.match_identities(stored, unknown)))

    def _follow(
        self, folder: Folder, seen: plan.FolderSeen, delta: FolderDelta | None
    ) -> plan.Differences | None:
        """Take over what the server says has changed; None when that does not add up."""
        if delta is None:
            delta = self._connection.changes(folder.highest_mod_seq or 0)
        changed = {uid: flags_seen(state.flags) for uid, state in delta.flags.items()}
        refusals = self._items.refusals(folder.folder_id, seen.uid_validity)
        known, gone = self._gone(folder, seen, changed.keys(), delta.vanished)
        differences = plan.delta_differences(
            known,
            changed,
            [known[uid].item_id for uid in gone],
            total=folder.total,
            exists=seen.exists,
            refusals=refusals,
            now=self._clock(),
        )
        if not differences.trusted:
            return None
        self._write_differences(folder, seen, differences)
        return differences

    def _gone(
        self,
        folder: Folder,
        seen: plan.FolderSeen,
        changed: Iterable[int],
        vanished: Sequence[tuple[int, int]] | None,
    ) -> tuple[Mapping[int, ItemState], list[int]]:
        """The stored states that a delta is about, and the UIDs among them that are gone.

        Without QRESYNC the server is asked for all UIDs, when the count says that some are.
        """
        states, place = self._items.states, (folder.folder_id, seen.uid_validity)
        changed = list(changed)
        if vanished is not None:
            uids = plan.uids_of(vanished)
            if uids is None:
                known = states(*place)
                return known, plan.inside(known, vanished)
            known = states(*place, [*changed, *uids])
            return known, [uid for uid in uids if uid in known]
        known = states(*place, changed)
        if folder.total + sum(uid not in known for uid in changed) == seen.exists:
            return known, []
        known = states(*place)
        return known, plan.outside(known, self._connection.uids())

    def _compare(self, folder: Folder, seen: plan.FolderSeen) -> plan.Differences:
        """Find the differences; write those that need no fetching."""
        names = self._connection.flags()
        flags = {uid: flags_seen(state.flags) for uid, state in names.items()}
        differences = plan.compare(
            self._items.states(folder.folder_id, seen.uid_validity),
            flags,
            exists=seen.exists,
            refusals=self._items.refusals(folder.folder_id, seen.uid_validity),
            now=self._clock(),
        )
        self._write_differences(folder, seen, differences)
        return differences

    def _write_differences(
        self, folder: Folder, seen: plan.FolderSeen, differences: plan.Differences
    ) -> None:
        if differences.changed or differences.removed:
            changes = {"changed": differences.changed, "removed": differences.removed}
            self._apply(folder, _batch(seen, **changes))

    def _fetch(self, folder: Folder, seen: plan.FolderSeen, differences: plan.Differences) -> None:
        """Fetch and commit what is missing, newest first, and complete the folder.

        While one batch is read and committed, the next one is fetched. The last batch waits for
        the end, to be committed with the cursor that it completes.
        """
        wanted = [*differences.missing, *differences.suspects]
        self._tally.messages_total += len(wanted)
        sizes = self._connection.sizes(wanted) if wanted else {}
        refused = plan.too_large(sizes)
        batches = plan.fetch_order(differences, sizes, leave_out=refused.keys())
        complete = differences.trusted and not differences.postponed
        last = _batch(seen, refused=refused)
        fetched = ahead(map(partial(fetch_batch, self._connection), batches))
        with closing(fetched):
            for some in fetched:
                if last.added or last.refused:
                    self._apply(folder, last)
                last = _batch(
                    seen,
                    added=[new_item(message, source) for message, source in some.given],
                    refused=some.refused,
                    suspected=some.suspected,
                )
                if some.broken is not None:
                    self._apply(folder, last)
                    raise some.broken
                complete = complete and not some.refused
            cursor = plan.cursor_after(seen, complete=complete)
            self._apply(folder, replace(last, cursor=cursor, drop_other_validity=complete))

    def _apply(self, folder: Folder, batch: FolderBatch) -> None:
        self._folders.apply(self._lease, folder.folder_id, batch)
        self._tally.new += len(batch.added)
        self._tally.changed += len(batch.changed)
        self._tally.removed += len(batch.removed)
        self._tally.bytes_done += sum(len(item.source) for item in batch.added)
        self._checkpoint()


def _seen(examined: ExaminedFolder) -> plan.FolderSeen:
    return plan.FolderSeen(
        uid_validity=examined.uid_validity,
        uid_next=examined.uid_next,
        exists=examined.exists,
        highest_mod_seq=examined.highest_mod_seq,
    )


def _batch(seen: plan.FolderSeen, **changes: Any) -> FolderBatch:
    """One commit. The cursor stays incomplete until the folder's last."""
    cursor = plan.cursor_after(seen, complete=False)
    return FolderBatch(uid_validity=seen.uid_validity, cursor=cursor, **changes)
