"""A body is read up to the limit, and not a byte beyond it."""

from __future__ import annotations

import io
from typing import Any

import pytest

from services84.errors import LimitExceeded, MalformedMessage
from services84.soap.body import read_body


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


def environ(stream: io.BytesIO, length: str | None, **more: Any) -> dict[str, Any]:
    return {"wsgi.input": stream, "CONTENT_LENGTH": length, **more}


def test_a_body_announced_too_long_is_refused_unread() -> None:
    with pytest.raises(LimitExceeded, match=r"10 bytes \(setting SERVICES84_MAX_BODY_BYTES\)"):
        read_body(environ(Unreadable(), "11"), 10)


def test_a_body_of_the_limit_is_read() -> None:
    assert read_body(environ(io.BytesIO(b"0123456789rest"), "10"), 10) == b"0123456789"


def test_a_chunked_body_is_read_to_its_end() -> None:
    chunked = environ(io.BytesIO(b"0123456789"), None, **{"wsgi.input_terminated": True})
    assert read_body(chunked, 10) == b"0123456789"


def test_a_chunked_body_that_is_too_long_is_given_up() -> None:
    endless = Counting()
    with pytest.raises(LimitExceeded):
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
