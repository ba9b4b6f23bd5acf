"""One process at a time does a service; another takes over when it is gone."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from services84.store.service_leases import ServiceLeases
from tests.store.conftest import Stores


@pytest.fixture
def leases(stores: Stores) -> ServiceLeases:
    return ServiceLeases(stores.database)


def test_a_lease_that_is_held_is_given_to_nobody_else(
    stores: Stores, leases: ServiceLeases
) -> None:
    assert leases.hold("scheduler", "me", stores.now, 60)
    assert not leases.hold("scheduler", "other", stores.now, 60)
    assert leases.hold("cleaner", "other", stores.now, 60)
    assert leases.holder("scheduler", stores.now) == "me"


def test_its_owner_renews_it_and_it_runs_out_when_nobody_does(
    stores: Stores, leases: ServiceLeases
) -> None:
    leases.hold("scheduler", "me", stores.now, 60)
    assert leases.hold("scheduler", "me", stores.later(seconds=59), 60)
    assert not leases.hold("scheduler", "other", stores.later(seconds=59), 60)
    assert leases.hold("scheduler", "other", stores.later(seconds=1), 60)
    assert not leases.hold("scheduler", "me", stores.now, 60)


def test_a_lease_that_is_given_back_is_free_at_once(stores: Stores, leases: ServiceLeases) -> None:
    leases.hold("scheduler", "me", stores.now, 60)
    leases.release("scheduler", "other")
    assert leases.holder("scheduler", stores.now) == "me"
    leases.release("scheduler", "me")
    assert leases.holder("scheduler", stores.now) is None
    assert leases.hold("scheduler", "other", stores.now, 60)


@pytest.mark.parametrize("held_before", [False, True])
def test_of_many_that_ask_at_once_one_gets_it(
    stores: Stores, leases: ServiceLeases, held_before: bool
) -> None:
    if held_before:
        leases.hold("scheduler", "dead", stores.now, 60)
        stores.later(seconds=60)
    start = threading.Barrier(8)

    def take(number: int) -> bool:
        start.wait()
        return leases.hold("scheduler", str(number), stores.now, 60)

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(take, range(8))) == 1
