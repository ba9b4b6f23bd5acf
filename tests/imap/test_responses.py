"""What IMAP responses say, in the spelling of real servers and of broken ones."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services84.imap import responses, uidsets
from services84.imap.framing import Framer, Limits, Response
from services84.imap.responses import Fetched, Listed, StatusText


def one(stream: bytes) -> Response:
    (response,) = Framer(Limits()).feed(stream + b"\r\n")
    return response


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        (
            b'* LIST (\\HasNoChildren \\Sent) "/" INBOX/Sent',
            Listed(frozenset({"\\hasnochildren", "\\sent"}), b"/", b"INBOX/Sent"),
        ),
        (b'* LIST () NIL "Sent Items"', Listed(frozenset(), b"", b"Sent Items")),
        (b'* LSUB () "." "a\\"b\\\\c"', Listed(frozenset(), b".", b'a"b\\c')),
        (b'* LIST () "\\\\" INBOX', Listed(frozenset(), b"\\", b"INBOX")),
        (b'* LIST () "/" {5}\r\na"b c', Listed(frozenset(), b"/", b'a"b c')),
        (b'* LIST () "/" Sent Items', Listed(frozenset(), b"/", b"Sent Items")),
        (b'* LIST () "/" "say "hi""', Listed(frozenset(), b"/", b'say "hi"')),
        (
            b'* LIST () "/" "a b" ("CHILDINFO" ("SUBSCRIBED"))',
            Listed(frozenset(), b"/", b"a b"),
        ),
        (b'* LIST () "/" NIL', Listed(frozenset(), b"/", b"NIL")),
        (b'* list (\\Noselect) "/" ab', Listed(frozenset({"\\noselect"}), b"/", b"ab")),
        (b'*  LIST (\\Marked)  "/"  ab', Listed(frozenset({"\\marked"}), b"/", b"ab")),
        (b'* LIST () "/" &U,BTFw-', Listed(frozenset(), b"/", b"&U,BTFw-")),
        (b'* LIST (\\Noselect) "/" ""', Listed(frozenset({"\\noselect"}), b"/", b"")),
        (b"* LIST", None),
        (b"* LIST nonsense", None),
        (b"* STATUS a (MESSAGES 1)", None),
        (b"a1 OK", None),
    ],
)
def test_folder_lists(text: bytes, listed: Listed | None) -> None:
    assert responses.listed(one(text)) == listed


_PIECES = st.sampled_from(
    b'* LIST|* STATUS|* list|*  LIST| |  |(|)|()|"|\\|\\Noselect|\\HasChildren|NIL|nil|nile|'
    b'"/"|"."|INBOX|"INBOX"|"a b"|""|a{b|{3}|[a]|&APw-|\xfc|MESSAGES|messages|UIDNEXT|'
    b"0|7|18446744073709551615|1234567890123456789|x1".split(b"|")
)
_BYTES = st.lists(_PIECES, max_size=14).map(b"".join)
_WORD = st.sampled_from(
    [b"INBOX", b"Sent/2024", b'"a b"', b'"x{3}"', b"NIL", b"nil", b'"\xfc"', b'""']
)
_NUMBERS = st.lists(
    st.tuples(st.sampled_from([b"MESSAGES", b"UIDNEXT", b"uidnext"]), st.integers(0, 2**65)),
    max_size=4,
)


@st.composite
def _usual(draw: st.DrawFn) -> bytes:
    if draw(st.booleans()):
        flags = b" ".join(draw(st.lists(st.sampled_from([b"\\Sent", b"\\Marked"]), max_size=3)))
        delimiter = draw(st.sampled_from([b'"/"', b'"."', b"NIL", b'"\\\\"', b'""']))
        return b"* LIST (" + flags + b") " + delimiter + b" " + draw(_WORD)
    pairs = b" ".join(b"%s %d" % pair for pair in draw(_NUMBERS))
    return b"* STATUS " + draw(_WORD) + b" (" + pairs + b")" + draw(st.sampled_from([b"", b" "]))


@given(st.one_of(_usual(), _BYTES.map(lambda rest: b"* LIST " + rest), _BYTES), st.booleans())
def test_the_usual_form_is_read_as_any_other(text: bytes, with_literal: bool) -> None:
    """What is read at one go says what its tokens say."""
    response = Response(text, (b"abc",) if with_literal else ())
    assert responses.listed(response) == responses._listed(response)
    assert responses.status(response) == responses._status(response)


@pytest.mark.parametrize(
    "text",
    [
        b'* LIST (\\HasNoChildren \\Sent) "/" INBOX/Sent',
        b'* LIST () "." "Sent Items"',
        b"* STATUS INBOX (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 3 HIGHESTMODSEQ 4)",
        b'* STATUS "Sent Items" (MESSAGES 1 UIDNEXT 2)',
    ],
)
def test_what_nearly_all_servers_say_is_read_at_one_go(
    text: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(responses, "untagged", None)
    assert responses.listed(one(text)) or responses.status(one(text))


@pytest.mark.parametrize("start", [b"* LIST (", b'* LIST () "/" ', b"* STATUS ", b"* STATUS a ("])
@pytest.mark.parametrize("piece", [b"\\A ", b'"', b"(", b"A 1 ", b"a", b"NIL "])
def test_a_list_of_any_length_takes_no_time(start: bytes, piece: bytes) -> None:
    response = Response(start + piece * 20_000)
    started = time.process_time()
    responses.listed(response)
    responses.status(response)
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("text", "fetched"),
    [
        (
            b"* 12 FETCH (UID 4294967295 FLAGS (\\Seen $Label1 \\Recent) RFC822.SIZE 44827)",
            Fetched(12, 4294967295, frozenset({"\\Seen", "$Label1", "\\Recent"}), size=44827),
        ),
        (
            b"* 1 FETCH (BODY[] {5}\r\na)\r\n( UID 2)",
            Fetched(1, 2, sections={"BODY[]": b"a)\r\n("}),
        ),
        (b'* 1 FETCH (UID 2 BODY[] "quo\\"ted")', Fetched(1, 2, sections={"BODY[]": b'quo"ted'})),
        (b"* 1 FETCH (UID 2 BODY[] NIL)", Fetched(1, 2, sections={"BODY[]": None})),
        (b"* 1 FETCH (UID 2 body[]<0> {1}\r\nx)", Fetched(1, 2, sections={"BODY[]": b"x"})),
        (
            b"* 1 FETCH (UID 2 BODY[HEADER.FIELDS (MESSAGE-ID)] {2}\r\n\r\n FLAGS ())",
            Fetched(1, 2, frozenset(), sections={"BODY[HEADER.FIELDS (MESSAGE-ID)]": b"\r\n"}),
        ),
        (b"* 1 FETCH (MODSEQ (624140003) UID 2)", Fetched(1, 2, mod_seq=624140003)),
        (
            b'* 1 FETCH (UID 2 INTERNALDATE " 1-Feb-2020 10:11:12 +0130")',
            Fetched(
                1,
                2,
                internal_date=datetime(
                    2020, 2, 1, 10, 11, 12, tzinfo=timezone(timedelta(hours=1, minutes=30))
                ),
            ),
        ),
        (b'* 1 FETCH (UID 2 INTERNALDATE "31-Feb-2020 10:11:12 +0000")', Fetched(1, 2)),
        (b"* 1 FETCH (UID 2 INTERNALDATE NIL)", Fetched(1, 2)),
        (b"* 1 FETCH (UID x RFC822.SIZE -1 FLAGS NIL)", Fetched(1)),
        (b"* 1 FETCH (UID)", Fetched(1)),
        (b"* 1 fetch (uid 2)", Fetched(1, 2)),
        (
            b'* 1 FETCH (UID 2 ENVELOPE (NIL "a (b" ((NIL NIL "c" "d"))) FLAGS (x))',
            Fetched(1, 2, frozenset({"x"})),
        ),
        (b"* 1 FETCH (UID 2", None),
        (b"* 1 FETCH UID 2)", None),
        (b"* 1 FETCH", None),
        (b'* 1 FETCH (UID 2 BODY[] "unfinished)', None),
        (b"* FETCH (UID 2)", None),
        (b"* 1 EXISTS", None),
        (b"* 1 FETCH " + b"(" * 1000 + b")" * 1000, None),
    ],
)
def test_fetched_items(text: bytes, fetched: Fetched | None) -> None:
    assert responses.fetched(one(text)) == fetched


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"[UIDVALIDITY 7] UIDs valid", StatusText("UIDVALIDITY", "7", "UIDs valid")),
        (b"[NoModSeq] none", StatusText("NOMODSEQ", "", "none")),
        (b"[PERMANENTFLAGS ()] ro", StatusText("PERMANENTFLAGS", "()", "ro")),
        (b"just\ttext\x07 \xff", StatusText("", "", "just text �")),
        (b"[unfinished", StatusText("", "", "[unfinished")),
        (b"", StatusText("", "", "")),
        (b"x" * 5000, StatusText("", "", "x" * 197 + "...")),
    ],
)
def test_status_texts(raw: bytes, status: StatusText) -> None:
    assert responses.status_text(raw) == status


def test_statuses_searches_and_vanished_messages() -> None:
    said = one(b'* STATUS "a b" (MESSAGES 2 UIDNEXT 5 HIGHESTMODSEQ 9)')

    assert responses.status(said) == (b"a b", {"MESSAGES": 2, "UIDNEXT": 5, "HIGHESTMODSEQ": 9})
    assert responses.status(one(b"* STATUS a")) is None
    assert responses.search(one(b"* SEARCH 2 84 882 (MODSEQ 9)")) == [2, 84, 882]
    assert responses.search(one(b"* SEARCH")) == []
    assert responses.vanished(one(b"* VANISHED (EARLIER) 41,43:116")) == (
        True,
        [(41, 41), (43, 116)],
    )
    assert responses.vanished(one(b"* VANISHED 9:7")) == (False, [(7, 9)])
    assert responses.vanished(one(b"* VANISHED 1:*")) is None
    assert responses.vanished(one(b"* OK")) is None


@pytest.mark.parametrize(
    ("uids", "text"),
    [
        ([1, 2, 3, 7], "1:3,7"),
        ([7, 3, 2, 1, 1], "1:3,7"),
        ([5], "5"),
        ([], ""),
        ([1, 3, 5], "1,3,5"),
        ([4294967294, 4294967295], "4294967294:4294967295"),
    ],
)
def test_uid_sets(uids: list[int], text: str) -> None:
    assert uidsets.uid_set(uids) == text


@given(st.lists(st.integers(1, 500)))
def test_uid_sets_name_exactly_their_uids(uids: list[int]) -> None:
    ranges = uidsets.uid_ranges(uidsets.uid_set(uids))

    assert [uid for low, high in ranges for uid in range(low, high + 1)] == sorted(set(uids))


@given(st.sets(st.integers(1, 2**32 - 1)), st.integers(25, 60))
def test_long_uid_sets_come_in_pieces(uids: set[int], longest: int) -> None:
    pieces = uidsets.uid_sets(uids, longest)

    assert ",".join(pieces) == uidsets.uid_set(uids)
    assert all(len(piece) <= longest for piece in pieces)


@pytest.mark.parametrize("text", ["1:*", "a", "1:", "-1", "1 2", "9" * 30])
def test_wrong_uid_sets_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no range of UIDs"):
        uidsets.uid_ranges(text)


def test_internal_dates() -> None:
    assert responses.internal_date(b"17-Jul-1996 02:44:25 -0700") == datetime(
        1996, 7, 17, 9, 44, 25, tzinfo=UTC
    )
    assert responses.internal_date(b"17-Jul-1996 02:44:25 +9999") is None
    assert responses.internal_date(b"17-Xxx-1996 02:44:25 +0000") is None


@given(st.binary(max_size=200), st.sampled_from([b"* 1 FETCH (", b"* LIST ", b"* STATUS ", b"* "]))
def test_any_response_is_read_or_left(text: bytes, start: bytes) -> None:
    for response in Framer(Limits(literal=50)).feed(start + text.replace(b"{", b"") + b"\r\n"):
        responses.fetched(response)
        responses.listed(response)
        responses.status(response)
        responses.search(response)
        responses.vanished(response)
        responses.status_text(response.text)


@pytest.mark.parametrize(
    "text",
    [
        b"* 1 FETCH (" + b"[" * 1_000_000 + b")",
        b"* 1 FETCH (" + b'"\\' * 500_000,
        b"* 1 FETCH (" + b"()" * 100_000 + b")",
        b'* LIST () "/" ' + b"a" + b" " * 1_000_000 + b"b",
        b'* LIST () "/" ' + b'"\\' * 500_000,
        b"* OK [" + b"x " * 500_000,
        b"* VANISHED " + b"1," * 100_000,
    ],
    ids=lambda text: repr(text[:16]),
)
def test_no_response_takes_long(text: bytes) -> None:
    started = time.process_time()
    response = one(text)
    responses.fetched(response)
    responses.listed(response)
    responses.vanished(response)
    responses.status_text(response.text)

    assert time.process_time() - started < 5


# Codes of copies and appends --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        ("38505 304,319:320 3956:3958", (38505, {304: 3956, 319: 3957, 320: 3958})),
        ("7 5:3 9,1:2", (7, {3: 9, 4: 1, 5: 2})),
        ("7 4294967295 1", (7, {4294967295: 1})),
        ("7 1:2 1", None),
        ("7 1:* 1:2", None),
        ("7 1:4294967295 1:4294967295", None),
        ("x 1 1", None),
        ("7 1", None),
        ("7 1 1 1", None),
        ("", None),
    ],
)
def test_codes_of_copies(argument: str, told: object) -> None:
    assert uidsets.copied_uids(argument) == told


@pytest.mark.parametrize(
    ("argument", "told"), [("38505 3955", (38505, 3955)), ("1 2:3", None), ("1", None), ("", None)]
)
def test_codes_of_appends(argument: str, told: object) -> None:
    assert uidsets.appended_uid(argument) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            b'* NAMESPACE (("INBOX." ".")) NIL (("shared." ".")("#x" NIL))',
            [[(b"INBOX.", b".")], [], [(b"shared.", b"."), (b"#x", b"")]],
        ),
        (b'* NAMESPACE (("" "/" "X-PARAM" ("a" "b"))) NIL NIL', [[(b"", b"/")], [], []]),
        (b"* NAMESPACE nonsense (1)", [[], []]),
        (b"* NAMESPACE ((", None),
        (b"* LIST", None),
    ],
)
def test_namespaces(text: bytes, told: object) -> None:
    assert responses.namespaces(one(text)) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b'* ESEARCH (TAG "a1") UID COUNT 17', 17),
        (b"* ESEARCH UID count 0 ALL 1", 0),
        (b"* ESEARCH", None),
        (b"* SEARCH 1", None),
    ],
)
def test_counts(text: bytes, told: object) -> None:
    assert responses.count(one(text)) == told


ITEMS = [
    (b"UID 17", b"uid  17"),
    (b"UID 4294967296", b"uid  4294967296"),
    (b"FLAGS ()", b"flags  ()"),
    (b"FLAGS (\\Seen NIL $a)", b"flags  (\\Seen NIL $a)"),
    (b"RFC822.SIZE 120", b"rfc822.size  120"),
    (b'INTERNALDATE " 4-Jan-2016 09:21:49 +0130"', b'internaldate  " 4-Jan-2016 09:21:49 +0130"'),
    (b'INTERNALDATE "yesterday"', b'internaldate  "yesterday"'),
    (b"MODSEQ (99)", b"modseq  (99)"),
    (b"BODY[] {3}\r\na)b", b"body[]  {3}\r\na)b"),
    (b"BODY[] NIL", b"body[]  NIL"),
]


@given(st.lists(st.sampled_from(ITEMS), min_size=1, max_size=6))
def test_the_usual_spelling_of_a_message_says_the_same_as_any_other(
    items: list[tuple[bytes, bytes]],
) -> None:
    usual = one(b"* 7 FETCH (" + b" ".join(item for item, _ in items) + b")")
    unusual = one(b"*  7 Fetch  (" + b" ".join(item for _, item in items) + b" )")
    assert responses.fetched(usual) == responses.fetched(unusual)
