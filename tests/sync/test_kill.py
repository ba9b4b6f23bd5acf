"""A sync that dies at a commit, by kill -9 or with its connection, goes on and ends complete.

Short forms of what `make soak` does at length; see docs/soak.md.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.support import faults_scenes as scenes
from tests.support.cutting import Conversation, CuttingProxy, cutting_proxy
from tests.support.dovecot import DovecotServer
from tests.support.faults import Figures, Stage
from tests.support.faults_mail import Changes

BATCH = 6  # messages
MESSAGES = 48
CHANGES = Changes(flags=16, moves=16, expunges=8, new=8)
KILLS, KILLS_INCREMENTAL, CUTS = 20, 5, 3
SEED = 84


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def proxy(dovecot: DovecotServer) -> Iterator[CuttingProxy]:
    with cutting_proxy(dovecot.port_plain) as running:
        yield running


@pytest.fixture(scope="module")
def first(request: pytest.FixtureRequest, kind: str, proxy: CuttingProxy) -> Iterator[Stage]:
    """Nothing is in the cache yet."""
    with scenes.stage_on(request, kind, proxy) as stage:
        stage.batch = BATCH
        scenes.prepare_first(stage, MESSAGES)
        yield stage


@pytest.fixture(scope="module")
def incremental(request: pytest.FixtureRequest, kind: str) -> Iterator[Stage]:
    """The cache is whole, and the mailbox has changed since."""
    with scenes.stage_on(request, kind) as stage:
        stage.batch = BATCH
        scenes.prepare_incremental(stage, CHANGES)
        yield stage


def test_a_first_sync_that_is_killed_again_and_again_ends_complete(first: Stage) -> None:
    figures = Figures("first sync, kill -9", "")
    scenes.kill_at_random(first, figures, KILLS, random.Random(SEED))
    assert figures.deaths == KILLS
    scenes.assert_nothing_wrong(figures)


def test_a_first_sync_that_dies_at_one_commit_after_the_other_ends_complete(first: Stage) -> None:
    figures = Figures("first sync, at commits", "")
    # There are a slot, a lease and folders to begin with, batches, and a run and a slot to end.
    assert len(first.whole.commits) >= MESSAGES // BATCH + 5
    scenes.die_at_commits_in_a_row(first, figures)
    assert figures.boundaries > 6
    scenes.assert_nothing_wrong(figures)


def test_an_incremental_sync_that_is_killed_ends_complete(incremental: Stage) -> None:
    figures = Figures("incremental sync, kill -9", "")
    scenes.kill_at_random(incremental, figures, KILLS_INCREMENTAL, random.Random(SEED))
    scenes.assert_nothing_wrong(figures)
    scenes.assert_moved_mail_kept_its_ids(figures)


def test_an_incremental_sync_that_dies_at_one_commit_after_the_other_ends_complete(
    incremental: Stage,
) -> None:
    figures = Figures("incremental sync, at commits", "")
    scenes.die_at_commits_in_a_row(incremental, figures)
    assert figures.boundaries > 6
    scenes.assert_nothing_wrong(figures)


def test_a_sync_whose_connection_is_cut_anywhere_goes_on(first: Stage, proxy: CuttingProxy) -> None:
    figures = Figures("first sync, cut", "")
    scenes.cut_at_random(first, figures, proxy, whole(first, proxy), CUTS, random.Random(SEED))
    assert figures.cuts_in_literals
    scenes.assert_nothing_wrong(figures)


def whole(stage: Stage, proxy: CuttingProxy) -> Conversation:
    """What passes the proxy in a sync that nothing disturbs."""
    proxy.arm(None)
    stage.set_goal()
    return proxy.last
