"""Servers that hang, drip, lie and break off: every wait ends, every reason is told apart."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services84.errors import (
    ConnectionLost,
    FolderMissing,
    LoginRefused,
    MailServerBusy,
    MailServerError,
    MailServerRefused,
    MailServerTimeout,
    MailServerUnreachable,
    TlsFailed,
)
from services84.imap.connection import ImapConnection
from services84.imap.framing import Limits
from services84.imap.names import verbatim
from services84.mailhost import Login, Transport
from tests.imap.conftest import SECRET, open_imap
from tests.support.certificates import Authority
from tests.support.scripted import (
    GREETING,
    LOGIN,
    LOGOUT,
    Conversation,
    Play,
    answer,
    drip,
    flood,
    hang,
    say,
    scripted,
    start_tls,
)

ANNA = Login("anna", SECRET)
TIMEOUT = 0.4


@contextlib.contextmanager
def refused(
    kind: type[MailServerError], text: str, *, within: float = 25
) -> Iterator[pytest.ExceptionInfo[MailServerError]]:
    """The body fails with exactly this kind of error, in time, and tells no secret."""
    started = time.monotonic()
    with pytest.raises(kind, match=text) as caught:
        yield caught
    assert type(caught.value) is kind
    assert time.monotonic() - started < within
    assert SECRET not in repr(caught.value)


@contextlib.contextmanager
def signed_in(*script: Play, limits: Limits | None = None) -> Iterator[ImapConnection]:
    """A connection to a server that goes on with `script` after the login."""
    with (
        scripted(GREETING, LOGIN, *script) as server,
        open_imap(server.port, ANNA, read=TIMEOUT, limits=limits) as connection,
    ):
        yield connection


@contextlib.contextmanager
def examined(
    *script: Play, exists: int = 3, limits: Limits | None = None
) -> Iterator[ImapConnection]:
    """A connection with a folder open, to a server that goes on with `script`."""
    opening = answer(
        b"* %d EXISTS\r\n* OK [UIDVALIDITY 7]\r\n%%t OK done\r\n" % exists, expect=b"EXAMINE"
    )
    with signed_in(opening, *script, limits=limits) as connection:
        assert connection.examine("INBOX").exists == exists
        yield connection


# Greeting and TLS -------------------------------------------------------------------------------

STARTTLS = say(b"* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] ready\r\n")


def nonsense(conversation: Conversation) -> None:
    """Answer the beginning of TLS by something else."""
    conversation.socket.recv(1)
    conversation.socket.sendall(b"no tls\r\n" * 9)


@pytest.mark.parametrize(
    ("script", "kind", "text"),
    [
        ([hang], MailServerTimeout, "did not answer within 0.4 seconds"),
        ([drip(b"x")], MailServerTimeout, "did not answer within 0.4 seconds"),
        ([say(b"")], ConnectionLost, "closed the connection"),
        ([say(b"* O")], ConnectionLost, "closed the connection"),
        ([flood(b"x" * 9999)], MailServerRefused, "sent a response of more than"),
        ([say(b"220 mail.example.com ESMTP\r\n")], MailServerRefused, "does not speak IMAP"),
        ([say(b"HTTP/1.1 400 Bad\r\n\r\n")], MailServerRefused, "does not speak IMAP"),
        ([say(b"* PREAUTH hello root\r\n")], MailServerRefused, "already signed in"),
        (
            [say(b"* BYE [UNAVAILABLE] later\r\n")],
            MailServerBusy,
            r"patience: \[UNAVAILABLE\] later",
        ),
        ([say(b"* BYE Too many connections\r\n")], MailServerBusy, "Too many connections"),
        ([say(b"* BYE shutting down\r\n")], ConnectionLost, "connection: shutting down"),
        ([say(b"* OK hi\r\n"), hang], MailServerTimeout, "did not answer"),
        (
            [say(b"* OK hi\r\n"), answer(b"%t NO no\r\n")],
            MailServerRefused,
            "refused CAPABILITY: .* no",
        ),
        (
            [say(b"* OK hi\r\n"), answer(b"* BYE no\r\n")],
            ConnectionLost,
            "closed the connection: no",
        ),
        (
            [say(b"* OK hi\r\n"), answer(b"* CAPABILITY IMAP2\r\n%t OK\r\n")],
            MailServerRefused,
            "does not speak IMAP4rev1",
        ),
        ([STARTTLS, answer(b"%t NO not now\r\n")], MailServerRefused, "refused STARTTLS"),
        ([STARTTLS, answer(b"%t OK go\r\n"), hang], MailServerTimeout, "TLS handshake"),
        ([STARTTLS, answer(b"%t OK go\r\n"), say(b"")], ConnectionLost, "broke the TLS handshake"),
        ([STARTTLS, answer(b"%t OK go\r\n"), nonsense], TlsFailed, "no TLS with"),
        (
            [STARTTLS, answer(b"%t OK go\r\n* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN]\r\n")],
            MailServerRefused,
            "said more than it may before TLS",
        ),
    ],
)
def test_wrong_beginnings_are_told_apart(
    script: list[Play], kind: type[MailServerError], text: str
) -> None:
    with scripted(*script) as server, pytest.raises(kind, match=text):
        open_imap(server.port, ANNA, read=TIMEOUT)


def test_capabilities_from_before_tls_do_not_count(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    files = authority.issue("server", ["127.0.0.1"])
    script = [
        say(b"* OK [CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN] ready\r\n"),
        answer(b"%t OK go\r\n", expect=b"STARTTLS"),
        start_tls(*files),
        answer(b"* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n%t OK\r\n", expect=b"CAPABILITY"),
    ]
    with (
        scripted(*script) as server,
        refused(LoginRefused, r"allows no login with a password .* \(LOGINDISABLED\)"),
    ):
        open_imap(server.port, ANNA, ca_file=authority.ca_file)


def test_an_expired_certificate_is_named(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    files = authority.issue("server", ["127.0.0.1"], expired=True)
    with (
        scripted(start_tls(*files), GREETING) as server,
        refused(TlsFailed, r"the certificate of 127\.0\.0\.1:\d+ has expired"),
    ):
        open_imap(server.port, ANNA, Transport.TLS, ca_file=authority.ca_file)


def test_a_certificate_for_another_host_is_named(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    files = authority.issue("server", ["mail.example.com"])
    with (
        scripted(start_tls(*files), GREETING) as server,
        refused(TlsFailed, "the certificate of localhost:.* is for another name"),
    ):
        open_imap(server.port, ANNA, Transport.TLS, host="localhost", ca_file=authority.ca_file)


# Login ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "kind", "text", "retry_after"),
    [
        (b"%t NO wrong\r\n", LoginRefused, "login refused by .*: wrong", None),
        (b"%t NO\r\n", LoginRefused, "login refused by .*: no reason given", None),
        (b"%t NO [AUTHORIZATIONFAILED] no\r\n", LoginRefused, r"\[AUTHORIZATIONFAILED\] no", None),
        (b"%t NO [UNAVAILABLE] later\r\n", MailServerBusy, "asks for patience", None),
        (b"%t NO [LIMIT] slow\r\n", MailServerBusy, "asks for patience", None),
        (b"%t NO [INUSE] slow\r\n", MailServerBusy, "asks for patience", None),
        (
            b"%t NO Request is throttled. Suggested Backoff Time: 59857 milliseconds\r\n",
            MailServerBusy,
            "asks for patience",
            59.857,
        ),
        (b"%t NO [ALERT] Too many simultaneous connections.\r\n", MailServerBusy, "Too many", None),
        (b"%t BAD what\r\n", MailServerRefused, "refused the login command: what", None),
        (
            b"%t BAD User is authenticated but not connected.\r\n",
            MailServerBusy,
            "not connected",
            None,
        ),
        (b"* BYE go away\r\n", ConnectionLost, "closed the connection: go away", None),
        (b"%t MAYBE\r\n", MailServerRefused, "refused the login command: MAYBE", None),
        (b"+ \r\n", MailServerTimeout, "did not answer", None),
        (b"+ \r\n" * 100, MailServerTimeout, "did not answer", None),
        (b"+ not base64 at all!\r\n", MailServerTimeout, "did not answer", None),
        (f"%t NO {SECRET} is wrong\r\n".encode(), LoginRefused, r": \*\*\* is wrong", None),
        (
            b"%t NO a\x07b\x1b[31m " + b"x" * 900 + b"\r\n",
            LoginRefused,
            "a b \\[31m x+\\.\\.\\.$",
            None,
        ),
    ],
)
def test_refused_logins_are_told_apart(
    said: bytes, kind: type[MailServerError], text: str, retry_after: float | None
) -> None:
    leaves = hang if kind is MailServerTimeout else LOGOUT
    script = [GREETING, answer(said, expect=b"AUTHENTICATE PLAIN"), leaves]
    with scripted(*script) as server, refused(kind, text) as caught:
        open_imap(server.port, ANNA, read=TIMEOUT)
    assert getattr(caught.value, "retry_after", None) == retry_after


# After login ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "kind", "text"),
    [
        ([hang], MailServerTimeout, "did not answer within 0.4 seconds"),
        ([say(b"")], ConnectionLost, "closed the connection"),
        ([answer(b"* LIST () ")], ConnectionLost, "closed the connection"),
        ([answer(b"* BYE timeout\r\n")], ConnectionLost, "connection: timeout"),
        ([answer(b"* BYE [UNAVAILABLE] x\r\n")], MailServerBusy, "asks for patience"),
        ([answer(b"%t NO sorry\r\n")], MailServerRefused, "refused LIST: sorry"),
        ([answer(b"%t NO [LIMIT] sorry\r\n")], MailServerBusy, "asks for patience"),
        ([answer(b"%t BAD sorry\r\n")], MailServerRefused, "refused LIST: sorry"),
        ([flood(b"x" * 9999)], MailServerRefused, "sent a response of more than 0.0"),
        ([flood(b"* 1 EXISTS\r\n" * 999)], MailServerRefused, "sent more than .* MB at once"),
        ([flood(b"a1 OK done\r\n" * 999)], MailServerRefused, "sent more than .* MB at once"),
        ([flood(b"+ go on\r\n" * 999)], MailServerRefused, "sent more than .* MB at once"),
        ([flood(b"\r\n" * 999)], MailServerRefused, "sent more than .* MB at once"),
        ([answer(b"* LIST () NIL {4294967296}\r\n")], MailServerRefused, "sent a literal of more"),
        ([answer(b"* LIST () NIL {99}\r\nx"), hang], MailServerTimeout, "did not answer within"),
        ([answer(b"* LIST () NIL {99}\r\nx")], ConnectionLost, "closed the connection"),
        ([drip(b"* OK still here\r\n")], MailServerTimeout, "did not finish its answer within"),
        ([answer(b"* LIST () NIL {9999}\r\n"), drip(b"x")], MailServerTimeout, "did not finish"),
    ],
)
def test_a_conversation_that_breaks_says_why(
    script: list[Play],
    kind: type[MailServerError],
    text: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("services84.imap.connection.MOST_PATIENCE", 3)
    limits = Limits(line=50_000, literal=100_000, command=2_000_000)
    with signed_in(*script, limits=limits) as connection:
        with refused(kind, text):
            connection.folders()
        if kind is not MailServerBusy and "refused" not in text:
            with refused(ConnectionLost, "has ended already", within=0.5):
                connection.folders()


def test_a_refused_command_leaves_the_connection_in_order() -> None:
    lsub = answer(b"* LSUB () NIL b\r\n%t OK\r\n", expect=b"LSUB")
    script = [answer(b"%t NO sorry\r\n"), lsub, answer(b"* LIST () NIL a\r\n%t OK\r\n"), lsub]
    with signed_in(*script, LOGOUT) as connection:
        with refused(MailServerRefused, "sorry"):
            connection.folders()
        assert [folder.name for folder in connection.folders()] == ["a"]


def test_closing_is_quick_when_the_server_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services84.imap.connection.LAST_WORDS", 0.5)
    with scripted(GREETING, LOGIN, hang) as server:
        connection = open_imap(server.port, ANNA, read=60)
        started = time.monotonic()
        connection.close()
        assert time.monotonic() - started < 20


def test_closing_is_quick_when_the_server_does_not_read() -> None:
    def ignore(conversation: Conversation) -> None:
        conversation.over.wait(20)

    with scripted(GREETING, LOGIN, ignore) as server:
        connection = open_imap(server.port, ANNA, read=0.5)
        with refused(MailServerTimeout, "did not answer"):
            connection.examine("n\xfc" * 8_000_000)  # a literal is announced, and never asked for
        connection.close()


def test_who_is_sending_is_released_when_another_closes() -> None:
    def ignore(conversation: Conversation) -> None:
        conversation.over.wait(20)

    ended: list[type[BaseException]] = []

    def send(connection: ImapConnection) -> None:
        try:
            connection._perform("LIST", verbatim("x" * 50_000_000))
        except MailServerUnreachable as error:
            ended.append(type(error))

    with scripted(GREETING, LOGIN, ignore) as server:
        connection = open_imap(server.port, ANNA, read=60)
        sender = threading.Thread(target=send, args=(connection,), daemon=True)
        sender.start()
        while not connection._session._sending.locked():  # type: ignore[attr-defined]
            assert sender.is_alive()
        started = time.monotonic()
        connection.close()
        assert time.monotonic() - started < 15
        sender.join(15)
    assert ended == [ConnectionLost]


def test_slow_is_not_silent() -> None:
    """A large answer may take longer than the time-out, as long as it goes on."""

    def slowly(conversation: Conversation) -> None:
        for at in range(12):
            conversation.over.wait(TIMEOUT / 4)
            conversation.socket.sendall(b"* LIST () NIL f%d\r\n" % at)

    script = [answer(b""), slowly, lambda c: c.socket.sendall(c.tag + b" OK\r\n")]
    with signed_in(*script, answer(b"%t OK\r\n", expect=b"LSUB"), LOGOUT) as connection:
        assert len(connection.folders()) == 12


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (b"%t NO [CANNOT] no mail here\r\n", r"refused EXAMINE: \[CANNOT\] no mail here"),
        (b"* 3 EXISTS\r\n%t OK\r\n", "gives no UIDVALIDITY for 'INBOX'"),
        (b"* 3 EXISTS\r\n* OK [UIDVALIDITY 0]\r\n%t OK\r\n", "gives no UIDVALIDITY"),
        (b"* 3 EXISTS\r\n* OK [UIDVALIDITY x]\r\n%t OK\r\n", "gives no UIDVALIDITY"),
        (
            b"* 3 EXISTS\r\n* OK [UIDVALIDITY 18446744073709551616]\r\n%t OK\r\n",
            "gives no UIDVALIDITY",
        ),
        (b"* OK [UIDVALIDITY 7]\r\n%t OK\r\n", "does not say how many messages 'INBOX' has"),
    ],
)
def test_a_folder_that_cannot_be_synced_is_refused(said: bytes, problem: str) -> None:
    with signed_in(answer(said), LOGOUT) as connection, refused(MailServerRefused, problem):
        connection.examine("INBOX")


@pytest.mark.parametrize("code", [b"NONEXISTENT", b"TRYCREATE"])
def test_a_folder_that_is_not_there_is_told_apart(code: bytes) -> None:
    said = answer(b"%t NO [" + code + b"] gone\r\n")
    with signed_in(said, LOGOUT) as connection, refused(FolderMissing, "refused EXAMINE: .* gone"):
        connection.examine("INBOX")


def test_names_and_numbers_that_cannot_be_are_left_out() -> None:
    listed = b'* LIST () "/" "a\x00b"\r\n* LIST () "/" INBOX\r\n%t OK\r\n'
    opened = b"* 2 EXISTS\r\n* OK [UIDVALIDITY 7]\r\n%t OK\r\n"
    flags = (
        b"* 1 FETCH (UID 4294967296 FLAGS ())\r\n* 2 FETCH (UID 4294967295 FLAGS ())\r\n%t OK\r\n"
    )
    script = (answer(listed), answer(b"%t OK\r\n"), answer(opened), answer(flags), LOGOUT)
    with signed_in(*script) as connection:
        assert [folder.name for folder in connection.folders()] == ["INBOX"]
        connection.examine("INBOX")
        assert set(connection.flags()) == {4294967295}


def test_what_examine_tells() -> None:
    said = (
        b"* FLAGS (\\Seen Label)\r\n* 2 EXISTS\r\n* 1 RECENT\r\n"
        b"* OK [UIDVALIDITY 4294967295] valid\r\n* OK [UIDNEXT 9]\r\n"
        b"* OK [HIGHESTMODSEQ 9223372036854775807] \r\n"
        b"* OK [PERMANENTFLAGS (\\Seen \\*)] limited\r\n%t OK [READ-ONLY] done\r\n"
    )
    with signed_in(answer(said), LOGOUT) as connection:
        folder = connection.examine("INBOX")

    assert (folder.uid_validity, folder.uid_next, folder.exists) == (4294967295, 9, 2)
    assert folder.highest_mod_seq == 9223372036854775807
    assert folder.flags == {"\\Seen", "Label"}
    assert folder.permanent_flags == {"\\Seen", "\\*"}


def test_no_mod_seq_is_none() -> None:
    said = b"* 0 EXISTS\r\n* OK [UIDVALIDITY 1]\r\n* OK [NOMODSEQ] no\r\n%t OK\r\n"
    with signed_in(answer(said), LOGOUT) as connection:
        assert connection.examine("INBOX").highest_mod_seq is None


def test_inbox_is_one_folder_in_any_case() -> None:
    said = b'* LIST (\\Marked) "/" INBOX\r\n* LIST () "/" Inbox\r\n* LIST () "/" a\r\n%t OK\r\n'
    lsub = b'* LSUB () "/" inbox\r\n%t OK\r\n'
    with signed_in(answer(said), answer(lsub), LOGOUT) as connection:
        folders = connection.folders()

    assert [(folder.server_name, folder.subscribed) for folder in folders] == [
        ("INBOX", True),
        ("a", False),
    ]


def test_folders_are_listed_where_subscriptions_are_refused() -> None:
    said = answer(b'* LIST () "/" a\r\n%t OK\r\n')
    with signed_in(said, answer(b"%t NO no\r\n", expect=b"LSUB"), LOGOUT) as connection:
        assert [(folder.name, folder.subscribed) for folder in connection.folders()] == [
            ("a", False)
        ]


def test_data_about_other_messages_is_left_out() -> None:
    said = (
        b"* 4 EXISTS\r\n* 1 FETCH (FLAGS (\\Seen))\r\n* 9 FETCH nonsense\r\n"
        b"* 1 FETCH (UID 5 FLAGS (old))\r\n* 1 FETCH (UID 5 FLAGS (new))\r\n"
        b"* 3 EXPUNGE\r\n* OK still here\r\n* XYZZY\r\n%t OK\r\n"
    )
    with examined(answer(said, expect=b"UID FETCH 1:* (FLAGS)"), LOGOUT) as connection:
        assert {uid: state.flags for uid, state in connection.flags().items()} == {5: {"new"}}


def test_messages_that_are_gone_or_have_no_text() -> None:
    said = (
        b"* 1 FETCH (UID 5 FLAGS (\\Seen) RFC822.SIZE 3 BODY[] {3}\r\na\r\n)\r\n"
        b"* 2 FETCH (UID 6 FLAGS () RFC822.SIZE 3 BODY[] NIL)\r\n"
        b"* 3 FETCH (UID 7 FLAGS () RFC822.SIZE 3)\r\n"
        b"* 4 FETCH (UID 8 FLAGS ())\r\n"
        b"* 1 FETCH (UID 5 FLAGS (\\Answered))\r\n"
        b"%t NO [EXPUNGEISSUED] some are gone\r\n"
    )
    with examined(answer(said, expect=b"UID FETCH 5:9 "), LOGOUT) as connection:
        found = {message.uid: message for message in connection.messages(range(5, 10))}

    assert {uid: message.source for uid, message in found.items()} == {
        5: b"a\r\n",
        6: None,
        7: None,
    }
    assert found[5].flags == {"\\Answered"}


def test_a_refused_fetch_is_an_error() -> None:
    with (
        examined(answer(b"%t NO [SERVERBUG] no\r\n"), LOGOUT) as connection,
        refused(MailServerBusy, "SERVERBUG"),
    ):
        connection.flags()


def test_a_server_that_breaks_off_within_a_message() -> None:
    said = answer(b"* 1 FETCH (UID 1 BODY[] {1000}\r\nhalf of it")
    with examined(said) as connection, refused(ConnectionLost, "closed the connection"):
        list(connection.messages([1]))


def test_a_literal_over_the_limit_ends_the_connection() -> None:
    said = answer(b"* 1 FETCH (UID 1 BODY[] {1000}\r\n" + b"x" * 1000 + b")\r\n%t OK\r\n")
    with examined(said, limits=Limits(literal=999)) as connection:
        with refused(MailServerRefused, "sent a literal of more than"):
            list(connection.messages([1]))
        with refused(ConnectionLost, "has ended already"):
            list(connection.messages([2]))
