"""Writes the WSDL of a service from its table of operations and Spyne's type information.

Nothing is stored: types, order, nillability and occurrence come from the carriers, names from the
table. Spyne's own writer is not used; it takes SOAPAction and header parts from other places than
the contract has them. The vendor's binding comes first, SOAP 1.2 over the same portType second.

The sections of a WSDL 1.1 document are made in their order: types (`schema`), messages,
portType, bindings, service.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from lxml import etree

from services84.agents.registry import Operation, ServiceTable
from services84.namespaces import (
    SERVICES84,
    SOAP_HTTP,
    WSAW,
    WSDL,
    WSDL_SOAP11,
    WSDL_SOAP12,
    XSD,
)
from services84.soap.headers import REPLY_HEADERS, REQUEST_HEADERS
from services84.soap.schema import SchemaWriter
from services84.soap.service import to_bytes

Ports = Literal["both", "1.1", "1.2"]

_PREFIXES = {
    "wsdl": WSDL,
    "soap": WSDL_SOAP11,
    "soap12": WSDL_SOAP12,
    "wsaw": WSAW,
    "xs": XSD,
    "tns": SERVICES84,
}
_BINDINGS = {"1.1": ("BasicHttpBinding", WSDL_SOAP11), "1.2": ("Soap12HttpBinding", WSDL_SOAP12)}


def build_wsdl(table: ServiceTable, address: str, soap: Ports = "both") -> bytes:
    """The WSDL of `table`, whose ports say `address`; `soap` chooses the ports."""
    root = etree.Element(
        f"{{{WSDL}}}definitions",
        nsmap=_PREFIXES,
        name=table.wsdl_name,
        targetNamespace=SERVICES84,
    )
    _write_types(root, table)
    for op in table:
        _write_messages(root, table, op)
    _write_port_type(root, table)
    labels = [label for label in _BINDINGS if soap in ("both", label)]
    for label in labels:
        _write_binding(root, table, *_BINDINGS[label])
    service = _add(root, "service", name=table.wsdl_name)
    for label in labels:
        prefix, namespace = _BINDINGS[label]
        name = f"{prefix}_{table.name}"
        port = _add(service, "port", name=name, binding=f"tns:{name}")
        etree.SubElement(port, f"{{{namespace}}}address", location=address)
    return to_bytes(root)


def action(operation: Operation) -> str:
    """The SOAPAction of a request."""
    return f"{SERVICES84}/{operation.service}/{operation.name}"


def reply_action(operation: Operation) -> str:
    """The WS-Addressing action of a reply; by operation, also where the element is shared."""
    return f"{action(operation)}Response"


def _write_types(root: Any, table: ServiceTable) -> None:
    schemas = SchemaWriter()
    for op in table:
        schemas.message(op.name, op.parameters)
        schemas.message(op.reply, op.returns)
    for name in table.request_headers:
        schemas.header(name, REQUEST_HEADERS[name])
    for name, kind in REPLY_HEADERS.items():
        schemas.header(name, kind)
    types = _add(root, "types")
    types.extend(schemas.documents())


def _write_messages(root: Any, table: ServiceTable, op: Operation) -> None:
    for name, element, headers in (
        (_input(op), op.name, table.request_headers),
        (op.reply, op.reply, REPLY_HEADERS),
    ):
        if name in _names(root, "message"):
            continue  # a reply that operations share
        message = _add(root, "message", name=name)
        _add(message, "part", name="parameters", element=f"tns:{element}")
        message = _add(root, "message", name=f"{name}_Headers")
        for header in headers:
            _add(message, "part", name=header, element=f"tns:{header}")


def _write_port_type(root: Any, table: ServiceTable) -> None:
    port_type = _add(root, "portType", name=table.name)
    for op in table:
        operation = _add(port_type, "operation", name=op.name)
        if op.documentation:
            _add(operation, "documentation").text = op.documentation.partition("\n\n")[0]
        for side, name, uri in (
            ("input", _input(op), action(op)),
            ("output", op.reply, reply_action(op)),
        ):
            element = _add(operation, side, name=name, message=f"tns:{name}")
            element.set(f"{{{WSAW}}}Action", uri)


def _write_binding(root: Any, table: ServiceTable, prefix: str, namespace: str) -> None:
    binding = _add(root, "binding", name=f"{prefix}_{table.name}", type=f"tns:{table.name}")
    etree.SubElement(binding, f"{{{namespace}}}binding", transport=SOAP_HTTP)
    for op in table:
        operation = _add(binding, "operation", name=op.name)
        etree.SubElement(
            operation, f"{{{namespace}}}operation", soapAction=action(op), style="document"
        )
        _write_side(operation, "input", _input(op), table.request_headers, namespace)
        _write_side(operation, "output", op.reply, REPLY_HEADERS, namespace)


def _write_side(
    operation: Any, side: str, name: str, headers: Iterable[str], namespace: str
) -> None:
    element = _add(operation, side, name=name)
    for header in headers:
        etree.SubElement(
            element,
            f"{{{namespace}}}header",
            message=f"tns:{name}_Headers",
            part=header,
            use="literal",
        )
    etree.SubElement(element, f"{{{namespace}}}body", use="literal")


def _input(op: Operation) -> str:
    return f"{op.name}Request"


def _names(root: Any, kind: str) -> Iterator[str]:
    return (child.get("name") for child in root.iterchildren(f"{{{WSDL}}}{kind}"))


def _add(parent: Any, name: str, /, **attributes: str) -> Any:
    return etree.SubElement(parent, f"{{{WSDL}}}{name}", **attributes)
