"""Texts and values of the XML Schema types, strictly."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from services84.wire import lexical
from services84.wire.lexical import NotOfType


@pytest.mark.parametrize(
    "text",
    ["", " ", "1_0", "１", "1.0", "1e3", "0x10", "--1", "2147483648", "-2147483649", "9" * 99],
)
def test_what_is_no_int_is_refused(text: str) -> None:
    with pytest.raises(NotOfType, match="is no whole number between -2147483648 and 2147483647"):
        lexical.read_integer(text, -(2**31), 2**31 - 1)


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("+7", 7), ("-0", 0), (" \n12\t", 12), ("007", 7), ("2147483647", 2**31 - 1)],
)
def test_an_int_is_read(text: str, value: int) -> None:
    assert lexical.read_integer(text, -(2**31), 2**31 - 1) == value


@pytest.mark.parametrize("text", ["", "True", "yes", "2", "TRUE"])
def test_what_is_no_boolean_is_refused(text: str) -> None:
    with pytest.raises(NotOfType):
        lexical.read_boolean(text)


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), (" 1 ", True), ("false", False), ("0", False)]
)
def test_a_boolean_is_read(text: str, value: bool) -> None:
    assert lexical.read_boolean(text) is value


@pytest.mark.parametrize("text", ["", "nan", "inf", "1,5", "0x1p3", "1_0.0", "e5", "."])
def test_what_is_no_double_is_refused(text: str) -> None:
    with pytest.raises(NotOfType):
        lexical.read_double(text)


@pytest.mark.parametrize(
    ("text", "value"), [("1.5", 1.5), ("-1E3", -1000.0), (".5", 0.5), ("-INF", -math.inf)]
)
def test_a_double_is_read_and_written_back(text: str, value: float) -> None:
    assert lexical.read_double(text) == value
    assert lexical.read_double(lexical.write_double(value)) == value


def test_not_a_number_has_its_own_spelling() -> None:
    assert math.isnan(lexical.read_double("NaN"))
    assert lexical.write_double(math.nan) == "NaN"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2024-02-30T00:00:00",
        "2024-02-29",
        "2024-02-29 12:00:00",
        "2024-02-29T25:00:00",
        "2024-02-29T24:00:01",
        "2024-02-29T12:00:60",
        "2024-02-29T12:00:00+15:00",
        "2024-02-29T12:00:00.Z",
        "0000-01-01T00:00:00",
        "9999-12-31T24:00:00",
        "12024-02-29T12:00:00",
    ],
)
def test_what_is_no_date_time_is_refused(text: str) -> None:
    with pytest.raises(NotOfType):
        lexical.read_date_time(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0001-01-01T00:00:00", datetime(1, 1, 1)),
        ("2024-02-29T12:30:01Z", datetime(2024, 2, 29, 12, 30, 1, tzinfo=UTC)),
        ("2024-02-29T12:30:01.1234567", datetime(2024, 2, 29, 12, 30, 1, 123456)),
        ("2024-02-29T12:30:01.5", datetime(2024, 2, 29, 12, 30, 1, 500000)),
        ("2024-02-29T24:00:00", datetime(2024, 3, 1)),
        (
            "2024-02-29T12:30:01-01:30",
            datetime(2024, 2, 29, 12, 30, 1, tzinfo=timezone(-timedelta(minutes=90))),
        ),
    ],
)
def test_a_date_time_is_read(text: str, value: datetime) -> None:
    assert lexical.read_date_time(text) == value


@pytest.mark.parametrize("text", ["A", "AA=", "====", "AAE$", "AAECé", "AA==AA=="])
def test_what_is_no_base64_is_refused(text: str) -> None:
    with pytest.raises(NotOfType, match="is no base64"):
        lexical.read_binary(text)


@pytest.mark.parametrize(
    ("text", "value"), [("", b""), ("AAEC", b"\0\1\2"), (" AA\r\n EC ", b"\0\1\2")]
)
def test_base64_is_read(text: str, value: bytes) -> None:
    assert lexical.read_binary(text) == value


def test_binary_is_written_whole_or_in_pieces() -> None:
    assert lexical.write_binary(b"\0\1\2") == lexical.write_binary([b"\0", b"\1\2"]) == "AAEC"


@pytest.mark.parametrize(
    ("text", "problem"), [("a", "is none of A, B"), ("A B", "is none of A, B")]
)
def test_a_literal_that_is_none_is_refused(text: str, problem: str) -> None:
    with pytest.raises(NotOfType, match=problem):
        lexical.read_literal(text, ("A", "B"))


def test_flags_are_any_number_of_literals() -> None:
    assert lexical.read_flags("", ("A", "B")) == ()
    assert lexical.read_flags(" B\n A ", ("A", "B")) == ("B", "A")
    with pytest.raises(NotOfType):
        lexical.read_flags("A C", ("A", "B"))


@pytest.mark.parametrize(("value", "text"), [("A", "A"), (("A", "B"), "A B"), ((), "")])
def test_literals_are_written(value: Any, text: str) -> None:
    assert lexical.write_literals(value, ("A", "B")) == text


def test_an_unknown_literal_is_never_written() -> None:
    with pytest.raises(ValueError, match="'C' is none of A, B"):
        lexical.write_literals("C", ("A", "B"))


def test_text_that_xml_cannot_carry_is_replaced() -> None:
    assert (
        lexical.write_text("a\x00b\x0bc\ud800d\ufffee\tf\r\n\U0001f600")
        == "a�b�c�d�e\tf\r\n\U0001f600"
    )
