"""Writes the XML schemas of the types that a service's messages reach, one a namespace.

From Spyne's type information alone. A named type gets a nillable global element of its name, as
.NET's data contracts have it; Microsoft's Serialization schema, which every .NET client expects
beside them, is written from a table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lxml import etree
from spyne import Array, ComplexModelBase

from services84.carriers.base import Enumeration
from services84.namespaces import ARRAYS, CRYPTOGRAPHY, SERIALIZATION, SERVICES84, XSD

_ORDER = (SERVICES84, SERIALIZATION, CRYPTOGRAPHY, ARRAYS)
_PREFIXES = {SERVICES84: "tns", SERIALIZATION: "ser", CRYPTOGRAPHY: "crypt", ARRAYS: "arr"}
_NSMAP = {"xs": XSD} | {prefix: namespace for namespace, prefix in _PREFIXES.items()}

# The built-in types for which .NET declares a global element.
_BUILT_IN = (
    *("anyType", "anyURI", "base64Binary", "boolean", "byte", "dateTime", "decimal", "double"),
    *("float", "int", "long", "QName", "short", "string", "unsignedByte", "unsignedInt"),
    *("unsignedLong", "unsignedShort"),
)
# .NET's own simple types: base, then facets.
_DERIVED: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "char": ("int", ()),
    "duration": (
        "duration",
        (
            ("pattern", r"\-?P(\d*D)?(T(\d*H)?(\d*M)?(\d*(\.\d*)?S)?)?"),
            ("minInclusive", "-P10675199DT2H48M5.4775808S"),
            ("maxInclusive", "P10675199DT2H48M5.4775807S"),
        ),
    ),
    "guid": (
        "string",
        (("pattern", r"[\da-fA-F]{8}-[\da-fA-F]{4}-[\da-fA-F]{4}-[\da-fA-F]{4}-[\da-fA-F]{12}"),),
    ),
}
_ATTRIBUTES = {"FactoryType": "QName", "Id": "ID", "Ref": "IDREF"}


class SchemaWriter:
    """Collects types as messages and headers reach them; `documents` gives the schemas."""

    def __init__(self) -> None:
        self._schemas: dict[str, Any] = {}
        self._written: set[tuple[str, str]] = set()
        self._elements: dict[tuple[str, str], str] = {}
        self._schema(SERVICES84)
        _write_serialization(self._schema(SERIALIZATION))

    def message(self, name: str, members: Mapping[str, Any]) -> None:
        """Declare the element of a message, whose members have the types given."""
        if self._declare(SERVICES84, name, "a message"):
            element = _add(self._schema(SERVICES84), "element", name=name)
            content = _add(element, "complexType")
            self._write_members(_add(content, "sequence"), members)

    def header(self, name: str, kind: Any) -> None:
        """Declare the element of a header; requests and replies may share one."""
        if self._declare(SERVICES84, name, kind.get_type_name()):
            element = _add(self._schema(SERVICES84), "element", name=name)
            _set_nillable(element, kind)
            element.set("type", self._reference(kind))

    def documents(self) -> list[Any]:
        """The schemas, each importing the others, in a fixed order."""
        present = [namespace for namespace in _ORDER if namespace in self._schemas]
        for namespace in present:
            others = [other for other in present if other != namespace]
            for position, other in enumerate(others if namespace != SERIALIZATION else []):
                self._schemas[namespace].insert(
                    position, etree.Element(f"{{{XSD}}}import", namespace=other)
                )
        return [self._schemas[namespace] for namespace in present]

    def _declare(self, namespace: str, name: str, content: str) -> bool:
        """Whether a global element is new; a schema with two of a name is invalid.

        Raises ValueError where the element is declared already with another `content`.
        """
        declared = self._elements.get((namespace, name))
        if declared not in (None, content):
            raise ValueError(f"the element {name} is declared as {declared} and as {content}")
        self._elements[namespace, name] = content
        return declared is None

    def _schema(self, namespace: str) -> Any:
        if namespace not in self._schemas:
            self._schemas[namespace] = etree.Element(
                f"{{{XSD}}}schema",
                nsmap=_NSMAP,
                elementFormDefault="qualified",
                targetNamespace=namespace,
            )
        return self._schemas[namespace]

    def _reference(self, kind: Any) -> str:
        """The prefixed name of a type, which is written first where it is not yet."""
        namespace, name = kind.get_namespace(), kind.get_type_name()
        if namespace == XSD:
            return f"xs:{name}"
        if (namespace, name) not in self._written:
            self._written.add((namespace, name))
            self._write_type(kind, namespace, name)
        return f"{_PREFIXES[namespace]}:{name}"

    def _write_type(self, kind: Any, namespace: str, name: str) -> None:
        schema = self._schema(namespace)
        if issubclass(kind, Enumeration):
            _write_enumeration(_add(schema, "simpleType", name=name), kind.Attributes)
        else:
            self._write_complex(_add(schema, "complexType", name=name), kind)
        if self._declare(namespace, name, name):
            reference = f"{_PREFIXES[namespace]}:{name}"
            _add(schema, "element", name=name, nillable="true", type=reference)

    def _write_complex(self, element: Any, kind: Any) -> None:
        _annotate(element, kind)
        base = None if issubclass(kind, Array) else _base_of(kind)
        if base is not None:
            content = _add(element, "complexContent")
            element = _add(content, "extension", base=self._reference(base))
        self._write_members(_add(element, "sequence"), kind._type_info)

    def _write_members(self, sequence: Any, members: Mapping[str, Any]) -> None:
        for name, kind in members.items():
            attributes = kind.Attributes
            element = _add(sequence, "element")
            if attributes.min_occurs == 0:
                element.set("minOccurs", "0")
            if attributes.max_occurs != 1:
                element.set("maxOccurs", "unbounded")
            element.set("name", name)
            _set_nillable(element, kind)
            if getattr(attributes, "anonymous", False):
                content = _add(element, "complexType")
                self._write_members(_add(content, "sequence"), kind._type_info)
            else:
                element.set("type", self._reference(kind))


def _base_of(kind: Any) -> Any:
    """The type that a carrier extends; customised variants of a type extend nothing more."""
    base = (kind.__orig__ or kind).__extends__
    return base if base is not None and issubclass(base, ComplexModelBase) else None


def _set_nillable(element: Any, kind: Any) -> None:
    if kind.Attributes.nillable:
        element.set("nillable", "true")


def _annotate(element: Any, kind: Any) -> None:
    for attribute, name in (("dictionary", "IsDictionary"), ("value_type", "IsValueType")):
        if getattr(kind.Attributes, attribute, False):
            _note(element, name).text = "true"


def _write_enumeration(element: Any, attributes: Any) -> None:
    if attributes.actual_type:
        note = _note(element, "ActualType")
        note.set("Name", attributes.actual_type)
        note.set("Namespace", XSD)
    if attributes.flags:
        element = _add(_add(element, "list"), "simpleType")
    restriction = _add(element, "restriction", base="xs:string")
    for literal in attributes.literals:
        value = _add(restriction, "enumeration", value=literal)
        if literal in attributes.numbers:
            _note(value, "EnumerationValue").text = str(attributes.numbers[literal])


def _note(element: Any, name: str) -> Any:
    """An annotation for .NET's data contract importer."""
    information = _add(_add(element, "annotation"), "appinfo")
    return etree.SubElement(information, f"{{{SERIALIZATION}}}{name}", nsmap={None: SERIALIZATION})


def _write_serialization(schema: Any) -> None:
    schema.set("attributeFormDefault", "qualified")
    for name in _BUILT_IN:
        _add(schema, "element", name=name, nillable="true", type=f"xs:{name}")
    for name, (base, facets) in _DERIVED.items():
        _add(schema, "element", name=name, nillable="true", type=f"ser:{name}")
        restriction = _add(_add(schema, "simpleType", name=name), "restriction", base=f"xs:{base}")
        for facet, value in facets:
            _add(restriction, facet, value=value)
    for name, kind in _ATTRIBUTES.items():
        _add(schema, "attribute", name=name, type=f"xs:{kind}")


def _add(parent: Any, name: str, /, **attributes: str) -> Any:
    return etree.SubElement(parent, f"{{{XSD}}}{name}", **attributes)
