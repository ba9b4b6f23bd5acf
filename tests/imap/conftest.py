"""Connections to real and to scripted IMAP servers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services84.imap.connection import ImapConnection, Timeouts, connect
from services84.imap.framing import Limits
from services84.mailhost import Login, MailHost, Transport
from tests.support.dovecot import DovecotServer

SECRET = 'se"cr\\et {5}'
_numbers = iter(range(1, 1_000_000))


def dial(host: str, port: int, timeout: float) -> socket.socket:
    return socket.create_connection((host, port), timeout)


def dial_as_if_far(host: str, port: int, timeout: float) -> socket.socket:
    """A connection whose other end does not look like this machine."""

    class Far(socket.socket):
        def getpeername(self) -> tuple[str, int]:
            return ("192.0.2.1", 143)

    return Far(fileno=dial("127.0.0.1", port, timeout).detach())


def open_imap(
    port: int,
    login: Login,
    transport: Transport = Transport.STARTTLS,
    *,
    host: str = "127.0.0.1",
    ca_file: Path | None = None,
    far: bool = False,
    allow_cleartext: bool = False,
    read: float = 10,
    limits: Limits | None = None,
    trace: Callable[[str], None] | None = None,
) -> ImapConnection:
    return connect(
        MailHost(host, port, transport),
        login,
        dial=dial_as_if_far if far else dial,
        timeouts=Timeouts(min(read, 5), read),
        ca_file=ca_file,
        allow_cleartext=allow_cleartext,
        limits=limits,
        trace=trace,
    )


def commands(told: list[str]) -> list[str]:
    """The names of the commands that a protocol log tells of."""
    return [line.split()[1] for line in told if line.startswith("> ") and line != "> ***"]


@pytest.fixture
def user(dovecot: DovecotServer) -> str:
    """A user of Dovecot that no other test has."""
    return dovecot.add_user(f"imap{next(_numbers)}", SECRET)


@pytest.fixture
def connection(dovecot: DovecotServer, user: str) -> Iterator[ImapConnection]:
    """A signed-in connection to Dovecot."""
    with open_imap(dovecot.port_plain, Login(user, SECRET)) as opened:
        yield opened


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """Whatever happened, a connection that is over has no threads."""
    before = set(threading.enumerate())
    yield
    left = {t.name for t in set(threading.enumerate()) - before if t.name.startswith("imap ")}
    assert not left
