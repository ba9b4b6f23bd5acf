"""How many random histories are played, and which.

SERVICES84_MODEL_HISTORIES is how many a test plays (100); above the usual number they are others
in every run.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.model.history import OFFERS, History
from tests.model.rig import Rig
from tests.support.imapmodel.server import Server, serving

USUAL = 100
HISTORIES = int(os.environ.get("SERVICES84_MODEL_HISTORIES", USUAL))
EACH = -(-HISTORIES // len(OFFERS))

played = settings(
    max_examples=EACH,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def play_many(
    service: Rig,
    offers: str,
    some: st.SearchStrategy[History],
    play: Callable[[Rig, Server, History], None],
) -> None:
    """Play the share of all histories that falls to one kind of server."""

    @played
    @given(history=some)
    def play_one(history: History) -> None:
        with serving(OFFERS[offers]) as server:
            play(service, server, history)

    if HISTORIES <= USUAL:
        play_one = seed(zlib.crc32(offers.encode()))(play_one)
    play_one()
