"""Finding messages: unread, new, by Message-ID; and reading headers and parts of them."""

from __future__ import annotations

import pytest

from services84.errors import MailServerRefused
from services84.imap.connection import ImapConnection
from services84.mailhost import Login
from tests.imap.conftest import SECRET, open_imap
from tests.support.dovecot import DovecotServer
from tests.support.mailboxes import append, message
from tests.support.scripted import GREETING, LOGOUT, answer, scripted

PARTS = (
    b"Message-ID: <parts@example.com>\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain\r\n\r\nfirst\r\n"
    b"--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n"
    b"--b--\r\n"
)


@pytest.fixture
def filled(dovecot: DovecotServer, user: str, connection: ImapConnection) -> ImapConnection:
    """A connection with INBOX open: 1 and 4 are read, 5 has 2's Message-ID, 6 has none."""
    with dovecot.client(user) as client:
        for number in range(4):
            append(client, "INBOX", message(number), "\\Seen" if number in (0, 3) else "")
        append(client, "INBOX", message(1))
        append(client, "INBOX", b"Subject: none\r\n\r\n")
        append(client, "INBOX", PARTS)
    connection.examine("INBOX")
    return connection


@pytest.mark.parametrize("hidden", [frozenset(), frozenset({"ESEARCH"})])
def test_messages_are_found(filled: ImapConnection, hidden: frozenset[str]) -> None:
    filled._session.capabilities -= hidden

    assert filled.unseen_count() == 5
    assert filled.unseen_uids() == [2, 3, 5, 6, 7]
    assert filled.every_uid() == [1, 2, 3, 4, 5, 6, 7]
    assert filled.present([7, 3, 99, 3, 2]) == [2, 3, 7]
    assert filled.present([]) == []
    assert filled.recent_uids() == [1, 2, 3, 4, 5, 6, 7]


def test_an_empty_folder_is_not_searched(connection: ImapConnection) -> None:
    connection.examine("INBOX")
    assert connection.unseen_count() == 0
    assert connection.unseen_uids() == connection.recent_uids() == connection.every_uid() == []
    assert connection.message_ids() == {}
    assert connection.uids_by_message_id(["<a@b>"]) == {"<a@b>": []}


def test_messages_are_found_by_their_ids(
    filled: ImapConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services84.imap.searching.IDS_A_SEARCH", 2)
    asked = [
        "<message-1@example.com>",
        "message-2@example.com",
        " <message-3@example.com>\r\n",
        "<essage-1@example.co>",
        "",
        "<>",
        "<nobody@example.com>",
        '<quo"te\\@example.com>',
        "<ü@example.com>",
        "a\0b",
    ]

    found = filled.uids_by_message_id(asked)

    assert list(found) == asked
    assert {one: uids for one, uids in found.items() if uids} == {
        "<message-1@example.com>": [2, 5],
        "message-2@example.com": [3],
        " <message-3@example.com>\r\n": [4],
    }
    ids = filled.message_ids()
    assert ids[2] == ids[5] == "<message-1@example.com>"
    assert ids[6] == ""
    assert filled.message_ids([3, 99]) == {3: "<message-2@example.com>"}


def test_headers_come_without_bodies(filled: ImapConnection) -> None:
    last, first = filled.headers([6, 99, 4])

    assert (last.uid, last.header, last.size) == (6, b"Subject: none\r\n\r\n", 17)
    assert (first.uid, first.size) == (4, len(message(3)))
    assert "\\Seen" in first.flags
    assert first.internal_date is not None
    assert first.header == message(3).partition(b"\r\n\r\n")[0] + b"\r\n\r\n"


def test_parts_come_as_they_stand(filled: ImapConnection) -> None:
    assert filled.part(7, "2") == b"JVBERg=="
    assert filled.part(7, "1.MIME") == b"Content-Type: text/plain\r\n\r\n"
    assert filled.part(7, "HEADER") == PARTS.partition(b"--b")[0]
    assert filled.part(7, "9") in (None, b"")
    assert filled.part(99, "1") is None
    for section in ("", "0", "1.", "1]", "1] BODY[", "TEXT.1", "1\r\n", "x", "١"):
        with pytest.raises(ValueError, match="names no part"):
            filled.part(7, section)


def test_reading_leaves_messages_unread(
    dovecot: DovecotServer, user: str, filled: ImapConnection
) -> None:
    filled.select("INBOX")
    list(filled.headers([2]))
    filled.part(2, "TEXT")
    assert filled.unseen_uids() == [2, 3, 5, 6, 7]


def test_a_server_that_finds_more_than_there_is_is_refused() -> None:
    script = [
        answer(b"* 3 EXISTS\r\n* OK [UIDVALIDITY 7]\r\n%t OK done\r\n", expect=b"EXAMINE"),
        answer(b'* ESEARCH (TAG "%t") UID ALL 1:4294967295\r\n%t OK done\r\n', expect=b"ALL"),
        LOGOUT,
    ]
    login = answer(b"%t OK [CAPABILITY IMAP4rev1 ESEARCH] in\r\n")
    with (
        scripted(GREETING, login, *script) as server,
        open_imap(server.port, Login("anna", SECRET)) as connection,
    ):
        connection.examine("INBOX")
        with pytest.raises(MailServerRefused, match="finds more messages than the folder has"):
            connection.every_uid()


def test_a_count_that_is_not_told_is_counted() -> None:
    script = [
        answer(b"* 3 EXISTS\r\n* OK [UIDVALIDITY 7]\r\n%t OK done\r\n", expect=b"EXAMINE"),
        answer(b"%t OK done\r\n", expect=b"RETURN (COUNT) UNSEEN"),
        answer(b"* SEARCH 4 6\r\n%t OK done\r\n", expect=b"UNSEEN"),
        LOGOUT,
    ]
    login = answer(b"%t OK [CAPABILITY IMAP4rev1 ESEARCH] in\r\n")
    with (
        scripted(GREETING, login, *script) as server,
        open_imap(server.port, Login("anna", SECRET)) as connection,
    ):
        connection.examine("INBOX")
        assert connection.unseen_count() == 2
