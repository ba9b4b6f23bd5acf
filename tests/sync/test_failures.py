"""What can be wrong with a mail server, and how the account says so; then success clears it."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from services84.store.values import AccountStatus
from tests.support.dovecot import DovecotServer
from tests.support.mailboxes import credentials, save_account
from tests.support.service import Reply, Service, running_service
from tests.sync.conftest import MAIL_PASSWORD, new_user

CONNECT, READ = 2.0, 4.0  # time-outs of these tests, in seconds
SLACK = 8.0  # what a busy machine may add


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    timeouts = {"mail_connect_timeout": CONNECT, "mail_read_timeout": READ}
    with running_service(tmp_path, **timeouts) as running:
        yield running


@pytest.fixture
def ticket(service: Service) -> str:
    return service.associate("anna")[1]


def sync(service: Service, ticket: str, account_id: int) -> Reply:
    members = {"SyncUserAccount": {"AccountId": account_id}}
    return service.call("SyncEmailAccount", members, ticket=ticket)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def silent_server() -> Iterator[int]:
    """Accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    held.append(server.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield int(server.getsockname()[1])
    for connection in held:
        connection.close()


def assert_failing(service: Service, ticket: str, account_id: int, *words: str) -> str:
    """The call fails within the time-outs, and the account says why in these words."""
    begun = time.monotonic()
    reply = sync(service, ticket, account_id)
    assert time.monotonic() - begun < CONNECT + READ + SLACK
    assert reply.succeeded is False
    assert reply.extra["Sync.State"] == "completed"
    got = service.call("GetEMailAccount", {"EMailAccountId": account_id}, ticket=ticket)
    reason = got.text("Response/ErrorReason") or ""
    assert reason == reply.exception["Message"]
    for word in words:
        assert word in reason.lower()
    assert got.text("Response/AccountStatus") == str(int(AccountStatus.FAILING))
    assert got.text("Response/ErrorCount") == "1"
    assert MAIL_PASSWORD not in reason
    assert "wrong-secret" not in reason
    return reason


def test_every_trouble_has_a_readable_reason_of_its_own(
    service: Service, ticket: str, dovecot: DovecotServer
) -> None:
    user = new_user(dovecot)

    def account(password: str, port: int, host: str = "127.0.0.1") -> int:
        return save_account(service, ticket, user, password, port, host)

    with silent_server() as silent:
        reasons = [
            assert_failing(service, ticket, account("wrong-secret", dovecot.port_plain), "refused"),
            assert_failing(
                service, ticket, account(MAIL_PASSWORD, 143, "no-such-host.invalid"), "no-such-host"
            ),
            assert_failing(service, ticket, account(MAIL_PASSWORD, free_port()), "127.0.0.1"),
            assert_failing(service, ticket, account(MAIL_PASSWORD, silent), "did not answer"),
            assert_failing(
                service, ticket, account(MAIL_PASSWORD, dovecot.port_starttls), "certificate"
            ),
        ]
    assert len(set(reasons)) == len(reasons)
    assert all(len(reason) < 300 and "\n" not in reason for reason in reasons)


def test_a_later_success_clears_status_count_and_reason(
    service: Service, ticket: str, dovecot: DovecotServer
) -> None:
    user = new_user(dovecot)
    account_id = save_account(service, ticket, user, "wrong-secret", dovecot.port_plain)
    assert_failing(service, ticket, account_id, "refused")
    mended = {
        "EMailAccount": {
            "EMailAccountId": account_id,
            "EMailAddress": f"{user}@example.com",
            "IncomingCredentials": credentials(user, MAIL_PASSWORD, dovecot.port_plain),
        }
    }
    saved = service.call("SaveEMailAccount", mended, ticket=ticket)
    assert saved.text("Response/AccountStatus") == "0"
    assert saved.text("Response/ErrorCount") == "0"
    assert sync(service, ticket, account_id).succeeded
    got = service.call("GetEMailAccount", {"EMailAccountId": account_id}, ticket=ticket)
    assert got.text("Response/AccountStatus") == str(int(AccountStatus.OK))
    assert (got.text("Response/ErrorCount"), got.text("Response/ErrorReason") or "") == ("0", "")


def test_a_server_that_comes_back_clears_the_error_without_any_save(
    service: Service, ticket: str, dovecot: DovecotServer
) -> None:
    user = new_user(dovecot)
    port = free_port()
    account_id = save_account(service, ticket, user, MAIL_PASSWORD, port)
    assert_failing(service, ticket, account_id)
    with forwarding(port, dovecot.port_plain):
        deadline = time.monotonic() + 30
        while not (reply := sync(service, ticket, account_id)).succeeded:
            assert time.monotonic() < deadline, reply.exception
    got = service.call("GetEMailAccount", {"EMailAccountId": account_id}, ticket=ticket)
    assert got.text("Response/AccountStatus") == str(int(AccountStatus.OK))


@contextmanager
def forwarding(port: int, target: int) -> Iterator[None]:
    """Passes one connection after another on to another port of this machine."""

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def serve(server: socket.socket) -> None:
        while True:
            try:
                near, _ = server.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", target))
            pair = threading.Thread(target=pump, args=(far, near), daemon=True)
            pair.start()
            pump(near, far)
            pair.join()
            near.close()
            far.close()

    with socket.create_server(("127.0.0.1", port)) as server:
        thread = threading.Thread(target=serve, args=(server,), daemon=True)
        thread.start()
        yield
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_an_account_that_rests_after_an_error_is_not_tried_and_says_why(
    tmp_path: Path, dovecot: DovecotServer
) -> None:
    with running_service(tmp_path, backoff_base=600.0, backoff_cap=600.0) as service:
        _, ticket = service.associate("anna")
        user = new_user(dovecot)
        account_id = save_account(service, ticket, user, "wrong-secret", dovecot.port_plain)
        first = sync(service, ticket, account_id)
        logins = dovecot.logins(user)
        second = sync(service, ticket, account_id)
        assert second.succeeded is False
        assert "not tried again for" in second.exception["Message"]
        assert first.exception["Message"] in second.exception["Message"]
        assert dovecot.logins(user) == logins
        ready = service.call("GetReadySyncEmailAccounts", ticket=ticket)
        assert ready.text("Response/SyncUserAccount/AccountId") is None


def test_the_configured_number_of_errors_makes_an_account_failed(
    tmp_path: Path, dovecot: DovecotServer
) -> None:
    with running_service(tmp_path, sync_max_errors=2, backoff_cap=0.001) as service:
        _, ticket = service.associate("anna")
        account_id = save_account(service, ticket, "nobody", "wrong-secret", free_port())
        for expected in (AccountStatus.FAILING, AccountStatus.FAILED):
            while "not tried" in sync(service, ticket, account_id).exception["Message"]:
                pass
            account = service.services.accounts.get(account_id)
            assert account is not None
            assert account.status is expected
        ready = service.call("GetReadySyncEmailAccounts", ticket=ticket)
        assert ready.text("Response/SyncUserAccount/AccountId") is None
