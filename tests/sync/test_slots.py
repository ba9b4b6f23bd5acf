"""Slots in a process: who waits is told, who waits too long is refused, nothing stays taken."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from services84.errors import MailServerBusy, SyncInterrupted
from services84.store.database import Database, utc_now
from services84.store.slots import SlotStore
from services84.sync.slots import HostSlots, Slot

HOST = "imap.example.com"
DEADLINE = 20.0


@pytest.fixture
def make(database: Database) -> Iterator[Callable[..., HostSlots]]:
    """Slots as different processes see them."""
    with ExitStack() as stack:

        def made(owner: str = "me", limit: int = 1, seconds: float = 60.0) -> HostSlots:
            slots = HostSlots(
                SlotStore(database), utc_now, owner=owner, limit=limit, seconds=seconds
            )
            stack.callback(slots.close)
            return slots

        yield made


class Turn:
    """Remembers what one who waits was told."""

    def __init__(self) -> None:
        self.told: list[Slot | None] = []
        self.came = threading.Event()

    def __call__(self, slot: Slot | None) -> None:
        self.told.append(slot)
        self.came.set()


def taken(slots: HostSlots, server: str = HOST) -> Slot:
    slot = slots.ask(server, lambda _: None)
    assert slot is not None
    return slot


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_who_asks_beyond_the_limit_is_told_when_the_turn_has_come(
    make: Callable[..., HostSlots],
) -> None:
    slots = make()
    slot, turn = taken(slots), Turn()
    assert slots.ask("IMAP.example.com", turn) is None
    assert taken(slots, "other.example.com")
    assert not turn.came.wait(0.5)
    slots.release(slot)
    assert turn.came.wait(DEADLINE)
    assert len(turn.told) == 1


def test_those_who_wait_have_their_turn_in_the_order_of_asking_across_processes(
    make: Callable[..., HostSlots],
) -> None:
    processes = [make(f"process {number}") for number in range(3)]
    held, order = taken(processes[0]), []
    turns = []
    for number in range(6):
        turn = Turn()
        assert processes[number % 3].ask(HOST, turn) is None
        turns.append(turn)
    for number, turn in enumerate(turns):
        processes[(number - 1) % 3 if number else 0].release(held)
        assert turn.came.wait(DEADLINE)
        order.append(number)
        assert [other.came.is_set() for other in turns[number + 1 :]] == [False] * (5 - number)
        assert turn.told[0] is not None
        held = turn.told[0]
    assert order == [0, 1, 2, 3, 4, 5]


def test_there_are_never_more_than_the_limit(make: Callable[..., HostSlots]) -> None:
    processes = [make(f"process {number}", limit=3) for number in range(2)]
    lock, inside, most = threading.Lock(), 0, 0

    def work(number: int) -> None:
        nonlocal inside, most
        with processes[number % 2].held(HOST, DEADLINE):
            with lock:
                inside += 1
                most = max(most, inside)
            time.sleep(0.05)
            with lock:
                inside -= 1

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(work, range(12)))
    assert most == 3


def test_a_caller_who_would_wait_too_long_is_refused_with_a_clear_word(
    make: Callable[..., HostSlots], database: Database
) -> None:
    slots = make()
    slot = taken(slots)
    with (
        pytest.raises(MailServerBusy, match=r"imap\.example\.com is in full use.*at most 1"),
        slots.held(HOST, 0.1),
    ):
        pass
    assert SlotStore(database).counts(HOST, utc_now()) == (1, 0)
    slots.release(slot)
    with slots.held(HOST, 0.1):
        pass


def test_slots_live_on_while_they_are_held_and_end_with_a_process_that_died(
    make: Callable[..., HostSlots], database: Database
) -> None:
    SlotStore(database).ask(HOST, "dead", utc_now(), seconds=0.5, limit=1)
    slots = make(seconds=0.6)
    begun = time.monotonic()
    with slots.held(HOST, DEADLINE) as slot:
        assert time.monotonic() - begun >= 0.4
        other = make("other", seconds=0.6)
        turn = Turn()
        assert other.ask(HOST, turn) is None
        assert not turn.came.wait(1.5)
        assert not slot.lost.is_set()
    assert turn.came.wait(DEADLINE)


def test_a_process_that_stood_still_for_too_long_learns_that_its_slot_is_lost(
    make: Callable[..., HostSlots], database: Database
) -> None:
    slots = make(seconds=0.6)
    slot = taken(slots)
    store = SlotStore(database)
    store.release(slot.ticket_id, HOST, utc_now(), limit=1)  # as another process does then
    assert slot.lost.wait(DEADLINE)


def test_who_waits_and_was_forgotten_goes_to_the_end_of_the_line(
    make: Callable[..., HostSlots], database: Database
) -> None:
    slots, turn = make(), Turn()
    held = taken(slots)
    assert slots.ask(HOST, turn) is None
    store = SlotStore(database)
    (waiting,) = [ticket for ticket, has in store.of_owner("me").items() if not has]
    store.release(waiting, HOST, utc_now(), limit=1)
    until(lambda: waiting not in store.of_owner("me") and len(store.of_owner("me")) == 2)
    slots.release(held)
    assert turn.came.wait(DEADLINE)


def test_a_process_that_stops_tells_who_waits_and_gives_everything_back(
    make: Callable[..., HostSlots], database: Database
) -> None:
    slots, turn = make(), Turn()
    taken(slots)
    assert slots.ask(HOST, turn) is None
    slots.close()
    assert turn.told == [None]
    assert SlotStore(database).counts(HOST, utc_now()) == (0, 0)
    with pytest.raises(SyncInterrupted, match="shutting down"):
        slots.ask(HOST, turn)


def test_a_process_without_slots_has_no_thread_for_them_after_a_while(
    make: Callable[..., HostSlots], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services84.sync.slots.IDLE_SECONDS", 0.05)
    slots = make(seconds=0.6)
    with slots.held(HOST, 1):
        assert "slots" in {thread.name for thread in threading.enumerate()}
    until(lambda: slots._keeper is None)
