"""DeleteOnReceive and kill -9: no message is ever nowhere, none is there twice.

A short form of what `make soak` does at length; see docs/soak.md.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.support import clearing
from tests.support.clearing import ClearedMailbox
from tests.support.faults import Figures

KILLS = 5
SEED = 84


@pytest.fixture(params=["sqlite", "postgresql"])
def mailbox(request: pytest.FixtureRequest) -> Iterator[ClearedMailbox]:
    with clearing.cleared_mailbox(request, request.param) as made:
        yield made


def test_no_message_is_lost_when_syncs_are_killed(mailbox: ClearedMailbox) -> None:
    figures = Figures("clearing, kill -9", "")
    clearing.kill_while_clearing(mailbox, figures, KILLS, random.Random(SEED))
    assert figures.deaths == KILLS
    assert not figures.findings, figures.findings


def test_a_message_that_is_nowhere_is_found_out(mailbox: ClearedMailbox) -> None:
    mailbox.deliver(3)
    mailbox.delivered.append(b"was never there")
    assert mailbox.lost() == 1
    assert mailbox.live().done
    assert mailbox.problems_at_the_end() == ["1 messages are not in the cache"]
