"""Finding messages of the open folder: unread ones, new ones, those of a Message-ID. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from services84.imap import responses
from services84.imap.conversation import LONGEST_SET
from services84.imap.names import Pieces, astring, joined, verbatim
from services84.imap.reading import Reading
from services84.imap.uidsets import uid_sets

IDS_A_SEARCH = 20  # each one nests the search a level deeper, and servers have their limits

ROOM = 10_000


class Searching(Reading):
    """What can be found in the open folder."""

    def every_uid(self) -> list[int]:
        """The UID of every message, in ascending order.

        Raises MailServerRefused when the server names more messages than it says there are.
        """
        return self._numbers(self.uids())

    def unseen_count(self) -> int:
        """How many messages are not read yet."""
        if not self._has_messages():
            return 0
        if "ESEARCH" not in self.capabilities:
            return len(self._search("UNSEEN"))
        completion = self._perform("UID", verbatim("SEARCH RETURN (COUNT) UNSEEN"))
        for counted in map(responses.count, completion.responses):
            if counted is not None:
                return counted
        return len(self._search("UNSEEN"))

    def unseen_uids(self) -> list[int]:
        """The UIDs of the messages that are not read yet."""
        return self._search("UNSEEN")

    def recent_uids(self) -> list[int]:
        """The UIDs of the messages that came since another session last looked (\\Recent)."""
        return self._search("RECENT")

    def present(self, uids: Iterable[int]) -> list[int]:
        """Those of `uids` that exist."""
        asked = set(uids)
        found: set[int] = set()
        for some in uid_sets(asked, LONGEST_SET):
            found.update(self._search(f"UID {some}"))
        return sorted(asked & found)

    def message_ids(self, uids: Sequence[int] | None = None) -> dict[int, str]:
        """The Message-ID of each message, or of `uids`; empty for one that has none."""
        return {uid: one.message_id for uid, one in self.identities(uids).items()}

    def uids_by_message_id(self, message_ids: Iterable[str]) -> dict[str, list[int]]:
        """The messages that have these Message-IDs, for each of those asked for.

        An id may be given with or without its angle brackets. A search looks for a piece of the
        header (RFC 3501 section 6.4.4), therefore what it finds is compared with the header.
        """
        asked = {one: _bare(one) for one in message_ids}
        wanted = sorted({bare for bare in asked.values() if _can_be_searched(bare)})
        found: set[int] = set()
        for at in range(0, len(wanted), IDS_A_SEARCH):
            found.update(self._search(*_any_of(wanted[at : at + IDS_A_SEARCH])))
        uids: dict[str, list[int]] = {}
        for uid, message_id in sorted(self.message_ids(sorted(found)).items()):
            uids.setdefault(_bare(message_id), []).append(uid)
        return {one: uids.get(bare, []) if bare else [] for one, bare in asked.items()}

    def _search(self, *criteria: Pieces | str) -> list[int]:
        """The UIDs that a UID SEARCH finds."""
        if not self._has_messages():
            return []
        brief = "SEARCH RETURN (ALL)" if "ESEARCH" in self.capabilities else "SEARCH"
        said = (verbatim(one) if isinstance(one, str) else one for one in criteria)
        completion = self._perform("UID", joined(verbatim(brief), *said))
        ranges: list[tuple[int, int]] = []
        for response in completion.responses:
            ranges += responses.found_uids(response) or []
        return self._numbers(ranges)

    def _numbers(self, ranges: list[tuple[int, int]]) -> list[int]:
        # Messages may have come and gone meanwhile; `1:4294967295` is another matter.
        if sum(last - first + 1 for first, last in ranges) > self._exists + ROOM:
            raise self._refused("finds more messages than the folder has")
        return sorted({uid for first, last in ranges for uid in range(first, last + 1)})


def _any_of(message_ids: list[str]) -> list[Pieces | str]:
    """`OR a OR b c`, each a search for a header."""
    criteria: list[Pieces | str] = []
    for at, one in enumerate(message_ids, 1):
        if at < len(message_ids):
            criteria.append("OR")
        criteria += ["HEADER Message-ID", astring(one.encode("ascii"))]
    return criteria


def _bare(message_id: str) -> str:
    return "".join(message_id.split()).strip("<>")


def _can_be_searched(bare: str) -> bool:
    """Ids are ASCII (RFC 5322), and what is not would need a charset that servers differ in."""
    return bool(bare) and bare.isascii() and bare.isprintable()
