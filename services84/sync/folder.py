"""Finishing a folder that was looked at: what moved is taken over, what came is fetched.

Every batch is fetched first and committed afterwards, in one transaction with whatever the cursor
may say by then; no transaction waits for the server. Fetching may be ahead of committing, in
another thread. What is to be done was found by `looking`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from services84.imap.connection import ImapConnection
from services84.store.folders import FolderStore
from services84.store.items import ItemStore
from services84.store.values import Adoption, Folder, FolderBatch, Identity, Lease
from services84.sync import moves, plan
from services84.sync.fetching import Fetched, fetch_batch, gives_any
from services84.sync.likeness import Likeness
from services84.sync.looking import Look, Looker, identities_of
from services84.sync.rows import new_item
from services84.sync.uidset import UidSet

WITNESSES = 3  # messages that are asked for, to know whether a server that refuses others works


@dataclass
class Tally:
    """What a run has done so far; shown as progress and kept in the run's row."""

    new: int = 0
    changed: int = 0
    removed: int = 0
    messages_total: int = 0
    bytes_done: int = 0
    skipped: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Step:
    """Something to be committed of a folder; with the last one, whether that completes it."""

    look: Look
    removed: Collection[int] = ()
    fetched: Fetched = field(default_factory=lambda: Fetched([]))
    news: Collection[int] = frozenset()
    completes: bool | None = None

    def size(self) -> int:
        """The bytes of its messages, as the server counts them."""
        return sum(message.size for message, _ in self.fetched.given)

    def batch(self) -> FolderBatch:
        """What is to be committed; waits until the messages are read."""
        batch = self.look.batch(
            removed=self.removed,
            added=[new_item(message, source) for message, source in self.fetched.given],
            refused=self.fetched.refused,
            suspected=self.fetched.suspected,
            news=self.news,
        )
        if self.completes is None:
            return batch
        cursor = self.look.cursor(complete=self.completes)
        return replace(batch, cursor=cursor, drop_other_validity=self.completes)


class FolderSync:
    """Brings folders of one account level with the server, one at a time.

    One thread may take the steps while another commits them; only the first uses the connection.
    `checkpoint` is called after every commit; it reports progress and raises when the run has to
    stop (lease lost, shutting down). `days` is the first window's length, 0 for everything. With
    `announces` new mail is marked as something that somebody is to be told of.
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
        days: int = 0,
        *,
        announces: bool = False,
    ) -> None:
        self._announces = announces
        self._connection = connection
        self._folders = folders
        self._items = items
        self._lease = lease
        self._tally = tally
        self._checkpoint = checkpoint
        self._committing = threading.Lock()
        self.looker = Looker(connection, items, self._apply, clock, days)

    # Moves ---------------------------------------------------------------------------------------

    def left_behind(self, look: Look) -> list[tuple[int, Identity]]:
        """The stored messages that are not in this folder any more."""
        gone = self._items.identities_of(look.differences.removed)
        if look.rebuilt and look.differences.trusted:
            folder_id, validity = look.folder.folder_id, look.seen.uid_validity
            gone += self._items.identities(folder_id, other_than=validity)
        return gone

    def adopt(self, look: Look, gone: moves.Gone) -> dict[int, int]:
        """Take over those of `gone` that arrived in this folder; gives item id → UID here."""
        sizes = gone.sizes
        if not look.differences.missing or not sizes or not self.looker.reopen(look):
            return {}
        fitting = [uid for uid, size in self._sizes(look).items() if size in sizes]
        if not fitting:
            return {}
        found = identities_of(self._connection.identities(fitting))
        arrived = {uid: who for uid, who in found.items() if uid in look.arrived}
        likely = gone.likely(arrived)
        if not likely:
            return {}
        alike = Likeness(self._connection, self._items, likely, look.differences.removed)
        claimed = gone.claim(arrived, alike)
        self._take_over(look, claimed)
        return claimed

    def adopt_told(self, look: Look, places: Mapping[int, int]) -> dict[int, int]:
        """Take over messages whose new UIDs the server told; `places`: item id → UID here.

        Those that are not there (any more), or are stored already, are left alone.
        """
        missing = set(look.differences.missing)
        told = {item_id: uid for item_id, uid in places.items() if uid in missing}
        self._take_over(look, told)
        return told

    def _take_over(self, look: Look, arrived: Mapping[int, int]) -> None:
        if arrived:
            places = {
                item_id: Adoption(uid, look.arrived[uid].flags, look.arrived[uid].keywords)
                for item_id, uid in arrived.items()
            }
            self._apply(look.folder, look.batch(adopted=places))
            look.adopted(arrived)

    def _sizes(self, look: Look) -> dict[int, int]:
        if look.sizes is None:
            wanted = [*look.differences.missing, *look.differences.suspects]
            look.sizes = self._connection.sizes(wanted) if wanted else {}
        return look.sizes

    # Finishing -----------------------------------------------------------------------------------

    def steps(self, look: Look) -> Iterator[Step]:
        """What has to be committed, in this order, for the folder to be level: without what went,
        with what came, newest first, and complete with the last.

        Raises MailServerError when the conversation broke; what was given until then stands.
        """
        if look.differences.removed:
            yield Step(look, removed=look.differences.removed)
        if (look.differences.missing or look.differences.suspects) and not self.looker.reopen(look):
            return  # UIDVALIDITY has changed since the look: the next sync makes sense of it
        if look.windowed:
            self._leave_out(look)
        yield from self._fetched(look)

    def commit(self, step: Step) -> None:
        """Write a step; raises LeaseLost when another process took over."""
        self._apply(step.look.folder, step.batch())

    def _leave_out(self, look: Look) -> None:
        """Put the older messages aside, which are not wanted."""
        if look.start is None or not look.differences.missing:
            return
        # What the server calls older, not the rest: an answer that is lost must omit nothing.
        older = UidSet.spanning(self._connection.uids(before=plan.day_of(look.start)))
        missing = look.differences.missing
        look.omitted = UidSet.of(
            uid for uid in missing if uid in older and (look.before is None or uid < look.before)
        )
        wanted = tuple(uid for uid in missing if uid not in look.omitted)
        look.differences = replace(look.differences, missing=wanted)

    def _fetched(self, look: Look) -> Iterator[Step]:
        differences = look.differences
        wanted = [*differences.missing, *differences.suspects]
        self._tally.messages_total += len(wanted)
        sizes = self._sizes(look)
        refused = plan.too_large({uid: sizes[uid] for uid in wanted if uid in sizes})
        batches = plan.fetch_order(differences, sizes, leave_out=refused.keys())
        complete = differences.trusted and not differences.postponed
        news = plan.news(look.folder, look.seen, wanted) if self._announces else frozenset()
        step = Step(look, fetched=Fetched([], refused), news=news)
        uids = next(batches, None)
        while uids is not None:
            if step.fetched.given or step.fetched.refused:
                yield step
            fetched = fetch_batch(self._connection, partial(self._gives_others, look), uids)
            step = replace(step, fetched=fetched)
            if fetched.broken is not None:
                yield step
                raise fetched.broken
            complete = complete and not fetched.refused
            uids = next(batches, None)
        yield replace(step, completes=complete)

    def _gives_others(self, look: Look) -> bool:
        """Whether the server gives a message that is stored already, or the oldest that came."""
        stored = self._items.list(look.folder.folder_id, limit=WITNESSES)
        known = [one.uid for one in stored if one.uid_validity == look.seen.uid_validity]
        return gives_any(self._connection, [*known, *look.differences.missing[-WITNESSES:]])

    def _apply(self, folder: Folder, batch: FolderBatch) -> None:
        with self._committing:
            self._folders.apply(self._lease, folder.folder_id, batch)
            self._tally.new += len(batch.added)
            self._tally.changed += len(batch.changed) + len(batch.adopted)
            self._tally.removed += len(batch.removed)
            self._tally.bytes_done += sum(len(item.source) for item in batch.added)
            self._checkpoint()
