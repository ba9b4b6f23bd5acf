"""XML and forms become plain values of the shape that is expected, with texts for leaves. Pure.

XML: elements are members, in any order, in no namespace or in one of the contract's; lists hold
their items as over SOAP (`<Ids><int>1</int></Ids>`), dictionaries pairs of Key and Value, and
`nil="true"` of XML Schema is null. Forms: `ConnectionInfo.Folder=INBOX`, also with brackets; a list
is a repeated name, or one with numbers (`Ids[0]=1`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from services84.carriers.shapes import Composite, Dictionary, Listing, Shape
from services84.errors import LimitExceeded, MalformedMessage
from services84.namespaces import ARRAYS, SERVICES84, XSI
from services84.rest.members import Text, below, refuse
from services84.settings import PREFIX
from services84.wire.xmlreader import XmlLimits

_NIL = f"{{{XSI}}}nil"
_NAMESPACES = ("", SERVICES84, ARRAYS)
_DATA_CONTRACTS = "http://schemas.datacontract.org/"
_PIECE = 65536  # bytes
_STEP = re.compile(r"\.|\[([^\[\]]*)\]")


def members_of_xml(shapes: Mapping[str, Shape], root: Any, path: str = "") -> dict[str, Any]:
    """The members that stand in an element. Raises InvalidMember."""
    found: dict[str, Any] = {}
    _check_no_text(root, path)
    for child in root:
        name = _local_name(child, path)
        if name in found:
            refuse(below(path, name), name, "is given more than once")
        shape = shapes.get(name)
        # A name that is none goes along, to be refused with all others of its kind.
        found[name] = _of_element(shape, child, below(path, name)) if shape else Text("")
    return found


def _of_element(shape: Shape, element: Any, path: str) -> Any:
    if (element.get(_NIL) or "").strip() in ("true", "1"):
        return None
    if isinstance(shape, Composite):
        return members_of_xml(shape.members, element, path)
    if isinstance(shape, Listing):
        _check_no_text(element, path)
        return [_item(shape, child, path) for child in element]
    if isinstance(shape, Dictionary):
        _check_no_text(element, path)
        return dict(_pair(shape, child, path) for child in element)
    if len(element):
        refuse(path, _local_name(element[0], path), "is an element where a plain value belongs")
    return Text(element.text or "")


def _item(shape: Listing, element: Any, path: str) -> Any:
    name = _local_name(element, path)
    if name != shape.item_name:
        refuse(path, name, f"is no item of this list; items are {shape.item_name}")
    return _of_element(shape.item, element, below(path, name))


def _pair(shape: Dictionary, element: Any, path: str) -> tuple[str, Any]:
    name = _local_name(element, path)
    if name != shape.pair_name:
        refuse(path, name, f"is no pair of this dictionary; pairs are {shape.pair_name}")
    parts = {_local_name(part, path): part for part in element}
    if set(parts) - {"Key", "Value"} or "Key" not in parts or len(parts) < len(element):
        refuse(path, name, "has to hold one Key and one Value")
    value = parts.get("Value")
    held = None if value is None else _of_element(shape.value, value, below(path, "Value"))
    return Text(parts["Key"].text or ""), held


def _local_name(element: Any, path: str) -> str:
    namespace, _, name = str(element.tag).rpartition("}")
    namespace = namespace.removeprefix("{")
    if namespace not in _NAMESPACES and not namespace.startswith(_DATA_CONTRACTS):
        refuse(below(path, name), namespace, "is no namespace of this member")
    return name


def _check_no_text(element: Any, path: str) -> None:
    texts = [element.text, *(child.tail for child in element)]
    if any(text and text.strip() for text in texts):
        refuse(path, "text", "stands where only members belong")


def members_of_form(shapes: Mapping[str, Shape], text: str, limits: XmlLimits) -> dict[str, Any]:
    """The members that a form has. Raises MalformedMessage, LimitExceeded and InvalidMember."""
    tree, made = _Node(), 0
    for name, value in _fields(text, limits):
        steps = _steps(name, limits.depth)
        if len(steps) > limits.depth:
            setting = f"{PREFIX}MAX_XML_DEPTH"
            raise LimitExceeded(
                f"the request has more than {limits.depth} levels of nesting (setting {setting})",
                parameters={"Limit": str(limits.depth), "Setting": setting},
            )
        made += tree.add(steps, value)
        if made > limits.elements:  # not the fields alone: each may have many members on its way
            raise _too_many_fields(limits)
    return _of_node(shapes, tree, "")


class _Node:
    """What a form says of one member: its values, and what it says of its members."""

    __slots__ = ("children", "values")

    def __init__(self) -> None:
        self.values: list[Text] = []
        self.children: dict[str, _Node] = {}

    def add(self, steps: list[str], value: str) -> int:
        """Keep a value where it belongs; gives how many members that are new stand on its way."""
        node, made = self, 0
        for step in steps:
            child = node.children.get(step)
            if child is None:
                child = node.children[step] = _Node()
                made += 1
            node = child
        node.values.append(Text(value))
        return made


def _too_many_fields(limits: XmlLimits) -> LimitExceeded:
    setting = f"{PREFIX}MAX_XML_ELEMENTS"
    return LimitExceeded(
        f"the request has more than {limits.elements} fields (setting {setting})",
        parameters={"Limit": str(limits.elements), "Setting": setting},
    )


def _fields(text: str, limits: XmlLimits) -> Iterator[tuple[str, str]]:
    if text.count("&") >= limits.elements:
        raise _too_many_fields(limits)
    for field in filter(None, text.split("&")):
        name, _, value = field.partition("=")
        yield _unquoted(name), _unquoted(value)


def _unquoted(text: str) -> str:
    """By pieces: the standard library makes an object of every escape, fifty bytes for three."""
    if "%" not in text:
        return text.replace("+", " ")
    quoted = text.replace("+", " ").encode()
    found, at = bytearray(), 0
    while at < len(quoted):
        end = at + _PIECE
        escape = quoted.rfind(b"%", end - 2, end)  # one that a piece's end would cut in two
        end = end if escape < 0 else escape
        found += unquote_to_bytes(quoted[at:end])
        at = end
    try:
        return found.decode()
    except UnicodeDecodeError as error:
        raise MalformedMessage("the form is not encoded in utf-8") from error


def _steps(name: str, most: int) -> list[str]:
    """`A.B`, `A[B]` and `A[0].B` by their steps; `A[]` is A. Of more than `most` some are not told
    apart."""
    pieces = _STEP.split(name, most)
    return [piece for piece in pieces if piece]


def _of_node(shapes: Mapping[str, Shape], node: _Node, path: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, child in node.children.items():
        shape = shapes.get(name)
        found[name] = _of_field(shape, child, below(path, name)) if shape else Text("")
    return found


def _of_field(shape: Shape, node: _Node, path: str) -> Any:
    if isinstance(shape, Listing):
        return _list_of(shape, node, path)
    if isinstance(shape, Composite | Dictionary):
        if any(node.values):
            refuse(path, node.values[0], "is a plain value where members belong")
        if not node.children:
            return None
        if isinstance(shape, Composite):
            return _of_node(shape.members, node, path)
        named = {key: _of_field(shape.value, child, path) for key, child in node.children.items()}
        return {Text(key): value for key, value in named.items()}
    if node.children:
        refuse(path, next(iter(node.children)), "stands below a plain value")
    if len(node.values) > 1:
        refuse(path, node.values[1], "is given more than once")
    empty = not node.values[0] and getattr(shape, "kind", "") != "text"
    return None if empty else node.values[0]


def _list_of(shape: Listing, node: _Node, path: str) -> list[Any] | None:
    numbered = sorted(
        ((_number(key, path), child) for key, child in node.children.items()),
        key=lambda one: one[0],
    )
    plain = [_of_field(shape.item, _leaf(value), path) for value in node.values if value]
    return [*plain, *(_of_field(shape.item, child, path) for _, child in numbered)]


def _leaf(value: Text) -> _Node:
    node = _Node()
    node.values.append(value)
    return node


def _number(key: str, path: str) -> int:
    if not (key.isascii() and key.isdigit() and len(key) < 10):
        refuse(path, key, "is no number of an item")
    return int(key)
