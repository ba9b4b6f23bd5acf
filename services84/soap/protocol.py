"""Spyne's SOAP protocols, made to read and write as the contract wants it.

Spyne maps elements to carriers and back; this module replaces how it treats what callers get
wrong. Spyne ignores unknown, repeated and foreign members and accepts texts that XML Schema does
not; here each is an InvalidMember with its path. Reading XML and envelopes is done before, by
`xmlreader` and `envelope`.

Decided here: `xsi:nil` on a value type counts as absent, for no harm can come of it; members may
come in any order; `xsi:type` is passed over where it names the declared type or, on a simple
member, any type of XML Schema or of the SOAP encoding. A string of type `base64Binary` is decoded
as UTF-8: SOAP::Lite sends every string like that which is not ASCII.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any, NoReturn

from lxml import etree
from spyne import Array, ComplexModelBase, ModelBase, Unicode
from spyne.protocol.soap import Soap11
from spyne.protocol.soap.soap12 import Soap12
from spyne.util.cdict import cdict

from services84.errors import InvalidMember
from services84.namespaces import (
    ARRAYS,
    CRYPTOGRAPHY,
    SERVICES84,
    SOAP11_ENVELOPE,
    SOAP12_ENVELOPE,
    XSD,
    XSI,
)
from services84.soap.envelope import SoapVersion, local_name, split_name
from services84.soap.longtexts import LONG, LongTexts
from services84.soap.plans import NIL, Plans, element_name
from services84.soap.simple import READERS, WRITERS
from services84.wire import lexical
from services84.wire.failures import NOT_SHOWN, SECRET_MEMBERS

_TYPE = f"{{{XSI}}}type"
_SOAP_ENCODINGS = (
    "http://schemas.xmlsoap.org/soap/encoding/",
    "http://www.w3.org/2003/05/soap-encoding",
)
# Attributes by which a member's content stands elsewhere in the message: SOAP 1.1 encoding, SOAP
# 1.2 encoding, .NET's preserved references. Document/literal has none of them.
_REFERENCES = (
    "href",
    "{http://www.w3.org/2003/05/soap-encoding}ref",
    "{http://schemas.microsoft.com/2003/10/Serialization/}Ref",
)
_ENVELOPES = (SOAP11_ENVELOPE, SOAP12_ENVELOPE)
_PREFIXES = {"n": SERVICES84, "a": ARRAYS, "c": CRYPTOGRAPHY, "i": XSI}


class _ContractRules:
    """Mixed into Spyne's protocols; see the module."""

    ns_soap_env: str
    _to_unicode_handlers: Any

    def __init__(self) -> None:
        super().__init__()
        self.deserialization_handlers = cdict(
            {
                ModelBase: self._simple_from_element,
                ComplexModelBase: self._carrier_from_element,
                Array: self._items_from_element,
            }
        )
        self._readers = cdict(READERS)
        self._to_unicode_handlers.update(WRITERS)
        self._plans = Plans(lambda kind: partial(self._to_unicode_handlers[kind], kind))

    def from_element(self, ctx: Any, cls: Any, element: Any) -> Any:
        """The value of an element of type `cls`; None for a nil one. Raises InvalidMember."""
        # Most elements have no attributes, and asking for each of these costs as much as reading.
        if element.attrib and _is_nothing(cls, element):
            return None
        return self.deserialization_handlers[cls](ctx, cls, element)

    def serialize(self, ctx: Any, _message: Any) -> None:
        """Write the reply into `ctx.out_document`, an envelope whose Header is still empty; long
        binary members go into `ctx.out_string`, a `LongTexts`.

        Every element is made in its place, below the prefixes: moving them there later, as Spyne
        does, takes time by the square of their number.
        """
        namespace = self.ns_soap_env
        envelope = etree.Element(f"{{{namespace}}}Envelope", nsmap={"s": namespace} | _PREFIXES)
        etree.SubElement(envelope, f"{{{namespace}}}Header")
        body = etree.SubElement(envelope, f"{{{namespace}}}Body")
        ctx.out_string = LongTexts()
        reply = ctx.descriptor.out_message
        self.to_parent(ctx, reply, ctx.out_object[0], body, SERVICES84)
        ctx.out_document = envelope

    def to_parent(
        self, ctx: Any, cls: Any, inst: Any, parent: Any, ns: str, name: str | None = None, **_: Any
    ) -> None:
        """Write a value of type `cls` into `parent`; a nil never for what cannot be nil."""
        self._plans.plan(cls)(ctx, inst, parent, element_name(cls, ns, name))

    def _simple_from_element(self, _ctx: Any, cls: Any, element: Any) -> Any:
        if len(element):
            refuse(element, local_name(element[0].tag), "is an element where a plain value belongs")
        text = element.text or ""
        if len(text) > LONG:
            element.text = None  # it is not needed twice
        try:
            if element.attrib and issubclass(cls, Unicode) and _names_base64(element):
                text = lexical.read_binary(text).decode("utf-8")
            return self._readers[cls](cls, text)
        except UnicodeDecodeError:
            refuse(element, element.get(_TYPE), "holds no UTF-8")
        except lexical.NotOfType as error:
            refuse(element, text, error.problem)

    def _carrier_from_element(self, ctx: Any, cls: Any, element: Any) -> Any:
        carrier = cls.get_deserialization_instance(ctx)
        members = _members_by_tag(cls)
        seen: set[str] = set()
        repeated: dict[str, list[Any]] = {}
        _check_no_text(element)
        for child in element:
            found = members.get(child.tag)
            if found is None:
                _refuse_member(cls, child)
            name, member, may_repeat = found
            value = self.from_element(ctx, member, child)
            if may_repeat:
                repeated.setdefault(name, []).append(value)
            elif name in seen:
                refuse(child, name, "is given more than once")
            else:
                seen.add(name)
                setattr(carrier, name, value)
        for name, values in repeated.items():
            setattr(carrier, name, values)
        return carrier

    def _items_from_element(self, ctx: Any, cls: Any, element: Any) -> list[Any]:
        ((name, item),) = cls.get_flat_type_info(cls).items()
        expected = f"{{{cls.get_namespace()}}}{name}"
        items = []
        _check_no_text(element)
        for child in element:
            if child.tag != expected:
                refuse(child, child.tag, f"is no item of this array; items are {expected}")
            value = self.from_element(ctx, item, child)
            if value is None and not item.Attributes.nillable:
                refuse(child, "", "is nil, which an item of this array cannot be")
            items.append(value)
        return items


class ContractSoap11(_ContractRules, Soap11):  # type: ignore[misc]
    """SOAP 1.1."""


class ContractSoap12(_ContractRules, Soap12):  # type: ignore[misc]
    """SOAP 1.2."""


PROTOCOLS = {SoapVersion.V11: ContractSoap11, SoapVersion.V12: ContractSoap12}


@cache
def _members_by_tag(cls: Any) -> dict[str, tuple[str, Any, bool]]:
    """Of each element that may stand in a carrier: its name, its type, whether it may repeat."""
    namespace = cls.get_namespace()
    return {
        f"{{{namespace}}}{name}": (name, member, member.Attributes.max_occurs > 1)
        for name, member in cls.get_flat_type_info(cls).items()
    }


def _refuse_member(cls: Any, child: Any) -> NoReturn:
    found_in, name = split_name(child.tag)
    members = cls.get_flat_type_info(cls)
    if name not in members:
        names = ", ".join(members) or "none"
        refuse(child, name, f"is no member here; the members are {names}")
    refuse(child, found_in, f"is not the namespace of this member, {cls.get_namespace()}")


def refuse(element: Any, value: str, problem: str) -> NoReturn:
    """Raise InvalidMember for an element of the request; of a secret the value is not told."""
    raise InvalidMember(path_of(element), _shown(element, value), problem)


def _shown(element: Any, value: str) -> str:
    return NOT_SHOWN if local_name(element.tag) in SECRET_MEMBERS else value


def path_of(element: Any) -> str:
    """The element's path below the operation or from its header, such as `A/B[2]/C`."""
    names = []
    while element is not None and split_name(element.tag)[0] not in _ENVELOPES:
        names.append(_step(element))
        element = element.getparent()
    if element is not None and local_name(element.tag) == "Body" and len(names) > 1:
        names.pop()  # the operation itself
    return "/".join(reversed(names))


def _step(element: Any) -> str:
    name = local_name(element.tag)
    before = sum(1 for _ in element.itersiblings(element.tag, preceding=True))
    alone = not before and next(element.itersiblings(element.tag), None) is None
    return name if alone else f"{name}[{before + 1}]"


def _is_nothing(cls: Any, element: Any) -> bool:
    """Whether the attributes of an element say nil; raises InvalidMember for wrong ones."""
    for reference in _REFERENCES:
        if reference in element.attrib:
            refuse(element, element.get(reference), "refers to another element; not supported")
    if _is_nil(element):
        return True
    _check_type(cls, element)
    return False


def _is_nil(element: Any) -> bool:
    text = element.get(NIL)
    if text is None:
        return False
    try:
        nil = lexical.read_boolean(text)
    except lexical.NotOfType as error:
        shown = _shown(element, text)
        raise InvalidMember(f"{path_of(element)}/@xsi:nil", shown, error.problem) from error
    if nil and (len(element) or (element.text or "").strip()):
        refuse(element, "xsi:nil", "stands at a member that has a value")
    return nil


def _check_type(cls: Any, element: Any) -> None:
    """Refuse an xsi:type that says something else than the contract."""
    text = element.get(_TYPE)
    if text is None or _is_nameless(cls):
        return
    named = _named_type(element, text)
    declared = (cls.get_namespace(), cls.get_type_name())
    if named == declared:
        return
    if not issubclass(cls, ComplexModelBase) and named[0] in (XSD, *_SOAP_ENCODINGS):
        return
    refuse(element, text, f"is not the type of this member, {declared[1]}")


def _is_nameless(cls: Any) -> bool:
    """Operations, replies and the pairs of dictionaries have no name in the contract."""
    if not issubclass(cls, ComplexModelBase) or issubclass(cls, Array):
        return False
    return bool(getattr(cls.Attributes, "anonymous", True))


def _named_type(element: Any, text: str) -> tuple[str, str]:
    prefix, _, name = text.strip().rpartition(":")
    # Takes time by the number of namespaces in force, which `xmlreader` limits.
    return element.nsmap.get(prefix or None, ""), name


def _names_base64(element: Any) -> bool:
    """Whether the xsi:type, which `_check_type` has let pass, is one of base64."""
    text = element.get(_TYPE)
    return text is not None and text.strip().rpartition(":")[2] in ("base64Binary", "base64")


def _check_no_text(element: Any) -> None:
    stray = (element.text or "").strip() or next(
        (child.tail.strip() for child in element if child.tail and child.tail.strip()), ""
    )
    if stray:
        refuse(element, "text", "stands where only members belong")
