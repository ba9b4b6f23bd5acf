"""Random histories of a mailbox: after each, a sync makes the cache equal to the server.

Each way of learning of changes is tried on the same real server, by hiding what it offers.
"""

from __future__ import annotations

import imaplib
import random
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from services84.imap.connection import ImapConnection
from services84.imap.values import Inquiry, Surveyed
from services84.sync import mailbox
from tests.support.mailboxes import append, cache_view, message, quoted, server_view
from tests.sync.conftest import Scene

ROUNDS = 12
WAYS = {
    "qresync": frozenset[str](),
    "condstore": frozenset({"QRESYNC"}),
    "condstore, no lists of UIDs": frozenset({"QRESYNC", "ESEARCH"}),
    "qresync, no states in the list": frozenset({"LIST-STATUS"}),
    "condstore, no states in the list": frozenset({"QRESYNC", "LIST-STATUS"}),
    "neither": frozenset({"QRESYNC", "CONDSTORE", "LIST-STATUS"}),
    "nothing at all": frozenset(
        {"QRESYNC", "CONDSTORE", "LIST-STATUS", "LIST-EXTENDED", "ESEARCH", "SPECIAL-USE"}
    ),
}


def hide(monkeypatch: pytest.MonkeyPatch, hidden: frozenset[str]) -> None:
    """Make every connection believe that its server does not offer these."""
    original = mailbox.connect

    def connect(*arguments: Any, **options: Any) -> ImapConnection:
        connection = original(*arguments, **options)
        connection._session.capabilities -= hidden
        return connection

    monkeypatch.setattr(mailbox, "connect", connect)


class Customer:
    """Does to a mailbox what people and programs do, at random."""

    def __init__(self, client: imaplib.IMAP4, draw: random.Random) -> None:
        self.client = client
        self.draw = draw
        self.folders = ["INBOX"]
        self.number = 0
        rare = [self.expunge, self.move, self.make_folder, self.drop_folder]
        self.habits = [*rare, *2 * [self.receive, self.flag]]

    def act(self) -> None:
        """One to eight things in a row."""
        for _ in range(self.draw.randint(1, 8)):
            self.draw.choice(self.habits)()

    def receive(self) -> None:
        for _ in range(self.draw.randint(1, 3)):
            self.number += 1
            flags = self.draw.choice(["", "\\Seen", "\\Flagged $Later"])
            append(self.client, self.draw.choice(self.folders), message(self.number), flags)

    def some(self) -> tuple[str, str] | None:
        """A folder, selected, with a few of its UIDs."""
        folder = self.draw.choice(self.folders)
        self.client.select(quoted(folder))
        uids = self.client.uid("SEARCH", "ALL")[1][0].split()
        if not uids:
            return None
        chosen = self.draw.sample(uids, self.draw.randint(1, min(4, len(uids))))
        return folder, b",".join(chosen).decode()

    def flag(self) -> None:
        if found := self.some():
            sign = self.draw.choice("+-")
            name = self.draw.choice(["\\Seen", "\\Answered", "\\Deleted", "$Work"])
            self.client.uid("STORE", found[1], f"{sign}FLAGS", f"({name})")

    def expunge(self) -> None:
        if found := self.some():
            self.client.uid("STORE", found[1], "+FLAGS", "(\\Deleted)")
            self.client.uid("EXPUNGE", found[1])

    def move(self) -> None:
        if found := self.some():
            target = self.draw.choice(self.folders)
            if target != found[0]:
                self.client.uid("MOVE", found[1], quoted(target))

    def make_folder(self) -> None:
        if len(self.folders) < 5:
            self.number += 1
            name = f"Box {self.number}"
            self.client.create(quoted(name))
            self.folders.append(name)

    def drop_folder(self) -> None:
        if len(self.folders) > 2:
            name = self.folders.pop()
            self.client.select("INBOX")  # an open folder cannot be deleted
            self.client.delete(quoted(name))
            if self.draw.random() < 0.5:  # and make it anew, empty
                self.client.create(quoted(name))
                self.folders.append(name)


@pytest.mark.parametrize("way", WAYS)
def test_after_any_history_the_cache_equals_the_server(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    hide(monkeypatch, WAYS[way])
    with scene.client() as client:
        customer = Customer(client, random.Random(way))
        for _ in range(ROUNDS):
            customer.act()
            if client.state == "SELECTED":
                client.unselect()
            scene.sync()
            assert cache_view(scene.service, scene.account_id) == server_view(client)


def test_what_has_not_changed_costs_one_question(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scene.client() as client:
        for number in range(30):
            client.create(quoted(f"Box {number}"))
            append(client, f"Box {number}", message(number))
    scene.sync()
    opened: list[str] = []
    original = ImapConnection.examine

    def examine(self: ImapConnection, name: str, *since: Any) -> Any:
        opened.append(name)
        return original(self, name, *since)

    surveying = ImapConnection.survey

    def survey(self: ImapConnection, inquiries: Iterable[Inquiry]) -> Iterator[Surveyed]:
        asked = list(inquiries)
        opened.extend(one.server_name for one in asked)
        return surveying(self, asked)

    monkeypatch.setattr(ImapConnection, "examine", examine)
    monkeypatch.setattr(ImapConnection, "survey", survey)
    scene.sync()
    assert opened == []
    with scene.client() as client:
        append(client, "Box 7", message(1000))
    assert scene.sync()["Sync.New"] == "1"
    assert opened == ["Box 7"]
