"""What is done to syncs: death at every commit, death at random moments, cut connections.

Each function plays whole histories on a prepared `faults.Stage` and fills in its `Figures`.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.support import faults_mail
from tests.support.cutting import WAYS, Conversation, Cut, CuttingProxy
from tests.support.faults import Figures, History, Stage
from tests.support.faults import stage as new_stage
from tests.support.faults_databases import Copies, PostgresqlCopies, SqliteCopies
from tests.support.faults_mail import Changes

MOST_KILLS_IN_A_ROW = 8
CUTS_IN_A_ROW = 2  # a third one that met the same message singly would have it given up, rightly
FIRST_NEW = 100_000  # the numbers of messages that come later


def boundaries(count: int) -> list[tuple[str, int]]:
    """Before and after each of `count` commits."""
    return [(when, number) for number in range(1, count + 1) for when in ("before", "after")]


def die_at_commits(stage: Stage, figures: Figures, moments: Iterable[tuple[str, int]]) -> None:
    """A history for each moment: death there, and then to the end."""
    with _timed(figures):
        for moment in moments:
            history = History(stage, figures)
            if not history.live(deadly=moment).killed:
                figures.note(f"there was no commit {moment}")
            figures.boundaries += 1
            history.finish()


def die_at_commits_in_a_row(stage: Stage, figures: Figures) -> None:
    """One history: death before the first commit, in the next life after it, then after the
    second, and so on; each life gets further, until one ends before its death. What is stored
    after one commit is what is stored before the next."""
    with _timed(figures):
        history = History(stage, figures)
        number, moment = 0, ("before", 1)
        while history.live(deadly=moment).killed:
            number, moment = number + 1, ("after", number + 1)
            figures.boundaries += 1
        history.finish()


def kill_at_random(stage: Stage, figures: Figures, kills: int, draw: random.Random) -> None:
    """kill -9 at moments spread evenly over a sync; each next process goes on and is killed too,
    a few times, until one is faster than its end or is left to reach it."""
    with _timed(figures):
        while figures.deaths < kills:
            history = History(stage, figures)
            for _ in range(min(draw.randint(1, MOST_KILLS_IN_A_ROW), kills - figures.deaths)):
                life = history.live(kill_after=draw.uniform(0, stage.whole.seconds))
                if not life.killed:
                    if not life.done:
                        figures.note(f"a sync ended so: {life}")
                    break
            history.finish()


def kill_while_changing(
    stage: Stage, figures: Figures, kills: int, messages: int, draw: random.Random
) -> None:
    """One history in which another client changes the mailbox between any two lives."""
    prepare_first(stage, messages)
    with _timed(figures):
        history, number = History(stage, figures), FIRST_NEW
        while figures.deaths < kills:
            history.live(kill_after=draw.uniform(0, stage.whole.seconds), looked_at=False)
            history.look_at_ids()
            with stage.dovecot.client(stage.user) as client:
                faults_mail.change_a_little(client, draw, number)
            number += 100
        stage.set_goal()
        history.finish(history.look_at_ids)


def cut_at_random(
    stage: Stage,
    figures: Figures,
    proxy: CuttingProxy,
    whole: Conversation,
    cuts: int,
    draw: random.Random,
) -> None:
    """Connections cut at random bytes of a `whole` conversation; each next sync goes on."""
    with _timed(figures):
        while figures.cuts < cuts:
            history = History(stage, figures)
            for _ in range(CUTS_IN_A_ROW):
                cut = draw_cut(draw, whole)
                proxy.arm(cut)
                history.tell(f"{cut}")
                life = history.live()
                story = proxy.last
                figures.cuts += story.cut is not None
                figures.cuts_in_literals += story.in_literal
                if story.cut is None:
                    break
                if life.state != "completed":
                    figures.note(f"a cut sync did not end: {life}")
            proxy.arm(None)
            history.finish()


def draw_cut(draw: random.Random, whole: Conversation) -> Cut:
    """A cut anywhere; often at the edges of literals and in what we send, where bytes are few."""
    spans = whole.literals.spans
    how = draw.choice(WAYS)
    kind = draw.random()
    if kind < 0.1:
        return Cut("up", draw.randrange(1, whole.up), how)
    if kind < 0.2:
        return Cut("down", draw.choice(spans)[0], how)
    if kind < 0.3:
        return Cut("down", draw.choice(spans)[1], how)
    if kind < 0.4:
        at = draw.randrange(len(spans) - 1)
        return Cut("down", draw.randint(spans[at][1], spans[at + 1][0]), how)
    return Cut("down", draw.randrange(1, whole.down), how)


@contextlib.contextmanager
def _timed(figures: Figures) -> Iterator[None]:
    started = time.monotonic()
    try:
        yield
    finally:
        figures.seconds += time.monotonic() - started


# Preparing --------------------------------------------------------------------------------------


def prepare_first(stage: Stage, messages: int) -> None:
    """Histories begin at an empty cache of a mailbox of `messages`."""
    with stage.dovecot.client(stage.user) as client:
        faults_mail.fill(client, messages)
    stage.set_goal()


def prepare_incremental(stage: Stage, changes: Changes) -> None:
    """Histories begin at a full cache of a mailbox that has changed since."""
    prepare_first(stage, changes.messages)
    change(stage, changes)


def change(stage: Stage, changes: Changes) -> None:
    """The goal becomes the start, and the server changes."""
    stage.advance()
    with stage.dovecot.client(stage.user) as client:
        faults_mail.change(client, changes, FIRST_NEW)
    stage.set_goal()


@contextlib.contextmanager
def stage_on(
    request: pytest.FixtureRequest, kind: str, proxy: CuttingProxy | None = None
) -> Iterator[Stage]:
    """A stage on Dovecot and a database of `kind`, "sqlite" or "postgresql"."""
    dovecot = request.getfixturevalue("dovecot")
    server = request.getfixturevalue(kind if kind == "postgresql" else "sqlite_template")

    def copies(folder: Path) -> Copies:
        if kind == "postgresql":
            return PostgresqlCopies(server)
        return SqliteCopies(folder, server)

    with new_stage(dovecot, copies, None if proxy is None else proxy.port) as made:
        yield made


# Judging ----------------------------------------------------------------------------------------


def assert_nothing_wrong(figures: Figures) -> None:
    """Nothing was found at any moment, nothing lost or doubled, no id of mail that stayed changed."""
    assert not figures.findings, "\n".join([f"{figures.wrong} findings", *figures.findings])
    assert (figures.lost, figures.doubled, figures.ids_changed) == (0, 0, 0)


def assert_moved_mail_kept_its_ids(figures: Figures) -> None:
    """Messages that another client moved between folders have the ids that they had before."""
    assert figures.moved
    assert figures.moved_ids_changed == 0, (
        f"{figures.moved_ids_changed} of {figures.moved} messages that were moved have new ids"
    )
