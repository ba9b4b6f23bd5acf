"""Looking at one folder: what stands between the cache and the server, with nothing fetched yet.

Given what examining the folder told, rebuilds, follows a delta of the server's, or compares, as
`plan` says. How several folders are asked about in one round trip is `asking`'s matter.
Writes only what needs no message: new flags, and new UIDs of messages that are recognised.
What is to be done about the rest is `folder`'s matter.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from services84.errors import UidValidityUnstable
from services84.imap.connection import ImapConnection
from services84.imap.values import ExaminedFolder, FetchedIdentity, Surveyed
from services84.store.items import ItemStore
from services84.store.values import Cursor, Folder, FolderBatch, Identity, ItemState
from services84.sync import asking, moves, plan
from services84.sync.asking import Answers, Due
from services84.sync.uidset import UidSet
from services84.sync.vocabulary import FlagsSeen, flags_seen

Commit = Callable[[Folder, FolderBatch], None]
"""Writes a batch of a folder in one transaction; raises LeaseLost, or what ends the run."""


@dataclass
class Look:
    """A folder that needs work, and what it needs.

    `arrived` are the flags of what is missing, `omitted` the UIDs that stay left out, `start`
    the date before which mail is not wanted; with `windowed` it is still to be found out which
    of the missing messages that concerns; none that has a UID of `before` or more. `changes` is
    Cursor.validity_changes.
    """

    folder: Folder
    seen: plan.FolderSeen
    differences: plan.Differences
    arrived: Mapping[int, FlagsSeen]
    omitted: UidSet
    start: datetime | None
    windowed: bool
    changes: int
    rebuilt: bool
    before: int | None
    sizes: dict[int, int] | None = None

    def batch(self, **changes: Any) -> FolderBatch:
        """One commit. The cursor stays incomplete until the folder's last."""
        return FolderBatch(
            uid_validity=self.seen.uid_validity, cursor=self.cursor(complete=False), **changes
        )

    def cursor(self, *, complete: bool) -> Cursor:
        """The folder's cursor after a commit."""
        return plan.cursor_after(
            self.seen,
            complete=complete,
            start=self.start,
            omitted=self.omitted,
            changes=self.changes,
            before=self.before,
        )

    def adopted(self, adopted: Mapping[int, int]) -> None:
        """These UIDs (by item id) are there now, and need no fetching."""
        there = set(adopted.values())
        left = [
            tuple(uid for uid in uids if uid not in there)
            for uids in (self.differences.missing, self.differences.suspects)
        ]
        self.differences = replace(self.differences, missing=left[0], suspects=left[1])

    def left(self, item_ids: Collection[int]) -> None:
        """These items went to other folders; they are not to be removed."""
        removed = tuple(one for one in self.differences.removed if one not in item_ids)
        self.differences = replace(self.differences, removed=removed)


class Looker:
    """Looks at folders of one account, over one connection.

    `days` is the first window's length, 0 for everything.
    """

    def __init__(
        self,
        connection: ImapConnection,
        items: ItemStore,
        commit: Commit,
        clock: Callable[[], datetime],
        days: int,
    ) -> None:
        self._connection = connection
        self._items = items
        self._commit = commit
        self._clock = clock
        self._days = days
        self._open: str | None = None  # the folder that the connection has examined

    def needs_nothing(self, folder: Folder, status: ExaminedFolder | None) -> bool:
        """Whether what the server's list said of the folder already settles it."""
        return (
            status is not None
            and plan.plan_folder(folder, seen_in(status), widened=self._widened(folder))
            is plan.Work.NOTHING
        )

    def due(self, folder: Folder, status: ExaminedFolder | None) -> Due:
        """The folder with what is to be asked of the server, as far as that can be foreseen."""
        offers, widened = self._connection.capabilities, self._widened(folder)
        if status is None:
            work = asking.probable_work(folder, offers, widened=widened)
        else:
            work = plan.plan_folder(folder, seen_in(status), widened=widened)
        return asking.due(folder, status, offers, work)

    def survey(self, due: Sequence[Due]) -> Generator[Surveyed, None, None]:
        """Open folders and ask about them, in their order; see `Surveying.survey`."""
        self._open = None
        surveyed = self._connection.survey(one.inquiry() for one in due)
        for at, told in enumerate(surveyed, 1):
            if at == len(due) and told.examined is not None:
                self._open = told.server_name
            yield told

    def look(
        self, folder: Folder, examined: ExaminedFolder, answers: Answers, *, flags: bool = True
    ) -> Look | None:
        """Find out what the folder needs, and write new flags, unless told not to; None when it
        needs nothing.

        Raises Unasked when that takes answers that are not there, UidValidityUnstable when the
        server keeps changing UIDVALIDITY, MailServerError when the conversation broke, LeaseLost
        when another process took over.
        """
        seen, start = seen_in(examined), self._start(folder)
        work = plan.plan_folder(folder, seen, widened=self._widened(folder))
        if work is plan.Work.NOTHING:
            return None
        changes = plan.validity_changes(folder, seen)
        self._refuse_unstable(folder, seen, changes, start)
        rebuilt = work is plan.Work.REBUILD
        fresh = rebuilt or not folder.complete or self._widened(folder)
        look = Look(
            folder,
            seen,
            plan.Differences((), (), (), trusted=False),
            arrived={},
            omitted=UidSet() if fresh else plan.left_out(folder),
            start=start,
            windowed=fresh and start is not None,
            changes=changes,
            rebuilt=rebuilt,
            before=seen.uid_next if rebuilt or folder.uid_next is None else folder.uid_next,
        )
        if rebuilt:
            self._rebuild(look, answers)
        elif plan.has_gone_back(folder, seen):
            self._drop_others(look, answers)
        if not (work is plan.Work.DELTA and self._follow(look, answers)):
            self._compare(look, answers)
        if look.differences.changed and flags:
            self._commit(look.folder, look.batch(changed=look.differences.changed))
        return look

    def _refuse_unstable(
        self, folder: Folder, seen: plan.FolderSeen, changes: int, start: datetime | None
    ) -> None:
        """Leave the rows as they are: under no UIDVALIDITY of this server's would they last."""
        if changes > plan.MOST_VALIDITY_CHANGES:
            cursor = plan.cursor_after(seen, complete=False, start=start, changes=changes)
            self._commit(folder, FolderBatch(uid_validity=seen.uid_validity, cursor=cursor))
            raise UidValidityUnstable(
                f"the server gives folder {folder.name!r} another UIDVALIDITY at every sync "
                f"(now {seen.uid_validity}): its messages cannot be told apart"
            )

    def reopen(self, look: Look) -> bool:
        """Have the folder open; false when it is another one by now."""
        if self._open == look.folder.server_name:
            return True
        self._open = None
        examined = self._connection.examine(look.folder.server_name)
        self._open = look.folder.server_name
        return examined.uid_validity == look.seen.uid_validity

    def answers(self, told: Surveyed, *, alone: bool) -> Answers:
        """What the server has told; with `alone`, whatever it can tell besides."""
        return Answers(self._connection, told, alone=alone)

    def _start(self, folder: Folder) -> datetime | None:
        return plan.window_start(folder, self._days, self._clock())

    def _widened(self, folder: Folder) -> bool:
        return plan.is_widened(folder, self._start(folder))

    def _rebuild(self, look: Look, answers: Answers) -> None:
        """UIDVALIDITY has changed: keep the rows of messages that are provably the same."""
        folder_id, validity = look.folder.folder_id, look.seen.uid_validity
        stored = self._items.identities(folder_id, other_than=validity)
        if not stored or not look.seen.exists:
            return
        on_server = identities_of(answers.identities())
        taken = self._items.states(folder_id, validity)
        unknown = {uid: who for uid, who in on_server.items() if uid not in taken}
        rekeyed = moves.match_identities(stored, unknown)
        self._commit(look.folder, look.batch(rekeyed=rekeyed))

    def _drop_others(self, look: Look, answers: Answers) -> None:
        """Drop the rows of messages whose UIDs are other messages' by now."""
        folder_id, validity = look.folder.folder_id, look.seen.uid_validity
        stored = self._items.identities(folder_id, only=validity)
        if not stored or not look.seen.exists:
            return
        found = identities_of(answers.identities())
        others = [
            item_id
            for item_id, identity in stored
            if identity.uid in found and found[identity.uid] != identity
        ]
        if others:
            self._commit(look.folder, look.batch(removed=others))

    def _follow(self, look: Look, answers: Answers) -> bool:
        """Take over what the server says has changed; whether that adds up."""
        folder, seen = look.folder, look.seen
        delta = answers.delta(folder.highest_mod_seq or 0)
        changed = {
            uid: flags_seen(state.flags)
            for uid, state in delta.flags.items()
            if uid not in look.omitted
        }
        refusals = self._items.refusals(folder.folder_id, seen.uid_validity)
        known, gone, omitted = self._gone(look, changed, delta.vanished, answers)
        differences = plan.delta_differences(
            known,
            changed,
            [known[uid].item_id for uid in gone],
            total=folder.mirrored + len(omitted),
            exists=seen.exists,
            refusals=refusals,
            now=self._clock(),
        )
        if differences.trusted:
            look.omitted = omitted
            self._found(look, differences, changed)
        return differences.trusted

    def _gone(
        self,
        look: Look,
        changed: Collection[int],
        vanished: Sequence[tuple[int, int]] | None,
        answers: Answers,
    ) -> tuple[Mapping[int, ItemState], list[int], UidSet]:
        """The stored states that a delta is about, the UIDs among them that are gone, and what is
        left of those that were left out.

        Without QRESYNC the server is asked for all UIDs, when the count says that some are gone.
        """
        states, place = self._items.states, (look.folder.folder_id, look.seen.uid_validity)
        if vanished is not None:
            away = UidSet.spanning(vanished)
            few = len(away) <= plan.MOST_NAMED
            known = states(*place, [*changed, *away]) if few else states(*place)
            return known, [uid for uid in known if uid in away], look.omitted - away
        known = states(*place, changed)
        held = look.folder.mirrored + len(look.omitted)
        if held + sum(uid not in known for uid in changed) == look.seen.exists:
            return known, [], look.omitted
        known, there = states(*place), UidSet.spanning(answers.uids())
        return known, [uid for uid in known if uid not in there], look.omitted & there

    def _compare(self, look: Look, answers: Answers) -> None:
        """Find the differences by comparing the flags of everything."""
        place = (look.folder.folder_id, look.seen.uid_validity)
        flags = {uid: flags_seen(one.flags) for uid, one in answers.flags().items()}
        if look.omitted:
            look.omitted &= UidSet.of(flags)
            flags = {uid: one for uid, one in flags.items() if uid not in look.omitted}
        refusals = self._items.refusals(*place)
        differences = plan.compare(
            self._items.states(*place),
            flags,
            exists=look.seen.exists - len(look.omitted),
            refusals=refusals,
            now=self._clock(),
        )
        gone = [uid for uid in refusals if uid not in flags]
        if differences.trusted and gone:  # or no sum of a delta would be right any more
            self._commit(look.folder, look.batch(forgotten=gone))
        self._found(look, differences, flags)

    def _found(
        self, look: Look, differences: plan.Differences, flags: Mapping[int, FlagsSeen]
    ) -> None:
        look.differences = differences
        look.arrived = {uid: flags[uid] for uid in (*differences.missing, *differences.suspects)}


def seen_in(examined: ExaminedFolder) -> plan.FolderSeen:
    """What a plan needs to know of an examined folder."""
    return plan.FolderSeen(
        uid_validity=examined.uid_validity,
        uid_next=examined.uid_next,
        exists=examined.exists,
        highest_mod_seq=examined.highest_mod_seq,
    )


def identities_of(found: Mapping[int, FetchedIdentity]) -> dict[int, Identity]:
    """The server's identities in the store's terms."""
    return {
        uid: Identity(uid, one.message_id, one.internal_date, one.size)
        for uid, one in found.items()
    }
