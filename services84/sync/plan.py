"""What a folder's sync has to do, decided from what the store knows and what the server said.

Pure: values in, values out; no socket, no session, no clock. `folder` carries it out. What the
list of folders means is `listing`'s matter, who is who among messages `moves`'s.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services84.store.values import Cursor, FlagChange, Folder, FolderAttribute, ItemState, Refusal
from services84.sync.uidset import UidSet
from services84.sync.vocabulary import FlagsSeen

BATCH_BYTES = 4 * 1024 * 1024  # as much as is lost when a connection breaks within a batch
BATCH_MESSAGES = 500
LARGEST_MESSAGE = 200 * 1024 * 1024
MAX_TRIES = 3  # of a message that the server does not give
REFUSED_IN_A_ROW = 5  # of a batch, and none given: then it is the server, not the messages
TRY_AGAIN_AFTER = timedelta(hours=1)  # so that the tries outlast a passing trouble
MOST_VALIDITY_CHANGES = 3  # on end; a server restored from its backup changes it once
_NO_NEWS_IN = (
    FolderAttribute.SENT | FolderAttribute.DRAFTS | FolderAttribute.TRASH | FolderAttribute.JUNK
)
MOST_NAMED = 50_000  # UIDs that the store is asked for one by one, rather than for all it has


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


def plan_folder(known: Folder, seen: FolderSeen, *, widened: bool = False) -> Work:
    """Decide how much of a folder has to be looked at.

    Nothing, only where CONDSTORE gives the word for it: an equal HIGHESTMODSEQ means that no flag
    changed; equal UIDNEXT and count, that nothing came or went. A mod-sequence below the known
    one is a server that has lost its memory: everything is compared. So it is when older mail is
    wanted than before (`widened`). After a UIDVALIDITY that did not last, what was recognised
    under another one is looked for again.
    """
    if known.uid_validity is not None and (
        known.uid_validity != seen.uid_validity or known.validity_changes
    ):
        return Work.REBUILD
    if widened or not (known.complete and known.uid_validity is not None):
        return Work.COMPARE
    if seen.highest_mod_seq is None or known.highest_mod_seq is None:
        return Work.COMPARE
    if (
        seen.uid_next is not None
        and (known.highest_mod_seq, known.uid_next) == (seen.highest_mod_seq, seen.uid_next)
        and known.mirrored + len(left_out(known)) == seen.exists
    ):
        return Work.NOTHING
    return Work.COMPARE if has_gone_back(known, seen) else Work.DELTA


def has_gone_back(known: Folder, seen: FolderSeen) -> bool:
    """Whether the server's numbers are below what they were under the same UIDVALIDITY.

    They only grow (RFC 9051 section 2.3.1.1, RFC 7162 section 3.1): it is an older state of the
    folder, as from a backup, and UIDs may have been given again to other messages.
    """
    if known.uid_validity != seen.uid_validity:
        return False
    pairs = (
        (known.uid_next, seen.uid_next),
        (known.highest_mod_seq, seen.highest_mod_seq),
    )
    return any(old is not None and new is not None and new < old for old, new in pairs)


def validity_changes(known: Folder, seen: FolderSeen) -> int:
    """How many syncs on end have found another UIDVALIDITY than the one before, with this one.

    A folder that was never synced, or whose cache has to prove itself (0), has none to change.
    """
    changed = known.uid_validity and known.uid_validity != seen.uid_validity
    return known.validity_changes + 1 if changed else 0


def left_out(known: Folder) -> UidSet:
    """The UIDs of a folder that are older than what was wanted when it was first synced."""
    return UidSet.parse(known.left_out)


def window_start(known: Folder, days: int, now: datetime) -> datetime | None:
    """From when on mail is wanted of what a folder holds before its first sync; None: all of it.

    `days` 0 wants all. A window only ever widens: what was wanted once is not dropped because
    time passes, or because less would be wanted now.
    """
    wanted = now - timedelta(days=days) if days else None
    if known.uid_validity is None or (known.window_start is None and not known.complete):
        return wanted
    if wanted is None or known.window_start is None:
        return None
    return min(wanted, known.window_start)


def is_widened(known: Folder, start: datetime | None) -> bool:
    """Whether a folder has left out mail that is wanted now."""
    return (
        bool(known.left_out)
        and known.window_start is not None
        and (start is None or start < known.window_start)
    )


def day_of(start: datetime) -> date:
    """The day from which on the server is asked for mail.

    SEARCH compares dates as the server's own clock wrote them (RFC 9051 section 6.4.4), which
    may be a day behind.
    """
    return (start - timedelta(days=1)).date()


def cursor_after(
    seen: FolderSeen,
    *,
    complete: bool,
    start: datetime | None = None,
    omitted: UidSet | None = None,
    changes: int = 0,
    before: int | None = None,
) -> Cursor:
    """The cursor of a folder after its rows are stored.

    HIGHESTMODSEQ is that of the EXAMINE, before any flags were read: what changed in between is
    looked at twice rather than never. An incomplete folder keeps none. `omitted` are the UIDs
    that were left out because they are older than `start`; only those below `before` can be, which
    is what an incomplete folder keeps as UIDNEXT.
    """
    return Cursor(
        uid_validity=seen.uid_validity,
        uid_next=seen.uid_next if complete else before,
        highest_mod_seq=seen.highest_mod_seq if complete else None,
        complete=complete,
        window_start=start,
        left_out=str(omitted or "") if complete else "",
        validity_changes=changes,
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


def news(known: Folder, seen: FolderSeen, arrived: Iterable[int]) -> frozenset[int]:
    """Those of the UIDs to be fetched that came after the folder was last looked at.

    Of a folder's first sync, and under another UIDVALIDITY, nothing is known to be new; nor of
    older mail that is wanted by now. Mail that one has sent, drafted or thrown away is no news.
    """
    if known.uid_validity != seen.uid_validity or known.attributes & _NO_NEWS_IN:
        return frozenset()
    if known.uid_next is None:
        return frozenset(arrived) if known.complete else frozenset()
    return frozenset(uid for uid in arrived if uid >= known.uid_next)


def is_safe(stored: bytes | None, given: bytes | None) -> bool:
    """Whether a message may go from its server: the cache, read back, has exactly its bytes."""
    return given is not None and stored == given


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
