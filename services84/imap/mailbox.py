"""What a sync asks of a mail server: its folders, their state, flags and messages. Read-only.

Commands in, values out; the session below does the talking. RFC 3501, with LIST-EXTENDED (5258),
LIST-STATUS (5819), SPECIAL-USE (6154), ESEARCH (4731), CONDSTORE and QRESYNC (7162) where the
server offers them. Nothing here changes anything on the server: folders are examined, and bodies
are peeked at (BODY.PEEK).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType

from services84.errors import MailServerRefused
from services84.imap import names, responses
from services84.imap.framing import Response
from services84.imap.names import Pieces, astring, joined, verbatim
from services84.imap.refusals import command_refusal
from services84.imap.responses import Fetched, uid_sets
from services84.imap.session import Completion, Session
from services84.imap.values import (
    ExaminedFolder,
    FetchedIdentity,
    FetchedMessage,
    FlagState,
    FolderDelta,
    ListedFolder,
    SyncPoint,
)
from services84.mailhost import MailHost

LONGEST_SET = 7000  # characters; RFC 2683 section 3.2.1.5 wants lines below 8000
MESSAGES_A_COMMAND = 250  # what one answer makes us hold at once
_NEWS = frozenset({"EXISTS", "EXPUNGE", "FETCH", "VANISHED"})


class ImapConnection:
    """A signed-in connection; a context manager. For one thread at a time.

    Every method raises MailServerError: MailServerRefused for a refused command,
    MailServerBusy when asked for patience, MailServerUnreachable when the conversation broke
    (the connection is of no use then).
    """

    def __init__(self, host: MailHost, session: Session) -> None:
        self._host = host
        self._session = session
        self._exists = 0
        self._enabled = False

    @property
    def capabilities(self) -> frozenset[str]:
        """What the server offers after login, upper-case."""
        return self._session.capabilities

    def __enter__(self) -> ImapConnection:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Sign out and disconnect, within seconds; never raises."""
        self._session.end()

    # Folders ------------------------------------------------------------------------------------

    def folders(self) -> list[ListedFolder]:
        """Every folder that the server lists, each once, in the server's order.

        With LIST-STATUS one round trip brings what `examine` would say of each folder as well.
        """
        everything = (verbatim('""'), verbatim('"*"'))
        if "LIST-EXTENDED" in self.capabilities:
            completion = self._perform("LIST", *everything, verbatim(self._list_options()))
            return _folders(_listed(completion), frozenset(), _statuses(completion))
        found = _listed(self._perform("LIST", *everything))
        subscribed: frozenset[bytes] = frozenset()
        with contextlib.suppress(MailServerRefused):  # no reason to do without the folders
            known = _listed(self._perform("LSUB", *everything))
            subscribed = frozenset(_key(one.name) for one in known)
        return _folders(found, subscribed, {})

    def _list_options(self) -> str:
        options = ["SUBSCRIBED", "CHILDREN"]
        if "SPECIAL-USE" in self.capabilities:
            options.append("SPECIAL-USE")
        if "LIST-STATUS" in self.capabilities:
            mod_seq = " HIGHESTMODSEQ" if self._tells_mod_seq else ""
            options.append(f"STATUS (MESSAGES UIDNEXT UIDVALIDITY{mod_seq})")
        return f"RETURN ({' '.join(options)})"

    @property
    def _tells_mod_seq(self) -> bool:
        return bool(self.capabilities & {"CONDSTORE", "QRESYNC"})

    def examine(self, server_name: str, since: SyncPoint | None = None) -> ExaminedFolder:
        """Open a folder read-only, by its `ListedFolder.server_name`.

        With `since`, a server that can (QRESYNC) tells in the same round trip what has changed
        from then on. Raises MailServerRefused when the folder cannot be selected, or gives no
        UIDVALIDITY.
        """
        name = astring(server_name.encode("latin-1"))
        self._enable_qresync()
        asked = since if self._enabled else None
        if asked is not None:
            name = joined(name, verbatim(f"(QRESYNC ({asked.uid_validity} {asked.mod_seq}))"))
        elif self._tells_mod_seq:
            name = joined(name, verbatim("(CONDSTORE)"))
        self._exists = 0
        self._session.selected(False)
        completion = self._perform("EXAMINE", name)
        if not any(said.kind == "EXISTS" for said in _said(completion)):
            # RFC 3501 section 6.3.1 requires it; without it a folder would look empty.
            raise MailServerRefused(
                f"{self._host} does not say how many messages "
                f"{names.decode_name(server_name.encode('latin-1'))!r} has",
                host=self._host.host,
            )
        self._session.selected(True)
        return self._examined(server_name, completion, asked)

    def _enable_qresync(self) -> None:
        """Once, and before any folder is open (RFC 5161 section 3.1)."""
        if self._enabled or not {"QRESYNC", "ENABLE"} <= self.capabilities:
            return
        self._perform("ENABLE", verbatim("QRESYNC"))
        self._enabled = True

    def _examined(
        self, server_name: str, completion: Completion, asked: SyncPoint | None
    ) -> ExaminedFolder:
        codes = _codes(completion)
        uid_validity = _positive(codes.get("UIDVALIDITY"))
        if uid_validity is None:
            shown = names.decode_name(server_name.encode("latin-1"))
            raise MailServerRefused(
                f"{self._host} gives no UIDVALIDITY for {shown!r}", host=self._host.host
            )
        flags = [said.rest for said in _said(completion) if said.kind == "FLAGS"]
        return ExaminedFolder(
            uid_validity=uid_validity,
            uid_next=_positive(codes.get("UIDNEXT")),
            exists=self._exists,
            highest_mod_seq=None if "NOMODSEQ" in codes else _positive(codes.get("HIGHESTMODSEQ")),
            flags=_flag_list(flags[-1].decode("latin-1") if flags else ""),
            permanent_flags=_flag_list(codes.get("PERMANENTFLAGS", "")),
            delta=_delta(completion) if asked and asked.uid_validity == uid_validity else None,
        )

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

    # Messages of the examined folder ------------------------------------------------------------

    def flags(self) -> dict[int, FlagState]:
        """The flags of every message, by UID."""
        return _flags(self._fetch("1:*", "(FLAGS)"))

    def changes(self, mod_seq: int) -> FolderDelta:
        """What has come or changed since a mod-sequence; not what is gone. Needs CONDSTORE."""
        return FolderDelta(_flags(self._fetch("1:*", f"(FLAGS) (CHANGEDSINCE {mod_seq})")), None)

    def uids(self) -> list[tuple[int, int]]:
        """The UIDs of all messages, as ranges."""
        if not self._exists:
            return []
        brief = "RETURN (ALL) " if "ESEARCH" in self.capabilities else ""
        completion = self._perform("UID", verbatim(f"SEARCH {brief}ALL"))
        ranges: list[tuple[int, int]] = []
        for response in completion.responses:
            ranges += responses.found_uids(response) or []
        return ranges

    def sizes(self, uids: Iterable[int]) -> dict[int, int]:
        """The sizes in bytes of those of `uids` that exist."""
        return {
            uid: fetched.size
            for uids_set in uid_sets(uids, LONGEST_SET)
            for uid, fetched in self._fetch(uids_set, "(RFC822.SIZE)").items()
            if fetched.size is not None
        }

    def messages(self, uids: Iterable[int]) -> Iterator[FetchedMessage]:
        """The messages of `uids` with their source, in the order of `uids`.

        A message that is gone is absent. Held at a time are MESSAGES_A_COMMAND messages: give
        no more at once than memory may take.
        """
        items = "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"
        wanted = list(dict.fromkeys(uids))
        for at in range(0, len(wanted), MESSAGES_A_COMMAND):
            some = wanted[at : at + MESSAGES_A_COMMAND]
            found: dict[int, Fetched] = {}
            for uids_set in uid_sets(some, LONGEST_SET):
                found |= self._fetch(uids_set, items)
            for uid in some:
                fetched = found.pop(uid, None)
                # Flags alone are news about a message that was never asked for, or is gone.
                if fetched and (fetched.sections or fetched.size is not None):
                    yield _message(uid, fetched)

    def identities(self, uids: Sequence[int] | None = None) -> dict[int, FetchedIdentity]:
        """What tells messages apart beyond their UIDs; of all messages unless `uids` are given."""
        items = "(UID INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])"
        sets = ["1:*"] if uids is None else uid_sets(uids, LONGEST_SET)
        return {
            uid: FetchedIdentity(_message_id(fetched), fetched.internal_date, fetched.size or 0)
            for uids_set in sets
            for uid, fetched in self._fetch(uids_set, items).items()
            if fetched.size is not None
        }

    def _fetch(self, uids_set: str, items: str) -> dict[int, Fetched]:
        """UID FETCH; keyed on the UID inside the data, since a server may tell of any message at
        any time, and in several responses."""
        if not self._exists:
            return {}
        completion = self._perform("UID", verbatim(f"FETCH {uids_set} {items}"))
        found: dict[int, Fetched] = {}
        for response in completion.responses:
            fetched = responses.fetched(response)
            if fetched is not None and fetched.uid:
                earlier = found.get(fetched.uid)
                found[fetched.uid] = _merged(earlier, fetched) if earlier else fetched
        return found

    def _perform(self, command: str, *arguments: Pieces) -> Completion:
        completion = self._session.perform(command, *arguments)
        self._note(completion)
        # Messages expunged meanwhile may turn the answer into a NO with the rest of the data
        # (RFC 2180 section 4.1.2, RFC 5530).
        expunged = responses.status_text(completion.text).code == "EXPUNGEISSUED"
        if not completion.ok and not (command == "UID" and expunged):
            raise command_refusal(self._host, command, completion.text)
        return completion

    def _note(self, completion: Completion) -> None:
        """Keep count of the messages in the folder, which any command's responses may alter."""
        for said in _said(completion):
            if said.kind == "EXISTS" and said.number is not None:
                self._exists = said.number
            elif said.kind == "EXPUNGE":
                self._exists = max(self._exists - 1, 0)
        for earlier, ranges in filter(None, map(responses.vanished, completion.responses)):
            if not earlier:
                gone = sum(last - first + 1 for first, last in ranges)
                self._exists = max(self._exists - gone, 0)


def _is_news(response: Response) -> bool:
    said = responses.untagged(response)
    return said is not None and said.kind in _NEWS


def _listed(completion: Completion) -> list[responses.Listed]:
    return [found for r in completion.responses if (found := responses.listed(r))]


def _statuses(completion: Completion) -> dict[bytes, ExaminedFolder]:
    """What a LIST with STATUS says of folders, by name; one with a number missing is absent."""
    found = {}
    for name, numbers in filter(None, map(responses.status, completion.responses)):
        if {"UIDVALIDITY", "UIDNEXT", "MESSAGES"} <= numbers.keys():
            found[_key(name)] = ExaminedFolder(
                uid_validity=numbers["UIDVALIDITY"],
                uid_next=numbers["UIDNEXT"],
                exists=numbers["MESSAGES"],
                # 0 stands for a folder that keeps none (RFC 7162 section 3.1.2.2).
                highest_mod_seq=numbers.get("HIGHESTMODSEQ") or None,
            )
    return found


def _delta(completion: Completion) -> FolderDelta:
    """What EXAMINE with QRESYNC told beside the folder's state (RFC 7162 section 3.2.5)."""
    fetched = (responses.fetched(response) for response in completion.responses)
    changed = {one.uid: one for one in fetched if one is not None and one.uid}
    gone: list[tuple[int, int]] = []
    for _, ranges in filter(None, map(responses.vanished, completion.responses)):
        gone += ranges
    return FolderDelta(_flags(changed), gone)


def _flags(fetched: dict[int, Fetched]) -> dict[int, FlagState]:
    return {uid: FlagState(one.flags) for uid, one in fetched.items() if one.flags is not None}


def _folders(
    found: list[responses.Listed],
    subscribed: frozenset[bytes],
    statuses: dict[bytes, ExaminedFolder],
) -> list[ListedFolder]:
    folders: dict[bytes, ListedFolder] = {}
    for one in found:
        if not names.is_possible(one.name):
            continue
        key = _key(one.name)
        known = folders.get(key)
        attributes = one.attributes | (known.attributes if known else frozenset())
        if known and known.subscribed:
            attributes |= {"\\subscribed"}
        folders[key] = ListedFolder(
            server_name=known.server_name if known else one.name.decode("latin-1"),
            name=names.decode_name(one.name),
            delimiter=one.delimiter.decode("latin-1"),
            attributes=attributes - {"\\subscribed"},
            subscribed="\\subscribed" in attributes
            or key in subscribed
            or bool(known and known.subscribed),
            status=statuses.get(key),
        )
    return list(folders.values())


def _key(name: bytes) -> bytes:
    """INBOX is one folder in any case; other names are told apart to the byte."""
    return b"INBOX" if name.upper() == b"INBOX" else name


def _said(completion: Completion) -> Iterator[responses.Untagged]:
    for response in completion.responses:
        said = responses.untagged(response)
        if said is not None:
            yield said


def _codes(completion: Completion) -> dict[str, str]:
    """The response codes of the untagged OKs and of the completion, with their arguments."""
    texts = [said.rest for said in _said(completion) if said.kind == "OK"]
    statuses = [responses.status_text(text) for text in [*texts, completion.text]]
    return {status.code: status.argument for status in statuses if status.code}


def _positive(text: str | None) -> int | None:
    digits = (text or "").strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 20):
        return None
    number = int(digits)
    return number if 0 < number <= responses.HIGHEST_NUMBER else None


def _flag_list(text: str) -> frozenset[str]:
    return frozenset(text.strip().strip("()").split())


def _merged(earlier: Fetched, later: Fetched) -> Fetched:
    """Two responses about one message: the later word counts, what it leaves out stays."""
    return Fetched(
        number=later.number,
        uid=later.uid,
        flags=earlier.flags if later.flags is None else later.flags,
        internal_date=later.internal_date or earlier.internal_date,
        size=earlier.size if later.size is None else later.size,
        mod_seq=later.mod_seq or earlier.mod_seq,
        sections=earlier.sections | later.sections,
    )


def _message(uid: int, fetched: Fetched) -> FetchedMessage:
    source = fetched.sections.get("BODY[]")
    size = fetched.size if fetched.size is not None else len(source or b"")
    return FetchedMessage(uid, fetched.flags or frozenset(), fetched.internal_date, size, source)


def _message_id(fetched: Fetched) -> str:
    """The header's value on one line, as `mime.parse` gives it: what stands in <>, or all."""
    for name, header in fetched.sections.items():
        if name.startswith("BODY[HEADER") and header:
            value = header.partition(b":")[2].decode("utf-8", "replace")
            text = " ".join(value.split())
            start, end = text.find("<"), text.find(">")
            return text[start : end + 1] if 0 <= start < end else text
    return ""
