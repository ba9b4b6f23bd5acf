"""How many random histories are played, and which.

SERVICES84_MODEL_HISTORIES is how many (100), and some more of moves; above the usual number they
are others in every run.
"""

from __future__ import annotations

import math
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

played = settings(
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
    *,
    share: float = 1.0,
) -> None:
    """Play `share` of all histories, as far as it falls to one kind of server."""

    @settings(played, max_examples=math.ceil(HISTORIES * share / len(OFFERS)))
    @given(history=some)
    def play_one(history: History) -> None:
        with serving(OFFERS[offers]) as server:
            play(service, server, history)

    if HISTORIES <= USUAL:
        play_one = seed(zlib.crc32(offers.encode()))(play_one)
    play_one()
