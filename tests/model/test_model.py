"""After any history of a mailbox and of mishaps, the cache equals the server once it is quiet.

The server is a model with known state. SERVICES84_MODEL_HISTORIES is how many histories are
played (100); above that number they are random, not the same in every run.
"""

from __future__ import annotations

import os
import tempfile
import zlib
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from services84.imap import reading
from services84.sync import plan
from tests.model.history import OFFERS, History, World, histories
from tests.model.rig import Rig, Row, held, rig
from tests.support.imapmodel.server import Server, serving

USUAL = 100
HISTORIES = int(os.environ.get("SERVICES84_MODEL_HISTORIES", USUAL))
EACH = -(-HISTORIES // len(OFFERS))
QUIET = 3  # syncs after the last mishap until the cache has to be level
MOST_CONNECTIONS = 2  # of one account

played = settings(
    max_examples=EACH,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture(scope="module")
def service() -> Iterator[Rig]:
    """A service that works in small batches, so that few messages make many.

    Its database is in memory where there is such a folder: how it outlasts a crash is no matter
    here, and the disk would take most of the time.
    """
    memory = Path("/dev/shm")
    with (
        tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder,
        pytest.MonkeyPatch.context() as patch,
        rig(Path(folder)) as made,
    ):
        patch.setattr(plan, "batches", partial(plan.batches, max_messages=3))
        patch.setattr(reading, "MESSAGES_A_COMMAND", 2)
        yield made


class Ledger:
    """The item ids of messages that stay where they are: once given, they stay too."""

    def __init__(self, server: Server) -> None:
        self._mailbox = server.mailbox
        self._ids: dict[object, int] = {}

    def check(self, rows: list[Row]) -> None:
        """No message that is still there has lost its row, or has another."""
        there = {self._key(row): row.item_id for row in rows}
        there.pop(None, None)
        for key in self._still_there() & self._ids.keys():
            assert there.get(key) == self._ids[key], f"{key} had the id {self._ids[key]}"
        self._ids |= {key: item_id for key, item_id in there.items() if key is not None}

    def _key(self, row: Row) -> object:
        folder = self._mailbox.folders.get(row.folder)
        lineage = folder and folder.known_as.get((row.uid_validity, row.uid))
        return None if lineage is None else self._name(lineage, row.folder, row.uid_validity)

    def _name(self, lineage: int, folder: str, uid_validity: int) -> object:
        """What nobody can tell from its like is another message under another UIDVALIDITY."""
        if self._mailbox.can_be_told(lineage):
            return lineage, folder
        return lineage, folder, uid_validity

    def _still_there(self) -> set[object]:
        return {
            self._name(message.lineage, name, folder.uid_validity)
            for name, folder in self._mailbox.folders.items()
            for message in folder.messages
        }


def play(service: Rig, server: Server, history: History) -> None:
    """Play a history through, then let it be quiet, and compare."""
    server.forgetful, server.expunge_issued = history.forgetful, history.expunge_issued
    world, ledger = World(server.mailbox), Ledger(server)
    account_id = service.account(server)
    for one in history.rounds:
        with server.lock:
            world.flapping = False
            for step in one.before:
                world.do(step)
        server.flapping = world.flapping
        server.faults.set(*map(world.fault, one.mishaps))
        service.sync(account_id)
        ledger.check(service.rows(account_id))
    server.faults.set()
    world.heal()
    server.flapping = False
    for _ in range(QUIET):
        service.clock.advance(timedelta(hours=2))
        report = service.sync(account_id)
        ledger.check(service.rows(account_id))
    assert report.error is None
    assert service.cached(account_id) == held(server.mailbox)
    server.commands.clear()
    report = service.sync(account_id)
    assert (report.error, report.new, report.changed, report.removed) == (None, 0, 0, 0)
    assert not [said for said in server.commands if "BODY.PEEK[]" in said]
    assert server.most <= MOST_CONNECTIONS


@pytest.mark.parametrize("offers", OFFERS)
def test_after_any_history_the_cache_equals_the_server(service: Rig, offers: str) -> None:
    play_many(service, offers, histories())


def play_many(service: Rig, offers: str, some: st.SearchStrategy[History]) -> None:
    """The share of all histories that falls to one kind of server."""

    @played
    @given(history=some)
    def play_one(history: History) -> None:
        with serving(OFFERS[offers]) as server:
            play(service, server, history)

    if HISTORIES <= USUAL:
        play_one = seed(zlib.crc32(offers.encode()))(play_one)
    play_one()
