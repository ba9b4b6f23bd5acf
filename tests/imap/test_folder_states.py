"""The states of many folders at once: in one round trip, or each for itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services84.errors import MailServerRefused
from services84.imap.connection import ImapConnection
from services84.imap.conversation import Conversation
from services84.imap.folders import Folders
from services84.imap.values import FolderStatus
from services84.mailhost import Login
from tests.imap.conftest import SECRET, commands, open_imap
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


def test_the_server_is_asked_before_the_answer_is_waited_for(
    dovecot: DovecotServer, user: str
) -> None:
    told: list[str] = []
    with open_imap(dovecot.port_plain, Login(user, SECRET), trace=told.append) as connection:
        del told[:]
        answer = connection.ask_for_folders()
        assert commands(told)[-1:] == ["LIST"]
        assert [one.name for one in answer()] == ["INBOX"]
        assert connection.folders()[0].status is not None


def test_folders_that_were_asked_for_and_nobody_wants_are_no_hindrance(
    dovecot: DovecotServer, user: str
) -> None:
    with open_imap(dovecot.port_plain, Login(user, SECRET)) as connection:
        connection.ask_for_folders()
        connection.noop()
        assert connection.status("INBOX").messages == 0
        connection.ask_for_folders()  # and ended while the answer is under way


def test_a_refused_list_is_told_when_its_answer_is_wanted(
    filled: ImapConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Folders, "_list_options", lambda *_: "RETURN (NONSENSE)")
    answer = filled.ask_for_folders()
    with pytest.raises(MailServerRefused):
        answer()
    assert filled.status("INBOX").messages == 0


def test_a_list_without_states_has_none(filled: ImapConnection) -> None:
    with_states, without = filled.folders(), filled.folders(states=False)
    assert any(one.status for one in with_states)
    assert without == [replace(one, status=None) for one in with_states]
