"""What is done to messages, as another client of the same server sees it afterwards."""

from __future__ import annotations

import imaplib
import re
from collections.abc import Iterator

import pytest

from services84.errors import FolderMissing, MailServerRefused
from services84.imap.connection import ImapConnection
from services84.imap.values import Copied, Removed
from services84.mailhost import Login
from tests.imap.conftest import SECRET, open_imap
from tests.support.dovecot import DovecotServer
from tests.support.mailboxes import append, message, quoted

# What the server offers is hidden, to go each way on the same real server.
WAYS = {
    "move": frozenset[str](),
    "uid expunge": frozenset({"MOVE"}),
    "expunge": frozenset({"MOVE", "UIDPLUS"}),
    "nothing at all": frozenset({"MOVE", "UIDPLUS", "ESEARCH", "CONDSTORE", "QRESYNC", "LITERAL+"}),
}


@pytest.fixture
def filled(dovecot: DovecotServer, user: str) -> str:
    with dovecot.client(user) as client:
        client.create("Box")
        for number in range(6):
            append(client, "INBOX", message(number), "\\Flagged $Later" if number == 1 else "")
    return user


@pytest.fixture
def selected(dovecot: DovecotServer, filled: str) -> Iterator[ImapConnection]:
    with open_imap(dovecot.port_plain, Login(filled, SECRET)) as connection:
        connection.select("INBOX")
        yield connection


@pytest.fixture(params=WAYS)
def each_way(
    request: pytest.FixtureRequest, dovecot: DovecotServer, filled: str
) -> Iterator[ImapConnection]:
    """A connection with INBOX open, to a server that offers some of what it does."""
    with open_imap(dovecot.port_plain, Login(filled, SECRET)) as connection:
        connection._session.capabilities -= WAYS[request.param]
        connection.select("INBOX")
        yield connection


def seen(dovecot: DovecotServer, user: str, folder: str = "INBOX") -> dict[int, frozenset[str]]:
    """The UIDs and flags that another client sees; `\\Recent` left out."""
    with dovecot.client(user) as client:
        status, answer = client.select(quoted(folder), readonly=True)
        assert status == "OK", answer
        return flags_of(client)


def flags_of(client: imaplib.IMAP4) -> dict[int, frozenset[str]]:
    found = {}
    for line in client.uid("FETCH", "1:*", "(FLAGS)")[1]:
        parts = re.search(rb"UID (\d+) FLAGS \(([^)]*)\)", line or b"")
        if parts:
            found[int(parts[1])] = frozenset(parts[2].decode().split()) - {"\\Recent"}
    return found


def subjects(dovecot: DovecotServer, user: str, folder: str) -> list[bytes]:
    with dovecot.client(user) as client:
        client.select(quoted(folder), readonly=True)
        _, data = client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")
        headers = [item[1] for item in data if isinstance(item, tuple)]
        return [found for header in headers for found in re.findall(rb"<(.*)@", header)]


# Flags ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "flag",
    ["", "\\", "a b", "\\Recent", "\\RECENT", "a)", 'a"b', "ü", "a\r\nb", "x" * 300, "%", "*"],
)
def test_what_is_no_flag_is_not_sent(
    dovecot: DovecotServer, filled: str, selected: ImapConnection, flag: str
) -> None:
    with pytest.raises(ValueError, match="is no flag"):
        selected.store_flags([1], add=frozenset({flag}))
    assert seen(dovecot, filled)[1] == frozenset()


def test_a_flag_is_not_added_and_removed(selected: ImapConnection) -> None:
    with pytest.raises(ValueError, match="added and removed"):
        selected.store_flags([1], frozenset({"\\Seen", "a"}), frozenset({"\\Seen"}))


def test_an_examined_folder_cannot_be_changed(
    dovecot: DovecotServer, filled: str, selected: ImapConnection
) -> None:
    selected.examine("INBOX")
    with pytest.raises(MailServerRefused, match="no folder open for changes"):
        selected.store_flags([1], add=frozenset({"\\Seen"}))
    with pytest.raises(MailServerRefused, match="no folder open for changes"):
        selected.delete([1])
    with pytest.raises(MailServerRefused, match="no folder open for changes"):
        selected.move([1], "Box")
    assert selected.copy([1], "Box").uids == {1: 1}
    assert seen(dovecot, filled)[1] == frozenset()


def test_flags_come_and_go_and_others_stay(
    dovecot: DovecotServer, filled: str, each_way: ImapConnection
) -> None:
    with dovecot.client(filled) as client:
        client.select("INBOX")
        each_way.store_flags([1, 2, 999], add=frozenset({"\\Seen", "$Work"}))
        client.uid("STORE", "2", "+FLAGS", "(\\Answered)")
        each_way.store_flags([2], frozenset({"\\Draft"}), frozenset({"$Work", "\\Flagged"}))

    flags = seen(dovecot, filled)
    assert flags[1] == {"\\Seen", "$Work"}
    assert flags[2] == {"\\Seen", "\\Draft", "\\Answered", "$Later"}
    assert flags[3] == frozenset()


# Copies -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["nowhere", 'no"where', "n\xfcwhere"])
def test_a_missing_target_is_told_and_nothing_happens(
    dovecot: DovecotServer, filled: str, each_way: ImapConnection, name: str
) -> None:
    before = seen(dovecot, filled)
    for act in (each_way.copy, each_way.move):
        with pytest.raises(MailServerRefused, match=r"refused UID (COPY|MOVE)") as caught:
            act([1, 2], name)
        assert isinstance(caught.value, FolderMissing) == name.isascii()
    assert seen(dovecot, filled) == before


def test_a_name_that_cannot_be_one_is_not_sent(selected: ImapConnection) -> None:
    with pytest.raises(ValueError, match="NUL"):
        selected.copy([1], "a\0b")
    with pytest.raises(ValueError, match="latin-1"):
        selected.copy([1], "日本語")


def test_copies_keep_flags_and_their_uids_are_told(
    dovecot: DovecotServer, filled: str, each_way: ImapConnection
) -> None:
    copied = each_way.copy([4, 2, 999], "Box")

    assert seen(dovecot, filled, "Box") == {1: {"\\Flagged", "$Later"}, 2: frozenset()}
    assert len(seen(dovecot, filled)) == 6
    assert copied == Copied(each_way.examine("Box").uid_validity, {2: 1, 4: 2})


def test_nothing_is_copied_where_nothing_is(each_way: ImapConnection) -> None:
    assert each_way.copy([], "Box") == Copied()
    assert each_way.copy([999], "Box") == Copied()
    assert each_way.move([999], "Box").removed == Removed(frozenset())


# Moves and removals -----------------------------------------------------------------------------


def test_moved_messages_are_there_and_no_longer_here(
    dovecot: DovecotServer, filled: str, each_way: ImapConnection
) -> None:
    moved = each_way.move([2, 5, 999], "Box")

    assert moved.removed == Removed(frozenset({2, 5}))
    assert set(seen(dovecot, filled)) == {1, 3, 4, 6}
    assert seen(dovecot, filled, "Box") == {1: {"\\Flagged", "$Later"}, 2: frozenset()}
    assert subjects(dovecot, filled, "Box") == [b"message-1", b"message-4"]
    assert moved.copied == Copied(each_way.examine("Box").uid_validity, {2: 1, 5: 2})


def test_removed_messages_are_gone(
    dovecot: DovecotServer, filled: str, each_way: ImapConnection
) -> None:
    assert each_way.delete([6, 1, 2, 77]) == Removed(frozenset({1, 2, 6}))
    assert set(seen(dovecot, filled)) == {3, 4, 5}


@pytest.mark.parametrize("act", ["delete", "move"])
def test_what_others_have_marked_as_deleted_stays(
    dovecot: DovecotServer, filled: str, each_way: ImapConnection, act: str
) -> None:
    with dovecot.client(filled) as client:
        client.select("INBOX")
        client.uid("STORE", "3", "+FLAGS", "(\\Deleted)")
    can = bool(each_way.capabilities & {"MOVE", "UIDPLUS"})

    removed = each_way.delete([2]) if act == "delete" else each_way.move([2], "Box").removed

    flags = seen(dovecot, filled)
    assert "\\Deleted" in flags[3]
    if can:
        assert removed == Removed(frozenset({2}))
        assert 2 not in flags
    else:
        assert removed == Removed(frozenset(), frozenset({2}))
        assert "\\Deleted" in flags[2]


def test_a_folder_is_emptied_of_all_it_has(
    dovecot: DovecotServer, filled: str, each_way: ImapConnection
) -> None:
    with dovecot.client(filled) as client:
        client.select("INBOX")
        client.uid("STORE", "3", "+FLAGS", "(\\Deleted)")
    assert each_way.empty() == Removed(frozenset(range(1, 7)))
    assert seen(dovecot, filled) == {}
    assert each_way.empty() == Removed(frozenset())


def test_what_another_client_removes_meanwhile_does_no_harm(
    dovecot: DovecotServer, filled: str, each_way: ImapConnection
) -> None:
    with dovecot.client(filled) as client:
        client.select("INBOX")
        client.uid("STORE", "2:3", "+FLAGS", "(\\Deleted)")
        client.expunge()
    each_way.store_flags([1, 2], add=frozenset({"\\Seen"}))
    moved = each_way.move([2, 4], "Box")

    assert 4 in moved.removed.gone
    assert subjects(dovecot, filled, "Box") == [b"message-3"]
    assert set(seen(dovecot, filled)) == {1, 5, 6}


@pytest.mark.parametrize(
    ("limit", "value"), [("changing.MESSAGES_A_CHANGE", 2), ("changing.LONGEST_SET", 1003)]
)
def test_large_sets_go_in_pieces(
    dovecot: DovecotServer,
    filled: str,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    value: int,
) -> None:
    monkeypatch.setattr(f"services84.imap.{limit}", value)
    monkeypatch.setattr("services84.imap.searching.LONGEST_SET", 3)
    told: list[str] = []
    with open_imap(dovecot.port_plain, Login(filled, SECRET), trace=told.append) as connection:
        validity = connection.examine("Box").uid_validity
        connection.select("INBOX")
        assert connection.copy([1, 3, 5], "Box") == Copied(validity, {1: 1, 3: 2, 5: 3})
        assert connection.delete([1, 3, 5]).gone == {1, 3, 5}
    assert [line for line in told if "COPY" in line and line.startswith(">")] == [
        '> UID COPY 1,3 "Box"',
        '> UID COPY 5 "Box"',
    ]
    assert set(seen(dovecot, filled)) == {2, 4, 6}
