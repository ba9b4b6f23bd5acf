"""A body is read up to the limit, and not a byte beyond it."""

from __future__ import annotations

import io
from typing import Any

import pytest

from services84.errors import BodyTooLong, MalformedMessage
from services84.wire.body import DISCARDED_BYTES, BodyLimit, RequestBody


class Unreadable(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        raise AssertionError("read although the announced length is too long")


class Counting(io.BytesIO):
    """An endless body, as a chunked one may be."""

    given = 0

    def read(self, size: int | None = -1) -> bytes:
        assert size is not None
        assert size > 0
        self.given += size
        return b"x" * size


class Broken(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        raise ConnectionResetError


class BadChunk(Exception):
    """As servers raise it, of a type of their own."""


class Unparsable(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        raise BadChunk


class Kept(io.BytesIO):
    """A body whose server can be told to end the connection."""

    given_up = False

    def give_up(self) -> None:
        self.given_up = True


def read_body(environ: dict[str, Any], limit: int) -> bytes:
    return RequestBody(environ).read(BodyLimit(limit, "SERVICES84_MAX_BODY_BYTES"))


def environ(stream: io.BytesIO, length: str | None, **more: Any) -> dict[str, Any]:
    return {"wsgi.input": stream, "CONTENT_LENGTH": length, **more}


def test_a_body_announced_too_long_is_refused_unread() -> None:
    with pytest.raises(BodyTooLong, match=r"10 bytes \(setting SERVICES84_MAX_BODY_BYTES\)"):
        read_body(environ(Unreadable(), "11"), 10)


def test_a_body_of_the_limit_is_read() -> None:
    assert read_body(environ(io.BytesIO(b"0123456789rest"), "10"), 10) == b"0123456789"


def test_a_chunked_body_is_read_to_its_end() -> None:
    chunked = environ(io.BytesIO(b"0123456789"), None, **{"wsgi.input_terminated": True})
    assert read_body(chunked, 10) == b"0123456789"


def test_a_chunked_body_that_is_too_long_is_given_up() -> None:
    endless = Counting()
    with pytest.raises(BodyTooLong):
        read_body(environ(endless, None, **{"wsgi.input_terminated": True}), 100_000)
    assert endless.given == 100_001


def test_without_length_or_end_there_is_no_body() -> None:
    assert read_body(environ(Unreadable(), ""), 10) == b""


@pytest.mark.parametrize("length", ["ten", "-1", "1.5", "١"])
def test_a_length_that_is_no_number_is_refused(length: str) -> None:
    with pytest.raises(MalformedMessage, match="Content-Length"):
        read_body(environ(io.BytesIO(b"x"), length), 10)


def test_a_body_that_ends_early_is_refused() -> None:
    with pytest.raises(MalformedMessage, match="after 3 of 5 bytes"):
        read_body(environ(io.BytesIO(b"abc"), "5"), 10)


def test_a_connection_that_breaks_is_a_malformed_message() -> None:
    with pytest.raises(MalformedMessage, match="broke off"):
        read_body(environ(Broken(), "5"), 10)


@pytest.mark.parametrize("length", ["5", None])
def test_a_chunk_that_the_server_cannot_read_is_a_malformed_message(length: str | None) -> None:
    with pytest.raises(MalformedMessage, match="broke off"):
        read_body(environ(Unparsable(), length, **{"wsgi.input_terminated": True}), 10)


@pytest.mark.parametrize(
    ("size", "announced", "given_up"),
    [
        (DISCARDED_BYTES, True, False),
        (DISCARDED_BYTES - 1, False, False),
        (DISCARDED_BYTES + 1, True, True),
        (DISCARDED_BYTES + 11, False, True),
    ],
)
def test_a_little_that_is_unread_is_discarded_and_more_ends_the_connection(
    size: int, announced: bool, given_up: bool
) -> None:
    stream = Kept(bytes(size + (7 if announced else 0)))  # the next request's bytes
    body = RequestBody(
        environ(stream, str(size) if announced else None, **{"wsgi.input_terminated": True})
    )
    with pytest.raises(BodyTooLong):
        body.read(BodyLimit(10))
    body.leave()
    assert stream.given_up == given_up
    assert not announced or given_up or stream.tell() == size


def test_a_body_that_has_been_read_leaves_its_connection_alone() -> None:
    stream = Kept(b"0123456789next")
    body = RequestBody(environ(stream, "10"))
    body.read(BodyLimit(10))
    body.leave()
    assert (stream.tell(), stream.given_up) == (10, False)


@pytest.mark.parametrize("length", ["ten", "20"])
def test_a_body_that_cannot_be_read_ends_the_connection(length: str) -> None:
    stream = Kept(b"0123456789")
    body = RequestBody(environ(stream, length))
    with pytest.raises(MalformedMessage):
        body.read(BodyLimit(100))
    body.leave()
    assert stream.given_up
