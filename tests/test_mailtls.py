"""What may go without TLS, and what failed handshakes mean."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from services84 import mailtls
from services84.errors import TlsFailed
from services84.mailhost import MailHost, Transport

HOST = MailHost("mail.example.com", 993, Transport.TLS)
ANYWHERE = MailHost("mail.example.com", 143, Transport.STARTTLS)
UPGRADED = MailHost("mail.example.com", 143, Transport.STARTTLS_ALWAYS)


class Peer:
    """As much of a socket as tells where its other end is."""

    def __init__(self, peer: object) -> None:
        self._peer = peer

    def getpeername(self) -> object:
        if isinstance(self._peer, Exception):
            raise self._peer
        return self._peer


@pytest.mark.parametrize(
    ("peer", "loopback"),
    [
        (("127.0.0.1", 143), True),
        (("127.8.4.1", 143), True),
        (("::1", 143, 0, 0), True),
        (("::ffff:127.0.0.1", 143, 0, 0), True),
        (("::ffff:192.0.2.1", 143, 0, 0), False),
        (("192.0.2.1", 143), False),
        (("10.0.0.1", 143), False),
        (("fe80::1%eth0", 143, 0, 2), False),
        ("", False),
        (OSError("gone"), False),
    ],
)
def test_only_this_machine_is_loopback(peer: object, loopback: bool) -> None:
    connection: socket.socket = Peer(peer)  # type: ignore[assignment]

    assert mailtls.is_loopback(connection) is loopback
    assert mailtls.may_go_in_clear(connection, ANYWHERE, allowed=True)
    assert not mailtls.may_go_in_clear(connection, UPGRADED, allowed=True)


@contextlib.contextmanager
def connected() -> Iterator[socket.socket]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_file_of_authorities_that_is_none_is_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content:
        path.write_text(content)
    with (
        connected() as connection,
        pytest.raises(TlsFailed, match="the file of certificate authorities cannot be read"),
    ):
        mailtls.wrap(connection, HOST, path, 1)


def test_a_host_name_that_is_none_is_an_error_of_tls() -> None:
    with connected() as connection, pytest.raises(TlsFailed, match="no TLS with"):
        mailtls.wrap(connection, MailHost("x" * 80 + ".example", 993, Transport.TLS), None, 1)
