"""Sets of UIDs as IMAP writes them (RFC 3501 sequence-set), and the codes made of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable

HIGHEST_UID = 2**32 - 1
MOST_COPIED = 1_000_000  # messages by one command: what a code may make us hold


def uid_set(uids: Iterable[int]) -> str:
    """The shortest set (RFC 3501 sequence-set) that names `uids`: [1, 2, 3, 7] is `1:3,7`."""
    return ",".join(_runs(uids))


def uid_sets(uids: Iterable[int], longest: int) -> list[str]:
    """Like `uid_set`, in pieces of at most `longest` characters (one run may be longer)."""
    sets: list[str] = []
    for run in _runs(uids):
        if sets and len(sets[-1]) + 1 + len(run) <= longest:
            sets[-1] += "," + run
        else:
            sets.append(run)
    return sets


def uid_portions(uids: Iterable[int], most: int, longest: int) -> list[str]:
    """Like `uid_sets`, with at most `most` UIDs in each, in ascending order."""
    wanted = sorted(set(uids))
    portions = (wanted[at : at + most] for at in range(0, len(wanted), most))
    return [one for portion in portions for one in uid_sets(portion, longest)]


def _runs(uids: Iterable[int]) -> list[str]:
    runs: list[tuple[int, int]] = []
    for uid in sorted(set(uids)):
        if runs and runs[-1][1] + 1 == uid:
            runs[-1] = (runs[-1][0], uid)
        else:
            runs.append((uid, uid))
    return [str(first) if first == last else f"{first}:{last}" for first, last in runs]


def uid_ranges(text: str) -> list[tuple[int, int]]:
    """The ranges that a set without `*` names, each in ascending order; raises ValueError.

    Ranges and not numbers: a server may say `1:4294967295` in eleven characters.
    """
    ranges = []
    for part in filter(None, text.split(",")):
        first, colon, last = part.partition(":")
        if not _is_uid(first) or (colon and not _is_uid(last)):
            raise ValueError(f"{part[:40]!r} is no range of UIDs")
        low, high = int(first), int(last or first)
        ranges.append((min(low, high), max(low, high)))
    return ranges


def _is_uid(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 20


def appended_uid(argument: str) -> tuple[int, int] | None:
    """What an APPENDUID code tells (RFC 4315): UIDVALIDITY and UID; or None."""
    words = argument.split()
    if len(words) != 2 or not all(map(_is_uid, words)):
        return None
    return int(words[0]), int(words[1])


def copied_uids(argument: str) -> tuple[int, dict[int, int]] | None:
    """What a COPYUID code tells (RFC 4315): the target's UIDVALIDITY, and UIDs there by those
    here; or None when it makes no sense."""
    words = argument.split()
    try:
        validity, here, there = words
        ranges = uid_ranges(here), uid_ranges(there)
    except ValueError:
        return None
    counts = [sum(last - first + 1 for first, last in side) for side in ranges]
    if not _is_uid(validity) or counts[0] != counts[1] or counts[0] > MOST_COPIED:
        return None
    return int(validity), dict(zip(*map(_numbers, ranges), strict=True))


def _numbers(ranges: list[tuple[int, int]]) -> list[int]:
    return [uid for first, last in ranges for uid in range(first, last + 1)]
