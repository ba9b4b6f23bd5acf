"""Turns in mailboxes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

import pytest

from services84.errors import MailServerBusy
from services84.store.database import Database
from services84.store.service_leases import ServiceLeases
from services84.sync.turns import TURN_SECONDS, MailboxTurns

NOW = datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture
def leases(tmp_path: Path) -> Iterator[ServiceLeases]:
    database = Database(f"sqlite:///{tmp_path / 'turns.sqlite3'}")
    database.migrate()
    yield ServiceLeases(database)
    database.close()


def turns(leases: ServiceLeases, moment: datetime = NOW, wait: float = 0.2) -> MailboxTurns:
    return MailboxTurns(leases, lambda: moment, "one process", wait_seconds=wait)


def test_a_mailbox_has_one_turn_whoever_asks(leases: ServiceLeases) -> None:
    with turns(leases).taken("mail.example.com", "anna"):
        again = turns(leases).taken("MAIL.example.com", "anna")
        with pytest.raises(MailServerBusy, match="another call"), again:
            pass
        with turns(leases).taken("mail.example.com", "bob"):
            pass
        with turns(leases).taken("other.example.com", "anna"):
            pass
    with turns(leases).taken("mail.example.com", "anna"):
        pass


def test_a_turn_comes_when_the_one_before_is_over(leases: ServiceLeases) -> None:
    began, order = Event(), list[str]()

    def second() -> None:
        began.set()
        with turns(leases, wait=20).taken("mail.example.com", "anna"):
            order.append("second")

    with turns(leases).taken("mail.example.com", "anna"):
        waiting = Thread(target=second)
        waiting.start()
        assert began.wait(20)
        order.append("first")
    waiting.join(20)
    assert order == ["first", "second"]


def test_the_turn_of_a_process_that_died_ends(leases: ServiceLeases) -> None:
    later = NOW + timedelta(seconds=TURN_SECONDS + 1)
    dead = turns(leases).taken("mail.example.com", "anna")
    with dead, turns(leases, later).taken("mail.example.com", "anna"):
        pass
