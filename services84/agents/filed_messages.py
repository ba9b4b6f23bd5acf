"""Messages that a call names by their ids in the cache, found on their mail servers.

Everything that a call names is checked before anything is done: that the caller may touch the
messages, that their folders are there, that the servers still have them. What is done with them
is the matter of the operations; how far they got is told when a server stops them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from services84.agents.access import account_of
from services84.agents.call import Call
from services84.agents.mailboxes import errand_for, refusals_about
from services84.errors import InvalidValue, MailServerError, MailServerRefused, NotFound
from services84.imap.connection import ImapConnection
from services84.store.values import Folder, ItemPlace
from services84.sync.errands import Errand

MOST_IDS = 50_000  # of one call; its answer has to come within a minute
SHOWN = 10  # ids that an error names one by one
# What is done at a time, so that it can be told how far a call got.
MESSAGES_A_STEP = 1000
GONE = " on the mail server any more"


@dataclass(frozen=True)
class Group:
    """Messages of one folder: their ids in the cache by their UIDs, ascending."""

    folder: Folder
    uid_validity: int
    ids: Mapping[int, int]


@dataclass
class Progress:
    """How many messages a call has dealt with, of how many."""

    total: int
    done: int = 0

    @contextmanager
    def told(self) -> Iterator[None]:
        """Let an error of the block say what happened before it."""
        try:
            yield
        except MailServerError as error:
            if self.done:
                said = f"; {self.done} of {self.total} messages were done before that"
                error.message += said
                error.friendly_text += said
                error.parameters["Done"] = str(self.done)
            raise


# Which messages ---------------------------------------------------------------------------------


def chosen(call: Call, ids: Sequence[int | None] | None, *, member: str) -> list[ItemPlace]:
    """The messages of these ids, each once, in their order.

    Raises NotFound, which names them, for those that do not exist and those that the caller may
    not touch; and InvalidValue for too many.
    """
    wanted = list(dict.fromkeys(one or 0 for one in ids or ()))
    if len(wanted) > MOST_IDS:
        raise InvalidValue(member, len(wanted), f"are more than {MOST_IDS} ids")
    found = call.services.items.places(wanted)
    denied = _denied(call, {place.account_id for place in found.values()})
    missing = [one for one in wanted if one not in found or found[one].account_id in denied]
    if missing:
        raise not_found(member, missing)
    return [found[one] for one in wanted]


def _denied(call: Call, account_ids: Iterable[int]) -> set[int]:
    """The accounts among these that the caller may not touch."""
    denied = set()
    for account_id in account_ids:
        try:
            account_of(call, account_id)
        except NotFound:
            denied.add(account_id)
    return denied


def not_found(member: str, ids: Sequence[int], where: str = "") -> NotFound:
    """The error for messages that are not there."""
    shown = ", ".join(map(str, ids[:SHOWN]))
    if len(ids) > SHOWN:
        shown += f" and {len(ids) - SHOWN} others"
    return NotFound(
        f"{member}: no message {shown}{where}", parameters={"Member": member, "EmailItemId": shown}
    )


# On their servers -------------------------------------------------------------------------------


class Mailbox:
    """The mailbox of one account, with those of a call's messages that are in it."""

    def __init__(self, call: Call, errand: Errand, account_id: int, member: str) -> None:
        self.errand = errand
        self.account_id = account_id
        self.groups: list[Group] = []
        self._call = call
        self._member = member
        self._open: str | None = None

    @property
    def connection(self) -> ImapConnection:
        return self.errand.connection

    def find(self, places: Sequence[ItemPlace], *, forgiving: bool = False) -> None:
        """Find the messages in their folders on the server.

        Folders that the server has renumbered are brought level first. Raises NotFound for what
        the server has no more, and has the cache follow; the `forgiving` do without those.
        """
        places = self._mirrored(places, forgiving=forgiving)
        if not self._level(places):
            services = self._call.services
            stale = {place.folder_id for place in places}
            names = [one.server_name for one in self._folders() if one.folder_id in stale]
            self._open = None
            services.errands.refresh(self.errand, names)
            places = self._again(places, forgiving=forgiving)
            if not self._level(places):
                raise MailServerRefused("the mail server renumbers its messages all the time")
        self.groups = [self._present(group, forgiving=forgiving) for group in self.groups]

    def alone(self, places: Sequence[ItemPlace], *, forgiving: bool = False) -> list[ItemPlace]:
        """Let no other call move messages here meanwhile; where the messages are by then. Raises
        NotFound for those that are gone, MailServerBusy."""
        self.errand.alone()
        return self._again(places, forgiving=forgiving)

    def select(self, group: Group) -> None:
        """Open a folder to change its messages; raises NotFound, MailServerError."""
        name = group.folder.server_name
        if self._open == name:
            return
        self._open = None
        if self._selected(group.folder) != group.uid_validity:
            self.errand.touch(name)
            problem = f"the mail server has just renumbered {group.folder.name!r}; ask again"
            raise MailServerRefused(problem)
        self._open = name

    def change(
        self, group: Group, progress: Progress, work: Callable[[Sequence[int]], object]
    ) -> None:
        """Do `work` to the messages of a folder by their UIDs, many at a time."""
        self.select(group)
        self.errand.touch(group.folder.server_name)
        uids = list(group.ids)
        for at in range(0, len(uids), MESSAGES_A_STEP):
            some = uids[at : at + MESSAGES_A_STEP]
            work(some)
            progress.done += len(some)

    def _folders(self) -> list[Folder]:
        return self._call.services.folders.list(self.account_id)

    def _level(self, places: Sequence[ItemPlace]) -> bool:
        """Group the messages by their folders; whether their UIDs count on the server."""
        folders = {one.folder_id: one for one in self._folders()}
        by_folder: dict[int, list[ItemPlace]] = {}
        for place in places:
            by_folder.setdefault(place.folder_id, []).append(place)
        self.groups = []
        for folder_id, some in by_folder.items():
            if folder_id not in folders:
                return False
            validity = self._selected(folders[folder_id])
            if any(place.uid_validity != validity for place in some):
                return False
            ids = {one.uid: one.item_id for one in sorted(some, key=lambda each: each.uid)}
            self.groups.append(Group(folders[folder_id], validity, ids))
        self._open = self.groups[-1].folder.server_name if self.groups else None
        return True

    def _selected(self, folder: Folder) -> int:
        try:
            with refusals_about(self._member, folder.name):
                return self.connection.select(folder.server_name).uid_validity
        except NotFound:
            self.errand.touch(folder.server_name)
            raise

    def _mirrored(self, places: Sequence[ItemPlace], *, forgiving: bool) -> list[ItemPlace]:
        """The messages without those of which only a copy is kept here."""
        kept = [place.item_id for place in places if place.is_kept]
        if kept and not forgiving:
            raise not_found(self._member, kept, GONE)
        return [place for place in places if not place.is_kept]

    def _again(self, places: Sequence[ItemPlace], *, forgiving: bool) -> list[ItemPlace]:
        """Where the messages are after their folders were brought level."""
        found = self._call.services.items.places([place.item_id for place in places])
        missing = [place.item_id for place in places if place.item_id not in found]
        if missing and not forgiving:
            raise not_found(self._member, missing, GONE)
        return self._mirrored(list(found.values()), forgiving=forgiving)

    def _present(self, group: Group, *, forgiving: bool) -> Group:
        """The messages that the server has."""
        self.select(group)
        there = set(self.connection.present(group.ids))
        missing = [item_id for uid, item_id in group.ids.items() if uid not in there]
        if missing:
            self.errand.touch(group.folder.server_name)
            if not forgiving:
                raise not_found(self._member, missing, GONE)
        left = {uid: item_id for uid, item_id in group.ids.items() if uid in there}
        return Group(group.folder, group.uid_validity, left)


def in_mailboxes(
    call: Call,
    places: Sequence[ItemPlace],
    work: Callable[[Mailbox], None],
    *,
    member: str,
    check: Callable[[Mailbox], object] | None = None,
    forgiving: bool = False,
    alone: bool = False,
) -> None:
    """Do `work` in each of the mailboxes that messages are in, one after the other.

    With several of them, all messages are found first, and `check` is done, in every mailbox;
    each is opened twice then, lest a call holds many connections at once. Raises what
    `Mailbox.find`, `check` and `work` do.
    """
    by_account: dict[int, list[ItemPlace]] = {}
    for place in places:
        by_account.setdefault(place.account_id, []).append(place)
    rounds = [check, work] if len(by_account) > 1 else [work]
    for each in rounds:
        for account_id, some in by_account.items():
            with errand_for(call, account_id) as errand:
                mailbox = Mailbox(call, errand, account_id, member)
                # The other call may just have moved the messages to where this one wants them.
                known = mailbox.alone(some, forgiving=forgiving) if alone and each else some
                mailbox.find(known, forgiving=forgiving)
                if each is not None:
                    each(mailbox)
