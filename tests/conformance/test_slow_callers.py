"""Callers that stall, drip or send what nobody wants hold no thread for long, under gunicorn."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from services84.wire.body import DISCARDED_BYTES
from tests.support.server import ServerProcess, running_server

SILENCE = 1.0
THREADS = 2
HEAD = "POST /Remote/Services84/{}.svc HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n"
ANNOUNCED = f"{HEAD.format('EMail')}Content-Length: 1000\r\n\r\n<s:"
CHUNKED = f"{HEAD.format('EMail')}Transfer-Encoding: chunked\r\n\r\n5\r\n<s:"


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One worker with two threads, and little patience."""
    folder = tmp_path_factory.mktemp("impatient")
    with running_server(
        folder, workers=1, threads=THREADS, request_timeout=SILENCE, max_body_bytes=4_000_000
    ) as server:
        yield server
        assert "Traceback" not in server.log()


def connect(server: ServerProcess) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=30)


def answer_of(connection: socket.socket) -> bytes:
    """All that comes until the server ends the connection."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (HEAD.format("EMail")[:40], b""),
        (HEAD.format("EMail"), b""),
        (ANNOUNCED, b"the request broke off while it was read"),
        (CHUNKED, b"the request broke off while it was read"),
    ],
    ids=["half a line", "half a head", "half a body", "half a chunk"],
)
def test_stalled_callers_hold_the_threads_no_longer_than_the_time_out(
    impatient: ServerProcess, sent: str, answer: bytes
) -> None:
    with contextlib.ExitStack() as held:
        stalled = [held.enter_context(connect(impatient)) for _ in range(2 * THREADS)]
        for connection in stalled:
            connection.sendall(sent.encode())
        started = time.monotonic()
        assert impatient.call("GetSystemInfo", service="SoPrincipal").succeeded
        assert time.monotonic() - started < 6 * SILENCE
        for connection in stalled:
            assert answer in answer_of(connection)


def drip(connection: socket.socket, text: str) -> float:
    """Send byte by byte, always in time; gives the seconds until the server has had enough."""
    started = time.monotonic()
    connection.settimeout(SILENCE / 5)
    for byte in text.encode():
        with contextlib.suppress(TimeoutError):
            if not connection.recv(65536):
                break
            continue
        try:
            connection.sendall(bytes([byte]))
        except OSError:
            break
    return time.monotonic() - started


@pytest.mark.parametrize(
    "text", [HEAD.format("EMail") * 9, ANNOUNCED + "x" * 900], ids=["head", "body"]
)
def test_dripping_callers_are_given_up_too(impatient: ServerProcess, text: str) -> None:
    with contextlib.ExitStack() as held, ThreadPoolExecutor(2 * THREADS) as pool:
        dripping = [held.enter_context(connect(impatient)) for _ in range(2 * THREADS)]
        head = len(ANNOUNCED) if text.startswith(ANNOUNCED) else 0
        for connection in dripping:
            connection.sendall(text[:head].encode())
        seconds = [pool.submit(drip, connection, text[head:]) for connection in dripping]
        assert impatient.call("GetSystemInfo", service="SoPrincipal").succeeded
        assert max(took.result() for took in seconds) < 20 * SILENCE


def test_a_long_body_has_more_time_than_a_short_one(impatient: ServerProcess) -> None:
    """It comes in pieces with pauses, in all for longer than a short request may take."""
    body = b"x" * 3_000_000
    head = f"{HEAD.format('EMail')}Connection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    with connect(impatient) as connection:
        connection.sendall(head.encode())
        for start in range(0, len(body), 400_000):
            connection.sendall(body[start : start + 400_000])
            with contextlib.suppress(TimeoutError):
                connection.settimeout(SILENCE / 2)
                connection.recv(1, socket.MSG_PEEK)
        connection.settimeout(30)
        answer = answer_of(connection)
    assert b"the request is no well-formed XML" in answer


@pytest.mark.parametrize(
    ("size", "more", "status"),
    [
        (5_000_000, "", b"413"),
        (DISCARDED_BYTES + 1, "Content-Encoding: gzip\r\n", b"415"),
    ],
)
def test_a_long_body_that_nobody_wants_ends_the_connection_and_says_so(
    impatient: ServerProcess, size: int, more: str, status: bytes
) -> None:
    head = f"{HEAD.format('EMail')}{more}Content-Length: {size}\r\n\r\n"
    with connect(impatient) as connection:
        connection.sendall(head.encode() + b"x" * DISCARDED_BYTES)
        answer = answer_of(connection)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"\r\nConnection: close\r\n" in answer


def test_a_short_body_that_nobody_wants_leaves_the_connection_usable(
    impatient: ServerProcess,
) -> None:
    size = 200_000  # more than gunicorn itself would discard, and more than SoPrincipal takes
    head = f"{HEAD.format('SoPrincipal')}Content-Length: {size}\r\n\r\n"
    get = (
        "GET /Remote/Services84/EMail.svc HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )
    with connect(impatient) as connection:
        connection.sendall(head.encode() + b"x" * size + get.encode())
        answer = answer_of(connection)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"\r\nConnection: keep-alive\r\n" in answer
    assert b"HTTP/1.1 200 OK\r\n" in answer


@pytest.mark.parametrize("chunk", ["zz\r\n", "5\r\nabcdefgh\r\n", "-1\r\n"])
def test_a_bad_chunk_is_the_callers_fault(impatient: ServerProcess, chunk: str) -> None:
    with connect(impatient) as connection:
        connection.sendall(
            f"{HEAD.format('EMail')}Transfer-Encoding: chunked\r\n\r\n{chunk}".encode()
        )
        answer = answer_of(connection)
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"<faultcode>s:Client</faultcode>" in answer
    assert b"\r\nConnection: close\r\n" in answer


def test_callers_who_take_no_replies_are_given_up_too(impatient: ServerProcess) -> None:
    """They ask for more than the system keeps for them."""
    get = b"GET /Remote/Services84/EMail.svc?singleWsdl HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with contextlib.ExitStack() as held:
        for _ in range(2 * THREADS):
            connection = held.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            connection.connect(("127.0.0.1", impatient.port))
            connection.sendall(get * 40)
        with connect(impatient) as waiting:  # until a reply has begun, and none of them ends
            waiting.sendall(get)
            assert waiting.recv(1)
        assert impatient.call("GetSystemInfo", service="SoPrincipal").succeeded
