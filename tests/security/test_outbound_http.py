"""HTTP requests of the service's own: bounded, verified, and under the outbound policy."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from services84.errors import (
    ConnectionRefused,
    HostNotAllowed,
    MailServerRefused,
    MailServerTimeout,
    MailServerUnreachable,
    TlsFailed,
)
from services84.security.outbound import Dialer
from services84.security.outbound_http import MOST_BYTES, HttpClient, url_problem
from tests.support.certificates import Authority
from tests.support.server import free_port

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-One: 1\r\n\r\n{}"


class Scripted:
    """Says the same bytes to everybody, `drip` at a time with a pause, and keeps what it heard."""

    def __init__(
        self, said: bytes, *, drip: int = 0, context: ssl.SSLContext | None = None
    ) -> None:
        self.said, self.drip, self.context = said, drip, context
        self.heard = b""
        self._stop = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
                stack.enter_context(connection)
                if self.context is not None:
                    wrapped = self.context.wrap_socket(
                        connection, server_side=True, do_handshake_on_connect=False
                    )
                    connection = stack.enter_context(wrapped)
                    wrapped.do_handshake()
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as lines:
            head = b"".join(iter(lines.readline, b"\r\n"))
            length = re.search(rb"(?i)content-length: (\d+)", head)
            self.heard = head + b"\r\n" + lines.read(int(length[1]) if length else 0)
        step = self.drip or len(self.said)
        for start in range(0, len(self.said), step or 1):
            connection.sendall(self.said[start : start + step])
            if self.drip and self._stop.wait(0.05):
                return
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1)

    def close(self) -> None:
        self._stop.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(10)


@contextlib.contextmanager
def scripted(
    said: bytes, *, drip: int = 0, context: ssl.SSLContext | None = None
) -> Iterator[Scripted]:
    server = Scripted(said, drip=drip, context=context)
    try:
        yield server
    finally:
        server.close()


def client(*, online: bool = False, seconds: float = 20, ca_file: Path | None = None) -> HttpClient:
    return HttpClient(Dialer(online=online, timeout=seconds).dial, ca_file=ca_file, seconds=seconds)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://id.example.com/token", None),
        ("https://id.example.com:8443", None),
        ("https://[2001:db8::1]/token?x=1", None),
        ("http://127.0.0.1:1/token", None),
        ("http://[::1]/", None),
        ("http://localhost/", None),
        ("http://localhost.example.com/", "not protected"),
        ("http://127.0.0.2/", "not protected"),
        ("ftp://id.example.com/", "no URL"),
        ("file:///etc/passwd", "no URL"),
        ("//id.example.com/", "no URL"),
        ("https:///token", "no URL"),
        ("https://id.example.com:99999/", "no URL"),
        ("https://[::1/", "no URL"),
        ("https://user@id.example.com/", "user name"),
        ("https://id.example.com/#x", "fragment"),
        ("https://id.example.com/\r\nHost: x", "characters"),
        ("https://id.example.com/ü", "characters"),
    ],
)
def test_nothing_is_sent_to_a_wrong_or_unprotected_address(url: str, problem: str | None) -> None:
    found = url_problem(url)
    assert (found is None) == (problem is None)
    assert problem is None or problem in (found or "")


def test_a_form_is_posted_as_the_standard_has_it() -> None:
    with scripted(OK) as server:
        url = f"http://127.0.0.1:{server.port}/token?a=1"
        answer = client().post_form(url, {"x": "ü &"}, {"Authorization": "Basic abc"})
    assert (answer.status, answer.body, answer.headers["x-one"]) == (200, b"{}", "1")
    head, _, body = server.heard.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /token?a=1 HTTP/1.1\r\n")
    assert f"Host: 127.0.0.1:{server.port}".encode() in head
    assert b"Authorization: Basic abc" in head
    assert b"Content-Type: application/x-www-form-urlencoded" in head
    assert body == b"x=%C3%BC+%26"


def test_a_redirection_is_an_answer_and_is_not_followed() -> None:
    with scripted(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n") as server:
        assert client().get(f"http://127.0.0.1:{server.port}/").status == 302


@pytest.mark.parametrize("said", [b"", b"* OK IMAP4rev1\r\n", b"HTTP/1.1 abc\r\n\r\n"])
def test_what_is_no_http_is_told(said: bytes) -> None:
    with scripted(said) as server, pytest.raises((MailServerRefused, MailServerUnreachable)):
        client().get(f"http://127.0.0.1:{server.port}/")


def test_an_answer_has_its_limit() -> None:
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    with scripted(head + b"x" * MOST_BYTES) as server:
        assert len(client().get(f"http://127.0.0.1:{server.port}/").body) == MOST_BYTES
    with (
        scripted(head + b"x" * (MOST_BYTES + 1)) as server,
        pytest.raises(MailServerRefused, match="too many bytes"),
    ):
        client().get(f"http://127.0.0.1:{server.port}/")


def test_an_answer_in_drips_is_not_waited_for() -> None:
    with (
        scripted(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10_000, drip=1) as server,
        pytest.raises(MailServerTimeout, match=r"within 0\.5 seconds"),
    ):
        client(seconds=0.5).get(f"http://127.0.0.1:{server.port}/")


def test_nobody_there_and_nobody_allowed_are_told() -> None:
    url = f"http://127.0.0.1:{free_port()}/"
    with pytest.raises(ConnectionRefused):
        client().get(url)
    with pytest.raises(HostNotAllowed):
        client(online=True).get(url)
    with pytest.raises(HostNotAllowed):
        client().get("https://169.254.169.254/latest/meta-data")


def test_certificates_are_verified(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("http", ["127.0.0.1"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with scripted(OK, context=context) as server:
        url = f"https://127.0.0.1:{server.port}/"
        with pytest.raises(TlsFailed, match="not trusted"):
            client().get(url)
        assert client(ca_file=authority.ca_file).get(url).status == 200
