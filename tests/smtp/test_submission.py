"""Signing in at submission servers: real ones, and ones that misbehave."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import pytest

from services84.errors import (
    ConnectionLost,
    LoginRefused,
    MailServerBusy,
    MailServerError,
    MailServerRefused,
    MailServerTimeout,
    TlsFailed,
)
from services84.mailhost import Login, MailHost, Mechanism, Transport
from services84.smtp.submission import Timeouts, check_login
from tests.support.scripted import Play, answer, drip, flood, hang, say, scripted
from tests.support.submission import SubmissionServer

SECRET = "pass=wörd,84"


def dial(host: str, port: int, timeout: float) -> socket.socket:
    """A reset that comes with the connection is heard of here or by the first who reads."""
    try:
        return socket.create_connection((host, port), timeout)
    except ConnectionResetError as error:
        raise ConnectionLost("the connection was reset") from error


def dial_as_if_far(host: str, port: int, timeout: float) -> socket.socket:
    """A connection whose other end does not look like this machine."""

    class Far(socket.socket):
        def getpeername(self) -> tuple[str, int]:
            return ("192.0.2.1", 25)

    near = dial("127.0.0.1", port, timeout)
    return Far(fileno=near.detach())


def check(
    port: int,
    login: Login,
    transport: Transport = Transport.STARTTLS,
    *,
    ca_file: Path | None = None,
    host: str = "127.0.0.1",
    far: bool = False,
    allow_cleartext: bool = False,
    read: float = 5,
) -> None:
    check_login(
        MailHost(host, port, transport),
        login,
        dial=dial_as_if_far if far else dial,
        timeouts=Timeouts(5, read),
        ca_file=ca_file,
        allow_cleartext=allow_cleartext,
    )


@pytest.fixture
def user(submission: SubmissionServer, request: pytest.FixtureRequest) -> str:
    return submission.add_user(f"anna+{request.node.name}@example.com", SECRET)


@pytest.mark.parametrize("mechanism", Mechanism)
@pytest.mark.parametrize(
    ("port", "transport"),
    [
        ("port_plain", Transport.PLAIN),
        ("port_plain", Transport.STARTTLS),
        ("port_starttls", Transport.STARTTLS),
        ("port_starttls", Transport.PLAIN),
        ("port_tls", Transport.TLS),
    ],
)
def test_a_good_login_is_good_and_a_wrong_one_refused(
    submission: SubmissionServer, user: str, mechanism: Mechanism, port: str, transport: Transport
) -> None:
    number, ca_file = getattr(submission, port), submission.ca_file

    with pytest.raises(LoginRefused, match=r"login refused by 127\.0\.0\.1:\d+: 535") as caught:
        check(number, Login(user, "wrong-secret", mechanism), transport, ca_file=ca_file)
    assert "wrong-secret" not in str(caught.value)
    assert submission.logins(user) == 0
    check(number, Login(user, SECRET, mechanism), transport, ca_file=ca_file)
    assert submission.logins(user) == 1


def test_a_long_token_waits_to_be_asked_for(submission: SubmissionServer, user: str) -> None:
    token = "t" * 600
    submission.add_user(user, token)

    check(submission.port_plain, Login(user, token, Mechanism.OAUTH))


@pytest.mark.parametrize(
    ("port", "transport"), [("port_starttls", Transport.STARTTLS), ("port_tls", Transport.TLS)]
)
def test_an_untrusted_certificate_is_refused(
    submission: SubmissionServer, user: str, port: str, transport: Transport
) -> None:
    with pytest.raises(TlsFailed, match="is not trusted"):
        check(getattr(submission, port), Login(user, SECRET), transport)
    assert submission.logins(user) == 0


def test_a_password_is_not_sent_in_clear_to_another_host(
    submission: SubmissionServer, user: str
) -> None:
    with pytest.raises(TlsFailed, match="offers no TLS, and a password is not sent unprotected"):
        check(submission.port_plain, Login(user, SECRET), far=True)

    check(submission.port_plain, Login(user, SECRET), far=True, allow_cleartext=True)


GREETING = say(b"220 mail.example.com ESMTP\r\n")
EHLO = answer(b"250-mail.example.com\r\n250 AUTH PLAIN LOGIN\r\n", expect=b"EHLO [127.0.0.1]")


@pytest.mark.parametrize(
    ("script", "kind", "text"),
    [
        ([say(b"421 too busy\r\n")], MailServerBusy, "asks for patience: 421 too busy"),
        ([say(b"554 go away\r\n")], MailServerRefused, "refused the connection: 554 go away"),
        ([say(b"* OK IMAP ready\r\n")], MailServerRefused, "does not speak SMTP"),
        ([say(b"")], ConnectionLost, "closed the connection"),
        ([hang], MailServerTimeout, "did not answer within 0.5 seconds"),
        ([drip(b"220-x\r\n")], MailServerTimeout, "did not answer within 1.5 seconds"),
        ([flood(b"220-x\r\n" * 1000)], MailServerRefused, "does not speak SMTP"),
        ([flood(b"x" * 9999)], MailServerRefused, "does not speak SMTP"),
        ([GREETING, hang], MailServerTimeout, "did not answer"),
        ([GREETING, answer(b"502 no\r\n")], MailServerRefused, "refused EHLO: 502 no"),
        ([GREETING, answer(b"250 mail\r\n")], LoginRefused, r"offers no login \(AUTH\)"),
        ([GREETING, EHLO, answer(b"454 later\r\n")], MailServerBusy, "patience: 454 later"),
        ([GREETING, EHLO, answer(b"534 5.7.9 app\r\n")], LoginRefused, "534 5.7.9 app"),
        ([GREETING, EHLO, answer(b"504 no\r\n")], MailServerRefused, "refused the login: 504"),
        ([GREETING, EHLO, answer(b"334 \r\n"), say(b"")], ConnectionLost, "closed"),
        ([GREETING, EHLO, *[answer(b"334 AA==\r\n")] * 9], MailServerRefused, "refused the login"),
        ([GREETING, EHLO, answer(b"334 A\r\n"), answer(b"501 no\r\n")], MailServerRefused, "501"),
        (
            [GREETING, answer(b"250-m\r\n250 STARTTLS\r\n"), answer(b"454 no\r\n")],
            MailServerBusy,
            "454 no",
        ),
        (
            [GREETING, answer(b"250-m\r\n250 STARTTLS\r\n"), answer(b"220 go\r\n"), hang],
            MailServerTimeout,
            "did not finish the TLS handshake",
        ),
    ],
)
def test_misbehaviour_is_told_apart(
    script: list[Play], kind: type[MailServerError], text: str
) -> None:
    started = time.monotonic()
    with scripted(*script) as server, pytest.raises(kind, match=text) as caught:
        check_login(
            MailHost(server.host, server.port, Transport.STARTTLS),
            Login("anna", SECRET),
            dial=dial,
            timeouts=Timeouts(0.5, 0.5),
        )
    assert type(caught.value) is kind
    assert time.monotonic() - started < 25
    assert SECRET not in str(caught.value)


def test_an_offer_that_does_not_fit_is_named() -> None:
    with (
        scripted(GREETING, EHLO) as server,
        pytest.raises(LoginRefused, match="offers no OAUTHBEARER or XOAUTH2, but PLAIN LOGIN"),
    ):
        check(server.port, Login("anna", "token", Mechanism.OAUTH))


def test_a_quoted_password_is_not_passed_on() -> None:
    said = answer(f"535 no user with {SECRET}\r\n".encode())
    with (
        scripted(GREETING, EHLO, said) as server,
        pytest.raises(LoginRefused, match=r"535 no user with \*\*\*"),
    ):
        check(server.port, Login("anna", SECRET))


def test_what_is_said_before_tls_does_not_count(submission: SubmissionServer) -> None:
    slipped_in = answer(b"220 go\r\n250 AUTH PLAIN\r\n", expect=b"STARTTLS")
    with (
        scripted(GREETING, answer(b"250-m\r\n250 STARTTLS\r\n"), slipped_in) as server,
        pytest.raises(MailServerError),
    ):
        check(server.port, Login("anna", SECRET))
    assert not any(line.startswith(b"AUTH") for line in server.heard)


def test_no_thread_is_left(submission: SubmissionServer, user: str) -> None:
    before = set(threading.enumerate())
    check(submission.port_plain, Login(user, SECRET))

    assert set(threading.enumerate()) <= before
