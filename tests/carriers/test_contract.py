"""Every carrier is the vendor's, type by type, and no type of the vendor's is missing.

The other way to the same end is the WSDL of the operations; this one also sees a carrier that no
operation uses yet, and annotations, which a comparison of what generators see passes over.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from services84.namespaces import SERIALIZATION, XSD
from services84.soap.schema import SchemaWriter
from tests.carriers.kinds import KINDS

EDITIONS = ("EMail", "SoPrincipal")
REFERRING = ("type", "base", "itemType")
DEFAULTS = {"minOccurs": "1", "maxOccurs": "1", "nillable": "false", "mixed": "false"}
# Nothing to tell by: the order in which the attributes stand, prefixes, white space.
Form = tuple[str, tuple[tuple[str, str], ...], str, tuple[Any, ...]]


def form_of(element: Any) -> Form:
    """What an element of a schema says, in a form that compares."""
    attributes = {
        name: resolved(element, value) if name in REFERRING else value
        for name, value in element.attrib.items()
        if DEFAULTS.get(name) != value
    }
    children = tuple(form_of(child) for child in element)
    text = (element.text or "").strip()
    return element.tag, tuple(sorted(attributes.items())), text, children


def resolved(element: Any, name: str) -> str:
    prefix, _, local = name.rpartition(":")
    return f"{{{element.nsmap[prefix or None]}}}{local}"


def types_of(root: Any) -> dict[str, Form]:
    """The named types of all schemas below `root`, by their qualified names."""
    return {
        f"{{{schema.get('targetNamespace')}}}{child.get('name')}": form_of(child)
        for schema in root.iter(f"{{{XSD}}}schema")
        if schema.get("targetNamespace") != SERIALIZATION
        for child in schema.iterchildren(f"{{{XSD}}}complexType", f"{{{XSD}}}simpleType")
    }


@pytest.fixture(scope="module")
def ours() -> dict[str, Form]:
    schemas = SchemaWriter()
    for number, kind in enumerate(KINDS.values()):
        schemas.message(f"Message{number}", {"Member": kind})
    root = etree.Element("types")
    root.extend(schemas.documents())
    return types_of(root)


@pytest.fixture(scope="module")
def theirs(shared_folder: Path) -> dict[str, list[Form]]:
    """The vendor's types; one that several services have is there several times."""
    found: dict[str, list[Form]] = {}
    for edition in EDITIONS:
        path = shared_folder / "reference" / "wsdl" / f"{edition}.wsdl"
        for name, form in types_of(etree.parse(path).getroot()).items():
            found.setdefault(name, []).append(form)
    return found


@pytest.mark.parametrize("name", KINDS, ids=lambda name: name.partition("}")[2])
def test_a_carrier_is_as_the_vendor_has_it(
    name: str, ours: dict[str, Form], theirs: dict[str, list[Form]]
) -> None:
    assert [ours[name]] * len(theirs[name]) == theirs[name]


def test_no_carrier_is_missing_and_none_is_of_our_own_making(
    ours: dict[str, Form], theirs: dict[str, list[Form]]
) -> None:
    assert set(ours) == set(KINDS)
    assert set(KINDS) ^ set(theirs) == set()


def test_every_module_of_the_carriers_is_looked_at() -> None:
    names = {name.partition("}")[2] for name in KINDS}
    assert {"ServiceAuth", "EMailEntity", "PersonEntity", "DocumentEntity", "SaleStatus"} <= names
