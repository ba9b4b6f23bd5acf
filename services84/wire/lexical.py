"""Values as XML Schema writes them (Part 2): text becomes a value, a value becomes text.

Strict where Python's own parsers are not (`int("1_0")`, full-width digits). Pure, and free of
Spyne; `protocol` says which of these belongs to which type.
"""

from __future__ import annotations

import binascii
import math
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone

_WHITE_SPACE = " \t\r\n"
_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
_DOUBLE = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_DOUBLE_NAMES = {"INF": math.inf, "-INF": -math.inf, "NaN": math.nan}
_DATE_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?"
)
# What XML 1.0 cannot carry (section 2.2), in any form.
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class NotOfType(ValueError):
    """A text that is not of its type; `problem` continues a sentence about the text."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


def read_integer(text: str, lowest: int, highest: int) -> int:
    """A whole number between the bounds, which are included."""
    text = text.strip(_WHITE_SPACE)
    if _INTEGER.fullmatch(text) and lowest <= int(text) <= highest:
        return int(text)
    raise NotOfType(f"is no whole number between {lowest} and {highest}")


def read_boolean(text: str) -> bool:
    """true, false, 1 or 0."""
    text = text.strip(_WHITE_SPACE)
    if text in ("true", "1"):
        return True
    if text in ("false", "0"):
        return False
    raise NotOfType("is none of true, false, 1, 0")


def read_double(text: str) -> float:
    """A decimal number with or without exponent, INF, -INF or NaN."""
    text = text.strip(_WHITE_SPACE)
    if text in _DOUBLE_NAMES:
        return _DOUBLE_NAMES[text]
    if _DOUBLE.fullmatch(text):
        return float(text)
    raise NotOfType("is no number")


def read_date_time(text: str) -> datetime:
    """A point in time; aware when the text has a zone. Digits beyond microseconds are cut off."""
    match = _DATE_TIME.fullmatch(text.strip(_WHITE_SPACE))
    try:
        if match is None:
            raise ValueError
        year, month, day, hour, minute, second = map(int, match.groups()[:6])
        midnight = (hour, minute, second) == (24, 0, 0) and not (match[7] or "").strip("0")
        value = datetime(
            year,
            month,
            day,
            0 if midnight else hour,
            minute,
            second,
            int((match[7] or "0")[:6].ljust(6, "0")),
            _zone(match[8]),
        )
        return value + timedelta(days=1) if midnight else value
    except (ValueError, OverflowError) as error:
        raise NotOfType("is no date and time such as 2024-02-29T12:30:00Z") from error


def _zone(text: str | None) -> timezone | None:
    if text is None:
        return None
    if text == "Z":
        return UTC
    hours, minutes = int(text[1:3]), int(text[4:6])
    if hours > 14 or minutes > 59:
        raise ValueError(text)
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)


def read_binary(text: str) -> bytes:
    """Base64 (RFC 4648 section 4), white space anywhere."""
    packed: str | bytes = text
    try:
        if any(blank in text for blank in _WHITE_SPACE):  # a long text is copied for a reason only
            packed = text.encode("ascii").translate(None, _WHITE_SPACE.encode())
        return binascii.a2b_base64(packed, strict_mode=True)
    except (binascii.Error, ValueError) as error:
        raise NotOfType("is no base64") from error


def read_literal(text: str, literals: Sequence[str]) -> str:
    """One of the literals, as they are spelt."""
    text = text.strip(_WHITE_SPACE)
    if text in literals:
        return text
    raise NotOfType(f"is none of {', '.join(literals)}")


def read_flags(text: str, literals: Sequence[str]) -> tuple[str, ...]:
    """Any number of the literals, separated by white space; none is the empty tuple."""
    return tuple(read_literal(word, literals) for word in text.split())


def write_text(value: str) -> str:
    """The text with U+FFFD for every character that XML 1.0 cannot carry."""
    return _UNPRINTABLE.sub("\ufffd", value)


def write_binary(value: bytes | Iterable[bytes]) -> str:
    """Base64 without line breaks; several pieces are joined first."""
    return packed_binary(value).decode("ascii")


def packed_binary(value: bytes | Iterable[bytes]) -> bytes:
    """The same, not yet as text."""
    whole = value if isinstance(value, bytes | bytearray | memoryview) else b"".join(value)
    return binascii.b2a_base64(whole, newline=False)


def write_double(value: float) -> str:
    """A number as xs:double spells it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "INF" if value > 0 else "-INF"
    return repr(float(value))


def write_literals(value: str | Iterable[str], literals: Sequence[str]) -> str:
    """A literal, or several separated by spaces; raises ValueError for one that is none."""
    words = [value] if isinstance(value, str) else list(value)
    unknown = [word for word in words if word not in literals]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is none of {', '.join(literals)}")
    return " ".join(words)
