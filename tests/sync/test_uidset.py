"""Sets of UIDs behave as sets, at the size of their ranges."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services84.sync.uidset import UidSet

UIDS = st.sets(st.integers(1, 60))


@pytest.mark.parametrize("text", ["a", "1:", ":3", "1:2:3", "1;2", "-"])
def test_what_is_no_set_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        UidSet.parse(text)


def test_a_set_is_written_as_ranges() -> None:
    assert str(UidSet.of([44, 3, 1, 2])) == "1:3,44"
    assert str(UidSet()) == ""
    assert str(UidSet.spanning([(5, 9), (1, 6), (10, 10)])) == "1:10"


def test_a_set_of_all_uids_is_one_range() -> None:
    everything = UidSet.spanning([(1, 4294967295)])
    assert len(everything) == 4294967295
    assert str(everything - UidSet.of([7])) == "1:6,8:4294967295"


@given(UIDS, UIDS)
def test_sets_of_uids_are_sets(one: set[int], two: set[int]) -> None:
    mine, other = UidSet.of(one), UidSet.of(two)
    assert set(mine & other) == one & two
    assert set(mine - other) == one - two
    assert set(UidSet.spanning([*mine.ranges, *other.ranges])) == one | two
    assert [uid for uid in range(62) if uid in mine] == sorted(one)
    assert (len(mine), bool(mine)) == (len(one), bool(one))


@given(UIDS)
def test_writing_and_reading_keeps_a_set(uids: set[int]) -> None:
    assert UidSet.parse(str(UidSet.of(uids))) == UidSet.of(uids)


@given(UIDS, UIDS)
def test_ranges_neither_overlap_nor_touch(one: set[int], two: set[int]) -> None:
    for some in (UidSet.of(one), UidSet.of(one) & UidSet.of(two), UidSet.of(one) - UidSet.of(two)):
        ends = [edge for span in some.ranges for edge in span]
        assert ends == sorted(ends)
        assert all(a[1] + 1 < b[0] for a, b in zip(some.ranges, some.ranges[1:], strict=False))
