"""Syncs that die at a chosen or random moment, and go on: the harness.

A `Stage` has one mailbox on a real mail server and one kind of database. It keeps two states of
the cache, `start` and `goal`, and every `History` begins at a copy of `start`, dies some times and
has to end at `goal`. What must hold of the cache is looked at after every death. What kills, and
how often, is the tests' matter.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services84.store.database import Database
from services84.store.values import AccountStatus
from tests.support import faults_state
from tests.support.dovecot import DovecotServer
from tests.support.faults_databases import Copies
from tests.support.faults_nursery import Life, Nursery
from tests.support.faults_state import Cached
from tests.support.mailboxes import cache_view, save_account, server_view
from tests.support.postgresql import _memory
from tests.support.service import running_service

MAIL_PASSWORD = "mail-secret-84"
# Between two lives passes more than a lease's life, a backoff, and the pause before a message that
# was not given is asked for again; by the clock that a process is given, so that nobody waits.
BETWEEN_LIVES = 2 * 3600.0


# Stages -----------------------------------------------------------------------------------------


@dataclass
class Figures:
    """What was done and found; a line of the table."""

    what: str
    database: str
    seed: int = 0
    histories: int = 0
    deaths: int = 0
    resumed: int = 0
    cuts: int = 0
    cuts_in_literals: int = 0
    boundaries: int = 0
    lost: int = 0
    doubled: int = 0
    wrong: int = 0
    ids_changed: int = 0
    moved: int = 0
    moved_ids_changed: int = 0
    seconds: float = 0.0
    findings: list[str] = field(default_factory=list)

    def note(self, finding: str) -> None:
        """Keep a finding, of which the first ones are shown."""
        self.wrong += 1
        if len(self.findings) < 20:
            self.findings.append(finding)


@dataclass(frozen=True)
class State:
    """A state of the cache to begin at: a database that is copied, and what it holds."""

    url: str
    cached: Cached


class Stage:
    """One mailbox of `user` and one kind of database, with the account that syncs it.

    `port` is where the account finds the mail server: Dovecot's own, or a proxy's.
    """

    def __init__(
        self, folder: Path, dovecot: DovecotServer, copies: Copies, port: int | None = None
    ) -> None:
        self.folder = folder
        self.dovecot = dovecot
        self.copies = copies
        self.user = dovecot.add_user(f"faults-{folder.name}", MAIL_PASSWORD)
        self.nursery = Nursery(folder)
        self.batch = 20
        self._ahead = 0.0
        url = copies.fresh()
        with running_service(folder, url) as service:
            _, ticket = service.associate("anna")
            self.account_id = save_account(
                service, ticket, self.user, MAIL_PASSWORD, port or dovecot.port_plain
            )
        self.start = State(url, self.read(url))
        self.goal = self.start.cached
        self.whole = Life(0)

    def close(self) -> None:
        self.nursery.close()

    def read(self, url: str) -> Cached:
        """What the database of `url` holds now."""
        database = Database(url, pool_size=2)
        try:
            return faults_state.read(database, self.account_id)
        finally:
            database.close()

    def live(self, url: str, **fault: Any) -> Life:
        """One process on this database, a while after the one before."""
        self._ahead += BETWEEN_LIVES
        return self.nursery.live(
            database_url=url,
            key_file=str(self.folder / "test.key"),
            account=self.account_id,
            ahead=self._ahead,
            batch=self.batch,
            **fault,
        )

    def set_goal(self) -> None:
        """Sync without a fault from `start`: what comes out is what every history must end at.

        It is compared with what the server says, through another client.
        """
        url = self.copies.copy(self.start.url)
        self.whole = self.live(url)
        assert self.whole.done, self.whole
        self.goal = self.read(url)
        assert not self.goal.torn
        with self.dovecot.client(self.user) as client, running_service(self.folder, url) as service:
            assert cache_view(service, self.account_id) == server_view(client)
        self._goal_url = url

    def advance(self) -> None:
        """Begin at what was the goal: the server is about to change."""
        self.start = State(self._goal_url, self.goal)


class History:
    """Lives on one copy of a stage's start, one after the other, until the goal is reached."""

    def __init__(self, stage: Stage, figures: Figures) -> None:
        self._stage = stage
        self._figures = figures
        self._seen = stage.start.cached
        self.url = stage.copies.copy(stage.start.url)
        self.deaths = 0
        self._ids: dict[str, int] = {}
        self._telling = ""
        figures.histories += 1

    def tell(self, what: str) -> None:
        """Add to what findings say of the history."""
        self._telling += f" → {what}"

    def live(self, *, looked_at: bool = True, **fault: Any) -> Life:
        """One more life; unless told otherwise, the cache is looked at after it, however it
        ended."""
        self.tell(f"{fault}" if fault else "undisturbed by us")
        if self.deaths:
            self._figures.resumed += 1
        life = self._stage.live(self.url, **fault)
        if life.killed or life.error:
            self.deaths += 1
            self._figures.deaths += 1
        if looked_at:
            self._look()
        return life

    def _look(self) -> None:
        cached = self._stage.read(self.url)
        for problem in faults_state.broken(cached, self._stage.start.cached, self._stage.goal):
            self._note(problem)
        self._compare_ids(self._seen, cached)
        self._seen = cached

    def look_at_ids(self) -> None:
        """Look at single rows and at ids alone: the server's state is not known."""
        cached = self._stage.read(self.url)
        for problem in cached.torn:
            self._note(problem)
        for message, item_id in cached.ids.items():
            first = self._ids.setdefault(message, item_id)
            if item_id != first:
                self._figures.ids_changed += 1
                self._note(f"the id of {message} was {first} and is {item_id}")
        self._seen = cached

    def _compare_ids(self, old: Cached, new: Cached) -> faults_state.Ids:
        ids = faults_state.compare_ids(old, new)
        self._figures.ids_changed += len(ids.changed)
        for message, (one, other) in ids.changed.items():
            self._note(f"the id of {message} was {one} and is {other}")
        return ids

    def finish(self, look: Callable[[], None] | None = None) -> None:
        """Sync to the end without a fault, `look` once more, and compare the end with the goal."""
        life = self.live()
        if not life.done:
            self._note(f"the last sync ended so: {life}")
        if look is not None:
            look()
        self.check_the_end()

    def check_the_end(self) -> None:
        """The cache is what an uninterrupted sync makes of it; then the copy is removed."""
        cached, goal, figures = self._seen, self._stage.goal, self._figures
        lost, doubled = faults_state.lost_and_doubled(cached, goal)
        figures.lost += lost
        figures.doubled += doubled
        if cached.content() != goal.content():
            self._note(f"the end differs, {lost} lost, {doubled} doubled: {_differs(cached, goal)}")
        for one in cached.left_behind:
            self._note(f"left behind: {one}")
        if cached.status is not AccountStatus.OK:
            self._note(f"the account is {cached.status.name}")
        ids = self._compare_ids(self._stage.start.cached, cached)
        figures.moved += ids.moved
        figures.moved_ids_changed += len(ids.moved_changed)
        self._stage.copies.drop(self.url)

    def _note(self, problem: str) -> None:
        self._figures.note(f"{problem}; history:{self._telling}")


def _differs(cached: Cached, goal: Cached) -> str:
    ours, theirs = cached.content(), goal.content()
    keys = sorted(key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key))
    return "; ".join(f"{key}: {_row(ours, key)} instead of {_row(theirs, key)}" for key in keys[:3])


def _row(content: dict[str, Any], key: str) -> str:
    value = content.get(key)
    return repr(value[0]) if isinstance(value, tuple) else repr(value)


@contextlib.contextmanager
def stage(
    dovecot: DovecotServer, make_copies: Callable[[Path], Copies], port: int | None = None
) -> Iterator[Stage]:
    """A stage in a folder of its own; removed at the end."""
    # In memory where that is possible: a process that dies loses nothing that it has written.
    folder = Path(tempfile.mkdtemp(prefix="services84-faults-", dir=_memory()))
    made = Stage(folder, dovecot, make_copies(folder), port)
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(folder, ignore_errors=True)
