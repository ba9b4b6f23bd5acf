"""What a cache holds, read row by row, and what must hold of it at any moment.

Reads the tables themselves: a test of crashes trusts neither the counts nor the joins of the
product. Reading and comparing only; nothing here writes or syncs.
"""

from __future__ import annotations

import hashlib
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select

from services84.store.database import Database
from services84.store.tables import (
    email_account,
    email_attachment,
    email_folder,
    email_item,
    email_problem,
    email_source,
    mail_host_slot,
)
from services84.store.values import AccountStatus, ItemFlag

Uid = tuple[int, int]  # UIDVALIDITY and UID
Place = tuple[str, Uid]  # the folder as the server spells it, and the message in it


@dataclass(frozen=True)
class Item:
    """One message. `content` is a digest of all its columns, bodies, bytes and attachments but
    ids, flags and the time of insertion; `source` is the SHA-256 of its bytes."""

    item_id: int
    message_id: str
    flags: int
    keywords: str
    content: str
    source: str

    @property
    def without_id(self) -> tuple[str, int, str, str]:
        return self.message_id, self.flags, self.keywords, self.content


@dataclass(frozen=True)
class FolderRow:
    """One folder: what it is, how far it is synced, and what it says of its counts."""

    name: str
    delimiter: str
    attributes: int
    cursor: tuple[int | None, int | None, int | None]  # UIDVALIDITY, UIDNEXT, HIGHESTMODSEQ
    complete: bool
    total: int
    unread: int


@dataclass(frozen=True)
class Cached:
    """An account's whole cache. `torn` says what is wrong with single rows."""

    folders: dict[str, FolderRow]
    items: dict[str, dict[Uid, Item]]
    problems: dict[Place, str]
    torn: tuple[str, ...]
    left_behind: tuple[str, ...]  # leases and slots
    status: AccountStatus

    @property
    def count(self) -> int:
        return sum(map(len, self.items.values()))

    @property
    def ids(self) -> dict[str, int]:
        """Message-ID → item id; the messages without one, or with another's, are left out."""
        times = Counter(item.message_id for item in self._all())
        return {i.message_id: i.item_id for i in self._all() if times[i.message_id] == 1}

    @property
    def places(self) -> dict[str, str]:
        """Message-ID → folder, of the same messages."""
        ids = set(self.ids)
        return {
            item.message_id: folder
            for folder, items in self.items.items()
            for item in items.values()
            if item.message_id in ids
        }

    def content(self) -> dict[str, Any]:
        """Everything but ids: two caches of the same mail have equal contents."""
        return {
            folder: (row, {uid: item.without_id for uid, item in self.items[folder].items()})
            for folder, row in self.folders.items()
        } | {f"problem {place}": reason for place, reason in self.problems.items()}

    def _all(self) -> Iterable[Item]:
        return (item for items in self.items.values() for item in items.values() if item.message_id)


def read(database: Database, account_id: int) -> Cached:
    """The account's cache as it is now, in one snapshot."""
    with database.reading() as connection:
        names, folders = _folders(connection, account_id)
        attachments = _attachments(connection)
        items: dict[str, dict[Uid, Item]] = {name: {} for name in folders}
        torn: list[str] = []
        for row in connection.execute(_items(account_id)):
            folder, uid = names[row.email_folder_id], (row.uid_validity, row.uid)
            if uid in items[folder]:
                torn.append(f"{folder} has UID {uid} twice")
            items[folder][uid] = _item(row, attachments.get(row.email_item_id, ()), torn)
        problems = {
            (names[row.email_folder_id], (row.uid_validity, row.uid)): f"{row.reason} ({row.tries})"
            for row in connection.execute(select(email_problem))
            if row.email_folder_id in names
        }
        left_behind = _left_behind(connection, account_id)
        status = connection.execute(
            select(email_account.c.account_status).where(_is(account_id))
        ).scalar_one()
    return Cached(folders, items, problems, tuple(torn), left_behind, AccountStatus(status))


def _is(account_id: int) -> ColumnElement[bool]:
    return email_account.c.email_account_id == account_id


def _folders(
    connection: Connection, account_id: int
) -> tuple[dict[int, str], dict[str, FolderRow]]:
    names, folders = {}, {}
    query = select(email_folder).where(email_folder.c.account_id == account_id)
    for row in connection.execute(query):
        assert row.server_name not in folders, f"folder {row.server_name} is there twice"
        names[row.email_folder_id] = row.server_name
        folders[row.server_name] = FolderRow(
            row.name,
            row.folder_separator,
            row.attributes,
            (row.uid_validity, row.uid_next, row.highest_mod_seq),
            row.complete,
            row.total,
            row.unread,
        )
    return names, folders


_NOT_CONTENT = {"email_item_id", "email_folder_id", "registered", "flags", "keywords"}
_CONTENT = [column for column in email_item.c if column.key not in _NOT_CONTENT]


def _items(account_id: int) -> Any:
    return (
        select(
            email_item,
            email_source.c.mime,
        )
        .select_from(email_item)
        .join(email_folder, email_folder.c.email_folder_id == email_item.c.email_folder_id)
        .outerjoin(email_source, email_source.c.email_item_id == email_item.c.email_item_id)
        .where(email_folder.c.account_id == account_id)
    )


def _attachments(connection: Connection) -> dict[int, list[tuple[Any, ...]]]:
    found: dict[int, list[tuple[Any, ...]]] = {}
    query = select(email_attachment).order_by(email_attachment.c.email_attachment_id)
    for _, item_id, *rest in connection.execute(query):
        found.setdefault(item_id, []).append(tuple(rest))
    return found


def _item(row: Row[Any], attachments: Iterable[tuple[Any, ...]], torn: list[str]) -> Item:
    values = row._mapping
    source = b""
    if row.mime is None:
        torn.append(f"item {row.email_item_id} has no source")
    else:
        source = zlib.decompress(row.mime)
    digest = hashlib.sha256(source)
    own = [values[column] for column in _CONTENT]
    parts = repr((own, list(attachments)))
    return Item(
        row.email_item_id,
        row.message_id,
        row.flags,
        row.keywords,
        hashlib.sha256(parts.encode("utf-8", "surrogatepass") + digest.digest()).hexdigest(),
        digest.hexdigest(),
    )


def _left_behind(connection: Connection, account_id: int) -> tuple[str, ...]:
    owner = connection.execute(
        select(email_account.c.lease_owner).where(_is(account_id))
    ).scalar_one()
    found = [f"lease of {owner}"] if owner else []
    slots = connection.execute(select(mail_host_slot.c.owner)).scalars()
    return (*found, *(f"slot of {one}" for one in slots))


# What must hold ---------------------------------------------------------------------------------


def broken(cached: Cached, before: Cached, after: Cached) -> list[str]:
    """What is wrong with a cache somewhere on its way from `before` to `after`.

    `before` and `after` are the whole caches of two states of the server. Empty when the cache
    holds nothing but rows of either, each whole; its counts are right; and every folder that
    claims to be complete has exactly the messages and flags of the state that its cursor names.
    """
    found = list(cached.torn)
    for name, row in cached.folders.items():
        items = cached.items[name]
        unread = sum(not item.flags & ItemFlag.SEEN for item in items.values())
        if (row.total, row.unread) != (len(items), unread):
            found.append(f"{name} says {row.total}/{row.unread}, has {len(items)}/{unread}")
        known = [
            {uid: item.without_id for uid, item in state.items.get(name, {}).items()}
            for state in (before, after)
        ]
        now = {uid: item.without_id for uid, item in items.items()}
        for uid, item in now.items():
            if item not in (known[0].get(uid), known[1].get(uid)):
                found.append(f"{name} has UID {uid} as no state of the server has it")
        if row.complete:
            found += _ahead(name, row, now, known, (before, after))
    return found


def _ahead(
    name: str,
    row: FolderRow,
    now: dict[Uid, Any],
    known: list[dict[Uid, Any]],
    states: tuple[Cached, Cached],
) -> list[str]:
    """Whether a complete folder's cursor says more, or other, than its rows."""
    cursors = [state.folders[name].cursor if name in state.folders else None for state in states]
    if row.cursor not in cursors:
        return [f"{name} is complete up to {row.cursor}, which the server never was"]
    # Where nothing has changed both states are the same.
    for cursor, rows in zip(cursors, known, strict=True):
        if row.cursor == cursor and now == rows:
            return []
    wanted = known[max(i for i, cursor in enumerate(cursors) if cursor == row.cursor)]
    lacks, has = sorted(wanted.keys() - now.keys()), sorted(now.keys() - wanted.keys())
    other = sorted(uid for uid in wanted.keys() & now.keys() if wanted[uid] != now[uid])
    return [
        f"{name} is complete up to {row.cursor}, but lacks UIDs {lacks[:5]} ({len(lacks)}),"
        f" has {has[:5]} ({len(has)}) too many and {other[:5]} ({len(other)}) as before"
    ]


@dataclass(frozen=True)
class Ids:
    """How the ids of messages have fared, by Message-ID."""

    changed: dict[str, tuple[int, int]]  # of messages that stayed in their folder
    moved_changed: dict[str, tuple[int, int]]  # of messages that were moved to another folder
    moved: int


def compare_ids(old: Cached, new: Cached) -> Ids:
    """Which messages of both caches have other ids in the newer one."""
    old_ids, new_ids = old.ids, new.ids
    old_places, new_places = old.places, new.places
    both = old_ids.keys() & new_ids.keys()
    moved = {one for one in both if old_places[one] != new_places[one]}
    changed = {one: (old_ids[one], new_ids[one]) for one in both if old_ids[one] != new_ids[one]}
    return Ids(
        {one: ids for one, ids in changed.items() if one not in moved},
        {one: ids for one, ids in changed.items() if one in moved},
        len(moved),
    )


def lost_and_doubled(cached: Cached, goal: Cached) -> tuple[int, int]:
    """How many messages of `goal` are missing, and how many rows there are too many."""
    has = Counter(_messages(cached))
    wants = Counter(_messages(goal))
    return (wants - has).total(), (has - wants).total()


def _messages(cached: Cached) -> Iterable[str]:
    return (item.source for items in cached.items.values() for item in items.values())
