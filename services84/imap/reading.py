"""The messages of the open folder: their flags, sizes, identities and sources. Changes nothing.

RFC 3501, with ESEARCH (4731) and CONDSTORE (7162) where the server offers them. Everything is
keyed on UIDs; bodies are peeked at (BODY.PEEK), so that no message becomes a read one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from services84.imap import responses
from services84.imap.conversation import LONGEST_SET, Conversation
from services84.imap.names import Pieces, day, verbatim
from services84.imap.responses import Fetched
from services84.imap.session import Completion
from services84.imap.uidsets import uid_sets
from services84.imap.values import (
    FetchedHeader,
    FetchedIdentity,
    FetchedMessage,
    FlagState,
    FolderDelta,
)

MESSAGES_A_COMMAND = 250  # what one answer makes us hold at once
FLAGS = "(FLAGS)"
_SECTION = re.compile(
    r"TEXT|HEADER|[1-9]\d{0,3}(?:\.[1-9]\d{0,3}){0,63}(?:\.(?:MIME|TEXT|HEADER))?", re.ASCII
)


class Reading(Conversation):
    """What can be read of the open folder's messages."""

    def flags(self) -> dict[int, FlagState]:
        """The flags of every message, by UID."""
        return flag_states(self._fetch("1:*", FLAGS))

    def changes(self, mod_seq: int) -> FolderDelta:
        """What has come or changed since a mod-sequence; not what is gone. Needs CONDSTORE."""
        return FolderDelta(flag_states(self._fetch("1:*", flags_since(mod_seq))), None)

    def uids(self, *, before: date | None = None) -> list[tuple[int, int]]:
        """The UIDs of all messages, as ranges; of those only that came before the day `before`,
        by the server's calendar."""
        if not self._has_messages():
            return []
        wanted = "ALL" if before is None else f"BEFORE {day(before)}"
        return found_uids(self._perform("UID", self._uid_search(wanted)))

    def _uid_search(self, wanted: str) -> Pieces:
        brief = "RETURN (ALL) " if "ESEARCH" in self.capabilities else ""
        return verbatim(f"SEARCH {brief}{wanted}")

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
        return (_message(uid, fetched) for uid, fetched in self._each(uids, items))

    def headers(self, uids: Iterable[int]) -> Iterator[FetchedHeader]:
        """The headers of the messages of `uids`, without their bodies; as `messages` otherwise."""
        items = "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER])"
        for uid, fetched in self._each(uids, items):
            yield FetchedHeader(
                uid=uid,
                flags=fetched.flags or frozenset(),
                internal_date=fetched.internal_date,
                size=fetched.size or 0,
                header=fetched.sections.get("BODY[HEADER]"),
            )

    def _each(self, uids: Iterable[int], items: str) -> Iterator[tuple[int, Fetched]]:
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
                    yield uid, fetched

    def part(self, uid: int, section: str) -> bytes | None:
        """A part of a message as it stands there, transfer encoding and all; None when message
        or part is not there.

        `section` is a part's number (`2.1`), with `.MIME` its header, or `HEADER` or `TEXT`
        (RFC 3501 section 6.4.5). Raises ValueError for anything else.
        """
        if not _SECTION.fullmatch(section):
            raise ValueError(f"{section[:40]!r} names no part of a message")
        fetched = self._fetch(str(uid), f"(UID BODY.PEEK[{section}])").get(uid)
        return fetched.sections.get(f"BODY[{section}]") if fetched else None

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
        if not self._has_messages():
            return {}
        return fetched_by_uid(self._perform("UID", verbatim(f"FETCH {uids_set} {items}")))


def fetched_by_uid(completion: Completion) -> dict[int, Fetched]:
    """What FETCH responses say of messages whose UID they tell."""
    found: dict[int, Fetched] = {}
    for response in completion.responses:
        fetched = responses.fetched(response)
        if fetched is not None and fetched.uid:
            earlier = found.get(fetched.uid)
            found[fetched.uid] = _merged(earlier, fetched) if earlier else fetched
    return found


def found_uids(completion: Completion) -> list[tuple[int, int]]:
    """The ranges of UIDs that a search has found."""
    ranges: list[tuple[int, int]] = []
    for response in completion.responses:
        ranges += responses.found_uids(response) or []
    return ranges


def flags_since(mod_seq: int) -> str:
    """What is fetched of messages that came or changed after a mod-sequence."""
    return f"{FLAGS} (CHANGEDSINCE {mod_seq})"


def flag_states(fetched: dict[int, Fetched]) -> dict[int, FlagState]:
    """The flags of those messages of which they were told."""
    return {uid: FlagState(one.flags) for uid, one in fetched.items() if one.flags is not None}


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
