"""Sets of UIDs, kept as ranges: a million consecutive ones take no more room than two.

Pure values in the notation of RFC 9051 section 9 ("1:40,44"); what a set means is its owner's.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

Range = tuple[int, int]  # first and last UID, both in it


@dataclass(frozen=True)
class UidSet:
    """UIDs as ascending ranges that neither overlap nor touch."""

    ranges: tuple[Range, ...] = ()

    @classmethod
    def of(cls, uids: Iterable[int]) -> UidSet:
        """The set of these UIDs."""
        return cls.spanning((uid, uid) for uid in uids)

    @classmethod
    def spanning(cls, ranges: Iterable[Range]) -> UidSet:
        """The union of ranges, which may overlap and come in any order."""
        joined: list[Range] = []
        for first, last in sorted(ranges):
            if joined and first <= joined[-1][1] + 1:
                joined[-1] = (joined[-1][0], max(joined[-1][1], last))
            else:
                joined.append((first, last))
        return cls(tuple(joined))

    @classmethod
    def parse(cls, text: str) -> UidSet:
        """The set that `str` wrote; raises ValueError for anything else."""
        spans = (piece.partition(":") for piece in text.split(",") if piece)
        return cls.spanning(
            (int(first), int(last if colon else first)) for first, colon, last in spans
        )

    def __str__(self) -> str:
        return ",".join(
            str(first) if first == last else f"{first}:{last}" for first, last in self.ranges
        )

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.ranges)

    def __iter__(self) -> Iterator[int]:
        for first, last in self.ranges:
            yield from range(first, last + 1)

    def __contains__(self, uid: int) -> bool:
        at = bisect_right(self.ranges, uid, key=lambda span: span[0]) - 1
        return at >= 0 and uid <= self.ranges[at][1]

    def __and__(self, other: UidSet) -> UidSet:
        """What both hold; the effort grows with the number of ranges, not of UIDs."""
        common: list[Range] = []
        mine, theirs = iter(self.ranges), iter(other.ranges)
        one, two = next(mine, None), next(theirs, None)
        while one is not None and two is not None:
            first, last = max(one[0], two[0]), min(one[1], two[1])
            if first <= last:
                common.append((first, last))
            if one[1] < two[1]:
                one = next(mine, None)
            else:
                two = next(theirs, None)
        return UidSet(tuple(common))

    def __sub__(self, other: UidSet) -> UidSet:
        """What this holds and the other does not."""
        left: list[Range] = []
        for first, last in self.ranges:
            at = first
            for start, end in (other & UidSet(((first, last),))).ranges:
                if at < start:
                    left.append((at, start - 1))
                at = end + 1
            if at <= last:
                left.append((at, last))
        return UidSet(tuple(left))
