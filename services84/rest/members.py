"""Values of a request become values of the contract's types, by their shapes. Pure.

The values come from JSON, with its own types, or as texts (`Text`) from XML, a form or a query,
which the member's type gives a meaning. What is wrong is an InvalidMember with the path that it has
over SOAP: `Emails/EMailEntity[2]/To`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from services84.carriers.shapes import Choice, Composite, Dictionary, Listing, Shape, Simple
from services84.errors import InvalidMember
from services84.wire import lexical
from services84.wire.failures import NOT_SHOWN, SECRET_MEMBERS

NO_FLAG = "None"  # the web API's word for no flag at all
_UNREADABLE = "holds a NUL or half of a surrogate pair, which no text has"


class Text(str):
    """A text of XML, of a form or of a query."""

    __slots__ = ()


def read_members(shapes: Mapping[str, Shape], value: Any) -> dict[str, Any]:
    """An operation's members by name, None for those that are absent. Raises InvalidMember."""
    if value is None:
        value = {}
    if not isinstance(value, dict):
        refuse("", _shown(value), "is no object; the members of the operation belong into one")
    _check_names(shapes, value, "")
    return {name: read_value(shape, value.get(name), name) for name, shape in shapes.items()}


def read_value(shape: Shape, value: Any, path: str) -> Any:
    """A value of the type `shape`; None for null. Raises InvalidMember naming `path`."""
    if value is None:
        return None
    if isinstance(shape, Composite):
        return _carrier(shape, value, path)
    if isinstance(shape, Listing):
        return _items(shape, value, path)
    if isinstance(shape, Dictionary):
        return _dictionary(shape, value, path)
    try:
        if isinstance(shape, Choice):
            return _choice(shape, value)
        reader = _FROM_TEXT if isinstance(value, Text) else _FROM_JSON
        return reader[shape.kind](shape, value)
    except lexical.NotOfType as error:
        refuse(path, _shown(value), error.problem)


def refuse(path: str, value: str, problem: str) -> NoReturn:
    """Raise InvalidMember; of a secret the value is not told."""
    name = path.rpartition("/")[2].partition("[")[0]
    raise InvalidMember(path or "(body)", NOT_SHOWN if name in SECRET_MEMBERS else value, problem)


def below(path: str, name: str) -> str:
    """The path of the member `name` of what is at `path`."""
    return f"{path}/{name}" if path else name


def _carrier(shape: Composite, value: Any, path: str) -> Any:
    if not isinstance(value, dict):
        refuse(path, _shown(value), f"is no object; a {shape.name} has members")
    members = shape.members
    _check_names(members, value, path)
    carrier = shape.make()
    for name, held in value.items():
        setattr(carrier, name, read_value(members[name], held, below(path, name)))
    return carrier


def _check_names(known: Mapping[str, Shape], value: Mapping[str, Any], path: str) -> None:
    for name in value:
        if name not in known:
            names = ", ".join(known) or "none"
            shown = name.encode("utf-8", "replace").decode()[:60]
            refuse(below(path, shown), shown, f"is no member here; the members are {names}")


def _items(shape: Listing, value: Any, path: str) -> list[Any]:
    if not isinstance(value, list):
        refuse(path, _shown(value), "is no list")
    items = []
    for number, one in enumerate(value, 1):
        step = shape.item_name if len(value) == 1 else f"{shape.item_name}[{number}]"
        item = read_value(shape.item, one, below(path, step))
        if item is None and not shape.item.nillable:
            refuse(below(path, step), "", "is nil, which an item of this array cannot be")
        items.append(item)
    return items


def _dictionary(shape: Dictionary, value: Any, path: str) -> Any:
    if not isinstance(value, dict):
        refuse(path, _shown(value), "is no object; keys and values belong into one")
    read = {}
    for key, held in value.items():
        if not _readable(key):
            refuse(path, "a key", _UNREADABLE)
        read[key] = read_value(shape.value, held, below(path, key[:60]))
    return shape.make(read)


def _choice(shape: Choice, value: Any) -> Any:
    if not isinstance(value, str):
        raise lexical.NotOfType(f"is none of {', '.join(shape.literals)}")
    if not shape.flags:
        return lexical.read_literal(value, shape.literals)
    found: list[str] = []
    for word in value.replace(",", " ").split():
        meant = shape.aliases.get(word) or (() if word == NO_FLAG else (word,))
        found += [lexical.read_literal(one, shape.literals) for one in meant]
    return tuple(dict.fromkeys(found))


def _json_integer(shape: Simple, value: Any) -> int:
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if whole and not isinstance(value, bool) and shape.lowest <= value <= shape.highest:
        return int(value)
    raise lexical.NotOfType(f"is no whole number between {shape.lowest} and {shape.highest}")


def _json_number(_: Simple, value: Any) -> float:
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            number = float(value)
            if math.isfinite(number):
                return number
    except OverflowError:
        pass
    raise lexical.NotOfType("is no number")


def _json_boolean(_: Simple, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise lexical.NotOfType("is neither true nor false")


def _text(_: Simple, value: Any) -> str:
    if not isinstance(value, str):
        raise lexical.NotOfType("is no text")
    if not _readable(value):
        raise lexical.NotOfType(_UNREADABLE)
    return str(value)


def _readable(text: str) -> bool:
    if "\0" in text:
        return False
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _worded(reader: Callable[[str], Any], what: str) -> Callable[[Simple, Any], Any]:
    def read(_: Simple, value: Any) -> Any:
        if not isinstance(value, str):
            raise lexical.NotOfType(f"is no text, and {what} is one")
        return reader(value)

    return read


_DATE = _worded(lexical.read_date_time, "a date")
_BINARY = _worded(lexical.read_binary, "base64")
_FROM_JSON: dict[str, Callable[[Simple, Any], Any]] = {
    "integer": _json_integer,
    "number": _json_number,
    "boolean": _json_boolean,
    "text": _text,
    "binary": _BINARY,
    "date": _DATE,
    "stamp": _DATE,
}
_FROM_TEXT: dict[str, Callable[[Simple, Any], Any]] = _FROM_JSON | {
    "integer": lambda shape, text: lexical.read_integer(text, shape.lowest, shape.highest),
    "number": lambda _, text: lexical.read_double(text),
    "boolean": lambda _, text: lexical.read_boolean(text),
}


def _shown(value: Any) -> str:
    """What a refusal tells of a value: never what is inside of it."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)[:100].encode("utf-8", "replace").decode()
