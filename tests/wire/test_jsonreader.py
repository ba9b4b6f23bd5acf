"""JSON is read within limits, and nothing is read that is none."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from services84.errors import InvalidMember, LimitExceeded, MalformedMessage
from services84.wire.jsonreader import read_json
from services84.wire.xmlreader import XmlLimits

LIMITS = XmlLimits(depth=8, elements=100)


@pytest.mark.parametrize(
    ("body", "charset", "value"),
    [
        (
            b'{"a": [1, -2.5, true, null, "\xc3\xa5\\u00e5\\"{["]}',
            None,
            {"a": [1, -2.5, True, None, 'åå"{[']},
        ),
        (b"\xef\xbb\xbf{}", None, {}),
        ('"å"'.encode("utf-16"), None, "å"),
        (b'"\xe5"', "iso-8859-1", "å"),
        (b" null\r\n", "UTF-8", None),
    ],
)
def test_values_are_read(body: bytes, charset: str | None, value: Any) -> None:
    assert read_json(body, LIMITS, charset=charset) == value


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"]", b"{]", b'{"a" 1}', b"{'a': 1}", b"NaN", b"[Infinity]", b'"open', b'"open\\"',
     b"1 2", b"\xff", b'["a""b"]', b"1" * 41, b'"\n"'],
)  # fmt: skip
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedMessage):
        read_json(body, LIMITS)


@pytest.mark.parametrize("charset", ["idna", "zip", "utf-7", "nonsense"])
def test_an_encoding_that_no_client_uses_is_refused(charset: str) -> None:
    with pytest.raises(MalformedMessage, match="not supported"):
        read_json(b"{}", LIMITS, charset=charset)


def test_a_name_that_is_there_twice_is_refused() -> None:
    with pytest.raises(InvalidMember, match="'a' is given more than once"):
        read_json(b'{"a": 1, "b": {"a": 1}, "a": 2}', LIMITS)


def test_the_limits_are_named() -> None:
    with pytest.raises(LimitExceeded, match=r"8 levels of nesting .*MAX_XML_DEPTH"):
        read_json(b"[" * 9, LIMITS)
    with pytest.raises(LimitExceeded, match=r"100 values .*MAX_XML_ELEMENTS"):
        read_json(json.dumps([1] * 200).encode(), LIMITS)


@pytest.mark.parametrize(
    "body", [b"[" * 5_000_000, b'"\\"' * 3_000_000, b'""' * 3_000_000, b"," * 5_000_000]
)
def test_hostile_texts_cost_no_more_than_their_length(body: bytes) -> None:
    started = time.process_time()
    with pytest.raises((LimitExceeded, MalformedMessage)):
        read_json(body, XmlLimits(depth=64, elements=200_000))
    assert time.process_time() - started < 5
