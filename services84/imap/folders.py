"""The folders of a mail server: which there are, what state they are in, opening one.

RFC 3501, with LIST-EXTENDED (5258), LIST-STATUS (5819), SPECIAL-USE (6154), CONDSTORE and QRESYNC
(7162), NAMESPACE (2342) and IDLE (2177) where the server offers them. Changes nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable

from services84.errors import MailServerRefused
from services84.imap import listing, names, naming, responses
from services84.imap.conversation import Conversation, codes, untagged_of
from services84.imap.framing import Response
from services84.imap.names import joined, verbatim
from services84.imap.reading import flag_states
from services84.imap.refusals import command_refusal
from services84.imap.session import Completion
from services84.imap.values import (
    ExaminedFolder,
    FolderDelta,
    FolderStatus,
    ListedFolder,
    Namespace,
    SyncPoint,
)

WORTH_A_LIST = 4  # folders; a server has work with each one's state, and tells those of all
_STATE = "(MESSAGES RECENT UNSEEN UIDNEXT UIDVALIDITY)"
_NEWS = frozenset({"EXISTS", "EXPUNGE", "FETCH", "VANISHED"})


class Folders(Conversation):
    """What can be asked of folders."""

    def folders(self, *, states: bool = True) -> list[ListedFolder]:
        """Every folder that the server lists, each once, in the server's order.

        With LIST-STATUS one round trip brings what `examine` would say of each folder as well,
        unless `states` are not wanted: they are some work for a server.
        """
        self._enable_utf8()
        everything = (verbatim('""'), verbatim('"*"'))
        if "LIST-EXTENDED" in self.capabilities:
            completion = self._perform("LIST", *everything, verbatim(self._list_options(states)))
            told = listing.statuses(completion, self._spelling)
            return listing.folders(self._listed(completion), frozenset(), told)
        found = self._listed(self._perform("LIST", *everything))
        subscribed: frozenset[bytes] = frozenset()
        with contextlib.suppress(MailServerRefused):  # no reason to do without the folders
            known = self._listed(self._perform("LSUB", *everything))
            subscribed = frozenset(listing.key(one.name) for one in known)
        return listing.folders(found, subscribed, {})

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
        name = self._mailbox(server_name)
        asked = since if "QRESYNC" in self._enabled else None
        if asked is not None:
            name = joined(name, verbatim(f"(QRESYNC ({asked.uid_validity} {asked.mod_seq}))"))
        elif self._tells_mod_seq:
            name = joined(name, verbatim("(CONDSTORE)"))
        self._exists = 0
        self._leave()
        completion = self._perform(command, name)
        shown = names.decode_name(server_name.encode("latin-1"))
        if not any(said.kind == "EXISTS" for said in untagged_of(completion)):
            # RFC 3501 section 6.3.1 requires it; without it a folder would look empty.
            raise self._refused(f"does not say how many messages {shown!r} has")
        self._session.selected(True)
        self._selected = server_name
        self._writable = command == "SELECT" and "READ-ONLY" not in codes(completion)
        if command == "SELECT" and not self._writable:
            raise self._refused(f"allows no changes in {shown!r}")
        return self._examined(server_name, completion, asked)

    def _examined(
        self, server_name: str, completion: Completion, asked: SyncPoint | None
    ) -> ExaminedFolder:
        told = codes(completion)
        uid_validity = _positive(told.get("UIDVALIDITY"))
        if uid_validity is None:
            shown = names.decode_name(server_name.encode("latin-1"))
            raise self._refused(f"gives no UIDVALIDITY for {shown!r}")
        flags = [said.rest for said in untagged_of(completion) if said.kind == "FLAGS"]
        return ExaminedFolder(
            uid_validity=uid_validity,
            uid_next=_positive(told.get("UIDNEXT")),
            exists=self._exists,
            highest_mod_seq=None if "NOMODSEQ" in told else _positive(told.get("HIGHESTMODSEQ")),
            flags=_flag_list(flags[-1].decode("latin-1") if flags else ""),
            permanent_flags=_flag_list(told.get("PERMANENTFLAGS", "")),
            delta=_delta(completion) if asked and asked.uid_validity == uid_validity else None,
        )

    def status(self, server_name: str) -> FolderStatus:
        """How many messages a folder has, without opening it (RFC 3501 section 6.3.10).

        Of the open folder the numbers may be those of when it was opened. Raises FolderMissing
        and MailServerRefused.
        """
        completion = self._perform("STATUS", self._mailbox(server_name), verbatim(_STATE))
        numbers: dict[str, int] = {}
        for _, told in filter(None, map(responses.status, completion.responses)):
            numbers |= told
        status = listing.state(numbers)
        if status is None:
            shown = names.decode_name(server_name.encode("latin-1"))
            raise self._refused(f"does not tell the state of {shown!r}")
        return status

    def statuses(self, server_names: Iterable[str]) -> dict[str, FolderStatus]:
        """The same of several folders, by server name, in one round trip where the server can
        (LIST-STATUS, RFC 5819). A folder of which the server tells nothing is absent."""
        wanted = list(dict.fromkeys(server_names))
        if "LIST-STATUS" in self.capabilities and len(wanted) >= WORTH_A_LIST:
            return self._listed_states(wanted)
        found = {}
        for one in wanted:
            with contextlib.suppress(MailServerRefused):
                found[one] = self.status(one)
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
        self._selected, self._writable = None, False

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


def _delta(completion: Completion) -> FolderDelta:
    """What EXAMINE with QRESYNC told beside the folder's state (RFC 7162 section 3.2.5)."""
    fetched = (responses.fetched(response) for response in completion.responses)
    changed = {one.uid: one for one in fetched if one is not None and one.uid}
    gone: list[tuple[int, int]] = []
    for _, ranges in filter(None, map(responses.vanished, completion.responses)):
        gone += ranges
    return FolderDelta(flag_states(changed), gone)


def _positive(text: str | None) -> int | None:
    digits = (text or "").strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 20):
        return None
    number = int(digits)
    return number if 0 < number <= responses.HIGHEST_NUMBER else None


def _flag_list(text: str) -> frozenset[str]:
    return frozenset(text.strip().strip("()").split())
