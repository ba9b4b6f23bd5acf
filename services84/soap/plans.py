"""How values of each type are written: a plan a type, made once from Spyne's type information.

Spyne finds out anew for every value which handler its type has, what its attributes say and which
members it has; a plan knows. How a simple value is spelt is `simple`'s matter, what stands around
the values `protocol`'s.

A plan covers what carriers are made of: simple types, records with their bases, arrays, repeated
members, defaults and nil. Spyne's other ways of writing a member are no part of the contract, and
refused when a plan would need them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from lxml.etree import SubElement
from spyne import Array, ByteArray, ComplexModelBase
from spyne.model.complex import XmlModifier

from services84.namespaces import XSI
from services84.soap.longtexts import LONG
from services84.wire import lexical

NIL = f"{{{XSI}}}nil"
_FOREIGN_ATTRIBUTES = ("exc", "prot")

Write = Callable[[Any, Any, Any, str], None]  # context, value (not None), parent, Clark name


class Plan:
    """How elements of one type are written; `write` takes what is there, a call None as well.

    The context is Spyne's of the exchange: its `out_string` takes long binary values.
    """

    __slots__ = ("default", "nillable", "write")

    def __init__(self, kind: Any) -> None:
        self.default: Any = kind.Attributes.default
        self.nillable = bool(kind.Attributes.nillable)
        self.write: Write = _unfinished

    def __call__(self, context: Any, value: Any, parent: Any, tag: str) -> None:
        """Write the element `tag` into `parent`; for None its default, a nil, or nothing."""
        if value is None:
            value = self.default
        if value is not None:
            self.write(context, value, parent, tag)
        elif self.nillable:
            SubElement(parent, tag).set(NIL, "true")


class Plans:
    """The plans of one protocol, each made when it is first needed.

    `spelling` gives, for a simple type, the function from its values to text.
    """

    def __init__(self, spelling: Callable[[Any], Callable[[Any], str]]) -> None:
        self._spelling = spelling
        self._plans: dict[Any, Plan] = {}

    def plan(self, kind: Any) -> Plan:
        """The plan of a type; raises ValueError for one that is not made as carriers are."""
        found = self._plans.get(kind)
        if found is None:
            # Others see plans only when they are finished; two threads may make the same.
            making: dict[Any, Plan] = {}
            found = self._make(kind, making)
            self._plans.update(making)
        return found

    def _make(self, kind: Any, making: dict[Any, Plan]) -> Plan:
        known = self._plans.get(kind) or making.get(kind)
        if known is not None:
            return known
        _check_plain(kind)
        made = making[kind] = Plan(kind)  # before its members': a type may hold itself
        made.write = self._writer(kind, making)
        return made

    def _writer(self, kind: Any, making: dict[Any, Plan]) -> Write:
        if issubclass(kind, ByteArray):
            return _write_binary
        if not issubclass(kind, ComplexModelBase):
            return partial(_write_simple, self._spelling(kind))
        members = [
            (name, tag, self._make(member, making), member.Attributes)
            for name, tag, member in _members_of(kind)
        ]
        if issubclass(kind, Array):
            ((_, tag, item, _),) = members
            return partial(_write_items, tag, item)
        return partial(
            _write_members,
            tuple(
                (name, tag, plan, attributes.max_occurs > 1, attributes.min_occurs > 0)
                for name, tag, plan, attributes in members
            ),
        )


def element_name(kind: Any, namespace: str, name: str | None = None) -> str:
    """The Clark name of an element of a type; some types of Spyne's bring their own."""
    attributes = kind.Attributes
    name = attributes.sub_name or name or kind.get_type_name()
    return f"{{{attributes.sub_ns or namespace}}}{name}"


def _members_of(kind: Any) -> Iterator[tuple[str, str, Any]]:
    """Name, Clark name and type of every member; those of a base come first, in its namespace."""
    base = getattr(kind, "__extends__", None)
    if base is not None:
        yield from _members_of(base)
    for name, member in kind._type_info.items():
        yield name, element_name(member, kind.get_namespace(), name), member


def _check_plain(kind: Any) -> None:
    set_ones = [name for name in _FOREIGN_ATTRIBUTES if getattr(kind.Attributes, name, None)]
    if set_ones or issubclass(kind, XmlModifier):
        raise ValueError(f"{kind.get_type_name()}: members like this one are not written here")


def _unfinished(_context: Any, _value: Any, _parent: Any, tag: str) -> None:
    raise RuntimeError(f"{tag}: its plan is not finished")


def _write_simple(
    spell: Callable[[Any], str], _context: Any, value: Any, parent: Any, tag: str
) -> None:
    text = spell(value)  # before the element is there: it may refuse
    SubElement(parent, tag).text = text


def _write_binary(context: Any, value: Any, parent: Any, tag: str) -> None:
    packed = lexical.packed_binary(value)
    text = packed if len(packed) <= LONG else context.out_string.mark(packed)
    SubElement(parent, tag).text = text


def _write_items(
    item_tag: str, item: Plan, context: Any, values: Iterable[Any], parent: Any, tag: str
) -> None:
    element = SubElement(parent, tag)
    for value in values:
        item(context, value, element, item_tag)


def _write_members(
    members: tuple[tuple[str, str, Plan, bool, bool], ...],
    context: Any,
    record: Any,
    parent: Any,
    tag: str,
) -> None:
    element = SubElement(parent, tag)
    for name, member_tag, plan, repeated, required in members:
        value = getattr(record, name, None)
        if value is None:
            if required:
                plan(context, None, element, member_tag)
        elif repeated:
            for one in value:
                plan(context, one, element, member_tag)
        else:
            plan.write(context, value, element, member_tag)
