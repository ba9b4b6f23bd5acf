"""DeleteOnReceive under kill -9: a mailbox whose mail may never be nowhere.

A mailbox gets new mail between any two lives of the process that syncs it. Whatever the moment of
death, every message that was ever delivered has to be on the server, or in the cache byte for byte
and to be seen there; when a sync has come to its end, in the cache, once, and no more on the server.
"""

from __future__ import annotations

import contextlib
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services84.store.database import Database
from services84.store.folders import FolderStore
from services84.store.items import ItemStore
from tests.support.dovecot import DovecotServer
from tests.support.faults import BETWEEN_LIVES, MAIL_PASSWORD, Figures
from tests.support.faults_databases import Copies, PostgresqlCopies, SqliteCopies
from tests.support.faults_nursery import Life, Nursery
from tests.support.mailboxes import append, message, save_account
from tests.support.options import CLEAR, set_options
from tests.support.postgresql import _memory
from tests.support.service import running_service

BATCH = 5  # messages a commit, so that there are many moments


class ClearedMailbox:
    """One mailbox that is cleared, with the account that syncs it and all that was delivered."""

    def __init__(self, folder: Path, dovecot: DovecotServer, copies: Copies) -> None:
        self._folder = folder
        self._dovecot = dovecot
        self._url = copies.fresh()
        self._user = dovecot.add_user(f"cleared-{folder.name}", MAIL_PASSWORD)
        self._nursery = Nursery(folder)
        self._ahead = 0.0
        self.delivered: list[bytes] = []
        with running_service(folder, self._url) as service:
            _, ticket = service.associate("anna")
            self._account_id = save_account(
                service, ticket, self._user, MAIL_PASSWORD, dovecot.port_plain
            )
            set_options(service, self._account_id, deletion_policy=CLEAR)

    def close(self) -> None:
        self._nursery.close()

    def deliver(self, count: int) -> None:
        """New mail, some of it alike but for a line of its text."""
        first = len(self.delivered)
        with self._dovecot.client(self._user) as client:
            for number in range(first, first + count):
                content = message(number // 2) + b"Copy %d\r\n" % number
                append(client, "INBOX", content, "\\Seen" if number % 3 else "")
                self.delivered.append(content)

    def live(self, **fault: Any) -> Life:
        """One process, a while after the one before; `kill_after` seconds, or `deadly`."""
        self._ahead += BETWEEN_LIVES
        return self._nursery.live(
            database_url=self._url,
            key_file=str(self._folder / "test.key"),
            account=self._account_id,
            ahead=self._ahead,
            batch=BATCH,
            **fault,
        )

    def on_server(self) -> list[bytes]:
        """The messages that another client sees in INBOX."""
        with self._dovecot.client(self._user) as client:
            client.select("INBOX", readonly=True)
            answer = client.uid("FETCH", "1:*", "(BODY.PEEK[])")[1]
            return [part[1] for part in answer if isinstance(part, tuple)]

    def in_cache(self) -> list[bytes]:
        """The messages that people see in the cache's INBOX, byte for byte."""
        database = Database(self._url, pool_size=2)
        try:
            folders, items = FolderStore(database), ItemStore(database)
            return [
                items.source(item.item_id) or b""
                for folder in folders.list(self._account_id)
                for item in items.list(folder.folder_id, limit=100_000)
            ]
        finally:
            database.close()

    def lost(self) -> int:
        """How many of the delivered messages are nowhere."""
        there = self.in_cache()  # first: what goes from the server in between is nothing's loss
        known = set(there) | set(self.on_server())
        return sum(one not in known for one in self.delivered)

    def problems_at_the_end(self) -> list[str]:
        """What is not as it has to be when a sync has come to its end."""
        wanted, cached = Counter(self.delivered), Counter(self.in_cache())
        found = []
        if wanted - cached:
            found.append(f"{(wanted - cached).total()} messages are not in the cache")
        if cached - wanted:
            found.append(f"{(cached - wanted).total()} messages too many are in the cache")
        if left := self.on_server():
            found.append(f"{len(left)} messages are still on the server")
        return found


def kill_while_clearing(
    mailbox: ClearedMailbox, figures: Figures, kills: int, draw: random.Random
) -> None:
    """kill -9 at random moments of syncs that clear, with new mail between any two of them; every
    few lives one may come to its end. What is lost or wrong is noted."""
    mailbox.deliver(30)
    whole = mailbox.live()
    assert whole.done, whole
    seconds = whole.seconds
    while figures.deaths < kills:
        mailbox.deliver(draw.randint(5, 25))
        for _ in range(draw.randint(1, 4)):
            life = mailbox.live(kill_after=draw.uniform(0.0, seconds))
            figures.deaths += life.killed
            _look(mailbox, figures)
            if not life.killed or figures.deaths >= kills:
                break
        _finish(mailbox, figures)


def die_at_every_commit(mailbox: ClearedMailbox, figures: Figures) -> None:
    """Death before and after each commit of a sync that receives and clears, one after the other;
    each time with new mail."""
    mailbox.deliver(12)
    assert mailbox.live().done
    mailbox.deliver(12)
    number = 0
    killed = True
    while killed:
        number += 1
        for when in ("before", "after"):
            killed = mailbox.live(deadly=(when, number)).killed
            figures.boundaries += killed
            _look(mailbox, figures)
            _finish(mailbox, figures)
            mailbox.deliver(12)


def _look(mailbox: ClearedMailbox, figures: Figures) -> None:
    lost = mailbox.lost()
    if lost:
        figures.lost += lost
        figures.note(f"after {figures.deaths} deaths {lost} messages are nowhere")


def _finish(mailbox: ClearedMailbox, figures: Figures) -> None:
    life = mailbox.live()
    if not life.done:
        figures.note(f"a sync ended so: {life}")
    figures.histories += 1
    figures.resumed += 1
    for problem in mailbox.problems_at_the_end():
        figures.note(f"after {figures.deaths} deaths: {problem}")


@contextlib.contextmanager
def cleared_mailbox(request: pytest.FixtureRequest, kind: str) -> Iterator[ClearedMailbox]:
    """A mailbox on Dovecot and a database of `kind`, "sqlite" or "postgresql"."""
    dovecot = request.getfixturevalue("dovecot")
    server = request.getfixturevalue(kind if kind == "postgresql" else "sqlite_template")
    folder = Path(tempfile.mkdtemp(prefix="services84-cleared-", dir=_memory()))
    copies = PostgresqlCopies(server) if kind == "postgresql" else SqliteCopies(folder, server)
    made = ClearedMailbox(folder, dovecot, copies)
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(folder, ignore_errors=True)
