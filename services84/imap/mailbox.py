"""What a sync asks of a mail server: its folders, their state, flags and messages. Read-only.

Commands in, values out; the session below does the talking. RFC 3501, with LIST-EXTENDED (5258),
SPECIAL-USE (6154) and CONDSTORE (7162) where the server offers them. Nothing here changes
anything on the server: folders are examined, and bodies are peeked at (BODY.PEEK).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType

from services84.errors import MailServerRefused
from services84.imap import names, responses
from services84.imap.names import Pieces, astring, joined, verbatim
from services84.imap.refusals import command_refusal
from services84.imap.responses import Fetched, uid_sets
from services84.imap.session import Completion, Session
from services84.mailhost import MailHost

LONGEST_SET = 7000  # characters; RFC 2683 section 3.2.1.5 wants lines below 8000
MESSAGES_A_COMMAND = 250  # what one answer makes us hold at once


@dataclass(frozen=True)
class ListedFolder:
    """A folder of the server's list.

    `server_name` is the exact name, its bytes seen as Latin-1; `name` is for people. Attributes
    are lower-case with their backslash, as `\\noselect`; the delimiter is empty for none.
    """

    server_name: str
    name: str
    delimiter: str
    attributes: frozenset[str]
    subscribed: bool


@dataclass(frozen=True)
class ExaminedFolder:
    """What EXAMINE said. `highest_mod_seq` is None without CONDSTORE or with NOMODSEQ."""

    uid_validity: int
    uid_next: int | None
    exists: int
    highest_mod_seq: int | None
    flags: frozenset[str] = frozenset()
    permanent_flags: frozenset[str] = frozenset()


@dataclass(frozen=True)
class FlagState:
    """A message's flags as the server spells them."""

    flags: frozenset[str]


@dataclass(frozen=True)
class FetchedMessage:
    """A message. `source` is its exact bytes, or None when the server has it but not its text."""

    uid: int
    flags: frozenset[str]
    internal_date: datetime | None
    size: int
    source: bytes | None = field(repr=False)


@dataclass(frozen=True)
class FetchedIdentity:
    """By what a message is recognised; `message_id` is empty where there is none."""

    message_id: str
    internal_date: datetime | None
    size: int


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
        """Every folder that the server lists, each once, in the server's order."""
        everything = (verbatim('""'), verbatim('"*"'))
        if "LIST-EXTENDED" in self.capabilities:
            special = " SPECIAL-USE" if "SPECIAL-USE" in self.capabilities else ""
            asked = verbatim(f"RETURN (SUBSCRIBED CHILDREN{special})")
            return _folders(self._listed("LIST", *everything, asked), frozenset())
        found = self._listed("LIST", *everything)
        subscribed: frozenset[bytes] = frozenset()
        with contextlib.suppress(MailServerRefused):  # no reason to do without the folders
            subscribed = frozenset(_key(one.name) for one in self._listed("LSUB", *everything))
        return _folders(found, subscribed)

    def _listed(self, command: str, *arguments: Pieces) -> list[responses.Listed]:
        completion = self._perform(command, *arguments)
        return [found for r in completion.responses if (found := responses.listed(r))]

    def examine(self, server_name: str) -> ExaminedFolder:
        """Open a folder read-only, by its `ListedFolder.server_name`.

        Raises MailServerRefused when it cannot be selected, or gives no UIDVALIDITY.
        """
        name = astring(server_name.encode("latin-1"))
        if "CONDSTORE" in self.capabilities or "QRESYNC" in self.capabilities:
            name = joined(name, verbatim("(CONDSTORE)"))
        self._exists = 0
        self._session.selected(False)
        completion = self._perform("EXAMINE", name)
        self._session.selected(True)
        return self._examined(server_name, completion)

    def _examined(self, server_name: str, completion: Completion) -> ExaminedFolder:
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
        )

    # Messages of the examined folder ------------------------------------------------------------

    def flags(self) -> dict[int, FlagState]:
        """The flags of every message, by UID."""
        found: dict[int, FlagState] = {}
        for uid, fetched in self._fetch("1:*", "(FLAGS)").items():
            if fetched.flags is not None:
                found[uid] = FlagState(fetched.flags)
        return found

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
        for said in _said(completion):
            if said.kind == "EXISTS" and said.number is not None:
                self._exists = said.number
            elif said.kind == "EXPUNGE":
                self._exists = max(self._exists - 1, 0)
        # Messages expunged meanwhile may turn the answer into a NO with the rest of the data
        # (RFC 2180 section 4.1.2, RFC 5530).
        expunged = responses.status_text(completion.text).code == "EXPUNGEISSUED"
        if not completion.ok and not (command == "UID" and expunged):
            raise command_refusal(self._host, command, completion.text)
        return completion


def _folders(found: list[responses.Listed], subscribed: frozenset[bytes]) -> list[ListedFolder]:
    folders: dict[bytes, ListedFolder] = {}
    for one in found:
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
    return int(digits) or None


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
