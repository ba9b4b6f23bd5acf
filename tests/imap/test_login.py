"""Ways to sign in, as they go over the wire."""

from __future__ import annotations

import base64

import pytest

from services84.errors import LoginRefused, MailServerError
from services84.mailhost import Login, Mechanism
from tests.imap.conftest import open_imap
from tests.support.scripted import LOGOUT, Play, answer, say, scripted

BOB = Login('bo"b', "pa\\ss")
JOERG = Login("jörg", "pässwörd")
TOKEN = Login("a,b=c", "tok", Mechanism.OAUTH)
IN = answer(b"%t OK [CAPABILITY IMAP4rev1 X-AFTER] in\r\n")


def b64(raw: bytes) -> bytes:
    return base64.b64encode(raw)


def said_to(capabilities: bytes, login: Login, *answers: Play) -> list[bytes]:
    """What a client says, without tags, to a server that lets it in with the last answer."""
    greeting = say(b"* OK [CAPABILITY IMAP4rev1 " + capabilities + b"] ready\r\n")
    with (
        scripted(greeting, *answers, LOGOUT) as server,
        open_imap(server.port, login, read=2) as connection,
    ):
        assert "X-AFTER" in connection.capabilities
    lines = [line.rstrip(b"\r\n") for line in server.heard[:-1]]  # without LOGOUT
    return [lines[0].partition(b" ")[2], *lines[1:]]


GO = answer(b"+ \r\n")


@pytest.mark.parametrize(
    ("capabilities", "login", "answers", "said"),
    [
        (
            b"AUTH=PLAIN AUTH=LOGIN SASL-IR",
            JOERG,
            [IN],
            [b"AUTHENTICATE PLAIN " + b64("\0jörg\0pässwörd".encode())],
        ),
        (
            b"AUTH=PLAIN LOGINDISABLED",
            BOB,
            [GO, IN],
            [b"AUTHENTICATE PLAIN", b64(b'\0bo"b\0pa\\ss')],
        ),
        (b"", BOB, [IN], [b'LOGIN "bo\\"b" "pa\\\\ss"']),
        (b"AUTH=LOGIN", BOB, [IN], [b'LOGIN "bo\\"b" "pa\\\\ss"']),
        (
            b"AUTH=LOGIN LOGINDISABLED",
            BOB,
            [answer(b"+ VXNlcm5hbWU6\r\n"), answer(b"+ UGFzc3dvcmQ6\r\n"), IN],
            [b"AUTHENTICATE LOGIN", b64(b'bo"b'), b64(b"pa\\ss")],
        ),
        (
            b"",
            JOERG,
            [GO, GO, IN],
            [b"LOGIN {5}", "jörg {10}".encode(), "pässwörd".encode()],
        ),
        (
            b"AUTH=CRAM-MD5 AUTH=PLAIN",
            Login("tim", "tanstaaftanstaaf", Mechanism.CRAM_MD5),
            [
                answer(b"+ " + b64(b"<1896.697170952@postoffice.reston.mci.net>") + b"\r\n"),
                IN,
            ],
            [b"AUTHENTICATE CRAM-MD5", b64(b"tim b913a602c7eda7a495b4e6e7334d3890")],
        ),
        (
            b"AUTH=XOAUTH2 SASL-IR",
            TOKEN,
            [IN],
            [b"AUTHENTICATE XOAUTH2 " + b64(b"user=a,b=c\x01auth=Bearer tok\x01\x01")],
        ),
        (
            b"AUTH=XOAUTH2",
            TOKEN,
            [GO, IN],
            [b"AUTHENTICATE XOAUTH2", b64(b"user=a,b=c\x01auth=Bearer tok\x01\x01")],
        ),
    ],
)
def test_what_is_said(
    capabilities: bytes, login: Login, answers: list[Play], said: list[bytes]
) -> None:
    assert said_to(capabilities, login, *answers) == said


def test_a_token_is_bound_to_the_server() -> None:
    (command,) = said_to(b"AUTH=OAUTHBEARER AUTH=XOAUTH2 SASL-IR", TOKEN, IN)
    name, mechanism, message = command.split(b" ")
    header, host, port, auth, *rest = base64.b64decode(message).split(b"\x01")

    assert (name, mechanism) == (b"AUTHENTICATE", b"OAUTHBEARER")
    assert (header, host, auth) == (b"n,a=a=2Cb=3Dc,", b"host=127.0.0.1", b"auth=Bearer tok")
    assert port.startswith(b"port=")
    assert rest == [b"", b""]


@pytest.mark.parametrize(("mechanism", "end"), [(b"OAUTHBEARER", b"AQ=="), (b"XOAUTH2", b"")])
def test_a_refused_token_is_explained_before_the_refusal(mechanism: bytes, end: bytes) -> None:
    script = [
        say(b"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=" + mechanism + b"] ready\r\n"),
        answer(b"+ " + b64(b'{"status":"invalid_token"}') + b"\r\n", expect=mechanism),
        answer(b"%t NO invalid credentials\r\n"),
        LOGOUT,
    ]
    with (
        scripted(*script) as server,
        pytest.raises(LoginRefused, match=r"login refused by .*: invalid credentials"),
    ):
        open_imap(server.port, TOKEN, read=2)
    assert server.heard[1].rstrip() == end


def test_untagged_news_does_not_disturb_a_login() -> None:
    news = answer(b"* OK one moment\r\n+ \r\n")
    said = said_to(b"AUTH=PLAIN", BOB, news, IN)

    assert said[0] == b"AUTHENTICATE PLAIN"


@pytest.mark.parametrize(
    ("outcome", "asked"),
    [
        (b"* CAPABILITY IMAP4rev1 X-AFTER\r\n%t OK\r\n", False),
        (b"%t OK [CAPABILITY IMAP4rev1 X-AFTER]\r\n", False),
        (b"%t OK welcome\r\n", True),
    ],
)
def test_capabilities_are_asked_for_only_if_they_are_not_told(outcome: bytes, asked: bool) -> None:
    told = [answer(b"* CAPABILITY IMAP4rev1 X-AFTER\r\n%t OK\r\n", expect=b"CAPABILITY")]
    said = said_to(b"AUTH=PLAIN SASL-IR", BOB, answer(outcome), *(told if asked else []))

    assert len(said) == 1 + asked


@pytest.mark.parametrize(
    ("capabilities", "login", "problem"),
    [
        (b"LOGINDISABLED", BOB, r"allows no login with a password .* \(LOGINDISABLED\)"),
        (b"AUTH=GSSAPI LOGINDISABLED", BOB, "allows no login with a password"),
        (b"AUTH=PLAIN", Login("bob", "x", Mechanism.CRAM_MD5), "offers no CRAM-MD5"),
        (b"AUTH=PLAIN", TOKEN, "offers no OAUTHBEARER or XOAUTH2"),
    ],
)
def test_nothing_is_said_where_nothing_fits(
    capabilities: bytes, login: Login, problem: str
) -> None:
    greeting = say(b"* OK [CAPABILITY IMAP4rev1 " + capabilities + b"] ready\r\n")
    with scripted(greeting, LOGOUT) as server, pytest.raises(LoginRefused, match=problem):
        open_imap(server.port, login, read=2)
    assert len(server.heard) == 1


@pytest.mark.parametrize("refusal", [b"%t NO no: ", b"%t BAD what: ", b"* BYE no: "])
@pytest.mark.parametrize(
    ("capabilities", "login", "steps", "secret"),
    [
        (b"AUTH=PLAIN SASL-IR", JOERG, [], b64("\0jörg\0pässwörd".encode())),
        (b"AUTH=PLAIN", JOERG, [GO], b64("\0jörg\0pässwörd".encode())),
        (b"AUTH=XOAUTH2 SASL-IR", TOKEN, [], b64(b"user=a,b=c\1auth=Bearer tok\1\1")),
        (b"", BOB, [], b'"pa\\\\ss"'),
        (b"", BOB, [], b"pa\\ss"),
    ],
)
def test_a_server_that_quotes_what_it_was_sent_gives_nothing_away(
    capabilities: bytes, login: Login, steps: list[Play], secret: bytes, refusal: bytes
) -> None:
    greeting = say(b"* OK [CAPABILITY IMAP4rev1 " + capabilities + b"] ready\r\n")
    last = answer(refusal + secret + b"\r\n")
    with (
        scripted(greeting, *steps, last) as server,
        pytest.raises(MailServerError) as caught,
    ):
        open_imap(server.port, login, read=2)
    assert "no: " in caught.value.message or "what: " in caught.value.message
    assert secret.decode().strip('"') not in caught.value.message
    assert "***" in caught.value.message
