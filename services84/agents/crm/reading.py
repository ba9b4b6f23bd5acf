"""From the members of a request to the values of an EmailAccount record's properties. Pure.

Every property is looked at: what is wrong is gathered, and told at once. What values mean for an
account that is stored is the matter of `drafting`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from services84.agents.crm.properties import (
    BY_NAME,
    HIGHEST_INT,
    MOMENT,
    PASSED_OVER,
    PROPERTIES,
    Access,
    Kind,
    Property,
)
from services84.errors import MalformedMessage, PropertyProblem

REQUIRED = "is a required field"
SHOWN = 200  # characters of a value in a problem


class Record:
    """What a request says: the values of those properties that it has, and what is wrong."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.problems: list[PropertyProblem] = []
        self._given: dict[str, Any] = {}

    def given(self, name: str, value: Any) -> None:
        """Note what was given for a property, to be told where it is wrong."""
        self._given[name] = value

    def wrong(self, name: str, message: str) -> None:
        """Note a problem of a property; of each property the first counts."""
        if all(one.name != name for one in self.problems):
            attempted = None if is_secret(name) else _shown(self._given.get(name))
            self.problems.append(PropertyProblem(name, attempted, message))

    def has_problem(self, *names: str) -> bool:
        """Whether one of these properties is wrong."""
        return any(one.name in names for one in self.problems)

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a property, or the default where it was not given or is null."""
        value = self.values.get(name)
        return default if value is None else value


def read_record(given: Any, *, needs_id: bool) -> Record:
    """The record of a request; `needs_id` for one that changes what is stored.

    Names count without regard to case. Raises MalformedMessage for what is no object.
    """
    if not isinstance(given, Mapping):
        raise MalformedMessage("the request has to be an object with the properties of the record")
    record = Record()
    for name, value in given.items():
        _take(record, str(name), value)
    for one in PROPERTIES:
        required = one.required or (one.name == "Id" and needs_id)
        if required and _is_missing(record, one) and not record.has_problem(one.name):
            record.wrong(one.name, REQUIRED)
    return record


def _take(record: Record, name: str, value: Any) -> None:
    known = BY_NAME.get(name.lower())
    if known is None:
        if name.lower() not in PASSED_OVER:
            record.given(name[:SHOWN], value)
            record.wrong(name[:SHOWN], "is no property of an EmailAccount")
        return
    if known.name in record.values:
        record.wrong(known.name, "is given more than once")
        return
    record.given(known.name, value)
    try:
        record.values[known.name] = None if value is None else _READERS[known.kind](known, value)
    except ValueError as problem:
        record.wrong(known.name, str(problem))


def _is_missing(record: Record, one: Property) -> bool:
    value = record.values.get(one.name)
    return value is None or (isinstance(value, str) and not value.strip())


def _integer(_: Property, value: Any) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("is no whole number")
    if not 0 <= value <= HIGHEST_INT:
        raise ValueError(f"is not from 0 to {HIGHEST_INT}")
    return value


def _text(one: Property, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("is no text")
    if len(value) > one.longest:
        raise ValueError(f"has more than {one.longest} characters")
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        raise ValueError("holds half of a surrogate pair, which no text has")
    return value if one.access is Access.SECRET else value.strip()


def _boolean(_: Property, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("is neither true nor false")
    return value


def read_moment(text: str) -> datetime:
    """The moment that a text names, with its offset; raises ValueError."""
    try:
        if re.fullmatch(MOMENT, text):
            read = datetime.fromisoformat(text)
            return read if read.tzinfo is not None else read.replace(tzinfo=UTC)
    except ValueError:
        pass
    raise ValueError("is no date and time such as 2026-01-31T12:00:00Z")


def _moment(_: Property, value: Any) -> datetime:
    return read_moment(value.strip() if isinstance(value, str) else "")


def _choice(one: Property, value: Any) -> int:
    choices = one.choices or {}
    if isinstance(value, str):
        found = next((n for name, n in choices.items() if name.lower() == value.lower()), None)
    else:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        found = next((n for n in choices.values() if is_number and n == value), None)
    if found is None:
        allowed = ", ".join(f"{number} ({name})" for name, number in choices.items())
        raise ValueError(f"is none of {allowed}")
    return found


_READERS = {
    Kind.INTEGER: _integer,
    Kind.TEXT: _text,
    Kind.BOOLEAN: _boolean,
    Kind.MOMENT: _moment,
    Kind.CHOICE: _choice,
}


def is_secret(name: str) -> bool:
    """Whether what is given under this name must not be repeated."""
    known = BY_NAME.get(name.lower())
    # An unknown name may be a known one's with a slip of the pen.
    return known.access is Access.SECRET if known else _sounds_secret(name)


def _sounds_secret(name: str) -> bool:
    return any(word in name.lower() for word in ("passw", "token", "secret", "key"))


def _shown(value: Any) -> Any:
    """A value as a problem tells it: plain ones as they are, no longer than anybody reads."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else f"({type(value).__name__})"
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
