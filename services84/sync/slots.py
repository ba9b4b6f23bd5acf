"""Slots of mail hosts in this process: asking for one, waiting for it, keeping it, giving it back.

A sync asks and goes its way: it is told when its turn has come, so that no thread waits. An
operation that a caller waits for takes one within seconds or fails. Who is next is the store's
matter; one thread looks after all tickets of the process while there are any.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from services84.errors import MailServerBusy, StoreError, SyncInterrupted
from services84.store.slots import SlotStore, host_key

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.2  # how often somebody who waits looks whether its turn has come
RETRY_SECONDS = 1.0  # after the database could not be asked
IDLE_SECONDS = 20.0  # for which the thread stays when nothing is held and nobody waits
CLOSE_SECONDS = 5.0  # for the thread to end, which may be asking the database


@dataclass(frozen=True)
class Slot:
    """The right to one connection to `host`.

    `lost` is set when it was given to another, as happens to a process that stood still for
    longer than a lease lasts.
    """

    ticket_id: int
    host: str
    lost: threading.Event = field(default_factory=threading.Event, compare=False, repr=False)


Granted = Callable[[Slot | None], None]
"""Told when the turn has come, with the slot; with None when the process stops instead."""


class HostSlots:
    """Slots for the threads of one process; `owner` names it among others.

    `limit` is the most connections to a host; a slot whose process died is free again after
    `seconds`.
    """

    def __init__(
        self,
        store: SlotStore,
        clock: Callable[[], datetime],
        *,
        owner: str,
        limit: int,
        seconds: float,
    ) -> None:
        self._store = store
        self._clock = clock
        self._owner = owner
        self.limit = limit
        self._seconds = seconds
        self._changed = threading.Condition()
        self._held: dict[int, Slot] = {}
        self._waiting: dict[int, tuple[Slot, Granted]] = {}
        self._keeper: threading.Thread | None = None
        self._renewed = 0.0
        self._stopped = False

    # Asking and giving back ----------------------------------------------------------------------

    def ask(self, server: str, granted: Granted) -> Slot | None:
        """A slot of `server`; None when there is none now, and `granted` is called later.

        `granted` is called once, in a thread that must not be kept. Raises SyncInterrupted
        when the service stops, StoreError.
        """
        host = host_key(server)
        with self._changed:
            if self._stopped:
                raise SyncInterrupted("the service is shutting down; ask again soon")
        ticket_id, held = self._store.ask(
            host, self._owner, self._clock(), seconds=self._seconds, limit=self.limit
        )
        slot = Slot(ticket_id, host)
        with self._changed:
            stopped = self._stopped
            if held:
                self._held[ticket_id] = slot
            elif not stopped:
                self._waiting[ticket_id] = (slot, granted)
            self._look_after_them()
        if stopped and not held:
            raise SyncInterrupted("the service is shutting down; ask again soon")
        return slot if held else None

    def release(self, slot: Slot) -> None:
        """Give a slot back, or a ticket that still waits; never raises."""
        with self._changed:
            self._held.pop(slot.ticket_id, None)
            self._waiting.pop(slot.ticket_id, None)
        try:
            self._store.release(slot.ticket_id, slot.host, self._clock(), limit=self.limit)
        except StoreError as error:
            # Then it is free when its life is over: nobody renews it any more.
            log.warning("slot.not_released", host=slot.host, error=error.message)
        with self._changed:
            if self._waiting:
                self._changed.notify_all()  # the next one may wait in this process

    @contextlib.contextmanager
    def held(self, server: str, wait: float) -> Iterator[Slot]:
        """A slot of `server` for the time of the block, waited for at most `wait` seconds.

        Raises MailServerBusy when none becomes free, SyncInterrupted, StoreError.
        """
        slot = self._take(server, wait)
        try:
            yield slot
        finally:
            self.release(slot)

    def _take(self, server: str, wait: float) -> Slot:
        answer: list[Slot | None] = []
        answered = threading.Event()

        def granted(slot: Slot | None) -> None:
            answer.append(slot)
            answered.set()

        slot = self.ask(server, granted)
        if slot is not None:
            return slot
        if not answered.wait(wait) and self._withdraw(granted):
            raise MailServerBusy(
                f"{server} is in full use: this service opens at most {self.limit} connections"
                " to a mail server at once; try again later",
                host=server,
                retry_after=wait,
            )
        answered.wait()  # told meanwhile, or about to be
        if answer[0] is None:
            raise SyncInterrupted("the service is shutting down; ask again soon")
        return answer[0]

    def _withdraw(self, granted: Granted) -> bool:
        """Wait no longer; false when the turn has come in this moment."""
        with self._changed:
            found = [slot for slot, told in self._waiting.values() if told is granted]
            for slot in found:
                del self._waiting[slot.ticket_id]
        for slot in found:
            self.release(slot)
        return bool(found)

    # The end -------------------------------------------------------------------------------------

    def stop_waiting(self) -> None:
        """Tell whoever waits that it is over, and let nobody wait any more."""
        with self._changed:
            self._stopped = True
            waiting, self._waiting = self._waiting, {}
            self._changed.notify_all()
        for _, granted in waiting.values():
            granted(None)

    def close(self) -> None:
        """Give everything back; for the end of the process. Never raises."""
        self.stop_waiting()
        with self._changed:
            self._held.clear()
            keeper = self._keeper
            self._changed.notify_all()
        if keeper is not None:
            keeper.join(CLOSE_SECONDS)
        try:
            self._store.release_all(self._owner, self._clock(), limit=self.limit)
        except StoreError as error:
            log.warning("slots.not_released", error=error.message)

    # One thread for all tickets ------------------------------------------------------------------

    def _look_after_them(self) -> None:
        """See that the thread runs; called with the lock held."""
        if self._keeper is not None and self._keeper.is_alive():  # not in a forked child
            if self._waiting:
                self._changed.notify_all()
        elif self._held or self._waiting:
            self._renewed = time.monotonic()
            self._keeper = threading.Thread(target=self._keep, name="slots", daemon=True)
            self._keeper.start()
        self._changed.notify_all()

    def _keep(self) -> None:
        while self._pause():
            try:
                if time.monotonic() - self._renewed >= self._seconds / 3:
                    self._renew()
                if self._waiting:
                    self._look()
            except StoreError as error:
                log.warning("slots.not_renewed", error=error.message)
                self._renewed += min(RETRY_SECONDS, self._seconds / 10)

    def _pause(self) -> bool:
        """Wait until there may be something to do; false when there was nothing for a while."""
        idle_until = time.monotonic() + IDLE_SECONDS
        third = self._seconds / 3
        with self._changed:
            while not (self._waiting or self._held):
                left = idle_until - time.monotonic()
                if self._stopped or left <= 0:
                    self._keeper = None
                    return False
                # Who takes a slot meanwhile wakes nobody: it is renewed in time all the same.
                self._changed.wait(min(third, left))
            due = max(0.0, self._renewed + third - time.monotonic())
            self._changed.wait(min(due, POLL_SECONDS) if self._waiting else due)
            return True

    def _renew(self) -> None:
        self._store.renew(self._owner, self._clock(), seconds=self._seconds)
        self._renewed = time.monotonic()
        with self._changed:
            hosts = {slot.host for slot, _ in self._waiting.values()}
            held = dict(self._held)
        for host in sorted(hosts):  # a dead owner's slots are nobody's to give back
            self._store.hand_out(host, self._clock(), limit=self.limit)
        living = self._store.of_owner(self._owner)
        for ticket_id, slot in held.items():
            if ticket_id not in living:
                slot.lost.set()

    def _look(self) -> None:
        """Tell those whose turn has come."""
        with self._changed:
            waiting = dict(self._waiting)
        tickets = self._store.of_owner(self._owner)
        for ticket_id, (slot, granted) in waiting.items():
            if ticket_id not in tickets:
                self._ask_again(slot, granted)
            elif tickets[ticket_id]:
                self._grant(ticket_id, slot, granted)

    def _grant(self, ticket_id: int, slot: Slot, granted: Granted) -> None:
        with self._changed:
            if self._waiting.pop(ticket_id, None) is None:
                return
            self._held[ticket_id] = slot
        granted(slot)

    def _ask_again(self, slot: Slot, granted: Granted) -> None:
        """The ticket was taken away while this process stood still: to the end of the line."""
        with self._changed:
            if self._waiting.pop(slot.ticket_id, None) is None:
                return
        ticket_id, held = self._store.ask(
            slot.host, self._owner, self._clock(), seconds=self._seconds, limit=self.limit
        )
        again = Slot(ticket_id, slot.host)
        with self._changed:
            self._waiting[ticket_id] = (again, granted)
        if held:
            self._grant(ticket_id, again, granted)
