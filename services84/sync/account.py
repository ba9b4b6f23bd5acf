"""One account's run over an open connection: the list of folders, what moved, then every folder.

Decides the order in which folders are looked at and finished. What a folder needs is found by
`looking` and done by `folder`; leases, connections and how a run ends are `engine`'s matter.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import closing
from datetime import datetime

import structlog

from services84.errors import MailServerRefused, UidValidityUnstable
from services84.imap.connection import ImapConnection
from services84.imap.values import ExaminedFolder, Surveyed
from services84.store.account_options import AccountOptions, DeletionPolicy
from services84.store.folders import FolderStore
from services84.store.items import ItemStore
from services84.store.values import Folder, FolderChanges, FolderDraft, Identity, Lease
from services84.sync import listing, moves, plan, reading
from services84.sync.asking import Due, Unasked
from services84.sync.clearing import Clearing
from services84.sync.folder import FolderSync, Step, Tally
from services84.sync.looking import Look, identities_of, seen_in
from services84.sync.pipeline import ahead
from services84.sync.rows import folder_draft
from services84.sync.values import Progress, ProgressCallback

log = structlog.get_logger(__name__)

MOST_AHEAD = 3 * plan.BATCH_BYTES  # of messages that are fetched while one batch is committed


class AccountSync:
    """Syncs the folders of one account; made anew for every run.

    `checkpoint` raises when the run has to stop; it is called after every commit. With `only` the
    list of folders is brought level and of the folders just those, by their server names. `told`
    are moves that the server has told the way of. `options` are the account's.
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
        *,
        days: int = 0,
        progress: ProgressCallback | None = None,
        only: Collection[str] | None = None,
        told: Sequence[moves.Told] = (),
        options: AccountOptions = AccountOptions(),  # noqa: B008 - frozen
    ) -> None:
        self._options = options
        self._connection = connection
        self._folders = folders
        self._items = items
        self._lease = lease
        self._tally = tally
        self._stop_if_asked = checkpoint
        self._clock = clock
        self._progress = progress
        self._only = only
        self._told = told
        self._sync = FolderSync(
            connection,
            folders,
            items,
            lease,
            tally,
            self._checkpoint,
            clock,
            days,
            announces=options.send_notification,
        )
        self._known: list[Folder] = []
        self._order: list[Folder] = []
        self._others: list[Folder] = []  # that are not asked for
        self._places: dict[int, int] = {}  # of folders by id in that order
        self._at = 0
        self._statuses: dict[str, ExaminedFolder] = {}
        self._unstable: UidValidityUnstable | None = None

    @property
    def account_id(self) -> int:
        """The account that is synced."""
        return self._lease.account_id

    def run(self) -> None:
        """Bring every folder level with the server.

        Raises UidValidityUnstable, after all other folders are done, when one cannot be synced
        for that reason; other MailServerError when the conversation broke or INBOX cannot be
        opened; LeaseLost; whatever `checkpoint` raises.
        """
        leaving, closing = self._list()
        if listing.many_to_come(self._order, self._statuses):
            reading.expect()
        # One that was never synced has nothing to compare: it is looked at as its turn comes.
        known = [one for one in self._order if one.mirrored or one.complete]
        new = {one.folder_id: one for one in self._order if not (one.mirrored or one.complete)}
        looks = self._look_at(known)
        if (
            leaving
            or closing
            or any(look.differences.removed or look.rebuilt for look in looks.values())
        ):
            looks |= self._look_at(list(new.values()))
            new = {}
            others = self._look_at(self._receivers())
            emptied = [one for one in self._known if one.folder_id in closing]
            self._follow_moves([*looks.values(), *others.values()], [*leaving, *emptied])
            self._folders.reconcile(
                self._lease,
                FolderChanges(updated=closing, removed=[one.folder_id for one in leaving]),
            )
        pending = [one for one in self._order if one.folder_id in looks or one.folder_id in new]
        self._finish_all(pending, looks)
        if self._options.deletion_policy is DeletionPolicy.DELETE_ON_RECEIVE and self._only is None:
            self._clear()
        if self._unstable is not None:
            raise self._unstable

    # Looking and finishing -----------------------------------------------------------------------

    def _look_at(self, folders: Sequence[Folder], *, quietly: bool = False) -> dict[int, Look]:
        """What those of the folders need that need anything and can be looked at now, by id;
        `quietly` without telling how far the run is."""
        looks: dict[int, Look] = {}
        due = list(self._due(folders))
        alone = len(due) == 1
        while due:
            together = [] if alone else [one for one in due if not one.alone]
            for one in due:
                if one not in together:
                    self._survey([one], looks, quietly)
            due = self._survey(together, looks, quietly)
        return looks

    def _due(self, folders: Sequence[Folder]) -> Iterator[Due]:
        for folder in folders:
            looker, status = self._sync.looker, self._statuses.get(folder.server_name)
            if looker.needs_nothing(folder, status):
                continue
            if listing.is_set_aside(folder, self._clock()):
                self._tally.skipped.append(folder.name)
            else:
                yield looker.due(folder, status)

    def _survey(self, due: Sequence[Due], looks: dict[int, Look], quietly: bool) -> list[Due]:
        """Look at folders together, and add to `looks`; gives those of which more has to be
        asked. A single one is asked whatever it takes."""
        more = []
        with closing(self._sync.looker.survey(due)) as surveyed:
            for one in due:
                if quietly:
                    self._stop_if_asked()
                else:
                    self._at = self._places.get(one.folder.folder_id, 0)
                    self._checkpoint()
                try:
                    look = self._look(one.folder, next(surveyed), alone=len(due) == 1)
                except Unasked as unasked:
                    more.append(one.with_need(unasked.need))
                else:
                    looks |= {one.folder.folder_id: look} if look else {}
        return more

    def _look(self, folder: Folder, told: Surveyed, *, alone: bool) -> Look | None:
        """What the folder needs; None as well when it cannot be looked at now."""
        if told.examined is None:
            self._set_aside(folder, told.refusal or MailServerRefused("the folder was refused"))
            return None
        if folder.set_aside_count:
            self._folders.set_aside(self._lease, folder.folder_id, None, 0)
        looker = self._sync.looker
        try:
            answers = looker.answers(told, alone=alone)
            wanted = self._is_asked_for(folder)
            return looker.look(folder, told.examined, answers, flags=wanted)
        except UidValidityUnstable as unstable:
            self._unstable = self._unstable or unstable
        except MailServerRefused as refusal:
            self._skip(folder, refusal)
        return None

    def _finish_all(self, folders: Sequence[Folder], looks: dict[int, Look]) -> None:
        """While the steps of one folder are committed, the next one is looked at and fetched."""
        if not folders:
            return
        steps = self._steps(folders, looks)
        with closing(ahead(steps, weight=Step.size, most=MOST_AHEAD)) as coming:
            for step in coming:
                self._at = self._places[step.look.folder.folder_id]
                self._sync.commit(step)

    def _steps(
        self, folders: Sequence[Folder], looks: dict[int, Look]
    ) -> Generator[Step, None, None]:
        """What has to be committed of these folders, those with a look as that found them."""
        for folder in folders:
            self._stop_if_asked()
            look = looks.pop(folder.folder_id, None)
            look = look or self._look_at([folder], quietly=True).get(folder.folder_id)
            if look is None:
                continue
            try:
                yield from self._sync.steps(look)
            except MailServerRefused as refusal:
                self._skip(folder, refusal)

    def _clear(self) -> None:
        """Remove from the server what INBOX has received and the cache has; what is in other
        folders has been put there. That a server refuses this is no failure of the sync."""
        clearing = Clearing(
            self._connection, self._folders, self._items, self._lease, self._checkpoint
        )
        for known in self._order:
            folder = self._folders.get(known.folder_id) if known.is_named_inbox else None
            if folder is not None:
                try:
                    clearing.clear(folder)
                except MailServerRefused as refusal:
                    clearing.leave(refusal.message)

    def _skip(self, folder: Folder, refusal: MailServerRefused) -> None:
        """A folder that is refused stops neither the others nor the account; INBOX does, it has
        to be there."""
        if listing.is_inbox(folder):
            raise refusal
        self._tally.skipped.append(folder.name)
        log.warning(
            "sync.folder_skipped",
            account=self._lease.account_id,
            folder=folder.name,
            reason=refusal.message,
        )

    def _set_aside(self, folder: Folder, refusal: MailServerRefused) -> None:
        """Put off a folder that is listed and cannot be opened."""
        self._skip(folder, refusal)
        count = folder.set_aside_count + 1
        until = listing.set_aside_until(count, self._clock())
        self._folders.set_aside(self._lease, folder.folder_id, until, count)

    # Moves ---------------------------------------------------------------------------------------

    def _follow_moves(self, looks: Sequence[Look], leaving: Sequence[Folder]) -> None:
        """Keep the rows of messages that went from one folder to another."""
        adopted = self._adopt_told(looks)
        stored: list[tuple[int, Identity]] = []
        for look in looks:
            stored += self._sync.left_behind(look)
        for folder in leaving:
            stored += self._items.identities(folder.folder_id)
        gone = moves.Gone(one for one in stored if one[0] not in adopted)
        for look in looks:
            try:
                adopted |= self._sync.adopt(look, gone).keys()
            except MailServerRefused as refusal:
                self._skip(look.folder, refusal)
        for look in looks:
            look.left(adopted)

    def _adopt_told(self, looks: Sequence[Look]) -> set[int]:
        """Messages without a Message-ID prove nothing; where a server told their way, they keep
        their rows as well."""
        by_name = {look.folder.server_name: look for look in looks}
        adopted: set[int] = set()
        for told in self._told:
            source, target = by_name.get(told.source), by_name.get(told.target)
            if source is None or target is None or target.seen.uid_validity != told.uid_validity:
                continue
            gone = set(source.differences.removed)
            states = self._items.states(
                source.folder.folder_id, source.seen.uid_validity, told.uids
            )
            places = {
                state.item_id: told.uids[uid]
                for uid, state in states.items()
                if state.item_id in gone
            }
            adopted |= self._sync.adopt_told(target, places).keys()
        return adopted

    # The list of folders -------------------------------------------------------------------------

    def _list(self) -> tuple[list[Folder], dict[int, FolderDraft]]:
        """Bring the folder list level; gives the folders that are gone, and by their ids those
        that are mere names now, all with their mail still there, since it may have moved."""
        answer = self._connection.ask_for_folders()
        known = self._folders.list(self._lease.account_id)  # while the server works on it
        found = answer()
        listed = [folder_draft(folder) for folder in found]
        if listing.lacks_inbox(known, listed):
            raise MailServerRefused("the server's list of folders lacks INBOX")
        self._statuses = {one.server_name: one.status for one in found if one.status is not None}
        changes = listing.plan_folders(known, listed)
        gone = {one.folder_id: one for one in known if one.folder_id in set(changes.removed)}
        if gone and changes.added:
            pairs = self._renamed(list(gone.values()), changes.added)
            changes = listing.renamed(changes, pairs)
        leaving = [gone[one] for one in changes.removed if gone[one].mirrored]
        empty = [one for one in changes.removed if not gone[one].mirrored]
        closing = {
            one.folder_id: draft
            for one in known
            if one.mirrored
            and self._is_asked_for(one)
            and (draft := changes.updated.get(one.folder_id)) is not None
            and not listing.can_hold_messages(draft)
        }
        updated = {id_: draft for id_, draft in changes.updated.items() if id_ not in closing}
        self._folders.reconcile(self._lease, FolderChanges(changes.added, updated, empty))
        if changes:
            known = self._folders.list(self._lease.account_id)
        self._known = known
        away = {one.folder_id for one in leaving} | closing.keys()
        here = [one for one in known if one.folder_id not in away]
        self._order = listing.sync_order(filter(self._is_asked_for, here))
        self._others = [one for one in listing.sync_order(here) if not self._is_asked_for(one)]
        self._places = {one.folder_id: place for place, one in enumerate(self._order)}
        self._peek()
        # What a folder held that others are not looked at for may be in one of those.
        return list(filter(self._is_asked_for, leaving)), closing

    def _peek(self) -> None:
        """Where the list does not tell the folders' states, ask for those that may settle it."""
        if not self._statuses:
            known = [one.server_name for one in self._order if plan.known_until(one)]
            self._statuses = self._connection.peek(known)

    def _receivers(self) -> list[Folder]:
        """The folders that are not asked for, and that have got mail by what the list says: they
        may hold what has left those that are. All else of them waits for the next sync."""
        return [
            one
            for one in self._others
            if (status := self._statuses.get(one.server_name)) is not None
            and (one.complete or one.uid_validity is None)
            and one.uid_validity in (None, status.uid_validity)
            and (status.uid_next is None or status.uid_next > (one.uid_next or 1))
        ]

    def _is_asked_for(self, folder: Folder) -> bool:
        return self._only is None or folder.server_name in self._only

    def _renamed(
        self, gone: Sequence[Folder], added: Sequence[FolderDraft]
    ) -> dict[int, FolderDraft]:
        """Which folders go on under new names, by their ids."""
        pairs: dict[int, FolderDraft] = {}
        left = list(gone)
        for draft in added:
            folder = self._former(draft, left)
            if folder is not None:
                pairs[folder.folder_id] = draft
                left.remove(folder)
        return pairs

    def _former(self, draft: FolderDraft, gone: Sequence[Folder]) -> Folder | None:
        """Which of the folders that are gone goes on under this name; opened once at most."""
        status = self._statuses.get(draft.server_name)
        if status is not None:
            gone = [one for one in gone if listing.may_be_renamed(one, seen_in(status))]
        if not gone or not listing.can_hold_messages(draft):
            return None
        try:
            examined = self._connection.examine(draft.server_name)
        except MailServerRefused:
            return None
        likely = [one for one in gone if listing.may_be_renamed(one, seen_in(examined))]
        return next((one for one in likely if self._is_renamed(one, examined)), None)

    def _is_renamed(self, folder: Folder, examined: ExaminedFolder) -> bool:
        known = self._items.identities(folder.folder_id, only=folder.uid_validity)
        stored = {identity.uid: identity for _, identity in known}
        found = identities_of(self._connection.identities(listing.sample_of(stored)))
        if not found:  # nothing to compare: both empty, with the same UIDVALIDITY
            return not stored and not examined.exists
        return all(stored.get(uid) == who for uid, who in found.items()) and any(
            who.internal_date is not None for who in found.values()
        )

    # Progress ------------------------------------------------------------------------------------

    def _checkpoint(self) -> None:
        self._stop_if_asked()
        if self._progress is not None and self._order:
            self._progress(
                Progress(
                    folder=self._order[self._at].name,
                    folders_done=self._at,
                    folders_total=len(self._order),
                    messages_done=self._tally.new,
                    messages_total=self._tally.messages_total,
                    bytes_done=self._tally.bytes_done,
                )
            )
