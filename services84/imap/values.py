"""What a mail server said, as values; plain, frozen, and free of protocol."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from services84.errors import MailServerRefused


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
class Inquiry:
    """What is to be found out of one of many folders, beside what EXAMINE says.

    `since` is as for `examine`; `flags`, `changes` (since a mod-sequence) and `uids` are those of
    the methods of these names. `messages` is how many the folder has, about: of many folders as
    many are asked for at a time as memory may take. None if that is not known.
    """

    server_name: str
    since: SyncPoint | None = None
    flags: bool = False
    changes: int | None = None
    uids: bool = False
    messages: int | None = None


@dataclass(frozen=True)
class Surveyed:
    """What was found out. `examined` is None when the folder could not be opened; whatever else
    was asked for is None when the server refused or could not tell it. `refusal` says why."""

    server_name: str
    examined: ExaminedFolder | None
    flags: dict[int, FlagState] | None = None
    changes: FolderDelta | None = None
    uids: list[tuple[int, int]] | None = None
    refusal: MailServerRefused | None = None


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


@dataclass(frozen=True)
class FolderStatus:
    """What STATUS said of a folder: numbers of messages, and the UIDs to come."""

    messages: int
    unseen: int
    uid_next: int | None
    uid_validity: int
    recent: int


@dataclass(frozen=True)
class Namespace:
    """Where the user's own folders are: what their names begin with, as the server spells it
    (empty for nothing), and the delimiter (empty for none). `others` begin the names of other
    people's and shared folders."""

    prefix: str
    delimiter: str
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class FetchedHeader:
    """A message without its body. `header` is its exact bytes with the empty line after them, or
    None when the server does not give them."""

    uid: int
    flags: frozenset[str]
    internal_date: datetime | None
    size: int
    header: bytes | None = field(repr=False)


@dataclass(frozen=True)
class Copied:
    """Where copies of messages are: UIDs there by the UIDs here, valid with `uid_validity`.

    Empty, and None, where the server does not tell (COPYUID, RFC 4315).
    """

    uid_validity: int | None = None
    uids: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Removed:
    """What became of messages that were to be removed, by UID.

    `gone` are no longer in the folder. `marked` are there still, with \\Deleted: the server can
    only expunge all such messages at once, and others than these carry the mark as well.
    """

    gone: frozenset[int]
    marked: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Moved:
    """What became of messages that were to be moved: where their copies are, and whether the
    originals are gone."""

    copied: Copied
    removed: Removed


@dataclass(frozen=True)
class Appended:
    """Where a new message is; None where the server does not tell (APPENDUID, RFC 4315)."""

    uid_validity: int | None = None
    uid: int | None = None
