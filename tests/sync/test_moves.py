"""Which stored messages are the same as messages that turned up elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services84.store.values import Identity
from services84.sync import moves

A_DATE = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def identity(uid: int, message_id: str = "<a@b>", size: int = 10) -> Identity:
    return Identity(uid, message_id, A_DATE, size)


def test_the_same_message_under_a_new_uid_is_recognised() -> None:
    assert moves.match_identities([(5, identity(1))], {70: identity(70)}) == {5: 70}


@pytest.mark.parametrize(
    "other",
    [
        identity(70, "<other@b>"),
        identity(70, size=11),
        Identity(70, "<a@b>", datetime(2020, 1, 1, tzinfo=UTC), 10),
    ],
)
def test_a_message_that_differs_in_anything_is_not_taken_for_the_same(other: Identity) -> None:
    assert moves.match_identities([(5, identity(1))], {70: other}) == {}


def test_without_a_message_id_or_a_date_nothing_is_proven() -> None:
    assert moves.match_identities([(5, identity(1, ""))], {70: identity(70, "")}) == {}
    bare = Identity(1, "<a@b>", None, 10)
    assert moves.match_identities([(5, bare)], {70: bare}) == {}


def test_copies_are_paired_in_order_and_only_when_none_is_missing() -> None:
    old = [(5, identity(1)), (6, identity(2))]
    assert moves.match_identities(old, {70: identity(70), 71: identity(71)}) == {5: 70, 6: 71}
    assert moves.match_identities(old, {70: identity(70)}) == {}


# Between folders --------------------------------------------------------------------------------


def test_a_message_that_arrives_elsewhere_is_the_one_that_left() -> None:
    gone = moves.Gone([(5, identity(1))])
    assert gone.sizes == {10}
    assert gone.claim({70: identity(70)}) == {5: 70}


def test_a_message_without_proof_is_never_claimed() -> None:
    gone = moves.Gone([(5, identity(1, "")), (6, Identity(1, "<a@b>", None, 10))])
    assert gone.sizes == frozenset()
    assert gone.claim({70: identity(70, ""), 71: Identity(71, "<a@b>", None, 10)}) == {}


def test_what_was_claimed_once_is_not_claimed_again() -> None:
    gone = moves.Gone([(5, identity(1))])
    assert gone.claim({70: identity(70), 71: identity(71)}) == {5: 70}
    assert gone.sizes == frozenset()
    assert gone.claim({9: identity(9)}) == {}


def test_copies_are_handed_out_in_order_to_as_many_as_arrive() -> None:
    gone = moves.Gone([(6, identity(2)), (5, identity(1)), (7, identity(3))])
    assert gone.claim({70: identity(70), 71: identity(71)}) == {5: 70, 6: 71}
    assert gone.claim({80: identity(80)}) == {7: 80}
