"""How far associates know folders is remembered for each of them apart."""

from __future__ import annotations

import pytest

from services84.store.visits import FolderVisits, Visited
from tests.store.conftest import Stores

PLACE = ("imap.example.com", "993", "anna", "INBOX")


@pytest.fixture
def visits(stores: Stores) -> FolderVisits:
    return FolderVisits(stores.database)


def test_where_nobody_was_nothing_is_known(stores: Stores, visits: FolderVisits) -> None:
    assert visits.last(stores.associate().associate_id, PLACE) is None
    assert visits.last(4711, PLACE) is None


def test_the_last_visit_is_remembered(stores: Stores, visits: FolderVisits) -> None:
    anna = stores.associate().associate_id
    for known in (Visited(7, 1), Visited(2**32 - 1, 2**32 - 1)):
        visits.remember(anna, PLACE, known, stores.now)
        assert visits.last(anna, PLACE) == known


def test_places_and_associates_are_told_apart(stores: Stores, visits: FolderVisits) -> None:
    anna, bob = stores.associate().associate_id, stores.associate().associate_id
    visits.remember(anna, PLACE, Visited(7, 3), stores.now)
    assert visits.last(bob, PLACE) is None
    for other in [(*PLACE[:3], "inbox"), (*PLACE[:2], "an", "naINBOX"), (*PLACE[:3], "x" * 9999)]:
        assert visits.last(anna, other) is None
        visits.remember(anna, other, Visited(8, 4), stores.now)
    assert visits.last(anna, PLACE) == Visited(7, 3)


def test_visits_of_a_year_ago_are_forgotten(stores: Stores, visits: FolderVisits) -> None:
    anna = stores.associate().associate_id
    visits.remember(anna, PLACE, Visited(7, 3), stores.now)
    stores.later(days=366)
    visits.remember(anna, (*PLACE[:3], "Work"), Visited(7, 3), stores.now)
    assert visits.last(anna, PLACE) is None
