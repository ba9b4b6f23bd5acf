"""JSON Schemas (2020-12, as in OpenAPI 3.1) of the contract's types, by their shapes. Pure."""

from __future__ import annotations

import re
from typing import Any

from services84.carriers.shapes import Choice, Composite, Listing, Shape, Simple
from services84.rest.members import NO_FLAG
from services84.rest.openapi_parts import reference

_DATE = (
    r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(\.[0-9]{1,6})?(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])?$"
)
_DATES = {
    "date": "Without an offset it is in the time zone of the request.",
    "stamp": "In UTC, whatever the time zone of the request.",
}


class SchemaBook:
    """The schemas of all carriers that anything refers to, by name."""

    def __init__(self) -> None:
        self.schemas: dict[str, Any] = {}

    def of(self, shape: Shape, *, null: bool = True) -> dict[str, Any]:
        """The schema of a value; with `null` it may be null as well."""
        if isinstance(shape, Composite):
            self._enter(shape)
            told = reference(shape.name)
            return {"anyOf": [told, {"type": "null"}]} if null else told
        if isinstance(shape, Choice):
            return _choice(shape, null=null)
        if isinstance(shape, Simple):
            return _simple(shape, null=null)
        if isinstance(shape, Listing):
            items = self.of(shape.item, null=shape.item.nillable)
            item_name = {"xml": {"name": shape.item_name}}
            told = {"type": _types("array", null), "items": items | item_name}
            return told | {"xml": {"wrapped": True}}
        return {
            "type": _types("object", null),
            "additionalProperties": self.of(shape.value),
            "description": f"In XML: {shape.pair_name} elements of Key and Value.",
        }

    def members(self, shapes: dict[str, Shape], required: tuple[str, ...] = ()) -> dict[str, Any]:
        """The schema of an object with these members and no others."""
        told: dict[str, Any] = {
            "type": "object",
            "additionalProperties": False,
            "properties": {name: self.of(shape) for name, shape in shapes.items()},
        }
        return told | ({"required": list(required)} if required else {})

    def _enter(self, shape: Composite) -> None:
        if shape.name not in self.schemas:
            self.schemas[shape.name] = {}  # a carrier may hold carriers of its own type
            told = {"description": shape.documentation} if shape.documentation else {}
            self.schemas[shape.name] = told | self.members(shape.members)


def _types(name: str, null: bool) -> Any:
    return [name, "null"] if null else name


def _choice(shape: Choice, *, null: bool) -> dict[str, Any]:
    if not shape.flags:
        literals: list[Any] = list(shape.literals)
        return {"type": _types("string", null), "enum": literals + ([None] if null else [])}
    words = "|".join(re.escape(word) for word in (*shape.literals, *shape.aliases, NO_FLAG))
    return {
        "type": _types("string", null),
        "pattern": rf"^[\s,]*(({words})([\s,]+({words}))*[\s,]*)?$",  # no word is no flag
        "examples": [", ".join(shape.literals[:2]), NO_FLAG],
    }


def _simple(shape: Simple, *, null: bool) -> dict[str, Any]:
    if shape.kind == "integer":
        told: dict[str, Any] = {"minimum": shape.lowest, "maximum": shape.highest}
        return {"type": _types("integer", null), "format": "int32"} | told
    if shape.kind == "number":
        return {"type": _types("number", null), "format": "double"}
    if shape.kind == "boolean":
        return {"type": _types("boolean", null)}
    told = {"type": _types("string", null)}
    if shape.kind == "binary":
        return told | {"format": "byte", "contentEncoding": "base64"}
    if shape.kind in _DATES:
        return told | {"pattern": _DATE, "description": _DATES[shape.kind]}
    return told
