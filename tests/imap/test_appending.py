"""Messages put into folders, as another client sees them."""

from __future__ import annotations

import socket
import time
import tracemalloc
from datetime import UTC, datetime, timedelta, timezone

import pytest

from services84.errors import FolderMissing, MailServerRefused
from services84.imap.connection import ImapConnection
from services84.imap.values import Appended, FetchedMessage
from services84.mailhost import Login, Transport
from tests.imap.conftest import SECRET, commands, open_imap
from tests.support.dovecot import DovecotServer
from tests.support.mailboxes import quoted
from tests.support.scripted import (
    GREETING,
    LOGIN,
    LOGOUT,
    Conversation,
    Play,
    answer,
    scripted,
)

ANNA = Login("anna", SECRET)
SOURCE = b"Message-ID: <1@example.com>\r\nSubject: x\r\n\r\nbody {5}\r\n) \xff\r\n"
WHEN = datetime(2024, 2, 3, 10, 11, 12, tzinfo=timezone(timedelta(hours=-3, minutes=-30)))


def fetch(dovecot: DovecotServer, user: str, folder: str) -> list[bytes]:
    with dovecot.client(user) as client:
        client.select(quoted(folder), readonly=True)
        if not client.search(None, "ALL")[1][0]:
            return []
        _, data = client.fetch("1:*", "(FLAGS INTERNALDATE BODY.PEEK[])")
        return [part for item in data if isinstance(item, tuple) for part in item]


# Refusals ---------------------------------------------------------------------------------------


def test_what_cannot_be_stored_is_not_sent(
    dovecot: DovecotServer, user: str, connection: ImapConnection
) -> None:
    with pytest.raises(ValueError, match="the message is empty"):
        connection.append("INBOX", b"")
    with pytest.raises(ValueError, match="is no flag"):
        connection.append("INBOX", SOURCE, ["\\Recent"])
    with pytest.raises(ValueError, match="no time zone"):
        connection.append("INBOX", SOURCE, internal_date=datetime(2024, 1, 1))
    with pytest.raises(ValueError, match="NUL"):
        connection.append("a\0b", SOURCE)
    connection._session.capabilities -= {"BINARY"}
    with pytest.raises(ValueError, match="holds a NUL"):
        connection.append("INBOX", b"a\0b")
    assert fetch(dovecot, user, "INBOX") == []


@pytest.mark.parametrize("hidden", [frozenset(), frozenset({"LITERAL+"})])
def test_a_missing_folder_is_told_apart(connection: ImapConnection, hidden: frozenset[str]) -> None:
    connection._session.capabilities -= hidden
    with pytest.raises(FolderMissing, match=r"refused APPEND: \[TRYCREATE\]"):
        connection.append("nowhere", SOURCE)
    assert connection.append("INBOX", SOURCE).uid == 1


def test_a_message_above_the_servers_limit_is_not_sent(connection: ImapConnection) -> None:
    connection._session.capabilities |= {"APPENDLIMIT=50", "APPENDLIMIT"}
    with pytest.raises(MailServerRefused, match=r"takes messages of up to 50 bytes, .* has 58"):
        connection.append("INBOX", SOURCE)
    assert connection.append("INBOX", SOURCE[:50]).uid == 1


# Storing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hidden", [frozenset(), frozenset({"LITERAL+"}), frozenset({"LITERAL+", "UIDPLUS"})]
)
@pytest.mark.parametrize("name", ["INBOX", "Entwürfe/日本語", 'a "quote" \\'])
def test_a_message_is_stored_as_it_is(
    dovecot: DovecotServer,
    user: str,
    connection: ImapConnection,
    hidden: frozenset[str],
    name: str,
) -> None:
    connection._session.capabilities -= hidden
    server_name = connection.server_name_of(name)
    if name != "INBOX":
        connection.create_folder(server_name)

    stored = connection.append(server_name, SOURCE, ["\\Seen", "$Work", "\\Seen"], WHEN)

    head, source = fetch(dovecot, user, server_name)
    assert source == SOURCE
    assert b'INTERNALDATE "03-Feb-2024 10:11:12 -0330"' in head or b"13:41:12 +0000" in head
    assert b"\\Seen" in head
    assert b"$Work" in head
    opened = connection.examine(server_name)
    assert stored == Appended(opened.uid_validity, 1)
    (message,) = connection.messages([1])
    assert message.internal_date == WHEN
    assert isinstance(message, FetchedMessage)


def test_a_nul_goes_where_the_server_takes_it(connection: ImapConnection) -> None:
    connection._session.capabilities |= {"BINARY"}
    assert connection.append("INBOX", b"Subject: x\r\n\r\na\0b").uid == 1


def test_a_message_that_comes_to_the_open_folder_is_counted(connection: ImapConnection) -> None:
    connection.select("INBOX")
    connection.append("INBOX", SOURCE, internal_date=datetime.now(UTC))
    assert set(connection.flags()) == {1}


# Large messages ---------------------------------------------------------------------------------


def test_a_large_message_is_neither_copied_nor_sent_in_vain(
    dovecot: DovecotServer, user: str
) -> None:
    source = b"Subject: large\r\n\r\n" + b"0123456789abcde\r\n" * (40 * 1024 * 1024 // 17)
    told: list[str] = []
    with open_imap(dovecot.port_plain, Login(user, SECRET), trace=told.append) as connection:
        with pytest.raises(FolderMissing):
            connection.append("nowhere", source)
        tracemalloc.start()
        try:
            connection.append("INBOX", source)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 2 * 1024 * 1024
        assert connection.status("INBOX").messages == 1
        connection.examine("INBOX")
        assert connection.sizes([1]) == {1: len(source)}
    assert f'> APPEND "INBOX" {{{len(source)} bytes}}' in told
    assert commands(told).count("APPEND") == 2


def slowly(total: int, every: float) -> Play:
    """Take a literal, a piece at a time."""

    def play(conversation: Conversation) -> None:
        conversation.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        left = total
        while left > 0:
            left -= len(conversation.socket.recv(min(left, 256 * 1024)))
            conversation.over.wait(every)

    return play


def test_a_server_that_takes_a_message_slowly_is_waited_for() -> None:
    source = b"x" * 3_000_000
    script = [
        answer(b"+ go\r\n", expect=b"APPEND"),
        slowly(len(source), 0.04),
        answer(b"%t OK [APPENDUID 7 9] done\r\n"),
        LOGOUT,
    ]
    started = time.monotonic()
    with (
        scripted(GREETING, LOGIN, *script) as server,
        open_imap(server.port, ANNA, read=0.5) as connection,
    ):
        assert connection.append("INBOX", source) == Appended(7, 9)
        assert time.monotonic() - started > 1


@pytest.mark.parametrize("size", [200_000, 8_000_000])
def test_a_large_message_goes_over_tls(dovecot: DovecotServer, user: str, size: int) -> None:
    source = b"Subject: large\r\n\r\n" + bytes(range(32, 256)) * (size // 224)
    with open_imap(
        dovecot.port_tls, Login(user, SECRET), Transport.TLS, ca_file=dovecot.ca_file
    ) as connection:
        connection.append("INBOX", source)
        connection.examine("INBOX")
        (message,) = connection.messages([1])
        assert message.source == source
