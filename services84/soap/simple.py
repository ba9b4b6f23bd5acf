"""Which reader and writer of `lexical` belongs to which simple Spyne type.

Tables for `protocol`, in the shape that Spyne's handlers have: called with the type, which knows
its range or its literals, and the text or the value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from spyne import Boolean, ByteArray, DateTime, Double, Integer16, Integer32, Unicode

from services84.carriers.base import Enumeration
from services84.wire import lexical

_RANGES = {Integer32: (-(2**31), 2**31 - 1), Integer16: (-(2**15), 2**15 - 1)}


def _read_integer(cls: Any, text: str) -> int:
    return lexical.read_integer(text, *_range_of(cls))


def _write_integer(cls: Any, value: int) -> str:
    lowest, highest = _range_of(cls)
    if not lowest <= value <= highest:
        raise ValueError(f"{value} is not between {lowest} and {highest}")
    return str(int(value))


def _range_of(cls: Any) -> tuple[int, int]:
    return next(bounds for kind, bounds in _RANGES.items() if issubclass(cls, kind))


def _read_enumeration(cls: Any, text: str) -> str | tuple[str, ...]:
    attributes = cls.Attributes
    if attributes.flags:
        return lexical.read_flags(text, attributes.literals)
    return lexical.read_literal(text, attributes.literals)


READERS: dict[Any, Callable[[Any, str], Any]] = {
    Integer32: _read_integer,
    Integer16: _read_integer,
    Boolean: lambda _cls, text: lexical.read_boolean(text),
    Double: lambda _cls, text: lexical.read_double(text),
    DateTime: lambda _cls, text: lexical.read_date_time(text),
    ByteArray: lambda _cls, text: lexical.read_binary(text),
    Unicode: lambda _cls, text: text,
    Enumeration: _read_enumeration,
}


WRITERS: dict[Any, Callable[..., str]] = {
    Integer32: _write_integer,
    Integer16: _write_integer,
    Double: lambda _cls, value: lexical.write_double(value),
    DateTime: lambda _cls, value: value.isoformat(),
    ByteArray: lambda _cls, value: lexical.write_binary(value),
    Unicode: lambda _cls, value: lexical.write_text(str(value)),
    Enumeration: lambda cls, value: lexical.write_literals(value, cls.Attributes.literals),
}
