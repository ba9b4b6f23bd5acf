"""Gunicorn itself: connections, concurrency, stopping, and both ways to start it."""

from __future__ import annotations

import resource
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests

from tests.conformance.conftest import Customer
from tests.support.server import GUNICORN, SERVE, ServerProcess, plain_session, running_server
from tests.support.service import TYPES, envelope

SILENT_SERVER_SECONDS = 2
MANY = 1100


@pytest.mark.parametrize("command", [SERVE, GUNICORN], ids=["services84 serve", "gunicorn"])
def test_a_started_server_answers_and_ends_in_order(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    with running_server(tmp_path, command, workers=1) as server:
        server.add_associate("anna")
        ticket = server.sign_in("anna")
        reply = server.call("GetCurrentAccountId", ticket=ticket)
        assert reply.succeeded
        assert reply.text("Response") == "0"
        assert server.stop() == 0
    assert "Traceback" not in server.log()


def test_every_call_is_logged_once_and_without_its_secrets(tmp_path: Path) -> None:
    with running_server(tmp_path, workers=1, log_format="json") as server:
        server.add_associate("anna")
        ticket = server.sign_in("anna")
        server.call("GetCurrentAccountId", ticket=ticket)
        server.stop()
    log = server.log()
    assert log.count("GetCurrentAccountId") == 1
    assert ticket not in log
    assert "correct horse" not in log


def test_one_connection_serves_both_services(server: ServerProcess, customer: Customer) -> None:
    with plain_session() as session:
        members = {"UserName": customer.name, "Password": customer.password}
        signed_in = server.call(
            "AuthenticateUsernamePassword", members, service="SoPrincipal", session=session
        )
        ticket = signed_in.text("Credentials/Ticket")
        assert server.call("GetCurrentAccount", ticket=ticket, session=session).succeeded
        pool = session.get_adapter(server.base).get_connection_with_tls_context(  # type: ignore[attr-defined]
            requests.Request("GET", server.base).prepare(), verify=True
        )
        assert pool.num_connections == 1


def test_a_chunked_body_is_read(server: ServerProcess, customer: Customer) -> None:
    body = envelope("GetCurrentAccountId", ticket=server.sign_in(customer.name))
    with plain_session() as session:
        answer = session.post(
            f"{server.base}/EMail.svc",
            data=iter([body[:10], body[10:100], body[100:]]),
            headers={"Content-Type": TYPES["1.1"]},
            timeout=30,
        )
    assert answer.status_code == 200
    assert b"<" in answer.content
    assert b"Succeeded>true<" in answer.content


def test_expect_100_continue_is_answered_before_the_body(
    server: ServerProcess, customer: Customer
) -> None:
    body = envelope("GetCurrentAccountId", ticket=server.sign_in(customer.name))
    head = (
        f"POST /Remote/Services84/EMail.svc HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: text/xml; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
        f"Expect: 100-continue\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(head.encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"Succeeded>true<" in answer


def test_the_addresses_match_without_regard_to_case_and_behind_a_tenant(
    server: ServerProcess,
) -> None:
    root = server.base.removesuffix("/Remote/Services84")
    with plain_session() as session:
        for path in ("/remote/services84/email.svc", "/Cust12345/REMOTE/Services84/EMail.SVC"):
            answer = session.get(f"{root}{path}?wsdl", timeout=30)
            assert answer.status_code == 200
            assert answer.content.lstrip().startswith(b"<")
            assert f"{root}{path}".encode() in answer.content


def test_callers_that_wait_for_mail_servers_do_not_keep_others_waiting(tmp_path: Path) -> None:
    """More callers wait for a server that never answers than a few processes could serve."""
    with (
        ExitStack() as held,
        socket.create_server(("127.0.0.1", 0), backlog=64) as silent,
        running_server(
            tmp_path,
            workers=1,
            threads=32,
            mail_read_timeout=SILENT_SERVER_SECONDS,
            mail_connections_per_host=16,
        ) as server,
    ):
        server.add_associate("anna")
        ticket = server.sign_in("anna")
        info = {
            "ServerName": f"127.0.0.1:{silent.getsockname()[1]}",
            "UserName": "u",
            "Password": "p",
        }
        with ThreadPoolExecutor(16) as pool:
            waiting = [
                pool.submit(
                    server.call, "AuthenticateIncoming", {"ConnectionInfo": info}, ticket=ticket
                )
                for _ in range(16)
            ]
            for _ in range(16):  # all of them have got through to the silent server
                silent.settimeout(30)
                held.enter_context(silent.accept()[0])
            quick = server.call("GetCurrentAccountId", ticket=ticket)
            assert not any(call.done() for call in waiting)
            refused = [call.result() for call in waiting]
    assert quick.succeeded
    assert {reply.succeeded for reply in refused} == {False}
    assert {r.exception["ExceptionType"] for r in refused} == {"SoMailServerException"}


def test_a_server_that_is_told_to_stop_ends_its_syncs_and_a_new_one_finishes_them(
    tmp_path: Path, customer: Customer
) -> None:
    with running_server(tmp_path, workers=1, sync_wait=0) as first:
        first.add_associate(customer.name)
        ticket = first.sign_in(customer.name)
        account_id = save_account(customer, ticket, first)
        members = {"SyncUserAccount": {"AccountId": account_id}}
        assert first.call("SyncEmailAccount", members, ticket=ticket).succeeded
        assert first.stop(signal.SIGTERM) == 0
    second = ServerProcess(tmp_path)
    second.start()
    try:
        reply = second.call("SyncEmailAccount", members, ticket=ticket)
        assert reply.succeeded, reply.exception
        assert reply.extra["Sync.State"] == "completed"
    finally:
        second.stop()
    assert len(Customer.cached_subjects(moved(customer, second), account_id)) == customer.messages


def moved(customer: Customer, server: ServerProcess) -> Customer:
    """The same customer at another server."""
    return Customer(
        server,
        customer.dovecot,
        customer.name,
        customer.password,
        customer.mail_password,
        customer.messages,
    )


def save_account(customer: Customer, ticket: str, server: ServerProcess | None = None) -> int:
    """Save the customer's account; gives its id."""
    reply = (server or customer.server).call(
        "SaveEMailAccount",
        {
            "EMailAccount": {
                "EMailAddress": customer.address,
                "IncomingCredentials": {
                    "Server": "127.0.0.1",
                    "Port": customer.dovecot.port_plain,
                    "Username": customer.name,
                    "Password": customer.mail_password,
                },
            }
        },
        ticket=ticket,
    )
    assert reply.succeeded, reply.exception
    return int(reply.text("Response/EMailAccountId") or 0)


def test_a_worker_keeps_the_connections_of_more_than_a_thousand_callers(tmp_path: Path) -> None:
    """As it is usually started: with a thousand open files unless it asks for more."""
    with (
        room_for_files(MANY),
        running_server(tmp_path, limited(1024), workers=1) as server,
        ExitStack() as stack,
    ):
        callers = [
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port), 60))
            for _ in range(MANY)
        ]
        for _ in range(2):  # the second time on the same connections
            for caller in callers:
                caller.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            for caller in callers:
                assert whole_answer(caller).startswith(b"HTTP/1.1 200")


def whole_answer(caller: socket.socket) -> bytes:
    answer = b""
    while not answer.endswith(b'"ok"}\n'):
        piece = caller.recv(4096)
        assert piece, "the connection was not kept"
        answer += piece
    return answer


def limited(files: int) -> tuple[str, ...]:
    """`services84 serve` as a shell starts it that allows so many open files, softly."""
    return ("sh", "-c", f'ulimit -S -n {files} && exec "$0" "$@"', *SERVE)


@contextmanager
def room_for_files(wanted: int) -> Iterator[None]:
    """At least so many open files for the test itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted + 300:
        pytest.skip(f"the machine allows a process {hard} open files")
    if soft != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted + 300), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
