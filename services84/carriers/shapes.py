"""The types of the contract without Spyne: what a front end of another kind needs to know of them.

`shape_of` tells of any declared type what it is made of. Data only; reading and writing values is
for those who know a format.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Literal

from spyne import Array, Boolean, ByteArray, DateTime, Double, Integer16, Integer32, Unicode

from services84.carriers.base import Carrier, Enumeration, Record, UtcDateTime, from_dict

Kind = Literal["integer", "number", "boolean", "text", "binary", "date", "stamp"]
# The vendor's one word for several literals.
_ALIASES = {
    "ETableRight": {"FULL": ("Select", "Update", "Insert", "Delete", "Filtering")},
    "EFieldRight": {"FULL": ("Read", "Write")},
}


@dataclass(frozen=True)
class Simple:
    """A plain value. `stamp` is a date in UTC whoever looks at it; bounds are of integers.
    `nillable` is false for types whose absence reads as their zero."""

    name: str
    kind: Kind
    nillable: bool
    lowest: int = 0
    highest: int = 0


@dataclass(frozen=True)
class Choice:
    """A literal of a closed list, or with `flags` a tuple of any number of them. `aliases` are
    words that stand for several."""

    name: str
    literals: tuple[str, ...]
    flags: bool
    aliases: Mapping[str, tuple[str, ...]]

    nillable = False


@dataclass(frozen=True)
class Listing:
    """A list, whose items are elements `item_name` in XML."""

    name: str
    item: Shape
    item_name: str

    nillable = True


@dataclass(frozen=True)
class Dictionary:
    """A mapping of texts to values; in XML pairs `pair_name` of Key and Value."""

    name: str
    pair_name: str
    value: Shape
    _kind: Any

    nillable = True

    def make(self, mapping: Mapping[str, Any]) -> Any:
        """The carrier that holds `mapping`."""
        return from_dict(self._kind, mapping)


class Composite:
    """A carrier: a value with named members."""

    nillable = True

    def __init__(self, kind: Any) -> None:
        self._kind = kind
        self.name: str = kind.get_type_name()
        self.documentation = inspect.cleandoc(kind.__doc__ or "")

    @cached_property
    def members(self) -> dict[str, Shape]:
        """By name, in the contract's order but for what every carrier has, which is last."""
        kinds = self._kind.get_flat_type_info(self._kind)
        own = [name for name in kinds if name not in COMMON]
        return {name: shape_of(kinds[name]) for name in [*own, *(n for n in COMMON if n in kinds)]}

    def make(self) -> Any:
        """A carrier without content."""
        return self._kind()


Shape = Simple | Choice | Listing | Dictionary | Composite

COMMON = tuple(Carrier.get_flat_type_info(Carrier))  # TableRight, FieldProperties
_SIMPLE: tuple[tuple[Any, Kind, int, int], ...] = (
    (Integer16, "integer", -(2**15), 2**15 - 1),
    (Integer32, "integer", -(2**31), 2**31 - 1),
    (Boolean, "boolean", 0, 0),
    (Double, "number", 0, 0),
    (UtcDateTime, "stamp", 0, 0),
    (DateTime, "date", 0, 0),
    (ByteArray, "binary", 0, 0),
    (Unicode, "text", 0, 0),
)


@cache
def shape_of(kind: Any) -> Shape:
    """The shape of a declared type."""
    name: str = kind.get_type_name()
    if issubclass(kind, Array):
        ((item_name, item),) = kind.get_flat_type_info(kind).items()
        return Listing(name, shape_of(item), item_name)
    if issubclass(kind, Record) and kind.Attributes.dictionary:
        ((pair_name, pair),) = kind.get_flat_type_info(kind).items()
        value = pair.get_flat_type_info(pair)["Value"]
        return Dictionary(name, pair_name, shape_of(value), kind)
    if issubclass(kind, Record):
        return Composite(kind)
    if issubclass(kind, Enumeration):
        attributes = kind.Attributes
        return Choice(name, attributes.literals, attributes.flags, _ALIASES.get(name, {}))
    for base, what, lowest, highest in _SIMPLE:
        if issubclass(kind, base):
            return Simple(name, what, bool(kind.Attributes.nillable), lowest, highest)
    raise TypeError(f"{kind!r} is no type of the contract")
