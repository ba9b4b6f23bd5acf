"""Where responses end, and what is too much."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services84.imap.framing import Framer, LimitReached, Limits, Response

STREAM = (
    b"* OK ready {5}\r\n"
    b"* 1 FETCH (UID 7 BODY[] {8}\r\na\r\n{3}\r\n FLAGS (\\Seen))\r\n"
    b"* LIST () NIL {0}\r\n\r\n"
    b"\r\n"
    b'* LIST () "/" {3}\nx y\n'
    b"a1 OK done\r\n"
)
RESPONSES = [
    Response(b"* OK ready {5}"),
    Response(b"* 1 FETCH (UID 7 BODY[] {8}\r\n FLAGS (\\Seen))", (b"a\r\n{3}\r\n",)),
    Response(b"* LIST () NIL {0}\r\n", (b"",)),
    Response(b'* LIST () "/" {3}\n', (b"x y",)),
    Response(b"a1 OK done"),
]


def framed(stream: bytes, cuts: list[int], limits: Limits | None = None) -> list[Response]:
    framer = Framer(limits or Limits())
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    return [
        response
        for start, end in itertools.pairwise(edges)
        for response in framer.feed(stream[start:end])
    ]


@given(st.lists(st.integers(0, 1000)))
def test_responses_are_the_same_however_they_arrive(cuts: list[int]) -> None:
    found = framed(STREAM, cuts)

    assert found == RESPONSES


@given(st.binary(max_size=400), st.lists(st.integers(0, 400)))
def test_any_bytes_give_responses_or_a_limit(stream: bytes, cuts: list[int]) -> None:
    try:
        whole = framed(stream, [], Limits(line=100, literal=100))
        cut = framed(stream, cuts, Limits(line=100, literal=100))
    except LimitReached:
        return
    assert whole == cut


@pytest.mark.parametrize(
    ("stream", "problem"),
    [
        (b"x" * 101, "a response of more than"),
        (b"* LIST {1}\r\nx" * 9, "a response of more than"),
        (b"* 1 FETCH (BODY[] {51}\r\n", "a literal of more than"),
        (b"* 1 FETCH (BODY[] {30}\r\n" + b"x" * 30 + b" Y {21}\r\n", "a literal of more than"),
        (b"* 1 FETCH (BODY[] {4294967296}\r\n", "a literal of more than"),
        (b"* 1 FETCH (X {" + b"9" * 60 + b"}\r\n", "a literal of more than"),
    ],
)
def test_too_much_is_refused_before_it_is_held(stream: bytes, problem: str) -> None:
    with pytest.raises(LimitReached, match=problem):
        framed(stream, [], Limits(line=100, literal=50))


def test_the_limits_themselves_are_allowed() -> None:
    stream = b"* 1 FETCH (BODY[] {50}\r\n" + b"x" * 50 + b" FLAGS ())"
    stream += b" " * (100 + 50 - len(stream) - 2) + b"\r\n"

    assert framed(stream, [], Limits(line=100, literal=50))[0].literals == (b"x" * 50,)


@pytest.mark.parametrize(
    "stream",
    [b"{" * 1_000_000 + b"}\r\n", b"* X" + b" {0}\r\n" * 50_000, b"a" * 1_000_000 + b"\r\n"],
)
def test_no_stream_takes_long(stream: bytes) -> None:
    started = time.process_time()
    framed(stream, [])
    framed(stream, list(range(0, len(stream), 97)))

    assert time.process_time() - started < 5


def test_what_came_before_too_much_is_heard() -> None:
    responses = Framer(Limits(line=100)).feed(b"a1 OK\r\n" + b"x" * 200)

    assert next(responses).text == b"a1 OK"
    with pytest.raises(LimitReached):
        next(responses)
