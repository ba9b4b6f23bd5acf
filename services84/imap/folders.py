"""The folders of a mail server: which there are, what state they are in, opening one.

RFC 3501, with LIST-EXTENDED (5258), LIST-STATUS (5819), SPECIAL-USE (6154), CONDSTORE and QRESYNC
(7162), NAMESPACE (2342) and IDLE (2177) where the server offers them. Changes nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from services84.errors import MailServerRefused
from services84.imap import listing, names, naming, opened, responses
from services84.imap.conversation import Conversation, codes
from services84.imap.framing import Response
from services84.imap.names import Pieces, joined, verbatim
from services84.imap.refusals import command_refusal
from services84.imap.session import Command, Completion
from services84.imap.values import (
    ExaminedFolder,
    FolderStatus,
    ListedFolder,
    Namespace,
    SyncPoint,
)

WORTH_A_LIST = 4  # folders; a server has work with each one's state, and tells those of all
STATUSES_AT_A_TIME = 64
_STATE = "(MESSAGES RECENT UNSEEN UIDNEXT UIDVALIDITY)"
_POINT = "(MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)"
_NEWS = frozenset({"EXISTS", "EXPUNGE", "FETCH", "VANISHED"})

_State = dict[str, int] | MailServerRefused


class Folders(Conversation):
    """What can be asked of folders."""

    def folders(self, *, states: bool = True) -> list[ListedFolder]:
        """Every folder that the server lists, each once, in the server's order.

        With LIST-STATUS one round trip brings what `examine` would say of each folder as well,
        unless `states` are not wanted: they are some work for a server.
        """
        return self.ask_for_folders(states=states)()

    def ask_for_folders(self, *, states: bool = True) -> Callable[[], list[ListedFolder]]:
        """What gives, later, what `folders` would have given.

        Where the server has LIST-EXTENDED it is asked before this comes back, and works on it
        while the caller does something else. Nothing else may be said until then.
        """
        self._enable_utf8()
        everything = (verbatim('""'), verbatim('"*"'))
        if "LIST-EXTENDED" not in self.capabilities:
            return lambda: self._folders_of_both(everything)
        options = verbatim(self._list_options(states))
        answers = self._session.perform_all([Command("LIST", (*everything, options))])
        return lambda: self._folders_told(next(answers))

    def _folders_told(self, completion: Completion) -> list[ListedFolder]:
        self._note(completion)
        self._check("LIST", completion)
        told = listing.statuses(completion, self._spelling)
        return listing.folders(self._listed(completion), frozenset(), told)

    def _folders_of_both(self, everything: tuple[Pieces, ...]) -> list[ListedFolder]:
        """The folders by LIST, and by LSUB which of them are subscribed."""
        both = self._said_to_all([Command("LIST", everything), Command("LSUB", everything)])
        completion = next(both)
        self._check("LIST", completion)
        subscribed: frozenset[bytes] = frozenset()
        with contextlib.suppress(MailServerRefused):  # no reason to do without the folders
            of_subscribed = next(both)
            self._check("LSUB", of_subscribed)
            known = self._listed(of_subscribed)
            subscribed = frozenset(listing.key(one.name) for one in known)
        return listing.folders(self._listed(completion), subscribed, {})

    def _listed(self, completion: Completion) -> list[responses.Listed]:
        return listing.listed(completion, self._spelling)

    def _list_options(self, states: bool) -> str:
        options = ["SUBSCRIBED", "CHILDREN"]
        if "SPECIAL-USE" in self.capabilities:
            options.append("SPECIAL-USE")
        if states and "LIST-STATUS" in self.capabilities:
            mod_seq = " HIGHESTMODSEQ" if self._tells_mod_seq else ""
            options.append(f"STATUS (MESSAGES UIDNEXT UIDVALIDITY{mod_seq})")
        return f"RETURN ({' '.join(options)})"

    @property
    def _tells_mod_seq(self) -> bool:
        return bool(self.capabilities & {"CONDSTORE", "QRESYNC"})

    def examine(self, server_name: str, since: SyncPoint | None = None) -> ExaminedFolder:
        """Open a folder read-only, by its `ListedFolder.server_name`.

        With `since`, a server that can (QRESYNC) tells in the same round trip what has changed
        from then on. Raises FolderMissing, and MailServerRefused when the folder cannot be
        selected, or gives no UIDVALIDITY.
        """
        return self._open("EXAMINE", server_name, since)

    def select(self, server_name: str, since: SyncPoint | None = None) -> ExaminedFolder:
        """Open a folder to change its messages; as `examine` otherwise.

        Raises MailServerRefused also where the server opens it for reading only.
        """
        return self._open("SELECT", server_name, since)

    def _open(self, command: str, server_name: str, since: SyncPoint | None) -> ExaminedFolder:
        self._enable()
        asked = since if self._can_resync else None
        argument = self._opening(server_name, asked)
        self._leave()
        completion = self._perform(command, argument)
        examined = self._opened(server_name, completion, asked)
        writable = command == "SELECT" and "READ-ONLY" not in codes(completion)
        self._entered(server_name, writable=writable)
        if command == "SELECT" and not writable:
            raise self._refused(f"allows no changes in {_shown(server_name)!r}")
        return examined

    @property
    def _can_resync(self) -> bool:
        return "QRESYNC" in self._enabled

    def _opening(self, server_name: str, since: SyncPoint | None) -> Pieces:
        """What EXAMINE and SELECT are given; `since` only where QRESYNC is enabled."""
        name = self._mailbox(server_name)
        if since is not None:
            asked = f"(QRESYNC ({since.uid_validity} {since.mod_seq}))"
            return joined(name, verbatim(asked))
        return joined(name, verbatim("(CONDSTORE)")) if self._tells_mod_seq else name

    def _opened(
        self, server_name: str, completion: Completion, since: SyncPoint | None
    ) -> ExaminedFolder:
        """What a completed EXAMINE or SELECT says; counts the folder's messages."""
        own = opened.own_part(completion)
        if not opened.has_count(own):
            raise self._refused(f"does not say how many messages {_shown(server_name)!r} has")
        self._exists = 0  # nothing of what was noted before counts
        self._note(own)
        examined = opened.examined(own, self._exists, since)
        if examined is None:
            raise self._refused(f"gives no UIDVALIDITY for {_shown(server_name)!r}")
        if self._had_open and not opened.is_clear(completion):
            # The news may be another folder's; what has changed in this one is to be asked for.
            examined = replace(examined, delta=None)
        return examined

    def _entered(self, server_name: str, *, writable: bool) -> None:
        self._session.selected(True)
        self._selected, self._writable, self._had_open = server_name, writable, True

    def status(self, server_name: str) -> FolderStatus:
        """How many messages a folder has, without opening it (RFC 3501 section 6.3.10).

        Of the open folder the numbers may be those of when it was opened. Raises FolderMissing
        and MailServerRefused.
        """
        for status in self._states([server_name], _STATE):
            if isinstance(status, MailServerRefused):
                raise status
            if (state := listing.state(status)) is not None:
                return state
        raise self._refused(f"does not tell the state of {_shown(server_name)!r}")

    def statuses(self, server_names: Iterable[str]) -> dict[str, FolderStatus]:
        """The same of several folders, by server name, in few round trips. A folder of which the
        server tells nothing is absent."""
        wanted = list(dict.fromkeys(server_names))
        if "LIST-STATUS" in self.capabilities and len(wanted) >= WORTH_A_LIST:
            return self._listed_states(wanted)
        told = zip(wanted, self._states(wanted, _STATE), strict=True)
        found = {one: listing.state(numbers) for one, numbers in told if isinstance(numbers, dict)}
        return {one: state for one, state in found.items() if state is not None}

    def peek(self, server_names: Iterable[str]) -> dict[str, ExaminedFolder]:
        """What `examine` would say of folders, without opening them; by server name.

        Only where the server can tell whether a folder has changed (CONDSTORE), else nothing. A
        folder of which it tells nothing is absent. Several are asked for in a round trip.
        """
        wanted = list(dict.fromkeys(server_names))
        if not self._tells_mod_seq:
            return {}
        told = zip(wanted, self._states(wanted, _POINT), strict=True)
        found = {one: listing.point(numbers) for one, numbers in told if isinstance(numbers, dict)}
        return {one: point for one, point in found.items() if point is not None}

    def _states(self, wanted: Sequence[str], items: str) -> list[_State]:
        """What STATUS says of each."""
        self._enable_utf8()
        # Servers may keep no mod-sequences before that is asked for (RFC 7162 section 3.1).
        enabling = self._enabling() if items == _POINT else []
        found: dict[str, _State] = {}
        for at in range(0, len(wanted), STATUSES_AT_A_TIME):
            some = wanted[at : at + STATUSES_AT_A_TIME]
            asked = [Command("STATUS", (self._mailbox(one), verbatim(items))) for one in some]
            completions = self._said_to_all([*enabling, *asked])
            for command in enabling:
                completion = next(completions)
                self._check(command.name, completion)
                self._enabled_by(completion)
            enabling = []
            found |= self._told_of(some, completions)
        return [found[one] for one in wanted]

    def _told_of(
        self, wanted: Sequence[str], completions: Iterable[Completion]
    ) -> dict[str, _State]:
        """By server name. The name in a response says which folder it is about; where it is
        spelt in a way of the server's own, the command that it answers does."""
        by_key = {listing.key(one.encode("latin-1")): one for one in wanted}
        found: dict[str, _State] = {one: {} for one in wanted}
        for asked, completion in zip(wanted, completions, strict=True):
            self._note(completion)
            for name, numbers in filter(None, map(responses.status, completion.responses)):
                one = by_key.get(listing.key(self._spelling(name)), asked)
                state = found[one]
                found[one] = numbers if isinstance(state, MailServerRefused) else state | numbers
            try:
                self._check("STATUS", completion)
            except MailServerRefused as refusal:
                found[asked] = found[asked] or refusal
        return found

    def _listed_states(self, wanted: Iterable[str]) -> dict[str, FolderStatus]:
        self._enable_utf8()
        options = verbatim(f"RETURN (STATUS {_STATE})")
        completion = self._perform("LIST", verbatim('""'), verbatim('"*"'), options)
        told = {
            listing.key(self._spelling(name)): listing.state(numbers)
            for name, numbers in filter(None, map(responses.status, completion.responses))
        }
        by_name = {one: told.get(listing.key(one.encode("latin-1"))) for one in wanted}
        return {one: status for one, status in by_name.items() if status is not None}

    def namespace(self) -> Namespace:
        """Where the user's own folders are, and what separates levels (NAMESPACE, RFC 2342).

        Where the server has no NAMESPACE, the delimiter alone is asked for.
        """
        self._enable_utf8()
        if "NAMESPACE" in self.capabilities:
            completion = self._perform("NAMESPACE")
            for found in filter(None, map(responses.namespaces, completion.responses)):
                return self._namespace(found)
        completion = self._perform("LIST", verbatim('""'), verbatim('""'))
        roots = list(filter(None, map(responses.listed, completion.responses)))
        return Namespace("", roots[0].delimiter.decode("latin-1") if roots else "")

    def _namespace(self, found: list[list[tuple[bytes, bytes]]]) -> Namespace:
        own, *others = found
        prefix, delimiter = own[0] if own else (b"", b"")
        spelt = (self._spelling(other) for kind in others for other, _ in kind if other)
        return Namespace(
            self._spelling(prefix).decode("latin-1"),
            delimiter.decode("latin-1"),
            tuple(other.decode("latin-1") for other in spelt),
        )

    def server_name_of(self, name: str, folders: list[ListedFolder] | None = None) -> str:
        """The server's spelling of a folder's readable name; see `naming.server_name_of`.

        `folders` are those of `folders()`, where they are known already. Raises ValueError for
        a name that no folder can have.
        """
        known = self.folders(states=False) if folders is None else folders
        exact = naming.known_server_name(name, known)
        return exact or naming.server_name_of(name, known, self.namespace())

    def unselect(self) -> None:
        """Close the open folder, and expunge nothing (UNSELECT, RFC 3691, or its equal)."""
        if self._selected is None:
            return
        if "UNSELECT" in self.capabilities:
            self._perform("UNSELECT")
        else:
            # CLOSE expunges, except in a folder that is open for reading only.
            self._perform("EXAMINE", self._mailbox(self._selected))
            try:
                self._perform("CLOSE")
            except MailServerRefused:
                # Some have it for folders that are open for changes only; opening another folder
                # lets go of this one as well.
                self._perform("EXAMINE", self._mailbox("INBOX"))
        self._leave()

    def _leave(self) -> None:
        self._session.selected(False)
        self._selected, self._writable, self._exists = None, False, 0

    def noop(self) -> None:
        """Hear what is new; keeps the connection alive."""
        self._perform("NOOP")

    def idle(self, seconds: float, stop: Callable[[], bool]) -> bool:
        """Wait for news of the examined folder (IDLE, RFC 2177); whether there are any.

        Comes back at once when the server tells of a message that came, went or changed; after
        `seconds`, which must be below 29 minutes; and soon after `stop` says so. Raises
        MailServerRefused where the server has no IDLE.
        """
        if "IDLE" not in self.capabilities:
            raise MailServerRefused(f"{self._host} has no IDLE", host=self._host.host)
        completion = self._session.idle(seconds, stop, _is_news)
        self._note(completion)
        if not completion.ok:
            raise command_refusal(self._host, "IDLE", completion.text)
        return any(map(_is_news, completion.responses))


def _is_news(response: Response) -> bool:
    said = responses.untagged(response)
    return said is not None and said.kind in _NEWS


def _shown(server_name: str) -> str:
    return names.decode_name(server_name.encode("latin-1"))
