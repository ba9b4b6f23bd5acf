"""What is known about a message when the conversation breaks off at any of its steps."""

from __future__ import annotations

import socket
import struct
import time

import pytest

from services84.errors import (
    ConnectionLost,
    LoginRefused,
    MailServerBusy,
    MailServerError,
    MailServerRefused,
    MailServerTimeout,
    RecipientsRefused,
    SendUncertain,
)
from services84.mailhost import Login, MailHost, Transport
from services84.smtp.submission import SendResult, Timeouts, send, session
from tests.smtp.test_submission import dial
from tests.support.scripted import Conversation, Play, answer, drip, flood, hang, say, scripted

SECRET = "secret-84"
SOURCE = b"Subject: hello\r\n\r\nHi\r\n.\r\n"
TIMEOUTS = Timeouts(connect=0.4, read=0.4, verdict=0.6)


def hear_message(conversation: Conversation) -> None:
    """Hear everything up to the last dot."""
    while conversation.receive_line() != b".\r\n":
        pass


def stall(conversation: Conversation) -> None:
    """Read nothing more, until the test is over."""
    conversation.over.wait(10)


def reset(conversation: Conversation) -> None:
    """Break the connection off, with whatever is still on its way."""
    conversation.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    conversation.socket.close()


GREETING = say(b"220 mail.example.com ESMTP\r\n")
EHLO = answer(b"250-mail\r\n250 AUTH PLAIN\r\n", expect=b"EHLO")
AUTH = answer(b"235 in\r\n", expect=b"AUTH PLAIN")
MAIL = answer(b"250 ok\r\n", expect=b"MAIL FROM:<anna@x.org>")
FIRST = answer(b"250 ok\r\n", expect=b"RCPT TO:<bert@x.org>")
SECOND = answer(b"251 elsewhere\r\n", expect=b"RCPT TO:<carla@x.org>")
DATA = answer(b"354 go on\r\n", expect=b"DATA")
TAKEN = say(b"250 queued as 84\r\n")
QUIT = answer(b"221 bye\r\n", expect=b"QUIT")
UNTIL_DATA = [GREETING, EHLO, AUTH, MAIL, FIRST, SECOND]
UNTIL_DOT = [*UNTIL_DATA, DATA, hear_message]
CUTS: list[tuple[list[Play], type[MailServerError]]] = [
    ([], ConnectionLost),
    ([reset], ConnectionLost),
    ([hang], MailServerTimeout),
    ([say(b"25")], ConnectionLost),
]
LONG_CUTS: list[tuple[list[Play], type[MailServerError]]] = [
    ([drip(b"250-x\r\n")], MailServerTimeout),
    ([flood(b"250-x\r\n" * 1000)], MailServerRefused),
]
STEPS = range(len(UNTIL_DATA) + 1)


def send_through(port: int, source: bytes = SOURCE) -> SendResult:
    return send(
        MailHost("127.0.0.1", port, Transport.STARTTLS),
        Login("anna", SECRET),
        "anna@x.org",
        ["bert@x.org", "carla@x.org", "bert@x.org"],
        source,
        dial=dial,
        timeouts=TIMEOUTS,
    )


def outcome(*script: Play, source: bytes = SOURCE) -> MailServerError:
    """The error that the script leads to, within the time-outs."""
    started = time.monotonic()
    with scripted(*script) as server, pytest.raises(MailServerError) as caught:
        send_through(server.port, source)
    assert time.monotonic() - started < 25
    assert SECRET not in str(caught.value)
    return caught.value


def test_a_message_is_sent_once_to_each_recipient() -> None:
    with scripted(*UNTIL_DOT, TAKEN, QUIT) as server:
        result = send_through(server.port)

    assert result == SendResult(("bert@x.org", "carla@x.org"), "250 queued as 84")
    assert server.heard[-8:] == [
        b"RCPT TO:<carla@x.org>\r\n",
        b"DATA\r\n",
        b"Subject: hello\r\n",
        b"\r\n",
        b"Hi\r\n",
        b"..\r\n",
        b".\r\n",
        b"QUIT\r\n",
    ]


@pytest.mark.parametrize(
    ("step", "cut", "kind"),
    [
        *((step, cut, kind) for step in STEPS for cut, kind in CUTS),
        *((step, cut, kind) for step in STEPS[::3] for cut, kind in LONG_CUTS),
    ],
)
def test_a_cut_before_the_message_is_handed_over_is_an_ordinary_failure(
    step: int, cut: list[Play], kind: type[MailServerError]
) -> None:
    error = outcome(*[*UNTIL_DATA, DATA][:step], *cut)

    assert type(error) is kind
    assert not isinstance(error, SendUncertain)


@pytest.mark.parametrize(
    ("cut", "kind", "text"),
    [
        ([reset], ConnectionLost, "lost"),
        ([stall], MailServerTimeout, "within 0.4 seconds"),
        ([answer(b"552 too large\r\n"), reset], MailServerRefused, "the message: 552 too large"),
        ([answer(b"421 going down\r\n"), reset], MailServerBusy, "patience: 421 going down"),
    ],
)
def test_a_cut_within_the_message_is_an_ordinary_failure(
    cut: list[Play], kind: type[MailServerError], text: str
) -> None:
    long = b"Subject: long\r\n\r\n" + (b"x" * 70 + b"\r\n") * 300_000

    error = outcome(*UNTIL_DATA, DATA, *cut, source=long)

    assert type(error) is kind
    assert text in str(error)


@pytest.mark.parametrize(
    ("cut", "why"),
    [
        ([], "closed the connection"),
        ([reset], "lost|closed"),
        ([hang], "did not answer within 0.6 seconds"),
        ([drip(b"250-x\r\n")], "did not answer within 0.6 seconds"),
        ([say(b"250 OK")], "closed the connection"),
        ([say(b"550 no")], "closed the connection"),
        ([say(b"250-OK\r\n")], "closed the connection"),
        ([say(b"hello\r\n")], "does not speak|answered"),
        ([say(b"354 more\r\n")], "answered '354 more'"),
        ([flood(b"250-x\r\n" * 1000)], "does not speak SMTP|did not answer"),
    ],
)
def test_a_cut_after_the_last_dot_leaves_it_open(cut: list[Play], why: str) -> None:
    error = outcome(*UNTIL_DOT, *cut)

    assert type(error) is SendUncertain
    assert "the message may have been sent" in str(error)
    assert error.exception_type == "SoSendUncertainException"
    assert any(each in str(error) for each in why.split("|")), str(error)


@pytest.mark.parametrize(
    ("verdict", "kind", "text"),
    [
        (b"451 try again\r\n", MailServerBusy, "did not take the message now: 451 try again"),
        (b"421 closing\r\n", MailServerBusy, "did not take the message now: 421 closing"),
        (b"554-5.7.1 spam\r\n554 5.7.1 go\r\n", MailServerRefused, "554 5.7.1 spam 5.7.1 go"),
    ],
)
def test_a_refusal_after_the_last_dot_is_certain(
    verdict: bytes, kind: type[MailServerError], text: str
) -> None:
    error = outcome(*UNTIL_DOT, say(verdict))

    assert type(error) is kind
    assert text in str(error)


@pytest.mark.parametrize("goodbye", [[], [reset], [hang], [drip(b"221-x\r\n")], [say(b"221")]])
def test_a_message_that_was_taken_stays_sent_whatever_happens_then(goodbye: list[Play]) -> None:
    with scripted(*UNTIL_DOT, TAKEN, *goodbye) as server:
        assert send_through(server.port).reply == "250 queued as 84"


@pytest.mark.parametrize(
    ("script", "kind", "text"),
    [
        ([answer(b"530 login first\r\n")], LoginRefused, "demands a login: 530 login first"),
        ([answer(b"451 later\r\n")], MailServerBusy, "patience: 451 later"),
        ([answer(b"553 who?\r\n")], MailServerRefused, "the sender anna@x.org: 553 who?"),
        ([MAIL, answer(b"421 bye\r\n")], MailServerBusy, "patience: 421 bye"),
        (
            [MAIL, FIRST, answer(b"550 no such user\r\n"), answer(b"250 ok\r\n", expect=b"RSET")],
            RecipientsRefused,
            r"carla@x.org (550 no such user)",
        ),
        ([MAIL, FIRST, answer(b"550 no\r\n"), hang], RecipientsRefused, "carla@x.org (550 no)"),
        (
            [MAIL, FIRST, SECOND, answer(b"554 no\r\n"), answer(b"250 ok\r\n", expect=b"RSET")],
            MailServerRefused,
            "refused the message: 554 no",
        ),
    ],
)
def test_refusals_are_told_apart_and_no_message_follows(
    script: list[Play], kind: type[MailServerError], text: str
) -> None:
    error = outcome(GREETING, EHLO, AUTH, *script)

    assert type(error) is kind
    assert text in str(error)


def test_a_session_in_doubt_is_not_used_again() -> None:
    with scripted(*UNTIL_DOT) as server:
        host = MailHost(server.host, server.port, Transport.STARTTLS)
        with session(host, Login("anna", SECRET), dial=dial, timeouts=TIMEOUTS) as opened:
            assert opened.usable
            with pytest.raises(SendUncertain):
                opened.send("anna@x.org", ["bert@x.org", "carla@x.org"], SOURCE)
            assert not opened.usable
