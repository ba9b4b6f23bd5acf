"""After any history of a mailbox and of mishaps, the cache equals the server once it is quiet.

Messages that stay where they are keep their item ids all the while.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.model.history import OFFERS, History, World, histories
from tests.model.ledger import Ledger
from tests.model.playing import play_many
from tests.model.rig import Rig, held
from tests.support.imapmodel.server import Server

QUIET = 3  # syncs after the last mishap until the cache has to be level
MOST_CONNECTIONS = 2  # of one account


def play(service: Rig, server: Server, history: History) -> None:
    """Play a history through, then let it be quiet, and compare."""
    server.forgetful, server.expunge_issued = history.forgetful, history.expunge_issued
    world, ledger = World(server.mailbox), Ledger(server.mailbox)
    account_id = service.account(server)
    for one in history.rounds:
        with server.lock:
            world.flapping = False
            for step in one.before:
                world.do(step)
        server.flapping = world.flapping
        server.faults.set(*world.faults(one.mishaps))
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
    play_many(service, offers, histories(), play)
