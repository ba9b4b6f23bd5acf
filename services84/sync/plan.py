"""What a sync has to do, decided from what the store knows and what the server said.

Pure: values in, values out; no socket, no session, no clock. `folder` and `engine` carry it out.
"""

from __future__ import annotations

import enum
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services84.store.values import (
    Cursor,
    FlagChange,
    Folder,
    FolderAttribute,
    FolderChanges,
    FolderDraft,
    Identity,
    ItemState,
    Refusal,
)
from services84.sync.vocabulary import FlagsSeen

BATCH_BYTES = 8 * 1024 * 1024  # as much as is lost when a connection breaks within a batch
BATCH_MESSAGES = 500
LARGEST_MESSAGE = 200 * 1024 * 1024
MAX_TRIES = 3  # of a message that the server does not give
REFUSED_IN_A_ROW = 5  # of a batch, and none given: then it is the server, not the messages
TRY_AGAIN_AFTER = timedelta(hours=1)  # so that the tries outlast a passing trouble


class Work(enum.Enum):
    """What a folder needs."""

    NOTHING = "nothing"  # the server vouches that nothing has changed
    DELTA = "delta"  # the server can tell what has changed since last time
    COMPARE = "compare"  # compare all flags, fetch what is missing
    REBUILD = "rebuild"  # UIDVALIDITY is another: recognise what can be, then compare


@dataclass(frozen=True)
class FolderSeen:
    """What the server said when the folder was examined.

    `highest_mod_seq` is None without CONDSTORE and after NOMODSEQ (RFC 7162, 3.1.2.2).
    """

    uid_validity: int
    uid_next: int | None
    exists: int
    highest_mod_seq: int | None


@dataclass(frozen=True)
class Differences:
    """What stands between the cache and the server."""

    missing: tuple[int, ...]  # UIDs to fetch, newest first
    changed: tuple[FlagChange, ...]
    removed: tuple[int, ...]  # item ids
    trusted: bool  # false: the server named fewer messages than it says it has
    suspects: tuple[int, ...] = ()  # UIDs to fetch one by one, after the others
    postponed: bool = False  # some that were not given are to be tried another time


def plan_folders(known: Sequence[Folder], listed: Sequence[FolderDraft]) -> FolderChanges:
    """What a new listing changes; a folder is the same when the server spells its name the same.

    INBOX is INBOX in any case (RFC 9051, 5.1).
    """
    by_name = {_spelt(folder.server_name): folder for folder in known}
    listed_names = {_spelt(draft.server_name) for draft in listed}
    added, updated = [], {}
    for draft in listed:
        folder = by_name.get(_spelt(draft.server_name))
        if folder is None:
            added.append(draft)
        elif draft != _draft_of(folder):
            updated[folder.folder_id] = draft
    removed = [f.folder_id for f in known if _spelt(f.server_name) not in listed_names]
    return FolderChanges(added=tuple(added), updated=updated, removed=tuple(removed))


def _spelt(server_name: str) -> str:
    return "INBOX" if server_name.upper() == "INBOX" else server_name


def lacks_inbox(known: Sequence[Folder], listed: Sequence[FolderDraft]) -> bool:
    """Whether a list cannot be the whole list: INBOX, which nobody can delete, is missing.

    Believing such a list would drop folders with all their mail.
    """
    return not listed or (
        any(_spelt(folder.server_name) == "INBOX" for folder in known)
        and not any(_spelt(draft.server_name) == "INBOX" for draft in listed)
    )


def _draft_of(folder: Folder) -> FolderDraft:
    return FolderDraft(
        name=folder.name,
        server_name=folder.server_name,
        delimiter=folder.delimiter,
        attributes=folder.attributes,
    )


def selectable(folder: Folder) -> bool:
    """Whether the folder can hold messages."""
    return not folder.attributes & FolderAttribute.NO_SELECT


def sync_order(folders: Iterable[Folder]) -> list[Folder]:
    """INBOX first, because people wait for it; then by name, so that every run goes one way."""
    return sorted(
        (folder for folder in folders if selectable(folder)),
        key=lambda f: (not f.attributes & FolderAttribute.INBOX, f.name),
    )


def plan_folder(known: Folder, seen: FolderSeen) -> Work:
    """Decide how much of a folder has to be looked at.

    Nothing, only where CONDSTORE gives the word for it: an equal HIGHESTMODSEQ means that no flag
    changed; equal UIDNEXT and count, that nothing came or went. A mod-sequence below the known
    one is a server that has lost its memory: everything is compared.
    """
    if known.uid_validity is not None and known.uid_validity != seen.uid_validity:
        return Work.REBUILD
    if not (known.complete and known.uid_validity is not None):
        return Work.COMPARE
    if seen.highest_mod_seq is None or known.highest_mod_seq is None:
        return Work.COMPARE
    if (
        seen.uid_next is not None
        and (known.highest_mod_seq, known.uid_next) == (seen.highest_mod_seq, seen.uid_next)
        and known.total == seen.exists
    ):
        return Work.NOTHING
    return Work.DELTA if seen.highest_mod_seq >= known.highest_mod_seq else Work.COMPARE


def cursor_after(seen: FolderSeen, *, complete: bool) -> Cursor:
    """The cursor of a folder after its rows are stored.

    HIGHESTMODSEQ is that of the EXAMINE, before any flags were read: what changed in between is
    looked at twice rather than never. An incomplete folder keeps none.
    """
    return Cursor(
        uid_validity=seen.uid_validity,
        uid_next=seen.uid_next if complete else None,
        highest_mod_seq=seen.highest_mod_seq if complete else None,
        complete=complete,
    )


def compare(
    known: Mapping[int, ItemState],
    seen: Mapping[int, FlagsSeen],
    *,
    exists: int,
    refusals: Mapping[int, Refusal],
    now: datetime,
) -> Differences:
    """Set the cache's messages against the server's; both are keyed by UID.

    A server that names fewer messages than it says exist may have lost some of its answer: then
    nothing is removed. `refusals` are messages that the server did not give: each is tried
    MAX_TRIES times in all, TRY_AGAIN_AFTER apart.
    """
    trusted = len(seen) >= exists
    missing = sorted((uid for uid in seen if uid not in known), reverse=True)
    clean = tuple(uid for uid in missing if uid not in refusals)
    pending = [uid for uid in missing if uid in refusals and refusals[uid].tries < MAX_TRIES]
    due = tuple(
        uid
        for uid in pending
        if not refusals[uid].tries or refusals[uid].last + TRY_AGAIN_AFTER <= now
    )
    changed = tuple(
        FlagChange(item_id=state.item_id, flags=found.flags, keywords=found.keywords)
        for uid, state in known.items()
        if (found := seen.get(uid)) is not None
        and (found.flags, found.keywords) != (state.flags, state.keywords)
    )
    removed = tuple(s.item_id for uid, s in known.items() if uid not in seen) if trusted else ()
    return Differences(clean, changed, removed, trusted, due, len(due) < len(pending))


def known_until(known: Folder) -> tuple[int, int] | None:
    """UIDVALIDITY and mod-sequence up to which a folder is complete, where it is."""
    if known.complete and known.uid_validity is not None and known.highest_mod_seq is not None:
        return known.uid_validity, known.highest_mod_seq
    return None


def delta_differences(
    known: Mapping[int, ItemState],
    changed: Mapping[int, FlagsSeen],
    removed: Sequence[int],
    *,
    total: int,
    exists: int,
    refusals: Mapping[int, Refusal],
    now: datetime,
) -> Differences:
    """What a delta of the server's asks for; `known` needs to hold only what the delta names.

    `total` is what the folder held so far, `removed` the item ids of what vanished of that,
    `refusals` the messages that are there and were never given. When the sum is not what the
    server says exists, something was not told: then the result is not trusted, and the caller
    compares everything.
    """
    found = compare(known, changed, exists=len(changed), refusals=refusals, now=now)
    gone = set(removed)
    arrived = len(refusals) + sum(uid not in known and uid not in refusals for uid in changed)
    return Differences(
        missing=found.missing,
        suspects=found.suspects,
        postponed=found.postponed,
        changed=tuple(change for change in found.changed if change.item_id not in gone),
        removed=tuple(removed),
        trusted=total + arrived - len(gone) == exists,
    )


def uids_of(ranges: Iterable[tuple[int, int]], *, most: int = 50_000) -> list[int] | None:
    """The UIDs of ranges, or None when they are too many to be named one by one."""
    uids: list[int] = []
    for first, last in ranges:
        if len(uids) + last - first + 1 > most:
            return None
        uids.extend(range(first, last + 1))
    return uids


def outside(uids: Iterable[int], ranges: Sequence[tuple[int, int]]) -> list[int]:
    """Those of `uids` that no range holds."""
    ordered = sorted(ranges)
    starts = [first for first, _ in ordered]

    def held(uid: int) -> bool:
        at = bisect_right(starts, uid) - 1
        return at >= 0 and uid <= ordered[at][1]

    return [uid for uid in uids if not held(uid)]


def inside(uids: Iterable[int], ranges: Sequence[tuple[int, int]]) -> list[int]:
    """Those of `uids` that some range holds."""
    uids = list(uids)
    left = set(outside(uids, ranges))
    return [uid for uid in uids if uid not in left]


def match_identities(
    old: Sequence[tuple[int, Identity]], new: Mapping[int, Identity]
) -> dict[int, int]:
    """Which stored messages are provably the same as messages under a new UIDVALIDITY.

    Gives item id → new UID. The proof is an equal Message-ID, internal date and size; messages
    that share all three are paired in UID order, and only when there are as many on either side.
    """
    groups: dict[tuple[str, object, int], tuple[list[tuple[int, int]], list[int]]] = {}
    for item_id, identity in old:
        groups.setdefault(_key(identity), ([], []))[0].append((identity.uid, item_id))
    for uid, identity in new.items():
        groups.setdefault(_key(identity), ([], []))[1].append(uid)
    matched: dict[int, int] = {}
    for (message_id, date, _), (olds, news) in groups.items():
        if message_id and date is not None and len(olds) == len(news):
            pairs = zip(sorted(olds), sorted(news), strict=True)
            matched.update({item_id: uid for (_, item_id), uid in pairs})
    return matched


def _key(identity: Identity) -> tuple[str, object, int]:
    return identity.message_id, identity.internal_date, identity.size


def too_large(sizes: Mapping[int, int]) -> dict[int, str]:
    """The messages that are not fetched at all, with the reason that is recorded."""
    return {
        uid: f"{size} bytes are more than the {LARGEST_MESSAGE} that are kept"
        for uid, size in sizes.items()
        if size > LARGEST_MESSAGE
    }


def fetch_order(
    differences: Differences, sizes: Mapping[int, int], *, leave_out: Collection[int]
) -> Iterator[list[int]]:
    """The batches in which messages are fetched: what is clean together, what is suspect last
    and each alone, so that one message that breaks the connection holds up no other."""
    yield from batches((uid for uid in differences.missing if uid not in leave_out), sizes)
    for uid in differences.suspects:
        if uid not in leave_out:
            yield [uid]


def batches(
    uids: Iterable[int],
    sizes: Mapping[int, int],
    *,
    max_bytes: int = BATCH_BYTES,
    max_messages: int = BATCH_MESSAGES,
) -> Iterator[list[int]]:
    """Cut UIDs into runs of at most `max_bytes`, in their order; a larger message goes alone."""
    batch: list[int] = []
    held = 0
    for uid in uids:
        size = sizes.get(uid, 0)
        if batch and (held + size > max_bytes or len(batch) >= max_messages):
            yield batch
            batch, held = [], 0
        batch.append(uid)
        held += size
    if batch:
        yield batch
