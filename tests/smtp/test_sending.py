"""Sending messages through real servers: what they get, and what keeps them from it."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from services84.errors import (
    InvalidValue,
    LoginRefused,
    MailServerRefused,
    MessageTooLarge,
    RecipientsRefused,
    SevenBitOnly,
    TlsFailed,
)
from services84.mailhost import Login, MailHost, Transport
from services84.smtp.submission import SendResult, Timeouts, send, session
from tests.smtp.test_submission import dial, dial_as_if_far
from tests.support.scripted import answer, say, scripted
from tests.support.submission import SubmissionServer

SECRET = "pass=wörd,84"
SOURCE = b"From: anna@example.com\r\nSubject: hello\r\n\r\nHi\r\n"
TIMEOUTS = Timeouts(5, 5, 5)


@pytest.fixture
def login(submission: SubmissionServer, request: pytest.FixtureRequest) -> Login:
    return Login(submission.add_user(f"anna+{request.node.name}@example.com", SECRET), SECRET)


@pytest.fixture
def recipient(request: pytest.FixtureRequest) -> str:
    name = "".join(c if c.isalnum() else "-" for c in request.node.name)
    return f"{name}@example.org"


def send_to(
    port: int,
    recipients: list[str],
    source: bytes = SOURCE,
    *,
    login: Login | None = None,
    transport: Transport = Transport.STARTTLS,
    sender: str = "anna@example.com",
    ca_file: Path | None = None,
    partially: bool = False,
    far: bool = False,
) -> SendResult:
    return send(
        MailHost("127.0.0.1", port, transport),
        login,
        sender,
        recipients,
        source,
        dial=dial_as_if_far if far else dial,
        timeouts=TIMEOUTS,
        ca_file=ca_file,
        partially=partially,
    )


@pytest.mark.parametrize(
    ("port", "transport"),
    [
        ("port_plain", Transport.STARTTLS),
        ("port_starttls", Transport.STARTTLS),
        ("port_tls", Transport.TLS),
    ],
)
def test_a_message_arrives_as_it_was_sent(
    submission: SubmissionServer, login: Login, recipient: str, port: str, transport: Transport
) -> None:
    number = getattr(submission, port)

    wrong = Login(login.username, "wrong")
    with pytest.raises(LoginRefused, match="535"):
        send_to(number, [recipient], login=wrong, transport=transport, ca_file=submission.ca_file)
    assert submission.received(recipient) == []
    result = send_to(
        number, [recipient], login=login, transport=transport, ca_file=submission.ca_file
    )

    (received,) = submission.received(recipient)
    assert (received.mail_from, received.source) == ("anna@example.com", SOURCE)
    assert received.options == [f"SIZE={len(SOURCE)}"]
    assert result.accepted == (recipient,)
    assert result.refused == {}
    assert result.reply.startswith("250 OK queued as")


def test_a_refused_recipient_is_named_and_nobody_gets_the_message(
    submission: SubmissionServer, login: Login, recipient: str
) -> None:
    everybody = [recipient, "nobody@example.org", "later@example.org"]

    with pytest.raises(RecipientsRefused, match="sent to nobody") as caught:
        send_to(submission.port_plain, everybody, login=login)

    assert caught.value.refused == {
        "nobody@example.org": "550 5.1.1 no such user",
        "later@example.org": "450 4.2.1 mailbox is busy",
    }
    assert "nobody@example.org (550 5.1.1 no such user)" in caught.value.message
    assert caught.value.parameters["Recipients"] == "nobody@example.org; later@example.org"
    assert submission.received(recipient) == []


def test_some_may_be_refused_where_that_is_wanted(
    submission: SubmissionServer, login: Login, recipient: str
) -> None:
    everybody = [recipient, "nobody@example.org"]

    result = send_to(submission.port_plain, everybody, login=login, partially=True)

    assert result.refused == {"nobody@example.org": "550 5.1.1 no such user"}
    assert result.accepted == (recipient,)
    assert [each.recipients for each in submission.received(recipient)] == [[recipient]]
    with pytest.raises(RecipientsRefused):
        send_to(submission.port_plain, ["nobody@example.org"], login=login, partially=True)


def test_a_session_goes_on_after_a_refusal(
    submission: SubmissionServer, login: Login, recipient: str
) -> None:
    host = MailHost("127.0.0.1", submission.port_plain, Transport.STARTTLS)
    with session(host, login, dial=dial, timeouts=TIMEOUTS) as opened:
        with pytest.raises(RecipientsRefused):
            opened.send("anna@example.com", [recipient, "nobody@example.org"], SOURCE)
        assert opened.usable
        opened.send("anna@example.com", [recipient], SOURCE)
        opened.send("", [recipient], SOURCE)

    assert [each.mail_from for each in submission.received(recipient)] == ["anna@example.com", "<>"]
    assert submission.logins(login.username) == 1


def test_a_relay_needs_no_login(submission: SubmissionServer, recipient: str) -> None:
    with pytest.raises(LoginRefused, match="demands a login: 530"):
        send_to(submission.port_plain, [recipient])

    send_to(submission.port_relay, [recipient])
    send_to(submission.port_relay, [recipient], login=Login("", ""))

    assert len(submission.received(recipient)) == 2


def test_mail_is_not_sent_unprotected_to_another_host(
    submission: SubmissionServer, recipient: str
) -> None:
    with pytest.raises(TlsFailed, match="offers no TLS, and mail is not sent unprotected"):
        send_to(submission.port_relay, [recipient], far=True)
    assert submission.received(recipient) == []


@pytest.mark.parametrize(
    ("source", "arrives"),
    [
        (b"A: b\r\n\r\n.\r\n..\r\n.x\r\n", b"A: b\r\n\r\n.\r\n..\r\n.x\r\n"),
        (b".A: b\n\n.\nend", b".A: b\r\n\r\n.\r\nend\r\n"),
        (b"A: b\r\n\r\none\rtwo\nthree\r\n", b"A: b\r\n\r\none\r\ntwo\r\nthree\r\n"),
        (b"A: b\r\n\r\nx\n.\nMAIL FROM:<x@y>", b"A: b\r\n\r\nx\r\n.\r\nMAIL FROM:<x@y>\r\n"),
        (b"A: b\r\n\r\nx\r.\r\r\n.\r\n", b"A: b\r\n\r\nx\r\n.\r\n\r\n.\r\n"),
    ],
)
def test_lines_that_begin_with_a_dot_and_odd_line_ends_arrive_whole(
    submission: SubmissionServer, recipient: str, source: bytes, arrives: bytes
) -> None:
    send_to(submission.port_relay, [recipient], source)

    assert [each.source for each in submission.received(recipient)] == [arrives]


@pytest.mark.parametrize("shift", range(4))
def test_dots_at_the_seams_of_blocks_are_doubled(
    submission: SubmissionServer, recipient: str, shift: int
) -> None:
    line = b"." * 62 + b"\r\n"
    source = b"A: b\r\n\r\n" + b"x" * shift + b"\r\n" + line * 3000

    send_to(submission.port_relay, [recipient], source)

    assert submission.received(recipient)[0].source == source


def test_eight_bit_text_and_utf8_addresses_go_to_servers_that_take_them(
    submission: SubmissionServer, recipient: str
) -> None:
    body = "Subject: x\r\n\r\nHöhe\r\n".encode()
    header = "Subject: Höhe\r\n\r\nx\r\n".encode()

    send_to(submission.port_relay, [recipient], body)
    send_to(submission.port_relay, [recipient], header)
    send_to(submission.port_relay, [recipient, "jörg@bücher.example"], SOURCE)

    first, second, third = submission.received(recipient)
    assert first.options == [f"SIZE={len(body)}", "BODY=8BITMIME"]
    assert first.source == body
    assert second.options == [f"SIZE={len(header)}", "BODY=8BITMIME", "SMTPUTF8"]
    assert third.options == [f"SIZE={len(SOURCE)}", "SMTPUTF8"]
    assert third.recipients == [recipient, "jörg@bücher.example"]


GREETING = say(b"220 mail.example.com ESMTP\r\n")


def test_what_a_plain_server_cannot_take_is_not_sent() -> None:
    ehlo = answer(b"250-mail\r\n250 SIZE 1000\r\n", expect=b"EHLO")
    script = [GREETING, ehlo, answer(b"221 bye\r\n", expect=b"QUIT")]
    with scripted(*script) as server:
        host = MailHost(server.host, server.port, Transport.STARTTLS)
        with session(host, None, dial=dial, timeouts=TIMEOUTS) as opened:
            assert not opened.takes_eight_bit
            assert not opened.takes_utf8
            with pytest.raises(MessageTooLarge, match=r"at most 1,000 bytes; this one has 1,0\d\d"):
                opened.send("a@x.org", ["b@x.org"], SOURCE + b"x" * 1000)
            with pytest.raises(SevenBitOnly, match="messages of 7 bits only"):
                opened.send("a@x.org", ["b@x.org"], "A: b\r\n\r\nHöhe\r\n".encode())
            with pytest.raises(RecipientsRefused, match=r"jörg@x\.org .*no SMTPUTF8") as caught:
                opened.send("a@x.org", ["b@x.org", "jörg@x.org"], SOURCE)
            assert list(caught.value.refused) == ["jörg@x.org"]
            with pytest.raises(MailServerRefused, match=r"cannot send from jörg@x\.org"):
                opened.send("jörg@x.org", ["b@x.org"], SOURCE)
    assert [line.split()[0].upper() for line in server.heard] == [b"EHLO", b"QUIT"]


def test_a_limit_of_zero_is_none() -> None:
    ehlo = answer(b"250-mail\r\n250 SIZE 0\r\n", expect=b"EHLO")
    refusal = answer(b"550 no\r\n", expect=b"MAIL FROM:<a@x.org> SIZE=")
    script = [GREETING, ehlo, refusal, answer(b"250 ok\r\n", expect=b"RSET")]
    with (
        scripted(*script) as server,
        pytest.raises(MailServerRefused, match=r"refused the sender a@x\.org: 550"),
    ):
        send_to(server.port, ["b@x.org"], sender="a@x.org")


@pytest.mark.parametrize(
    ("sender", "recipients", "source", "member"),
    [
        ("a@x.org", [], SOURCE, "Recipients"),
        ("a@x.org", ["b"], SOURCE, r"Recipients\[0\]"),
        ("a@x.org", ["b@x", ""], SOURCE, r"Recipients\[1\]"),
        ("a@x.org", ["b@x.org\r\nDATA"], SOURCE, r"Recipients\[0\]"),
        ("a@x.org", ["b@x.org> X"], SOURCE, r"Recipients\[0\]"),
        ("a@x.org", ["b@x.org\0"], SOURCE, r"Recipients\[0\]"),
        ("a@x.org>\nRCPT TO:<c@x.org", ["b@x.org"], SOURCE, "From"),
        ("a@x.org", ["b@x.org"], b"\r\n", "Rfc822"),
    ],
)
def test_wrong_addresses_are_named_and_never_said(
    submission: SubmissionServer, sender: str, recipients: list[str], source: bytes, member: str
) -> None:
    with pytest.raises(InvalidValue, match=f"^{member}: "):
        send_to(submission.port_relay, recipients, source, sender=sender)


def test_a_long_message_arrives_and_no_thread_or_socket_is_left(
    submission: SubmissionServer, recipient: str
) -> None:
    source = b"A: b\r\n\r\n" + b"0123456789abcdef" * 60 + b"\r\n"
    source += (b"." + b"x" * 70 + b"\r\n") * (2 * 1024 * 1024 // 73)
    before = set(threading.enumerate())
    opened: list[socket.socket] = []

    def remembered(host: str, port: int, timeout: float) -> socket.socket:
        opened.append(dial(host, port, timeout))
        return opened[-1]

    host = MailHost("127.0.0.1", submission.port_relay, Transport.STARTTLS)
    send(host, None, "a@x.org", [recipient], source, dial=remembered, timeouts=TIMEOUTS)

    assert submission.received(recipient)[0].source == source
    assert set(threading.enumerate()) <= before
    assert [each.fileno() for each in opened] == [-1]
