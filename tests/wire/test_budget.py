"""Big bodies share one budget; small ones need none."""

from __future__ import annotations

import threading

import pytest

from services84.errors import ServerBusy
from services84.wire.budget import FREE_BYTES, BodyBudget

BIG = 1_000_000 + FREE_BYTES


def test_a_body_of_whatever_size_fits_alone() -> None:
    with BodyBudget(1000, wait=0).share() as share:
        share.cover(BIG)
        share.cover(2 * BIG)


def test_a_second_one_is_refused_when_it_does_not_fit_and_taken_when_it_does() -> None:
    budget = BodyBudget(2_000_000, wait=0)
    with budget.share() as first, budget.share() as second:
        first.cover(BIG)
        with pytest.raises(ServerBusy) as caught:
            second.cover(BIG + 1)
        assert caught.value.retry_after == 10
        second.cover(BIG)


def test_a_small_body_is_taken_however_little_is_left() -> None:
    budget = BodyBudget(1000, wait=0)
    with budget.share() as first, budget.share() as second:
        first.cover(BIG)
        second.cover(FREE_BYTES)
        with pytest.raises(ServerBusy):
            second.cover(FREE_BYTES + 1)


def test_what_is_given_back_goes_to_the_one_that_waits() -> None:
    budget = BodyBudget(1_000_000, wait=30)
    taken = threading.Event()

    def wait_for_room() -> None:
        with budget.share() as share:
            share.cover(BIG)
            taken.set()

    with budget.share() as first:
        first.cover(BIG)
        other = threading.Thread(target=wait_for_room)
        other.start()
        assert not taken.wait(0.1)
    assert taken.wait(10)
    other.join()
    with budget.share() as share:
        share.cover(BIG)
