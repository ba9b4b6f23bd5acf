"""Changing the dates in a value of a declared type, wherever they stand in it.

Knows types and members; what is done to a date is the caller's matter.
"""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any

from spyne import Array
from spyne import DateTime as SpyneDateTime

from services84.carriers.base import Record, UtcDateTime

Change = Callable[[datetime], datetime]


def change_dates(declared: Any, value: Any, change: Change) -> Any:
    """`value` of the type `declared` with its dates changed; carriers and lists are changed in
    place. UtcDateTime, which is UTC whoever looks at it, stays as it is."""
    if value is None or not _holds_dates(declared):
        return value
    if issubclass(declared, SpyneDateTime):
        return change(value)
    if issubclass(declared, Array):
        (item,) = declared._type_info.values()
        if isinstance(value, list):
            value[:] = [change_dates(item, one, change) for one in value]
            return value
        return [change_dates(item, one, change) for one in value]
    for name, member in _dated_members(declared):
        held = getattr(value, name, None)
        if held is not None:
            setattr(value, name, _changed_member(member, held, change))
    return value


def _changed_member(member: Any, held: Any, change: Change) -> Any:
    if member.Attributes.max_occurs > 1:
        return [change_dates(member, one, change) for one in held]
    return change_dates(member, held, change)


@cache
def _dated_members(declared: Any) -> tuple[tuple[str, Any], ...]:
    members = declared.get_flat_type_info(declared).items()
    return tuple((name, member) for name, member in members if _holds_dates(member))


@cache
def _holds_dates(declared: Any) -> bool:
    return _finds_dates(declared, set())


def _finds_dates(declared: Any, seen: set[Any]) -> bool:
    if issubclass(declared, SpyneDateTime):
        return not issubclass(declared, UtcDateTime)
    if not issubclass(declared, (Record, Array)) or declared in seen:
        return False  # a type within itself adds nothing to what the rest of it holds
    seen.add(declared)
    members = declared.get_flat_type_info(declared).values()
    return any(_finds_dates(member, seen) for member in members)
