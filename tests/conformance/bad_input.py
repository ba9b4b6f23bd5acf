"""What callers may get wrong: for every member of every operation texts that are not of its type.

Made from the declarations of the operations. Pure; which operations there are is the registry's.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from spyne import Array

from services84.agents import Operation
from services84.carriers.base import Binary, Boolean, DateTime, Double, Enumeration, Int, Record
from services84.carriers.base import Short as ShortInt
from services84.namespaces import ARRAYS, SERVICES84, XSD, XSI

# No text of a type that stands above another is of that one's.
WRONG: Sequence[tuple[Any, Sequence[str]]] = (
    (ShortInt, ("32768", "-32769", "1.0")),
    (Int, ("2147483648", "-2147483649", "1_0", "0x1", "")),
    (Boolean, ("yes", "TRUE", "2")),
    (DateTime, ("2026-02-30T00:00:00", "2026-03-06", "yesterday")),
    (Double, ("1,5", "one")),
    (Binary, ("$$$$", "AAE")),
    (Enumeration, ("Nonsense", "seen", "7")),
)


@dataclass(frozen=True)
class Leaf:
    """A plain value somewhere in an operation's parameters.

    `steps` are the elements that lead to it, each with its namespace; `kind` is its type.
    """

    steps: tuple[tuple[str, str], ...]
    kind: Any

    @property
    def path(self) -> str:
        """As errors name it."""
        return "/".join(name for _, name in self.steps)

    def xml(self, text: str) -> str:
        """The member, with nothing in it but this value."""
        opened = "".join(f'<{name} xmlns="{namespace}">' for namespace, name in self.steps)
        closed = "".join(f"</{name}>" for _, name in reversed(self.steps))
        return opened + escape(text) + closed


@dataclass(frozen=True)
class Packed:
    """A text that XML cannot carry as it is: it goes as base64, as some toolkits send strings."""

    text: str


def leaves(operation: Operation) -> Iterator[Leaf]:
    """Every plain value that a caller can give; a type within itself is gone into once."""
    for name, kind in operation.parameters.items():
        yield from _below(kind, ((SERVICES84, name),), frozenset())


def _below(kind: Any, steps: tuple[tuple[str, str], ...], within: frozenset[Any]) -> Iterator[Leaf]:
    if not issubclass(kind, (Array, Record)):
        yield Leaf(steps, kind)
        return
    named = (kind.get_namespace(), kind.get_type_name())
    if named in within:
        return
    within = within if issubclass(kind, Array) else within | {named}
    for name, member in kind.get_flat_type_info(kind).items():
        yield from _below(member, (*steps, (kind.get_namespace(), name)), within)


def wrong_texts(kind: Any) -> Sequence[str]:
    """Texts that are not of a type; none for strings, which take every text."""
    for declared, texts in WRONG:
        if issubclass(kind, declared.__orig__ or declared):
            return texts
    return ()


def members_xml(members: Mapping[str, Any]) -> str:
    """Members as XML: a mapping nests, a list repeats its item, None is left out."""
    return "".join(_member_xml(name, value) for name, value in members.items())


def _member_xml(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return "".join(_member_xml(name, one) for one in value)
    namespace = ARRAYS if name in ("int", "string") else SERVICES84
    if isinstance(value, Packed):
        kind = f'xmlns:i="{XSI}" xmlns:x="{XSD}" i:type="x:base64Binary"'
        packed = base64.b64encode(value.text.encode()).decode()
        return f'<{name} xmlns="{namespace}" {kind}>{packed}</{name}>'
    inner = members_xml(value) if isinstance(value, Mapping) else _text(value)
    return f'<{name} xmlns="{namespace}">{inner}</{name}>'


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    # A carriage return would not survive as itself.
    return escape(str(value), {"\r": "&#13;", "\n": "&#10;"})


def with_member(members: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The members with another value at a path, which is made if need be."""
    first, _, rest = path.partition("/")
    changed = dict(members)
    below = changed.get(first)
    if rest:
        value = with_member(below if isinstance(below, Mapping) else {}, rest, value)
    changed[first] = value
    return changed
