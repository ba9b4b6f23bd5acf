"""What a mail server said, as values; plain, frozen, and free of protocol."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


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
    status: ExaminedFolder | None = None  # where the server gives it with the list (RFC 5819)


@dataclass(frozen=True)
class SyncPoint:
    """Up to where a folder is known: changes since then can be asked for (RFC 7162)."""

    uid_validity: int
    mod_seq: int


@dataclass(frozen=True)
class FolderDelta:
    """What has changed in a folder since a SyncPoint.

    `flags` has every message that came or changed; `vanished` the ranges of UIDs that are gone,
    or None when the server cannot tell (CONDSTORE without QRESYNC).
    """

    flags: dict[int, FlagState]
    vanished: list[tuple[int, int]] | None


@dataclass(frozen=True)
class ExaminedFolder:
    """What EXAMINE or STATUS said. `highest_mod_seq` is None without CONDSTORE or with NOMODSEQ;
    `delta` is what EXAMINE told of the time since a SyncPoint, where it was asked and could."""

    uid_validity: int
    uid_next: int | None
    exists: int
    highest_mod_seq: int | None
    flags: frozenset[str] = frozenset()
    permanent_flags: frozenset[str] = frozenset()
    delta: FolderDelta | None = None


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
