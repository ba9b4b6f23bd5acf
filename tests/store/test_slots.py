"""Slots of mail hosts: never more than the limit, oldest ticket first, the dead's are freed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event

from services84.store.slots import SlotStore, host_key
from tests.store.conftest import Stores

HOST = "imap.example.com"
LIFE = 60.0


@pytest.fixture
def slots(stores: Stores) -> SlotStore:
    return SlotStore(stores.database)


def ask(
    stores: Stores, slots: SlotStore, owner: str = "me", host: str = HOST, limit: int = 2
) -> tuple[int, bool]:
    return slots.ask(host, owner, stores.now, seconds=LIFE, limit=limit)


@pytest.mark.parametrize(
    "server",
    ["imap.example.com", " IMAP.Example.COM ", "imap.example.com.", "ｉｍａｐ.example.com"],
)
def test_a_host_is_one_however_it_is_spelled(server: str) -> None:
    assert host_key(server) == HOST


def test_a_name_that_no_host_can_have_is_kept_short_enough_for_an_index(stores: Stores) -> None:
    assert len(host_key("x" * 100_000)) == 255
    assert SlotStore(stores.database).ask(
        host_key("ü" * 9999), "me", stores.now, seconds=LIFE, limit=1
    )[1]


def test_beyond_the_limit_tickets_wait(stores: Stores, slots: SlotStore) -> None:
    assert [ask(stores, slots)[1] for _ in range(4)] == [True, True, False, False]
    assert slots.counts(HOST, stores.now) == (2, 2)
    assert ask(stores, slots, host="other.example.com")[1]


def test_a_slot_that_is_given_back_goes_to_the_oldest_ticket_whosever_it_is(
    stores: Stores, slots: SlotStore
) -> None:
    (first, _), (second, _) = ask(stores, slots, limit=1), ask(stores, slots, "other", limit=1)
    third, _ = ask(stores, slots, limit=1)
    slots.release(first, HOST, stores.now, limit=1)
    assert slots.of_owner("other") == {second: True}
    assert slots.of_owner("me") == {third: False}
    slots.release(second, HOST, stores.now, limit=1)
    assert slots.of_owner("me") == {third: True}


def test_who_no_longer_waits_is_passed_over(stores: Stores, slots: SlotStore) -> None:
    tickets = [ask(stores, slots, limit=1)[0] for _ in range(3)]
    slots.release(tickets[1], HOST, stores.now, limit=1)
    slots.release(tickets[0], HOST, stores.now, limit=1)
    assert slots.of_owner("me") == {tickets[2]: True}
    slots.release(tickets[0], HOST, stores.now, limit=1)  # a second time: nothing


def test_a_dead_owners_slot_is_free_again_when_its_life_is_over(
    stores: Stores, slots: SlotStore
) -> None:
    ask(stores, slots, "dead", limit=1)
    ask(stores, slots, "dead as well", limit=1)
    stores.later(seconds=LIFE - 1)
    mine, held = ask(stores, slots, limit=1)
    assert not held
    stores.later(seconds=1)
    slots.hand_out(HOST, stores.now, limit=1)
    assert slots.of_owner("me") == {mine: True}
    assert slots.of_owner("dead") == slots.of_owner("dead as well") == {}


def test_a_dead_owners_slot_goes_to_whoever_asks_next(stores: Stores, slots: SlotStore) -> None:
    ask(stores, slots, "dead", limit=1)
    stores.later(seconds=LIFE)
    mine, held = ask(stores, slots, limit=1)
    assert held
    assert slots.of_owner("dead") == {}
    slots.release(mine, HOST, stores.now, limit=1)


def test_nobody_overtakes_who_waits(stores: Stores, slots: SlotStore) -> None:
    """Not even where a slot has become free without anybody having handed it out."""
    ask(stores, slots, "dead", limit=1)
    waiting, _ = ask(stores, slots, "waits", limit=1)
    stores.later(seconds=LIFE - 1)
    slots.renew("waits", stores.now, seconds=LIFE)
    stores.later(seconds=1)
    mine, held = ask(stores, slots, limit=1)
    assert not held
    assert slots.of_owner("waits") == {waiting: True}
    slots.release(waiting, HOST, stores.now, limit=1)
    assert slots.of_owner("me") == {mine: True}


def test_a_raised_limit_serves_the_oldest_first(stores: Stores, slots: SlotStore) -> None:
    for owner in ("first", "second", "third"):
        ask(stores, slots, owner, limit=1)
    _, held = ask(stores, slots, limit=3)
    assert not held
    owners = ("first", "second", "third")
    assert [any(slots.of_owner(one).values()) for one in owners] == [True, True, True]


@contextmanager
def _statements() -> Iterator[list[str]]:
    said: list[str] = []

    def hear(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        said.append(statement)

    event.listen(Engine, "before_cursor_execute", hear)
    try:
        yield said
    finally:
        event.remove(Engine, "before_cursor_execute", hear)


def test_asking_and_giving_back_take_few_statements(stores: Stores, slots: SlotStore) -> None:
    with _statements() as said:
        ticket, _ = ask(stores, slots)
        slots.release(ticket, HOST, stores.now, limit=2)
    locks = [one for one in said if "pg_advisory" in one]
    assert len(said) - len(locks) <= 4


def test_a_renewed_ticket_lives_on_and_one_that_was_taken_does_not(
    stores: Stores, slots: SlotStore
) -> None:
    mine, _ = ask(stores, slots, limit=1)
    stores.later(seconds=LIFE - 1)
    slots.renew("me", stores.now, seconds=LIFE)
    stores.later(seconds=LIFE - 1)
    assert ask(stores, slots, "other", limit=1)[1] is False
    stores.later(seconds=2)
    slots.hand_out(HOST, stores.now, limit=1)
    slots.renew("me", stores.now, seconds=LIFE)
    assert slots.of_owner("me") == {}
    slots.release(mine, HOST, stores.now, limit=1)
    assert slots.counts(HOST, stores.now) == (1, 0)


def test_a_process_that_ends_gives_everything_back(stores: Stores, slots: SlotStore) -> None:
    for host in (HOST, "b.example.com"):
        ask(stores, slots, host=host, limit=1)
        ask(stores, slots, host=host, limit=1)
        ask(stores, slots, "other", host=host, limit=1)
    slots.release_all("me", stores.now, limit=1)
    assert slots.of_owner("me") == {}
    assert set(slots.of_owner("other").values()) == {True}


def test_of_many_that_ask_at_once_as_many_get_a_slot_as_there_are(
    stores: Stores, slots: SlotStore
) -> None:
    start = threading.Barrier(12)

    def take(number: int) -> bool:
        start.wait()
        return ask(stores, slots, str(number), limit=3)[1]

    with ThreadPoolExecutor(12) as threads:
        assert sum(threads.map(take, range(12))) == 3
