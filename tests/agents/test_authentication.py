"""Trying a login: true, false, or what stood in the way."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from services84.agents.email import authentication
from tests.support.dovecot import DovecotServer
from tests.support.mailboxes import save_account
from tests.support.service import Service
from tests.support.submission import SubmissionServer

USER, PASSWORD = "tried", "mail-secret-84"


@pytest.fixture
def annas(service: Service, dovecot: DovecotServer) -> str:
    dovecot.add_user(USER, PASSWORD)
    return service.associate("anna")[1]


@pytest.fixture
def silent() -> Iterator[int]:
    """A port where somebody listens and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def info(port: int, password: str = PASSWORD, **changes: Any) -> dict[str, Any]:
    members = {"ServerName": f"127.0.0.1:{port}", "UserName": USER, "Password": password}
    return {"ConnectionInfo": {**members, **changes}}


@pytest.mark.parametrize(
    ("changes", "member"),
    [
        ({"ServerName": None}, "ServerName"),
        ({"ServerName": ""}, "ServerName"),
        ({"ServerName": "mail.example.com:imap"}, "ServerName"),
        ({"ServerName": "mail.example.com:65536"}, "ServerName"),
        ({"ServerName": "[::1"}, "ServerName"),
        ({"UserName": ""}, "UserName"),
        ({"Password": "a\nb"}, "Password"),
    ],
)
@pytest.mark.parametrize("operation", ["AuthenticateIncoming", "AuthenticateOutgoing"])
def test_bad_connection_info_is_named(
    service: Service, annas: str, operation: str, changes: dict[str, Any], member: str
) -> None:
    reply = service.call(operation, info(1, **changes), ticket=annas)
    assert reply.exception["Message"].startswith(f"ConnectionInfo/{member}: ")


@pytest.mark.parametrize("operation", ["AuthenticateIncoming", "AuthenticateOutgoing"])
def test_missing_connection_info_is_named(service: Service, annas: str, operation: str) -> None:
    reply = service.call(operation, {"ConnectionInfo": None}, ticket=annas)
    assert reply.exception["Message"].startswith("ConnectionInfo: ")


@pytest.mark.parametrize("operation", ["AuthenticateIncoming", "AuthenticateOutgoing"])
def test_a_server_that_says_nothing_is_given_up_before_the_caller_gives_up(
    service: Service, annas: str, silent: int, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authentication, "PATIENCE", 0.3)
    begun = time.monotonic()
    reply = service.call(operation, info(silent), ticket=annas)
    assert reply.succeeded is False
    assert "did not answer" in reply.exception["Message"]
    assert time.monotonic() - begun < service.application.settings.mail_read_timeout / 2


@pytest.mark.parametrize("operation", ["AuthenticateIncoming", "AuthenticateOutgoing"])
def test_a_closed_port_is_no_answer(service: Service, annas: str, operation: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = int(closed.getsockname()[1])
    assert service.call(operation, info(port), ticket=annas).succeeded is False


def test_incoming_tells_right_from_wrong(
    service: Service, annas: str, dovecot: DovecotServer
) -> None:
    right = service.call("AuthenticateIncoming", info(dovecot.port_plain), ticket=annas)
    assert (right.succeeded, right.text("Response")) == (True, "true")
    wrong = service.call("AuthenticateIncoming", info(dovecot.port_plain, "no"), ticket=annas)
    assert (wrong.succeeded, wrong.text("Response")) == (True, "false")


def test_outgoing_tells_right_from_wrong(
    service: Service, annas: str, submission: SubmissionServer
) -> None:
    submission.add_user(USER, PASSWORD)
    right = service.call("AuthenticateOutgoing", info(submission.port_plain), ticket=annas)
    assert (right.succeeded, right.text("Response")) == (True, "true"), right.exception
    wrong = service.call("AuthenticateOutgoing", info(submission.port_plain, "no"), ticket=annas)
    assert (wrong.succeeded, wrong.text("Response")) == (True, "false"), wrong.exception


def test_a_working_account_tests_as_working(
    service: Service, annas: str, dovecot: DovecotServer
) -> None:
    assert service.call("TestAuthenticate", ticket=annas).text("Response") == "false"
    save_account(service, annas, USER, PASSWORD, dovecot.port_plain)
    assert service.call("TestAuthenticate", ticket=annas).text("Response") == "true"
    dovecot.add_user(USER, "changed since")
    assert service.call("TestAuthenticate", ticket=annas).text("Response") == "false"


# Authenticate -----------------------------------------------------------------------------------


def extended(port: int, protocol: str = "", **changes: Any) -> dict[str, Any]:
    members = info(0, **changes)["ConnectionInfo"]
    members |= {"ServerName": "127.0.0.1", "Port": port, "Protocol": protocol}
    return {"ConnectionInfoExtended": members | changes}


@pytest.mark.parametrize(
    ("changes", "member"),
    [
        ({"Protocol": "POP3"}, "Protocol"),
        ({"Port": 70000}, "Port"),
        ({"Port": -1}, "Port"),
        ({"ServerName": ""}, "ServerName"),
        ({"UserName": None}, "UserName"),
    ],
)
def test_bad_extended_connection_info_is_named(
    service: Service, annas: str, changes: dict[str, Any], member: str
) -> None:
    reply = service.call("Authenticate", extended(1, **changes), ticket=annas)
    assert reply.exception["Message"].startswith(f"ConnectionInfoExtended/{member}: ")


@pytest.mark.parametrize("protocol", ["", "IMAP", "imap"])
def test_authenticate_asks_an_imap_server(
    service: Service, annas: str, dovecot: DovecotServer, protocol: str
) -> None:
    right = service.call("Authenticate", extended(dovecot.port_plain, protocol), ticket=annas)
    assert (right.succeeded, right.text("Response")) == (True, "true"), right.exception
    wrong = extended(dovecot.port_plain, protocol, Password="no")
    assert service.call("Authenticate", wrong, ticket=annas).text("Response") == "false"


def test_authenticate_asks_an_smtp_server(
    service: Service, annas: str, submission: SubmissionServer
) -> None:
    submission.add_user(USER, PASSWORD)
    right = service.call("Authenticate", extended(submission.port_plain, "Smtp"), ticket=annas)
    assert (right.succeeded, right.text("Response")) == (True, "true"), right.exception
    wrong = extended(submission.port_plain, "SMTP", Password="no")
    assert service.call("Authenticate", wrong, ticket=annas).text("Response") == "false"
