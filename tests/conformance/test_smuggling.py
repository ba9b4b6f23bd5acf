"""Where a request ends is seen in one way only, by gunicorn and by nginx before it; what is not
clear is refused, and nothing that follows is taken for a request (RFC 9112, 11.2)."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator

import pytest

from tests.support import smuggled
from tests.support.nginx import Nginx, running_nginx
from tests.support.server import ServerProcess, plain_session, running_server
from tests.support.smuggled import REFUSED, SMUGGLED, UNDERSTOOD

STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) [A-Z]")
ALL = REFUSED | UNDERSTOOD


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("smuggling")
    with running_server(
        folder, workers=1, threads=8, request_timeout=5, trusted_proxies="127.0.0.1/32"
    ) as running:
        yield running
        assert "Traceback" not in running.log()


@pytest.fixture(scope="module")
def nginx(server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    with running_nginx(tmp_path_factory.mktemp("nginx"), server.port) as running:
        yield running


def answers(connection: socket.socket, said: bytes) -> tuple[list[int], bytes]:
    """The statuses that come until the other side ends the connection, and all of it."""
    connection.sendall(said)
    told = b""
    try:
        while piece := connection.recv(65536):
            told += piece
    except ConnectionResetError:  # it had not read everything when it hung up
        pass
    return [int(status) for status in STATUS.findall(told)], told


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=30)


# The service alone ------------------------------------------------------------------------------


@pytest.mark.parametrize("form", REFUSED)
def test_what_is_not_clear_is_refused_and_ends_the_connection(
    server: ServerProcess, form: str
) -> None:
    with connect(server.port) as connection:
        statuses, told = answers(connection, REFUSED[form] + SMUGGLED)
    assert len(statuses) == 1
    assert statuses[0] >= 400
    assert b"Smuggled" not in told


@pytest.mark.parametrize("form", UNDERSTOOD)
def test_what_is_clear_leaves_the_next_request_whole(server: ServerProcess, form: str) -> None:
    with connect(server.port) as connection:
        statuses, told = answers(connection, UNDERSTOOD[form] + SMUGGLED)
    assert statuses[1:] == [200]
    assert b"/Smuggled/Remote/Services84/EMail.svc" in told


def test_a_chunk_of_more_than_there_is_swallows_what_follows(server: ServerProcess) -> None:
    form = smuggled.post(smuggled.CHUNKED, b"F" * 17 + b"\r\nhello\r\n0\r\n\r\n")
    with connect(server.port) as connection:
        statuses, told = answers(connection, form + SMUGGLED)
    assert statuses == [500]
    assert b"<faultcode>s:Client</faultcode>" in told


def test_fields_that_differ_in_an_underscore_are_not_one_another(server: ServerProcess) -> None:
    """WSGI would call both alike: with an underscore a caller could speak for the proxy."""
    spoken = b"X_Forwarded_Host: evil.example\r\nX_Forwarded_Proto: https\r\nConnection: close\r\n"
    with connect(server.port) as connection:
        statuses, told = answers(
            connection,
            b"GET " + smuggled.PATH + b" HTTP/1.1\r\nHost: localhost\r\n" + spoken + b"\r\n",
        )
    assert statuses == [200]
    assert b"evil.example" not in told


# Behind nginx -----------------------------------------------------------------------------------


def ask_nginx(nginx: Nginx, said: bytes) -> bytes:
    trusting = ssl.create_default_context(cafile=str(nginx.ca_file))
    with (
        connect(nginx.port) as plain,
        trusting.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        return answers(connection, said)[1]


@pytest.mark.parametrize("form", ALL)
def test_nobody_behind_nginx_gets_an_answer_to_the_request_of_another(
    nginx: Nginx, form: str
) -> None:
    """nginx keeps its connections to the service: were a request left over on one of them, who asks
    next would get its answer."""
    assert ask_nginx(nginx, ALL[form] + SMUGGLED)
    with plain_session() as session:
        session.verify = str(nginx.ca_file)
        for number in range(3):
            whose = f"Honest{number}"
            address = f"https://localhost:{nginx.port}/{whose}/Remote/Services84/EMail.svc"
            told = session.get(address, timeout=30)
            assert told.status_code == 200
            assert whose in told.text
            assert "Smuggled" not in told.text
