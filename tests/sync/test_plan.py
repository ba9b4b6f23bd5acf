"""What a sync decides to do, from what is known and what is seen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services84.store.values import (
    FlagChange,
    Folder,
    FolderAttribute,
    FolderDraft,
    Identity,
    ItemFlag,
    ItemState,
    Refusal,
)
from services84.sync import plan
from services84.sync.plan import FolderSeen, Work
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


# The folder list --------------------------------------------------------------------------------


def draft(server_name: str, attributes: FolderAttribute = FolderAttribute.NONE) -> FolderDraft:
    return FolderDraft(server_name, server_name, "/", attributes)


def test_an_unchanged_list_changes_nothing() -> None:
    known = [folder(name="INBOX", attributes=FolderAttribute.INBOX)]
    assert not plan.plan_folders(known, [draft("INBOX", FolderAttribute.INBOX)])


def test_a_list_adds_updates_and_removes_by_the_servers_spelling() -> None:
    known = [folder(folder_id=1, name="A", server_name="A"), folder(folder_id=2, server_name="B")]
    changes = plan.plan_folders(known, [draft("A", FolderAttribute.SUBSCRIBED), draft("C")])
    assert [d.server_name for d in changes.added] == ["C"]
    assert changes.updated == {1: draft("A", FolderAttribute.SUBSCRIBED)}
    assert changes.removed == (2,)


def test_inbox_is_the_same_folder_in_any_case() -> None:
    changes = plan.plan_folders([folder(name="Inbox", server_name="inbox")], [draft("INBOX")])
    assert (changes.added, changes.removed) == ((), ())


def test_a_list_without_inbox_is_not_the_whole_list() -> None:
    assert plan.lacks_inbox([], [])
    assert plan.lacks_inbox([folder()], [draft("Work")])
    assert not plan.lacks_inbox([], [draft("Work")])
    assert not plan.lacks_inbox([folder()], [draft("Inbox")])


def test_attributes_that_servers_set_at_random_are_not_kept() -> None:
    seen = attributes_seen(
        {"\\Marked", "\\HasNoChildren", "\\Sent", "\\X-Unknown"}, inbox=False, subscribed=True
    )
    assert seen == (
        FolderAttribute.HAS_NO_CHILDREN | FolderAttribute.SENT | FolderAttribute.SUBSCRIBED
    )


def test_inbox_comes_first_and_folders_without_messages_not_at_all() -> None:
    folders = [
        folder(name="Zoo", attributes=FolderAttribute.NONE),
        folder(name="Archive", attributes=FolderAttribute.NO_SELECT),
        folder(name="Inbox", attributes=FolderAttribute.INBOX),
        folder(name="Bills", attributes=FolderAttribute.NONE),
    ]
    assert [f.name for f in plan.sync_order(folders)] == ["Inbox", "Bills", "Zoo"]


# Flags ------------------------------------------------------------------------------------------


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


def test_ranges_are_named_one_by_one_only_while_they_are_few() -> None:
    assert plan.uids_of([(1, 3), (7, 7)]) == [1, 2, 3, 7]
    assert plan.uids_of([(1, 4294967295)]) is None
    assert plan.uids_of([(1, 3), (5, 6)], most=4) is None


@given(
    st.lists(st.integers(1, 60), unique=True),
    st.lists(st.tuples(st.integers(1, 60), st.integers(0, 9)), max_size=6),
)
def test_inside_and_outside_of_ranges(uids: list[int], spans: list[tuple[int, int]]) -> None:
    ranges = [(first, first + length) for first, length in spans]
    # Ranges of servers do not overlap; those that do here are joined as one would.
    joined = sorted({uid for first, last in ranges for uid in range(first, last + 1)})
    apart = [(uid, uid) for uid in joined]
    assert plan.inside(uids, apart) == [uid for uid in uids if uid in joined]
    assert plan.outside(uids, apart) == [uid for uid in uids if uid not in joined]


# A new UIDVALIDITY ------------------------------------------------------------------------------


def identity(uid: int, message_id: str = "<a@b>", size: int = 10) -> Identity:
    return Identity(uid, message_id, A_DATE, size)


def test_the_same_message_under_a_new_uid_is_recognised() -> None:
    assert plan.match_identities([(5, identity(1))], {70: identity(70)}) == {5: 70}


@pytest.mark.parametrize(
    "other",
    [
        identity(70, "<other@b>"),
        identity(70, size=11),
        Identity(70, "<a@b>", datetime(2020, 1, 1, tzinfo=UTC), 10),
    ],
)
def test_a_message_that_differs_in_anything_is_not_taken_for_the_same(other: Identity) -> None:
    assert plan.match_identities([(5, identity(1))], {70: other}) == {}


def test_without_a_message_id_or_a_date_nothing_is_proven() -> None:
    assert plan.match_identities([(5, identity(1, ""))], {70: identity(70, "")}) == {}
    bare = Identity(1, "<a@b>", None, 10)
    assert plan.match_identities([(5, bare)], {70: bare}) == {}


def test_copies_are_paired_in_order_and_only_when_none_is_missing() -> None:
    old = [(5, identity(1)), (6, identity(2))]
    assert plan.match_identities(old, {70: identity(70), 71: identity(71)}) == {5: 70, 6: 71}
    assert plan.match_identities(old, {70: identity(70)}) == {}


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
