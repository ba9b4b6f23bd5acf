"""Several folders in one round trip: every answer to its question, whatever comes in between."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

import pytest

from services84.errors import (
    ConnectionLost,
    FolderMissing,
    MailServerBusy,
    MailServerError,
    MailServerRefused,
    MailServerTimeout,
)
from services84.imap.connection import ImapConnection
from services84.imap.framing import Limits
from services84.imap.surveying import MOST_FOLDERS, windows
from services84.imap.values import FlagState, Inquiry, Surveyed, SyncPoint
from services84.mailhost import Login
from tests.imap.conftest import SECRET, open_imap
from tests.support.dovecot import DovecotServer
from tests.support.mailboxes import append, message, quoted
from tests.support.scripted import (
    LOGOUT,
    Conversation,
    Play,
    answer,
    hang,
    say,
    scripted,
)

ANNA = Login("anna", "secret")
SEEN, NONE = FlagState(frozenset({"\\Seen"})), FlagState(frozenset())
FLAGS_OF = {b"A": b"* 1 FETCH (UID 1 FLAGS (\\Seen))\r\n", b"B": b"* 1 FETCH (UID 9 FLAGS ())\r\n"}


def opened(validity: int, exists: int = 1, more: bytes = b"") -> bytes:
    """What EXAMINE tells, without the completion."""
    return b"* %d EXISTS\r\n* OK [UIDVALIDITY %d] valid\r\n%s" % (exists, validity, more)


def batch(*answers: bytes, break_off: bytes = b"") -> Play:
    """Wait for as many commands as there are answers, in one piece, and only then answer."""

    def play(conversation: Conversation) -> None:
        received = b""
        while received.count(b"\n") < len(answers):
            data = conversation.socket.recv(65536)
            if not data:
                raise EOFError
            received += data
        lines = received.splitlines(keepends=True)
        conversation.heard += lines
        assert len(lines) == len(answers), lines
        for line, text in zip(lines, answers, strict=True):
            conversation.socket.sendall(text.replace(b"%t", line.split()[0]))
        conversation.socket.sendall(break_off)

    return play


@contextlib.contextmanager
def signed_in(
    *script: Play, offers: bytes = b"", read: float = 5, limits: Limits | None = None
) -> Iterator[ImapConnection]:
    known = b"IMAP4rev1 AUTH=PLAIN SASL-IR " + offers
    login = answer(b"%t OK [CAPABILITY " + known + b"] in\r\n", expect=b"AUTHENTICATE")
    greeting = say(b"* OK [CAPABILITY " + known + b"] ready\r\n")
    with (
        scripted(greeting, login, *script) as server,
        open_imap(server.port, ANNA, read=read, limits=limits) as connection,
    ):
        yield connection


def flags_of(*names: str) -> list[Inquiry]:
    return [Inquiry(name, flags=True, messages=1) for name in names]


def test_folders_are_examined_and_read_in_one_round_trip() -> None:
    script = batch(
        opened(7) + b"%t OK done\r\n",
        FLAGS_OF[b"A"] + b"%t OK done\r\n",
        opened(8, 2) + b"%t OK done\r\n",
        FLAGS_OF[b"B"] + b"%t OK done\r\n",
    )
    with signed_in(script, LOGOUT) as connection:
        first, second = connection.survey(flags_of("A", "B"))
    assert first.examined is not None
    assert second.examined is not None
    assert (first.examined.uid_validity, first.examined.exists) == (7, 1)
    assert (second.examined.uid_validity, second.examined.exists) == (8, 2)
    assert (first.flags, second.flags) == ({1: SEEN}, {9: NONE})


@pytest.mark.parametrize(
    "behind",
    [b"%t BAD no mailbox selected\r\n", FLAGS_OF[b"A"] + b"%t OK of the one before\r\n"],
    ids=["honest", "lax"],
)
def test_what_follows_a_refused_folder_is_not_believed(behind: bytes) -> None:
    script = batch(
        opened(7) + b"%t OK done\r\n",
        FLAGS_OF[b"A"] + b"%t OK done\r\n",
        b"%t NO [NONEXISTENT] gone\r\n",
        behind,
        opened(8) + b"%t OK done\r\n",
        FLAGS_OF[b"B"] + b"%t OK done\r\n",
    )
    with signed_in(script, LOGOUT) as connection:
        first, refused, last = connection.survey(flags_of("A", "gone", "B"))
    assert first.flags == {1: SEEN}
    assert (refused.examined, refused.flags) == (None, None)
    assert isinstance(refused.refusal, FolderMissing)
    assert last.flags == {9: NONE}


@pytest.mark.parametrize("opening", [b"* OK [UIDVALIDITY 7]\r\n", b"* 3 EXISTS\r\n"])
def test_a_folder_that_tells_too_little_is_refused(opening: bytes) -> None:
    script = batch(opening + b"%t OK done\r\n", FLAGS_OF[b"A"] + b"%t OK done\r\n")
    with signed_in(script, LOGOUT) as connection:
        (told,) = connection.survey(flags_of("A"))
    assert told.examined is None
    assert told.refusal is not None


def test_a_refused_question_refuses_nothing_else() -> None:
    script = batch(
        opened(7) + b"%t OK done\r\n",
        b"%t NO not today\r\n",
        opened(8) + b"%t OK done\r\n",
        FLAGS_OF[b"B"] + b"%t OK done\r\n",
    )
    with signed_in(script, LOGOUT) as connection:
        first, second = connection.survey(flags_of("A", "B"))
    assert first.examined is not None
    assert first.flags is None
    assert "refused UID: not today" in str(first.refusal)
    assert second.flags == {9: NONE}
    assert second.refusal is None


def test_data_of_questions_about_one_folder_may_come_mixed() -> None:
    script = batch(
        opened(7) + b"%t OK done\r\n",
        FLAGS_OF[b"A"] + b"* SEARCH 1\r\n%t OK of the flags\r\n",
        b"%t OK of the search\r\n",
        opened(8) + b"%t OK done\r\n",
        b"%t OK of the flags\r\n",
        FLAGS_OF[b"B"] + b"* SEARCH 9\r\n%t OK of the search\r\n",
    )
    asked = [Inquiry(name, flags=True, uids=True, messages=1) for name in ("A", "B")]
    with signed_in(script, LOGOUT) as connection:
        told = [(one.flags, one.uids) for one in connection.survey(asked)]
    assert told == [({1: SEEN}, [(1, 1)]), ({9: NONE}, [(9, 9)])]


def test_an_empty_folder_may_refuse_to_tell_of_its_messages() -> None:
    script = batch(opened(7, 0) + b"%t OK done\r\n", b"%t BAD no messages\r\n")
    with signed_in(script, LOGOUT) as connection:
        (told,) = connection.survey(flags_of("A"))
    assert (told.flags, told.refusal) == ({}, None)


def test_a_folder_without_mod_sequences_may_refuse_to_tell_changes() -> None:
    opening = opened(7, 1, b"* OK [NOMODSEQ] none\r\n")
    script = batch(opening + b"%t OK done\r\n", b"%t BAD no mod-sequences\r\n")
    with signed_in(script, LOGOUT, offers=b"CONDSTORE") as connection:
        (told,) = connection.survey([Inquiry("A", changes=5, messages=1)])
    assert (told.changes, told.refusal) == (None, None)


# What breaks off --------------------------------------------------------------------------------


def taken(surveyed: Iterator[Surveyed]) -> tuple[list[str], MailServerError | None]:
    """The folders that were told of, and what ended it."""
    names = []
    try:
        for told in surveyed:
            names.append(told.server_name)
    except MailServerError as error:
        return names, error
    return names, None


COMPLETE = (opened(7) + b"%t OK done\r\n", FLAGS_OF[b"A"] + b"%t OK done\r\n")


@pytest.mark.parametrize(
    ("rest", "kind", "text"),
    [
        ((b"* BYE shutting down\r\n", b""), ConnectionLost, "shutting down"),
        ((b"* BYE [UNAVAILABLE] later\r\n", b""), MailServerBusy, "later"),
        ((b"%t NO [LIMIT] slowly\r\n", b""), MailServerBusy, "slowly"),
        ((opened(8) + b"%t OK done\r\n", b"%t NO [LIMIT] slowly\r\n"), MailServerBusy, "slowly"),
        ((opened(8), b""), ConnectionLost, "closed the connection"),
        ((opened(8) + b"%t OK done\r\n", b"* 1 FETCH (UID "), ConnectionLost, "closed the conn"),
    ],
)
def test_what_came_before_the_end_is_told_and_then_the_reason(
    rest: tuple[bytes, ...], kind: type[MailServerError], text: str
) -> None:
    with signed_in(batch(*COMPLETE, *rest)) as connection:
        names, error = taken(connection.survey(flags_of("A", "B")))
        assert names == ["A"]
        assert isinstance(error, kind)
        assert text in error.message


def test_silence_in_the_middle_ends_in_time() -> None:
    with signed_in(batch(*COMPLETE, b"", b""), hang, read=0.4) as connection:
        names, error = taken(connection.survey(flags_of("A", "B")))
        assert names == ["A"]
        assert isinstance(error, MailServerTimeout)


def test_all_answers_together_are_limited() -> None:
    large = b"* OK " + b"x" * 40_000 + b"\r\n%t OK done\r\n"
    script = batch(*COMPLETE, opened(8) + large, large)
    with signed_in(script, limits=Limits(command=60_000)) as connection:
        _, error = taken(connection.survey(flags_of("A", "B")))
        assert isinstance(error, MailServerRefused)
        assert "at once" in error.message


def test_answers_that_nobody_took_do_not_answer_the_next_command() -> None:
    second = (opened(8, 5) + b"%t OK done\r\n", FLAGS_OF[b"B"] + b"%t OK done\r\n")
    again = answer(opened(7, 2) + b"%t OK done\r\n", expect=b"EXAMINE")
    with signed_in(batch(*COMPLETE, *second), again, LOGOUT) as connection:
        surveyed = connection.survey(flags_of("A", "B"))
        assert next(surveyed).server_name == "A"
        assert connection.examine("A").exists == 2


# Whose news they are ----------------------------------------------------------------------------

RESYNC = b"ENABLE QRESYNC CONDSTORE"
ENABLE = answer(b"* ENABLED QRESYNC\r\n%t OK on\r\n", expect=b"ENABLE QRESYNC")
OF_THE_OTHER = (
    b"* VANISHED 9\r\n* 2 FETCH (UID 9 FLAGS (\\Deleted))\r\n* 77 EXISTS\r\n"
    b"* OK [HIGHESTMODSEQ 99] now\r\n"
)
DELTA = b"* VANISHED (EARLIER) 3:4\r\n* 1 FETCH (UID 5 FLAGS (\\Seen) MODSEQ (12))\r\n"
STATE = b"* OK [HIGHESTMODSEQ 12] so far\r\n"


def resynced(*names: str) -> list[Inquiry]:
    points = zip(names, (7, 8), strict=True)
    return [Inquiry(name, SyncPoint(valid, 10), messages=9) for name, valid in points]


def test_news_before_the_folder_was_closed_are_those_of_the_one_before() -> None:
    second = OF_THE_OTHER + b"* OK [CLOSED] closed\r\n" + opened(8, 3, STATE) + DELTA
    script = batch(opened(7, 2, STATE) + b"%t OK done\r\n", second + b"%t OK done\r\n")
    with signed_in(ENABLE, script, LOGOUT, offers=RESYNC) as connection:
        _, told = connection.survey(resynced("A", "B"))
    assert told.examined is not None
    assert told.examined.delta is not None
    assert (told.examined.exists, told.examined.highest_mod_seq) == (3, 12)
    assert told.examined.delta.vanished == [(3, 4)]
    assert told.examined.delta.flags == {5: SEEN}


def test_news_that_may_be_those_of_the_one_before_make_no_delta() -> None:
    second = OF_THE_OTHER + opened(8, 3, STATE) + DELTA
    script = batch(opened(7, 2, STATE) + b"%t OK done\r\n", second + b"%t OK done\r\n")
    with signed_in(ENABLE, script, LOGOUT, offers=RESYNC) as connection:
        _, told = connection.survey(resynced("A", "B"))
    assert told.examined is not None
    assert told.examined.delta is None
    assert (told.examined.exists, told.examined.highest_mod_seq) == (3, 12)


def test_a_server_that_never_says_closed_is_believed_what_follows_the_opening() -> None:
    second = opened(8, 3, STATE) + DELTA
    script = batch(opened(7, 2, STATE) + b"%t OK done\r\n", second + b"%t OK done\r\n")
    with signed_in(ENABLE, script, LOGOUT, offers=RESYNC) as connection:
        _, told = connection.survey(resynced("A", "B"))
    assert told.examined is not None
    assert told.examined.delta is not None
    assert told.examined.delta.vanished == [(3, 4)]


def test_a_closed_folder_cannot_count_for_the_one_that_does_not_tell() -> None:
    second = b"* 77 EXISTS\r\n* OK [CLOSED] closed\r\n* OK [UIDVALIDITY 8] valid\r\n"
    script = batch(opened(7, 2, STATE) + b"%t OK done\r\n", second + b"%t OK done\r\n")
    with signed_in(ENABLE, script, LOGOUT, offers=RESYNC) as connection:
        _, told = connection.survey(resynced("A", "B"))
    assert told.examined is None
    assert "how many messages" in str(told.refusal)


def test_news_between_the_questions_change_no_count_of_the_examined() -> None:
    news = b"* 2 EXISTS\r\n* 1 EXPUNGE\r\n"
    script = batch(
        opened(7) + b"%t OK done\r\n" + news,
        FLAGS_OF[b"A"] + news + b"%t OK done\r\n",
        b"* 5 EXPUNGE\r\n* 4 EXISTS\r\n" + opened(8, 3) + b"%t OK done\r\n",
        FLAGS_OF[b"B"] + b"%t OK done\r\n",
    )
    with signed_in(script, LOGOUT) as connection:
        first, second = connection.survey(flags_of("A", "B"))
    assert first.examined is not None
    assert first.examined.exists == 1
    assert second.examined is not None
    assert second.examined.exists == 3


# Names and windows ------------------------------------------------------------------------------


def test_a_name_that_has_to_be_waited_for_is_sent_by_itself() -> None:
    def literal(conversation: Conversation) -> None:
        line = conversation.receive_line()
        assert re.search(rb"EXAMINE \{3\}\r\n", line), line
        conversation.socket.sendall(b"+ go on\r\n")
        assert conversation.receive_line() == b"n\xfcr\r\n"
        tag = line.split()[0]
        conversation.socket.sendall(opened(8) + tag + b" OK done\r\n")

    behind = batch(FLAGS_OF[b"B"] + b"%t OK done\r\n", *COMPLETE)
    with signed_in(batch(*COMPLETE), literal, behind, LOGOUT) as connection:
        told = list(connection.survey(flags_of("A", "n\xfcr", "C")))
    assert [one.flags for one in told] == [{1: SEEN}, {9: NONE}, {1: SEEN}]


def test_a_name_that_need_not_be_waited_for_goes_with_the_others() -> None:
    def all_at_once(conversation: Conversation) -> None:
        received = b""
        while received.count(b"EXAMINE") < 2 or not received.endswith(b"\r\n"):
            received += conversation.socket.recv(65536)
        tags = re.findall(rb"^(\S+) EXAMINE", received, re.MULTILINE)
        assert b"EXAMINE {3+}\r\nn\xfcr\r\n" in received
        for tag in tags:
            conversation.socket.sendall(opened(8) + tag + b" OK done\r\n")

    inquiries = [Inquiry("A", messages=1), Inquiry("n\xfcr", messages=1)]
    with signed_in(all_at_once, LOGOUT, offers=b"LITERAL-") as connection:
        assert [one.examined is not None for one in connection.survey(inquiries)] == [True, True]


def sizes(*inquiries: Inquiry) -> list[int]:
    return [len(window) for window in windows(inquiries)]


def test_no_more_is_under_way_than_memory_may_take() -> None:
    small, large = Inquiry("s", flags=True, messages=9), Inquiry("l", flags=True, messages=50_000)
    unknown, delta = Inquiry("u", flags=True), Inquiry("d", messages=50_000)
    assert sizes(*[small] * 19) == [MOST_FOLDERS, 3]
    assert sizes(small, large, small, small) == [1, 1, 2]
    assert sizes(small, unknown, small) == [1, 1, 1]
    assert sizes(delta, delta, small) == [3]
    assert sizes(*[Inquiry("x", flags=True, messages=9_000)] * 5) == [2, 2, 1]


# STATUS -----------------------------------------------------------------------------------------


def status(name: bytes, mod_seq: int) -> bytes:
    numbers = b"MESSAGES 3 UIDNEXT 9 UIDVALIDITY 7 HIGHESTMODSEQ %d" % mod_seq
    return b"* STATUS %s (%s)\r\n" % (name, numbers)


def test_the_states_of_folders_are_told_in_one_round_trip() -> None:
    script = batch(
        b"* ENABLED QRESYNC\r\n%t OK on\r\n",
        status(b'"A"', 5) + b"%t OK done\r\n",
        b"%t NO [NONEXISTENT] gone\r\n",
        status(b"C", 0) + b"%t OK done\r\n",
        status(b"d-as-it-spells-it", 6) + b"%t OK done\r\n",
    )
    with signed_in(script, LOGOUT, offers=RESYNC) as connection:
        found = connection.peek(["A", "B", "C", "D"])
    assert {name: one.highest_mod_seq for name, one in found.items()} == {"A": 5, "C": None, "D": 6}


@pytest.mark.parametrize(
    ("reason", "error"),
    [(b"[UNAVAILABLE] later", MailServerBusy), (b"not today", MailServerRefused)],
)
def test_what_the_server_does_not_enable_is_not_taken_for_enabled(
    reason: bytes, error: type[MailServerError]
) -> None:
    refused = b"%t NO " + reason + b"\r\n"
    script = batch(refused, status(b'"A"', 5) + b"%t OK done\r\n")
    with signed_in(script, LOGOUT, offers=RESYNC) as connection:
        with pytest.raises(error):
            connection.peek(["A"])
        assert not connection._can_resync


def test_nothing_is_asked_of_a_server_that_cannot_tell_changes() -> None:
    with signed_in(LOGOUT) as connection:
        assert connection.peek(["A"]) == {}


# Dovecot ----------------------------------------------------------------------------------------


@pytest.fixture
def many(dovecot: DovecotServer, user: str) -> list[str]:
    names = [f"Box {number}" for number in range(20)]
    with dovecot.client(user) as client:
        for number, name in enumerate(names):
            assert client.create(quoted(name))[0] == "OK"
            for at in range(number % 4):
                append(client, name, message(number * 10 + at), "\\Seen")
    return names


def test_surveying_says_what_examining_one_by_one_does(
    dovecot: DovecotServer, user: str, many: list[str], connection: ImapConnection
) -> None:
    single = {}
    for name in many:
        examined = connection.examine(name)
        single[name] = (examined, connection.flags(), connection.uids())
    with open_imap(dovecot.port_plain, Login(user, SECRET)) as other:
        asked = [Inquiry(name, flags=True, uids=True, messages=4) for name in [*many, "nowhere"]]
        told = list(other.survey(asked))
        assert told.pop().examined is None
        assert {one.server_name: (one.examined, one.flags, one.uids) for one in told} == single
        assert other.examine("Box 3").exists == 3
        assert len(other.flags()) == 3


def test_what_is_asked_together_is_said_before_anything_is_heard(
    dovecot: DovecotServer, user: str, many: list[str]
) -> None:
    told: list[str] = []
    with open_imap(dovecot.port_plain, Login(user, SECRET), trace=told.append) as connection:
        connection.examine(many[0])
        del told[:]
        list(connection.survey(flags_of(*many[:16])))
        speakers = [line[0] for line in told]
    assert speakers[:32] == [">"] * 32
    assert set(speakers[32:-3]) == {"<"}  # without LOGOUT
