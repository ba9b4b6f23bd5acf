"""Syncs killed, cut off and ended at every commit, hundreds of times, on both databases.

Nothing may be lost, doubled or renumbered, at the end or on the way; see docs/soak.md.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.soak.conftest import scaled
from tests.support import faults_scenes as scenes
from tests.support.cutting import Conversation, CuttingProxy
from tests.support.faults import Figures, Stage
from tests.support.faults_mail import Changes

SMALL = Changes(flags=48, moves=48, expunges=24, new=24)
LARGE = Changes(
    flags=scaled(1000, 8), moves=scaled(500, 8), expunges=scaled(500, 4), new=scaled(40)
)
KILLS, KILLS_INCREMENTAL = scaled(300), scaled(100)
KILLS_CHANGING = scaled(100)
CUTS, CUTS_INCREMENTAL = scaled(130), scaled(70)
MESSAGES = 400  # of a first sync that is killed or cut


@pytest.fixture(scope="module")
def first(request: pytest.FixtureRequest, kind: str) -> Iterator[Stage]:
    """Nothing is in the cache yet."""
    with scenes.stage_on(request, kind) as stage:
        scenes.prepare_first(stage, MESSAGES)
        yield stage


@pytest.fixture(scope="module")
def small(request: pytest.FixtureRequest, kind: str) -> Iterator[Stage]:
    """A first sync of few messages in many commits."""
    with scenes.stage_on(request, kind) as stage:
        stage.batch = 10
        scenes.prepare_first(stage, SMALL.messages)
        yield stage


@pytest.fixture(scope="module")
def small_incremental(request: pytest.FixtureRequest, kind: str) -> Iterator[Stage]:
    """An incremental one."""
    with scenes.stage_on(request, kind) as stage:
        stage.batch = 5
        scenes.prepare_incremental(stage, SMALL)
        yield stage


@pytest.fixture(scope="module")
def large_incremental(request: pytest.FixtureRequest, kind: str) -> Iterator[Stage]:
    """An incremental sync of a thousand changed flags, 500 moves and 500 expunges."""
    with scenes.stage_on(request, kind) as stage:
        scenes.prepare_incremental(stage, LARGE)
        yield stage


def test_first_sync_died_at_every_commit(small: Stage, figures: Figures) -> None:
    moments = scenes.boundaries(len(small.whole.commits))
    scenes.die_at_commits(small, figures, moments)
    assert figures.deaths == len(moments)
    scenes.assert_nothing_wrong(figures)


def test_incremental_sync_died_at_every_commit(small_incremental: Stage, figures: Figures) -> None:
    moments = scenes.boundaries(len(small_incremental.whole.commits))
    scenes.die_at_commits(small_incremental, figures, moments)
    assert figures.deaths == len(moments)
    scenes.assert_nothing_wrong(figures)
    scenes.assert_moved_mail_kept_its_ids(figures)


def test_first_sync_killed(first: Stage, figures: Figures, draw: random.Random) -> None:
    scenes.kill_at_random(first, figures, KILLS, draw)
    assert figures.deaths == KILLS
    scenes.assert_nothing_wrong(figures)


def test_incremental_sync_killed(
    large_incremental: Stage, figures: Figures, draw: random.Random
) -> None:
    scenes.kill_at_random(large_incremental, figures, KILLS_INCREMENTAL, draw)
    assert figures.deaths == KILLS_INCREMENTAL
    scenes.assert_nothing_wrong(figures)
    scenes.assert_moved_mail_kept_its_ids(figures)


def test_mailbox_changed_between_kills(
    request: pytest.FixtureRequest, kind: str, figures: Figures, draw: random.Random
) -> None:
    with scenes.stage_on(request, kind) as stage:
        scenes.kill_while_changing(stage, figures, KILLS_CHANGING, MESSAGES // 2, draw)
    scenes.assert_nothing_wrong(figures)


def test_first_sync_cut(
    request: pytest.FixtureRequest,
    kind: str,
    proxy: CuttingProxy,
    figures: Figures,
    draw: random.Random,
) -> None:
    with scenes.stage_on(request, kind, proxy) as stage:
        scenes.prepare_first(stage, MESSAGES // 2)
        scenes.cut_at_random(stage, figures, proxy, whole(stage, proxy), CUTS, draw)
    assert figures.cuts_in_literals
    scenes.assert_nothing_wrong(figures)


def test_incremental_sync_cut(
    request: pytest.FixtureRequest,
    kind: str,
    proxy: CuttingProxy,
    figures: Figures,
    draw: random.Random,
) -> None:
    with scenes.stage_on(request, kind, proxy) as stage:
        stage.batch = 5
        scenes.prepare_incremental(stage, SMALL)
        scenes.cut_at_random(stage, figures, proxy, whole(stage, proxy), CUTS_INCREMENTAL, draw)
    assert figures.cuts_in_literals
    scenes.assert_nothing_wrong(figures)
    scenes.assert_moved_mail_kept_its_ids(figures)


def whole(stage: Stage, proxy: CuttingProxy) -> Conversation:
    """What passes the proxy in a sync that nothing disturbs."""
    proxy.arm(None)
    stage.set_goal()
    return proxy.last
