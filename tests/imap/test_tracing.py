"""The protocol log: what it tells, and what never stands in it."""

from __future__ import annotations

import base64
import contextlib

import pytest

from services84.errors import MailServerError
from services84.imap.framing import Framer, Limits, Response
from services84.imap.names import astring, joined, verbatim
from services84.imap.tracing import LONGEST_LINE, Tracer
from services84.mailhost import Login, Mechanism
from tests.imap.conftest import SECRET, open_imap
from tests.support.dovecot import DovecotServer
from tests.support.scripted import LOGOUT, Conversation, Play, answer, hang, say, scripted

CANARY = 'canary-Ü"7\\ {9} secret'
USER = "canary-user@example.com"
IN = answer(b"%t OK [CAPABILITY IMAP4rev1 X-AFTER] welcome\r\n")
GO = answer(b"+ \r\n")
PROMPT = answer(b"+ UGFzc3dvcmQ6\r\n")
CHALLENGE = answer(b"+ " + base64.b64encode(b"<1896.697170952@example.com>") + b"\r\n")


def one(text: bytes) -> Response:
    return next(Framer(Limits()).feed(text + b"\r\n"))


def lines_of(*heard: bytes, signing_in: bool = False) -> list[str]:
    told: list[str] = []
    tracer = Tracer(told.append, CANARY)
    if signing_in:
        tracer.command("AUTHENTICATE", (b"PLAIN",))
    for text in heard:
        tracer.heard(one(text))
    return told[signing_in:]


# Secrets ----------------------------------------------------------------------------------------


def quoting(conversation: Conversation) -> None:
    """Refuse a login, and quote what was said in every place that there is."""
    line = conversation.receive_line().rstrip(b"\r\n")
    said = line.partition(b" ")[2] or line
    for response in (
        b"* OK you said %b",
        b"* NO [ALERT] %b",
        b"* %b",
        b"%b",
        b'* LIST () "/" "%b"',
        b"* BAD [X %b] no",
        b"+%b",
        b"* BYE %b",
    ):
        conversation.socket.sendall(response % said + b"\r\n")


WAYS = [
    ("AUTH=PLAIN SASL-IR", Mechanism.PASSWORD, []),
    ("AUTH=PLAIN LOGINDISABLED", Mechanism.PASSWORD, [GO]),
    ("AUTH=LOGIN LOGINDISABLED", Mechanism.PASSWORD, [PROMPT, PROMPT]),
    ("", Mechanism.PASSWORD, [GO]),
    ("AUTH=CRAM-MD5", Mechanism.CRAM_MD5, [CHALLENGE]),
    ("AUTH=XOAUTH2 SASL-IR", Mechanism.OAUTH, []),
    ("AUTH=XOAUTH2", Mechanism.OAUTH, [GO]),
    ("AUTH=OAUTHBEARER SASL-IR", Mechanism.OAUTH, []),
    ("AUTH=OAUTHBEARER", Mechanism.OAUTH, [GO]),
]


@pytest.mark.parametrize("last", [IN, quoting], ids=["accepted", "refused"])
@pytest.mark.parametrize(("offered", "mechanism", "steps"), WAYS)
def test_no_mechanism_leaves_a_secret(
    offered: str, mechanism: Mechanism, steps: list[Play], last: Play
) -> None:
    greeting = say(b"* OK [CAPABILITY IMAP4rev1 " + offered.encode() + b"] ready\r\n")
    told: list[str] = []
    leaving = [LOGOUT] if last is IN else []
    with scripted(greeting, *steps, last, *leaving) as server:
        with contextlib.suppress(MailServerError):
            open_imap(
                server.port, Login(USER, CANARY, mechanism), read=2, trace=told.append
            ).close()
        heard = list(server.heard)

    log = "\n".join(told)
    assert "> LOGIN ***" in told or any(line.startswith("> AUTHENTICATE ") for line in told)
    assert_clean(log, CANARY.encode(), USER.encode())
    # Nothing of what was said after the command, in whichever encoding.
    for line in heard[1:] if b"LOGOUT" not in heard[-1] else heard[1:-1]:
        assert line.decode("latin-1").strip() not in log
    if last is quoting:
        assert "= " in log
    else:
        assert "< " in log
        assert "[CAPABILITY IMAP4rev1 X-AFTER]" in log
        assert told[-1].startswith("= ") or "LOGOUT" in log


def assert_clean(log: str, *secrets: bytes) -> None:
    for secret in secrets:
        assert secret.decode() not in log
        assert "canary" not in log
        for shift in range(3):  # as base64 has it, wherever it begins
            packed = base64.b64encode(b"x" * shift + secret)[4:-4].decode()
            assert packed not in log


def test_a_password_is_hidden_wherever_it_is_quoted() -> None:
    quoted = CANARY.encode()
    assert lines_of(b"* OK it was " + quoted + b"!") == ["< * OK it was ***!"]


def test_what_is_said_while_signing_in_is_told_without_words() -> None:
    assert lines_of(
        b"+ c2VjcmV0",
        b"* OK [ALERT] c2VjcmV0",
        b"* NO c2VjcmV0",
        b"a1 NO [AUTHENTICATIONFAILED] c2VjcmV0",
        b"a1 OK [CAPABILITY IMAP4rev1 IDLE] c2VjcmV0",
        b"* CAPABILITY IMAP4rev1",
        b"c2VjcmV0",
        signing_in=True,
    ) == [
        "< + ***",
        "< * OK [ALERT] ***",
        "< * NO ***",
        "< a1 NO [AUTHENTICATIONFAILED] ***",
        "< a1 OK [CAPABILITY IMAP4rev1 IDLE] ***",
        "< * CAPABILITY IMAP4rev1",
        "< (8 bytes that are no known response)",
    ]


# Contents ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heard", "line"),
    [
        (b"* 3 EXISTS", "< * 3 EXISTS"),
        (b"a7 OK done", "< a7 OK done"),
        (b"+ idling", "< + idling"),
        (b'* LIST () "/" "Box"', '< * LIST () "/" "Box"'),
        (b'* LIST () "/" {3}\r\na\rb', '< * LIST () "/" {3 bytes}'),
        (
            b'* 1 FETCH (UID 7 INTERNALDATE "17-Jul-1996 02:44:25 -0700" BODY[] {6}\r\nsecret)',
            '< * 1 FETCH (UID 7 INTERNALDATE "17-Jul-1996 02:44:25 -0700" BODY[] {6 bytes})',
        ),
        (b'* 1 FETCH (BODY[TEXT] "se\\"cret")', '< * 1 FETCH (BODY[TEXT] "(8 bytes)")'),
        (b"* Buy milk", "< (10 bytes that are no known response)"),
        (b"Dear Anna", "< (9 bytes that are no known response)"),
        (b"* OK a\x1b[31mb \xff", "< * OK a\\x1b[31mb \\xff"),
    ],
)
def test_what_was_heard_is_told_without_contents(heard: bytes, line: str) -> None:
    assert lines_of(heard) == [line]


def test_a_long_line_is_shortened() -> None:
    (line,) = lines_of(b"* SEARCH" + b" 1234567" * 10_000)
    assert len(line) < LONGEST_LINE + 50
    assert line.endswith("... (80008 bytes)")


def test_commands_are_told_with_literals_as_their_sizes() -> None:
    told: list[str] = []
    tracer = Tracer(told.append, CANARY)
    tracer.command("NOOP", (b"",))
    tracer.command(
        "APPEND", joined(astring(b"\xc3\xbc\xff"), verbatim("(\\Seen)"), (b"{6}", b"secret"))
    )
    tracer.command("APPEND", (b'"a" {6+}\r\nsecret',))
    tracer.command("APPEND", (b'"a" UTF8 (~{6}', b"secret)"))
    assert told == [
        "> NOOP",
        "> APPEND {3 bytes} (\\Seen) {6 bytes}",
        '> APPEND "a" {6 bytes}',
        '> APPEND "a" UTF8 (~{6 bytes})',
    ]


def test_a_whole_conversation_is_told(dovecot: DovecotServer, user: str) -> None:
    told: list[str] = []
    with open_imap(dovecot.port_plain, Login(user, SECRET), trace=told.append) as connection:
        connection.append("INBOX", b"Subject: confidential\r\n\r\nconfidential")
        connection.examine("INBOX")
        assert [m.source for m in connection.messages([1])]

    assert told[0].startswith("< * OK [CAPABILITY IMAP4rev1")
    assert "> AUTHENTICATE CRAM-MD5" in told
    assert "> ***" in told
    assert '> APPEND "INBOX" {37 bytes}' in told
    assert any(line.endswith("BODY[] {37 bytes})") for line in told)
    assert told[-3:-1] == ["> LOGOUT", "< * BYE Logging out"]
    assert "confidential" not in "\n".join(told)


def test_the_way_to_tls_is_told(dovecot: DovecotServer, user: str) -> None:
    told: list[str] = []
    with open_imap(
        dovecot.port_starttls, Login(user, SECRET), ca_file=dovecot.ca_file, trace=told.append
    ):
        pass
    assert "> STARTTLS" in told
    assert told.index("> STARTTLS") < told.index("> AUTHENTICATE PLAIN ***")


def test_the_reason_of_an_end_is_told() -> None:
    told: list[str] = []
    greeting = say(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] ready\r\n")
    with (
        scripted(greeting, IN, hang) as server,
        open_imap(server.port, Login(USER, CANARY), read=0.4, trace=told.append) as connection,
        contextlib.suppress(MailServerError),
    ):
        connection.folders()
    assert told[-1].startswith("= 127.0.0.1:")
    assert told[-1].endswith("did not answer within 0.4 seconds")
