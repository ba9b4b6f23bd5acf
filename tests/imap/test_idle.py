"""IDLE: news at once, an end when asked for, and nothing that makes it wait for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from services84.errors import ConnectionLost, MailServerRefused, MailServerTimeout
from services84.imap.connection import ImapConnection
from services84.mailhost import Login
from tests.imap.conftest import SECRET, open_imap
from tests.support.dovecot import DovecotServer
from tests.support.mailboxes import append, message
from tests.support.scripted import GREETING, LOGOUT, answer, hang, say, scripted

DEADLINE = 20.0
CAN_IDLE = answer(b"%t OK [CAPABILITY IMAP4rev1 IDLE] in\r\n", expect=b"AUTHENTICATE PLAIN")
EXAMINE = answer(b"* 3 EXISTS\r\n* OK [UIDVALIDITY 1] x\r\n%t OK in\r\n", expect=b"EXAMINE")
IDLING = answer(b"+ idling\r\n", expect=b"IDLE")
DONE = answer(b"%t OK done\r\n", expect=b"DONE")
NEVER = threading.Event().is_set


@pytest.fixture
def idling(
    connection: ImapConnection, dovecot: DovecotServer, user: str
) -> Iterator[Callable[..., Future[bool]]]:
    """Starts to idle in INBOX, where one message lies; gives the answer to come."""
    with dovecot.client(user) as client:
        append(client, "INBOX", message(1))
    connection.examine("INBOX")
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        yield lambda seconds=DEADLINE: pool.submit(connection.idle, seconds, stop.is_set)
        stop.set()


@pytest.mark.parametrize("what", ["arrival", "flag", "removal"])
def test_whatever_happens_in_the_folder_is_told_at_once(
    idling: Callable[..., Future[bool]],
    connection: ImapConnection,
    dovecot: DovecotServer,
    user: str,
    what: str,
) -> None:
    told = idling()
    begun = time.monotonic()
    with dovecot.client(user) as client:
        client.select("INBOX")
        if what == "arrival":
            append(client, "INBOX", message(2))
        else:
            client.store("1", "+FLAGS", "\\Deleted" if what == "removal" else "\\Flagged")
        if what == "removal":
            client.expunge()
    assert told.result(DEADLINE) is True
    assert time.monotonic() - begun < DEADLINE / 2
    assert connection.uids() == {"arrival": [(1, 2)], "flag": [(1, 1)], "removal": []}[what]


def test_when_nothing_happens_it_ends_with_its_time_and_can_be_repeated(
    idling: Callable[..., Future[bool]], connection: ImapConnection
) -> None:
    for _ in range(2):
        begun = time.monotonic()
        assert idling(0.3).result(DEADLINE) is False
        assert 0.25 < time.monotonic() - begun < DEADLINE / 2
    assert connection.uids() == [(1, 1)]


def test_what_happened_just_before_is_told_as_well(
    idling: Callable[..., Future[bool]], dovecot: DovecotServer, user: str
) -> None:
    dovecot.deliver(user, "INBOX", message(2))
    assert idling().result(DEADLINE) is True


def test_who_asks_for_it_has_it_end_soon(connection: ImapConnection) -> None:
    connection.examine("INBOX")
    stop = threading.Event()
    timer = threading.Timer(0.2, stop.set)
    timer.start()
    assert connection.idle(DEADLINE, stop.is_set) is False
    timer.join()
    assert connection.folders()


def test_it_outlasts_the_read_time_out(dovecot: DovecotServer, user: str) -> None:
    with open_imap(dovecot.port_plain, Login(user, SECRET), read=0.5) as connection:
        connection.examine("INBOX")
        assert connection.idle(1.5, NEVER) is False
        assert connection.folders()


def test_a_closed_connection_ends_it(connection: ImapConnection) -> None:
    connection.examine("INBOX")
    timer = threading.Timer(0.2, connection.close)
    timer.start()
    with pytest.raises(ConnectionLost):
        connection.idle(DEADLINE, NEVER)
    timer.join()


def test_a_server_that_keeps_the_connection_alive_tells_no_news() -> None:
    still = say(b"* OK Still here\r\n* RECENT\r\n* 0 RECENT\r\n")
    with (
        scripted(GREETING, CAN_IDLE, EXAMINE, IDLING, still, DONE, LOGOUT) as server,
        open_imap(server.port, Login("anna", "secret")) as connection,
    ):
        connection.examine("INBOX")
        assert connection.idle(0.5, NEVER) is False


def test_news_that_come_with_the_last_word_are_told() -> None:
    late = answer(b"* 4 EXISTS\r\n%t OK done\r\n", expect=b"DONE")
    with (
        scripted(GREETING, CAN_IDLE, EXAMINE, IDLING, late, LOGOUT) as server,
        open_imap(server.port, Login("anna", "secret")) as connection,
    ):
        connection.examine("INBOX")
        assert connection.idle(0.2, NEVER) is True


def test_a_server_without_idle_or_that_refuses_it_is_told_of() -> None:
    without = answer(b"%t OK [CAPABILITY IMAP4rev1] in\r\n", expect=b"AUTHENTICATE PLAIN")
    refusing = answer(b"%t NO not now\r\n", expect=b"IDLE")
    for login, steps in ((without, []), (CAN_IDLE, [refusing])):
        with (
            scripted(GREETING, login, EXAMINE, *steps, LOGOUT) as server,
            open_imap(server.port, Login("anna", "secret")) as connection,
        ):
            connection.examine("INBOX")
            with pytest.raises(MailServerRefused, match="IDLE"):
                connection.idle(DEADLINE, NEVER)


@pytest.mark.parametrize(
    "ending", [say(b"* BYE off to bed\r\n"), say(b"")], ids=["with a word", "without"]
)
def test_a_server_that_leaves_ends_it(ending: Callable[..., None]) -> None:
    with (
        scripted(GREETING, CAN_IDLE, EXAMINE, IDLING, ending) as server,
        open_imap(server.port, Login("anna", "secret")) as connection,
    ):
        connection.examine("INBOX")
        with pytest.raises(ConnectionLost):
            connection.idle(DEADLINE, NEVER)


@pytest.mark.parametrize("steps", [[hang], [IDLING, hang]], ids=["at its start", "at its end"])
def test_a_server_that_falls_silent_is_given_up(steps: list[Callable[..., None]]) -> None:
    with (
        scripted(GREETING, CAN_IDLE, EXAMINE, *steps) as server,
        open_imap(server.port, Login("anna", "secret"), read=0.5) as connection,
    ):
        connection.examine("INBOX")
        with pytest.raises(MailServerTimeout):
            connection.idle(0.3, NEVER)
