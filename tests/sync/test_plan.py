"""What a sync decides to do, from what is known and what is seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services84.store.values import (
    FlagChange,
    Folder,
    FolderAttribute,
    ItemFlag,
    ItemState,
    Refusal,
)
from services84.sync import plan
from services84.sync.plan import FolderSeen, Work
from services84.sync.uidset import UidSet
from services84.sync.vocabulary import FlagsSeen, attributes_seen, flags_seen

A_DATE = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def folder(**changes: object) -> Folder:
    """A folder that is in step with `SEEN`."""
    values: dict[str, object] = {
        "folder_id": 1,
        "account_id": 1,
        "name": "Inbox",
        "server_name": "INBOX",
        "delimiter": "/",
        "attributes": FolderAttribute.INBOX,
        "uid_validity": 7,
        "uid_next": 100,
        "highest_mod_seq": 55,
        "total": 10,
        "unread": 2,
        "complete": True,
    }
    return Folder(**{**values, **changes})  # type: ignore[arg-type]


SEEN = FolderSeen(uid_validity=7, uid_next=100, exists=10, highest_mod_seq=55)


def state(item_id: int, uid: int, flags: ItemFlag = ItemFlag.NONE, keywords: str = "") -> ItemState:
    return ItemState(item_id, uid, flags, keywords)


# Folders ----------------------------------------------------------------------------------------


def test_a_folder_in_step_needs_nothing() -> None:
    assert plan.plan_folder(folder(), SEEN) is Work.NOTHING


@pytest.mark.parametrize(
    "changes", [{"uid_next": 99}, {"uid_next": None}, {"highest_mod_seq": 54}, {"total": 9}]
)
def test_a_folder_out_of_step_is_followed_by_what_the_server_says(
    changes: dict[str, object],
) -> None:
    assert plan.plan_folder(folder(**changes), SEEN) is Work.DELTA


@pytest.mark.parametrize(
    "changes",
    [
        {"complete": False},
        {"uid_validity": None},
        {"highest_mod_seq": None},
        {"highest_mod_seq": 56},
    ],
)
def test_a_folder_without_a_place_to_go_on_from_is_compared(changes: dict[str, object]) -> None:
    assert plan.plan_folder(folder(**changes), SEEN) is Work.COMPARE


def test_a_server_without_mod_seq_is_compared_every_time() -> None:
    seen = FolderSeen(uid_validity=7, uid_next=100, exists=10, highest_mod_seq=None)
    assert plan.plan_folder(folder(highest_mod_seq=None), seen) is Work.COMPARE
    assert plan.plan_folder(folder(), seen) is Work.COMPARE


def test_a_server_that_hides_uid_next_is_asked_for_changes_every_time() -> None:
    seen = FolderSeen(uid_validity=7, uid_next=None, exists=10, highest_mod_seq=55)
    assert plan.plan_folder(folder(uid_next=None), seen) is Work.DELTA


def test_only_a_complete_folder_knows_until_when() -> None:
    assert plan.known_until(folder()) == (7, 55)
    assert plan.known_until(folder(complete=False)) is None
    assert plan.known_until(folder(highest_mod_seq=None)) is None


@pytest.mark.parametrize("uid_validity", [6, 8])
def test_another_uid_validity_rebuilds_even_when_it_is_lower(uid_validity: int) -> None:
    seen = FolderSeen(uid_validity=uid_validity, uid_next=100, exists=10, highest_mod_seq=55)
    assert plan.plan_folder(folder(), seen) is Work.REBUILD


def test_an_incomplete_folder_keeps_no_mod_seq_that_could_hide_missing_rows() -> None:
    cursor = plan.cursor_after(SEEN, complete=False)
    assert (cursor.uid_next, cursor.highest_mod_seq, cursor.complete) == (None, None, False)
    assert plan.cursor_after(SEEN, complete=True).highest_mod_seq == 55


# What servers say -------------------------------------------------------------------------------


def test_attributes_that_servers_set_at_random_are_not_kept() -> None:
    seen = attributes_seen(
        {"\\Marked", "\\HasNoChildren", "\\Sent", "\\X-Unknown"}, inbox=False, subscribed=True
    )
    assert seen == (
        FolderAttribute.HAS_NO_CHILDREN | FolderAttribute.SENT | FolderAttribute.SUBSCRIBED
    )


def test_flags_are_matched_without_case_and_keywords_keep_theirs() -> None:
    seen = flags_seen({"\\SEEN", "\\Answered", "$Forwarded", "Later", "\\Recent"})
    assert seen == FlagsSeen(ItemFlag.SEEN | ItemFlag.ANSWERED, "$Forwarded Later")


def test_compare_finds_missing_changed_and_removed() -> None:
    known = {
        1: state(11, 1),
        2: state(12, 2, ItemFlag.SEEN),
        3: state(13, 3, ItemFlag.NONE, "$Old"),
        4: state(14, 4),
    }
    seen = {
        1: FlagsSeen(ItemFlag.NONE, ""),
        2: FlagsSeen(ItemFlag.NONE, ""),
        3: FlagsSeen(ItemFlag.NONE, "$New"),
        8: FlagsSeen(ItemFlag.NONE, ""),
        9: FlagsSeen(ItemFlag.SEEN, ""),
    }
    found = plan.compare(known, seen, exists=5, refusals={}, now=A_DATE)
    assert found.missing == (9, 8)  # newest first
    assert set(found.changed) == {
        FlagChange(12, ItemFlag.NONE, ""),
        FlagChange(13, ItemFlag.NONE, "$New"),
    }
    assert found.removed == (14,)
    assert found.trusted


def test_a_short_answer_removes_nothing() -> None:
    known = {uid: state(uid, uid) for uid in range(1, 6)}
    found = plan.compare(
        known, {1: FlagsSeen(ItemFlag.NONE, "")}, exists=5, refusals={}, now=A_DATE
    )
    assert found.removed == ()
    assert not found.trusted


def test_a_message_that_is_not_given_is_tried_three_times_an_hour_apart() -> None:
    seen = {uid: FlagsSeen(ItemFlag.NONE, "") for uid in range(1, 6)}
    now = A_DATE + timedelta(hours=10)
    refusals = {
        1: Refusal(3, A_DATE),
        2: Refusal(2, A_DATE),
        3: Refusal(1, now - timedelta(minutes=59)),
        4: Refusal(0, now),
    }
    found = plan.compare({}, seen, exists=5, refusals=refusals, now=now)
    assert found.missing == (5,)
    assert found.suspects == (4, 2)
    assert found.postponed
    later = plan.compare({}, seen, exists=5, refusals={1: refusals[1]}, now=now)
    assert (later.suspects, later.postponed) == ((), False)


def test_suspects_are_fetched_last_and_each_alone() -> None:
    found = plan.Differences((9, 8), (), (), trusted=True, suspects=(4, 2))
    assert list(plan.fetch_order(found, {}, leave_out={8})) == [[9], [4], [2]]


@given(
    st.dictionaries(st.integers(1, 2**32 - 1), st.sampled_from(list(ItemFlag)), max_size=30),
    st.dictionaries(st.integers(1, 2**32 - 1), st.sampled_from(list(ItemFlag)), max_size=30),
)
def test_carrying_out_a_comparison_makes_the_cache_equal(
    before: dict[int, ItemFlag], after: dict[int, ItemFlag]
) -> None:
    known = {uid: state(uid * 10, uid, flags) for uid, flags in before.items()}
    seen = {uid: FlagsSeen(flags, "") for uid, flags in after.items()}
    found = plan.compare(known, seen, exists=len(seen), refusals={}, now=A_DATE)
    cache = {s.item_id // 10: s.flags for s in known.values() if s.item_id not in found.removed}
    cache |= {change.item_id // 10: change.flags for change in found.changed}
    cache |= {uid: after[uid] for uid in found.missing}
    assert cache == after


# Deltas -----------------------------------------------------------------------------------------

NOTHING = FlagsSeen(ItemFlag.NONE, "")
SEEN_NOW = FlagsSeen(ItemFlag.SEEN, "")


def test_a_delta_finds_what_came_changed_and_went() -> None:
    known = {2: state(12, 2), 3: state(13, 3)}
    found = plan.delta_differences(
        known, {2: SEEN_NOW, 9: NOTHING}, [13], total=5, exists=5, refusals={}, now=A_DATE
    )
    assert found.missing == (9,)
    assert found.changed == (FlagChange(12, ItemFlag.SEEN, ""),)
    assert found.removed == (13,)
    assert found.trusted


@pytest.mark.parametrize("exists", [4, 6])
def test_a_delta_that_does_not_add_up_is_not_trusted(exists: int) -> None:
    found = plan.delta_differences(
        {}, {9: NOTHING}, [], total=4, exists=exists, refusals={}, now=A_DATE
    )
    assert not found.trusted


def test_messages_that_were_never_given_count_as_being_there() -> None:
    found = plan.delta_differences(
        {}, {9: NOTHING}, [], total=4, exists=6, refusals={7: Refusal(3, A_DATE)}, now=A_DATE
    )
    assert found.trusted
    again = plan.delta_differences(
        {}, {7: SEEN_NOW}, [], total=4, exists=5, refusals={7: Refusal(3, A_DATE)}, now=A_DATE
    )
    assert again.trusted
    assert again.missing == ()


# The first window -------------------------------------------------------------------------------

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
A_MONTH_AGO = NOW - timedelta(days=30)
UNKNOWN = {"uid_validity": None, "complete": False}


def test_a_first_sync_wants_the_newest_days_or_everything() -> None:
    assert plan.window_start(folder(**UNKNOWN), 30, NOW) == A_MONTH_AGO
    assert plan.window_start(folder(**UNKNOWN), 0, NOW) is None


def test_what_was_wanted_once_stays_wanted() -> None:
    limited = folder(window_start=A_MONTH_AGO, left_out="1:4")
    assert plan.window_start(limited, 7, NOW) == A_MONTH_AGO
    assert not plan.is_widened(limited, A_MONTH_AGO)
    assert plan.window_start(folder(), 30, NOW) is None


@pytest.mark.parametrize("days", [60, 0])
def test_a_wider_window_looks_at_what_was_left_out(days: int) -> None:
    limited = folder(window_start=A_MONTH_AGO, left_out="1:4", total=6)
    start = plan.window_start(limited, days, NOW)
    assert plan.is_widened(limited, start)
    assert plan.plan_folder(limited, SEEN) is Work.NOTHING
    assert plan.plan_folder(limited, SEEN, widened=True) is Work.COMPARE


def test_a_sync_that_was_cut_short_goes_on_with_its_window() -> None:
    begun = folder(complete=False, window_start=A_MONTH_AGO)
    assert plan.window_start(begun, 30, NOW + timedelta(days=5)) == A_MONTH_AGO


def test_the_server_is_asked_from_a_day_earlier_for_its_clock_may_be_behind() -> None:
    assert plan.day_of(datetime(2026, 3, 1, 0, 30, tzinfo=UTC)) == date(2026, 2, 28)


def test_only_a_complete_folder_remembers_what_it_left_out() -> None:
    omitted = UidSet.of([1, 2, 3, 9])
    cursor = plan.cursor_after(SEEN, complete=True, start=A_MONTH_AGO, omitted=omitted)
    assert (cursor.window_start, cursor.left_out) == (A_MONTH_AGO, "1:3,9")
    cursor = plan.cursor_after(SEEN, complete=False, start=A_MONTH_AGO, omitted=omitted)
    assert (cursor.window_start, cursor.left_out) == (A_MONTH_AGO, "")


# UIDVALIDITY that does not last -----------------------------------------------------------------


def test_changes_of_uid_validity_are_counted_until_one_lasts() -> None:
    other = FolderSeen(uid_validity=8, uid_next=100, exists=10, highest_mod_seq=55)
    assert plan.validity_changes(folder(), SEEN) == 0
    assert plan.validity_changes(folder(), other) == 1
    assert plan.validity_changes(folder(validity_changes=2), other) == 3
    assert plan.validity_changes(folder(validity_changes=2), SEEN) == 0


@pytest.mark.parametrize("uid_validity", [None, 0])
def test_a_folder_without_a_uid_validity_has_none_to_change(uid_validity: int | None) -> None:
    assert plan.validity_changes(folder(uid_validity=uid_validity), SEEN) == 0


def test_once_uid_validity_lasts_messages_are_recognised_again() -> None:
    assert plan.plan_folder(folder(validity_changes=1), SEEN) is Work.REBUILD


# Batches ----------------------------------------------------------------------------------------


def test_batches_keep_order_and_stay_below_the_limit() -> None:
    sizes = {9: 40, 8: 40, 7: 40, 6: 500, 5: 10}
    assert list(plan.batches([9, 8, 7, 6, 5], sizes, max_bytes=100)) == [[9, 8], [7], [6], [5]]


def test_batches_are_bounded_in_messages_as_well() -> None:
    cut = list(plan.batches(range(1, 8), {}, max_messages=3))
    assert cut == [[1, 2, 3], [4, 5, 6], [7]]


@given(st.lists(st.integers(0, 1000), max_size=50), st.integers(1, 2000), st.integers(1, 9))
def test_batches_lose_and_double_nothing(sizes: list[int], most: int, count: int) -> None:
    by_uid = dict(enumerate(sizes, start=1))
    cut = list(plan.batches(by_uid, by_uid, max_bytes=most, max_messages=count))
    assert [uid for batch in cut for uid in batch] == list(by_uid)
    assert all(len(b) == 1 or sum(by_uid[u] for u in b) <= most for b in cut)
    assert all(len(b) <= count for b in cut)


def test_a_message_beyond_the_limit_is_named_not_fetched() -> None:
    refused = plan.too_large({1: plan.LARGEST_MESSAGE, 2: plan.LARGEST_MESSAGE + 1})
    assert set(refused) == {2}
    assert "209715201 bytes" in refused[2]


# Kept copies, marks of what was deleted here, and news ------------------------------------------


def test_what_is_known_of_the_server_is_the_cache_without_copies_and_with_marks() -> None:
    assert folder(total=10, kept_count=4, hidden_count=1).mirrored == 7


def test_copies_and_marks_leave_a_folder_in_step() -> None:
    cleared = folder(total=10, kept_count=10)
    assert plan.plan_folder(cleared, replace(SEEN, exists=0)) is Work.NOTHING
    assert plan.plan_folder(cleared, SEEN) is not Work.NOTHING
    deleted_here = folder(total=8, hidden_count=2)
    assert plan.plan_folder(deleted_here, SEEN) is Work.NOTHING


def test_news_are_what_came_after_the_last_look() -> None:
    assert plan.news(folder(), SEEN, [98, 99, 100, 104]) == {100, 104}
    interrupted = folder(complete=False)
    assert plan.news(interrupted, SEEN, [99, 100]) == {100}


@pytest.mark.parametrize(
    "changes",
    [
        {"uid_validity": None, "uid_next": None, "complete": False},  # never synced
        {"uid_next": None, "complete": False},  # its first sync was cut short
        {"uid_validity": 8},
        {"attributes": FolderAttribute.SENT},
        {"attributes": FolderAttribute.DRAFTS},
        {"attributes": FolderAttribute.TRASH | FolderAttribute.SUBSCRIBED},
        {"attributes": FolderAttribute.JUNK},
    ],
)
def test_there_are_no_news(changes: dict[str, object]) -> None:
    assert plan.news(folder(**changes), SEEN, [1, 100, 200]) == frozenset()


def test_a_server_that_hides_uid_next_has_news_once_a_folder_is_complete() -> None:
    assert plan.news(folder(uid_next=None), SEEN, [4]) == {4}


@pytest.mark.parametrize(
    ("stored", "given", "safe"),
    [
        (b"a", b"a", True),
        (b"", b"", True),
        (b"a", b"b", False),
        (b"a", b"a\r\n", False),
        (None, b"a", False),
        (b"a", None, False),
        (None, None, False),
    ],
)
def test_only_equal_bytes_are_safe(stored: bytes | None, given: bytes | None, safe: bool) -> None:
    assert plan.is_safe(stored, given) is safe
