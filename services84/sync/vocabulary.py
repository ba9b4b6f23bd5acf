"""The server's words for flags and mailbox attributes, in the store's terms. Pure."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

from services84.store.values import FolderAttribute, ItemFlag

_FLAGS = {
    "\\seen": ItemFlag.SEEN,
    "\\deleted": ItemFlag.DELETED,
    "\\flagged": ItemFlag.FLAGGED,
    "\\draft": ItemFlag.DRAFT,
    "\\answered": ItemFlag.ANSWERED,
}
_ATTRIBUTES = {
    "\\noinferiors": FolderAttribute.NO_INFERIORS,
    "\\noselect": FolderAttribute.NO_SELECT,
    "\\marked": FolderAttribute.MARKED,
    "\\unmarked": FolderAttribute.UNMARKED,
    "\\nonexistent": FolderAttribute.NON_EXISTENT | FolderAttribute.NO_SELECT,
    "\\subscribed": FolderAttribute.SUBSCRIBED,
    "\\remote": FolderAttribute.REMOTE,
    "\\haschildren": FolderAttribute.HAS_CHILDREN,
    "\\hasnochildren": FolderAttribute.HAS_NO_CHILDREN,
    "\\all": FolderAttribute.ALL,
    "\\archive": FolderAttribute.ARCHIVE,
    "\\drafts": FolderAttribute.DRAFTS,
    "\\flagged": FolderAttribute.FLAGGED,
    "\\junk": FolderAttribute.JUNK,
    "\\sent": FolderAttribute.SENT,
    "\\trash": FolderAttribute.TRASH,
}
# A server sets \Marked and \Unmarked whenever it likes (RFC 9051, 7.3.1): kept, they would turn
# every sync of an unchanged account into a write.
_VOLATILE = FolderAttribute.MARKED | FolderAttribute.UNMARKED
_OFTEN = 100  # letters of names, so many of which are remembered


@dataclass(frozen=True)
class FlagsSeen:
    """A message's flags as the server has them; \\Recent, which is a session's, left out."""

    flags: ItemFlag
    keywords: str


def flags_seen(names: Iterable[str]) -> FlagsSeen:
    """Translate a server's flag names; keywords keep their spelling, in sorted order."""
    given = frozenset(names)
    return (_often_seen if sum(map(len, given)) <= _OFTEN else _seen)(given)


def _seen(names: frozenset[str]) -> FlagsSeen:
    flags, keywords = ItemFlag.NONE, []
    for name in names:
        known = _FLAGS.get(name.lower())
        if known is not None:
            flags |= known
        elif name.lower() != "\\recent":
            keywords.append(name)
    return FlagsSeen(flags, " ".join(sorted(keywords)))


# The messages of a mailbox share a few combinations.
_often_seen = functools.lru_cache(maxsize=256)(_seen)


def attributes_seen(names: Iterable[str], *, inbox: bool, subscribed: bool) -> FolderAttribute:
    """Translate a server's mailbox attributes (RFC 9051, 5258, 6154); the rest is dropped."""
    return _attributes(frozenset(names), inbox, subscribed)


@functools.lru_cache(maxsize=256)  # of all folders a few combinations
def _attributes(names: frozenset[str], inbox: bool, subscribed: bool) -> FolderAttribute:
    found = FolderAttribute.NONE
    for name in names:
        found |= _ATTRIBUTES.get(name.lower(), FolderAttribute.NONE)
    if inbox:
        found |= FolderAttribute.INBOX
    if subscribed:
        found |= FolderAttribute.SUBSCRIBED
    return found & ~_VOLATILE
