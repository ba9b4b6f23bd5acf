"""Reads the envelope: a tree becomes a SoapMessage with its version, headers and operation.

Knows SOAP 1.1 (W3C Note, section 4) and SOAP 1.2 (Part 1, sections 2 and 5), and the form of the
vendor's documented samples, whose header elements are direct children of the Envelope. Pure; what
headers and operations mean is not known here.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from services84.errors import MalformedMessage, NotUnderstood, VersionMismatch
from services84.namespaces import (
    SOAP11_ENVELOPE,
    SOAP11_NEXT_ACTOR,
    SOAP12_ENVELOPE,
    SOAP12_NEXT_ROLE,
    SOAP12_ULTIMATE_RECEIVER,
    WS_ADDRESSING,
    WS_ADDRESSING_2004,
)

ADDRESSING = (WS_ADDRESSING, WS_ADDRESSING_2004)
_XML_WHITE_SPACE = " \t\r\n"


class SoapVersion(enum.Enum):
    """A SOAP version, by the namespace of its envelope."""

    V11 = SOAP11_ENVELOPE
    V12 = SOAP12_ENVELOPE

    @property
    def namespace(self) -> str:
        return self.value

    @property
    def label(self) -> str:
        return "1.1" if self is SoapVersion.V11 else "1.2"

    @property
    def media_type(self) -> str:
        return "text/xml" if self is SoapVersion.V11 else "application/soap+xml"

    @property
    def role_attribute(self) -> str:
        return f"{{{self.value}}}{'actor' if self is SoapVersion.V11 else 'role'}"

    @property
    def own_roles(self) -> tuple[str, ...]:
        """The roles that an ultimate receiver plays; no role at all is one of them."""
        if self is SoapVersion.V11:
            return ("", SOAP11_NEXT_ACTOR)
        return ("", SOAP12_NEXT_ROLE, SOAP12_ULTIMATE_RECEIVER)


@dataclass(frozen=True)
class SoapMessage:
    """A request: `headers` are the elements addressed to us, `operation` the Body's child."""

    version: SoapVersion
    headers: tuple[Any, ...]
    operation: Any

    def header(self, name: str) -> Any | None:
        """The one header block with the Clark name `name`; raises MalformedMessage for two."""
        found = [block for block in self.headers if block.tag == name]
        if len(found) > 1:
            raise MalformedMessage(f"the header {local_name(name)} is given {len(found)} times")
        return found[0] if found else None


@dataclass(frozen=True)
class Addressing:
    """What a caller by WS-Addressing needs to find in its reply, in its own namespace."""

    namespace: str
    message_id: str | None


def version_of(root: Any) -> SoapVersion:
    """The version of an envelope; raises VersionMismatch or MalformedMessage."""
    namespace, name = split_name(root.tag)
    if name != "Envelope":
        raise MalformedMessage(f"the request is no SOAP envelope but a {name}")
    try:
        return SoapVersion(namespace)
    except ValueError as error:
        raise VersionMismatch(
            f"the envelope's namespace {namespace!r} is neither SOAP 1.1's nor SOAP 1.2's"
        ) from error


def read_envelope(root: Any) -> SoapMessage:
    """The message in an envelope.

    Raises VersionMismatch, and MalformedMessage when Header or Body are not where they belong or
    the Body does not hold exactly one element.
    """
    version = version_of(root)
    header, body = (f"{{{version.namespace}}}{name}" for name in ("Header", "Body"))
    blocks: list[Any] = []
    operation = None
    headers_seen = 0
    for child in _elements(root):
        if operation is not None:
            raise MalformedMessage(f"the envelope has a {local_name(child.tag)} after its Body")
        if child.tag == body:
            operation = _operation_in(child)
        elif child.tag == header:
            headers_seen += 1
            blocks += _elements(child)
        else:
            blocks.append(child)
    if headers_seen > 1:
        raise MalformedMessage("the envelope has more than one Header")
    if operation is None:
        raise MalformedMessage("the envelope has no Body")
    ours = tuple(block for block in blocks if _role(block, version) in version.own_roles)
    return SoapMessage(version, ours, operation)


def check_understood(message: SoapMessage, known: Collection[str]) -> None:
    """Raise NotUnderstood for headers with mustUnderstand that nobody here understands.

    `known` are Clark names; WS-Addressing's headers are understood always.
    """
    strange = [
        block.tag
        for block in message.headers
        if must_understand(block, message.version)
        and block.tag not in known
        and split_name(block.tag)[0] not in ADDRESSING
    ]
    if strange:
        raise NotUnderstood(strange)


def must_understand(block: Any, version: SoapVersion) -> bool:
    """The mustUnderstand of a header block; both versions' spellings are accepted in both."""
    text = block.get(f"{{{version.namespace}}}mustUnderstand", "0").strip(_XML_WHITE_SPACE)
    if text not in ("0", "1", "false", "true"):
        raise MalformedMessage(
            f"mustUnderstand of the header {local_name(block.tag)} is none of 0, 1, false, true"
        )
    return text in ("1", "true")


def addressing_of(message: SoapMessage) -> Addressing | None:
    """What to answer to a caller that insists on WS-Addressing; None for all others.

    Some stacks send addressing headers unasked and do not expect them back; only a header with
    mustUnderstand shows a binding that does.
    """
    blocks = [block for block in message.headers if split_name(block.tag)[0] in ADDRESSING]
    insisting = [block for block in blocks if must_understand(block, message.version)]
    if not insisting:
        return None
    namespace = split_name(insisting[0].tag)[0]
    message_ids = [block.text for block in blocks if block.tag == f"{{{namespace}}}MessageID"]
    return Addressing(namespace, (message_ids[0] or "").strip() if message_ids else None)


def split_name(tag: str) -> tuple[str, str]:
    """Namespace (empty for none) and local name of a Clark name."""
    namespace, _, name = tag.rpartition("}")
    return namespace[1:], name


def local_name(tag: str) -> str:
    """The local part of a Clark name."""
    return tag.rpartition("}")[2]


def _elements(parent: Any) -> Iterator[Any]:
    return (child for child in parent if isinstance(child.tag, str))


def _operation_in(body: Any) -> Any:
    children = list(_elements(body))
    if len(children) != 1:
        found = "no element" if not children else f"{len(children)} elements"
        raise MalformedMessage(f"the Body has {found}, not the one that names the operation")
    return children[0]


def _role(block: Any, version: SoapVersion) -> str:
    return str(block.get(version.role_attribute, "")).strip(_XML_WHITE_SPACE)
