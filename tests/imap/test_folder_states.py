"""The states of many folders at once: in one round trip, or each for itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services84.imap.connection import ImapConnection
from services84.imap.conversation import Conversation
from services84.imap.values import FolderStatus
from tests.support.dovecot import DovecotServer
from tests.support.mailboxes import append, message, quoted

NAMES = ["INBOX", "A/B/C", "Entw&APw-rfe", 'Say "hi"', "Smith, J"]


@pytest.fixture
def filled(dovecot: DovecotServer, user: str, connection: ImapConnection) -> ImapConnection:
    with dovecot.client(user) as client:
        for count, name in enumerate(NAMES):
            client.create(quoted(name))
            for number in range(count):
                append(client, name, message(number), "\\Seen" if number else "")
    return connection


def numbers(found: dict[str, FolderStatus]) -> dict[str, tuple[int, int]]:
    return {name: (status.messages, status.unseen) for name, status in found.items()}


@pytest.mark.parametrize("lacks", [frozenset(), frozenset({"LIST-STATUS"})])
def test_the_states_are_those_that_each_folder_has(
    filled: ImapConnection, monkeypatch: pytest.MonkeyPatch, lacks: frozenset[str]
) -> None:
    offered = filled.capabilities - lacks
    monkeypatch.setattr(Conversation, "capabilities", property(lambda self: offered))
    found = filled.statuses([*NAMES, "nowhere", "A/B", "INBOX"])
    assert numbers(found) == {name: (at, min(at, 1)) for at, name in enumerate(NAMES)}
    assert found["Smith, J"] == filled.status("Smith, J")
    assert filled.statuses([]) == {}


def test_few_folders_are_asked_for_by_name(filled: ImapConnection) -> None:
    assert numbers(filled.statuses(["A/B/C", "nowhere"])) == {"A/B/C": (1, 1)}


def test_the_open_folder_stays_open(filled: ImapConnection) -> None:
    filled.examine("A/B/C")
    filled.statuses(NAMES)
    assert len(filled.every_uid()) == 1


def test_a_list_without_states_has_none(filled: ImapConnection) -> None:
    with_states, without = filled.folders(), filled.folders(states=False)
    assert any(one.status for one in with_states)
    assert without == [replace(one, status=None) for one in with_states]
