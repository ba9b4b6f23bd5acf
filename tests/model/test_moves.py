"""Messages that are moved, and those of renamed folders, keep their item ids."""

from __future__ import annotations

import pytest

from tests.model.history import OFFERS, History, World, moves
from tests.model.ledger import Journeys
from tests.model.playing import play_many
from tests.model.rig import Rig, held
from tests.support.imapmodel.server import Server


def play(service: Rig, server: Server, history: History) -> None:
    """Play a history in which nothing goes wrong; after every sync all is level."""
    server.forgetful = history.forgetful
    world, journeys = World(server.mailbox), Journeys(server.mailbox)
    world.heal()
    account_id = service.account(server)
    for one in history.rounds:
        for step in one.before:
            world.do(step)
        world.heal()
        assert service.sync(account_id).error is None
        assert service.cached(account_id) == held(server.mailbox)
        journeys.check(service.rows(account_id))


@pytest.mark.parametrize("offers", OFFERS)
def test_a_message_keeps_its_id_wherever_it_goes(service: Rig, offers: str) -> None:
    play_many(service, offers, moves(), play, share=0.3)
