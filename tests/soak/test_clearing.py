"""Received mail leaves its server while the process is killed: at every commit, and at random.

No message may be lost; see docs/soak.md.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.soak.conftest import scaled
from tests.support import clearing
from tests.support.clearing import ClearedMailbox
from tests.support.faults import Figures

KILLS = scaled(50)


@pytest.fixture
def mailbox(request: pytest.FixtureRequest, kind: str) -> Iterator[ClearedMailbox]:
    with clearing.cleared_mailbox(request, kind) as made:
        yield made


def test_clearing_killed(mailbox: ClearedMailbox, figures: Figures, draw: random.Random) -> None:
    clearing.kill_while_clearing(mailbox, figures, KILLS, draw)
    assert figures.deaths == KILLS
    assert not figures.findings, figures.findings


def test_clearing_died_at_every_commit(mailbox: ClearedMailbox, figures: Figures) -> None:
    clearing.die_at_every_commit(mailbox, figures)
    assert figures.boundaries > 12
    assert not figures.findings, figures.findings
