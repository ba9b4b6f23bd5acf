"""Values of the contract's types become plain ones, for JSON and XML, by their shapes. Pure.

What is absent is null where its type has a null, and else the type's zero, as clients of the
vendor's web API read it. Dates have no offset unless one is asked for; flags are joined by commas.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from lxml import etree

from services84.carriers.base import to_dict
from services84.carriers.shapes import Choice, Composite, Dictionary, Listing, Shape, Simple
from services84.errors import InvalidMember
from services84.namespaces import XSI
from services84.rest.members import NO_FLAG
from services84.wire.lexical import write_binary, write_text

NO_DATE = "0001-01-01T00:00:00"
# Members whose texts are the service's own, in every carrier that has them.
_OWN_TEXTS = frozenset({"ErrorReason", "Reason"})
_NIL = f"{{{XSI}}}nil"

# Of selected members by their names in lower case: what is selected of each; empty is everything.
Selection = Mapping[str, "Selection"]
EVERYTHING: Selection = {}


@dataclass(frozen=True)
class Form:
    """How values are written. Dates are in `zone` already; with `offset` they say so. `say` puts
    the service's own texts into the caller's language."""

    zone: tzinfo = UTC
    offset: bool = False
    say: Callable[[str], str] = str


def plain(shape: Shape, value: Any, form: Form, selected: Selection = EVERYTHING) -> Any:
    """A value as JSON has it; of carriers, members that are not selected are null."""
    if isinstance(shape, Choice):
        return _choice(shape, value)
    if isinstance(shape, Simple):
        return _simple(shape, value, form)
    if value is None:
        return None
    if isinstance(shape, Composite):
        return _members(shape, value, form, selected)
    if isinstance(shape, Listing):
        return [plain(shape.item, one, form, selected) for one in value]
    return {key: plain(shape.value, held, form) for key, held in to_dict(value).items()}


def read_selection(text: str | None) -> Selection:
    """What `$select` asks for: names separated by commas, with `/` for members of members."""
    selected: dict[str, Any] = {}
    whole: set[tuple[str, ...]] = set()
    for path in (text or "").split(","):
        steps = tuple(step.strip().lower() for step in path.split("/") if step.strip())
        if not steps:
            continue
        place = selected
        for step in steps:
            place = place.setdefault(step, {})
        whole.add(steps)
    for steps in whole:  # To and To/Address: all of To
        place = selected
        for step in steps[:-1]:
            place = place.get(step, {})
        if steps[-1] in place:
            place[steps[-1]] = {}
    return selected


def check_selection(shape: Shape, selected: Selection) -> None:
    """Raises InvalidMember for a name that is no member of the carriers that come."""
    while isinstance(shape, Listing):
        shape = shape.item
    if not isinstance(shape, Composite):
        return
    members = {name.lower(): held for name, held in shape.members.items()}
    for name, nested in selected.items():
        if name not in members:
            names = ", ".join(shape.members)
            raise InvalidMember(
                "$select", name, f"is no member of {shape.name}; the members are {names}"
            )
        check_selection(members[name], nested)


def element(shape: Shape, value: Any) -> Any:
    """The XML element of what `plain` gave, named as the type is."""
    root = etree.Element(shape.name, nsmap={"i": XSI})
    _fill(root, shape, value)
    return root


def _members(shape: Composite, value: Any, form: Form, selected: Selection) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name, held in shape.members.items():
        if selected and name.lower() not in selected:
            told[name] = None
            continue
        nested = selected.get(name.lower(), EVERYTHING)
        told[name] = plain(held, getattr(value, name, None), form, nested)
        if name in _OWN_TEXTS and isinstance(told[name], str):
            told[name] = form.say(told[name])
    return told


def _simple(shape: Simple, value: Any, form: Form) -> Any:
    if value is None:
        return None if shape.nillable else _ZEROS[shape.kind]
    return _WRITERS[shape.kind](value, form)


def _choice(shape: Choice, value: Any) -> str:
    if not shape.flags:
        return str(value) if value is not None else shape.literals[0]
    words = [value] if isinstance(value, str) else list(value or ())
    for alias, literals in shape.aliases.items():
        if set(literals) == set(words):
            return alias
    return ", ".join(words) or NO_FLAG


def _date(value: datetime, form: Form) -> str:
    local = value.replace(tzinfo=None)
    if form.offset and local.year not in (1, 9999):  # which stand for no date at all
        return local.replace(tzinfo=form.zone).isoformat()
    return local.isoformat()


def _stamp(value: datetime, form: Form) -> str:
    moment = value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
    return _date(moment, Form(UTC, form.offset))


_ZEROS = {"integer": 0, "number": 0.0, "boolean": False, "date": NO_DATE, "stamp": NO_DATE}
_WRITERS: dict[str, Callable[[Any, Form], Any]] = {
    "integer": lambda value, _: int(value),
    "number": lambda value, _: float(value),
    "boolean": lambda value, _: bool(value),
    "text": lambda value, _: str(value),
    "binary": lambda value, _: write_binary(value),
    "date": _date,
    "stamp": _stamp,
}


def _fill(parent: Any, shape: Shape, value: Any) -> None:
    if value is None:
        parent.set(_NIL, "true")
    elif isinstance(shape, Composite):
        for name, held in shape.members.items():
            _fill(etree.SubElement(parent, name), held, value[name])
    elif isinstance(shape, Listing):
        for one in value:
            _fill(etree.SubElement(parent, shape.item_name), shape.item, one)
    elif isinstance(shape, Dictionary):
        for key, held in value.items():
            pair = etree.SubElement(parent, shape.pair_name)
            etree.SubElement(pair, "Key").text = write_text(key)
            _fill(etree.SubElement(pair, "Value"), shape.value, held)
    else:
        parent.text = write_text(_spelt(shape, value))


def _spelt(shape: Simple | Choice, value: Any) -> str:
    if isinstance(shape, Simple) and shape.kind == "boolean":
        return "true" if value else "false"
    return str(value)
