"""One Spyne service made from a table of operations, spoken in SOAP 1.1 and SOAP 1.2.

Spyne gives duplicate ports to several Service classes, so the whole table becomes one. It takes
one protocol an Application, so there are two Applications over that class and each message goes to
the one of its version. Spyne deserialises, invokes and serialises; its transports, its envelope
reader and its WSDL writer are not used.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from lxml import etree
from spyne import Application, MethodContext, Service, rpc
from spyne.protocol import ProtocolBase
from spyne.util.appreg import unregister_application

from services84.agents.call import Call
from services84.agents.registry import Operation, ServiceTable
from services84.carriers.base import Record
from services84.namespaces import SERVICES84
from services84.soap.envelope import Addressing, SoapMessage, SoapVersion
from services84.soap.headers import ReplyHeaders, write_headers
from services84.soap.protocol import PROTOCOLS

# Spyne makes customised classes of reply types by itself and warns, on every call, of an instance
# of one; and where several services84 run in one process it warns of their equal names before
# `unregister_application` has its turn. All else that Spyne says is heard.
_IDLE_WARNINGS = {
    "spyne.model.complex": "%r(0x%X) seems to be a customized class.",
    "spyne.util.appreg": "Overwriting application ",
}


def _silence_idle_warnings() -> None:
    for name, start in _IDLE_WARNINGS.items():
        logging.getLogger(name).addFilter(partial(_is_worth_hearing, start))


def _is_worth_hearing(start: str, record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith(start)


_silence_idle_warnings()


@dataclass(frozen=True)
class _Application:
    """An Application in the shape that Spyne's MethodContext expects of a transport."""

    app: Any


class SpyneService:
    """The operations of a table, as Spyne sees them."""

    def __init__(self, table: ServiceTable) -> None:
        self.table = table
        replies = _reply_types(table)
        methods = {op.name: _declare(op, replies[op.reply]) for op in table}
        self.service_class: Any = type(table.wsdl_name, (Service,), methods)
        self._transports = {version: self._speak(version) for version in SoapVersion}

    def _speak(self, version: SoapVersion) -> _Application:
        application = Application(
            [self.service_class],
            tns=SERVICES84,
            name=f"{self.table.wsdl_name} over SOAP {version.label}",
            in_protocol=PROTOCOLS[version](),
            out_protocol=PROTOCOLS[version](),
        )
        # Spyne's registry would keep it for ever, and warn of the next of that name.
        unregister_application(application)
        return _Application(application)

    def protocol(self, version: SoapVersion) -> Any:
        """The protocol that reads a version's elements."""
        return self._transports[version].app.in_protocol

    def descriptor(self, operation: Operation) -> Any:
        """Spyne's description of an operation, with its messages' types."""
        return self.service_class.public_methods[operation.name]

    def exchange(self, message: SoapMessage, operation: Operation) -> Exchange:
        """The exchange that a request begins."""
        return Exchange(self._transports[message.version], message, self.descriptor(operation))


class Exchange:
    """One request and its reply on their way through Spyne: read, invoke, write."""

    def __init__(self, transport: Any, message: SoapMessage, descriptor: Any) -> None:
        self._context = MethodContext(transport, MethodContext.SERVER)
        self._context.in_body_doc = message.operation
        self._context.method_request_string = message.operation.tag
        self._context.descriptor = descriptor

    def read(self) -> None:
        """Deserialise the parameters. Raises InvalidMember."""
        self._context.app.in_protocol.deserialize(self._context, ProtocolBase.REQUEST)
        self._context.in_body_doc = None  # a long message is held as values now, not as XML too

    def invoke(self, call: Call) -> None:
        """Run the operation with what was read; raises what it raises."""
        context = self._context
        context.udc = call
        context.out_object = [context.app.call_wrapper(context)]

    def write(self, headers: ReplyHeaders, action: ReplyAction | None = None) -> bytes:
        """The reply; after a failure, and for void operations, an empty reply element."""
        context = self._context
        if headers.exception is not None or context.out_object is None:
            context.out_object = [context.descriptor.out_message()]
        protocol = context.app.out_protocol
        protocol.serialize(context, ProtocolBase.RESPONSE)
        envelope, long_texts = context.out_document, context.out_string
        # A context is part of a circle, and would hold what was said until the circle is found.
        context.in_object = context.out_object = None
        context.out_document = context.out_string = None
        header = envelope[0]
        write_headers(header, headers, protocol)
        if action is not None:
            action.write(header)
        etree.cleanup_namespaces(envelope)
        written: bytes = long_texts.fill(to_bytes(envelope))
        return written


@dataclass(frozen=True)
class ReplyAction:
    """The WS-Addressing headers of a reply (WS-Addressing 1.0 SOAP Binding, section 3)."""

    addressing: Addressing
    action: str

    def write(self, header: Any) -> None:
        """Add wsa:Action and, where the request had a MessageID, wsa:RelatesTo."""
        namespace = self.addressing.namespace
        etree.SubElement(header, f"{{{namespace}}}Action").text = self.action
        if self.addressing.message_id:
            relates_to = etree.SubElement(header, f"{{{namespace}}}RelatesTo")
            relates_to.text = self.addressing.message_id


def to_bytes(document: Any) -> bytes:
    """A document as it goes over the wire: UTF-8 with its declaration."""
    text: bytes = etree.tostring(document, encoding="utf-8", xml_declaration=True)
    return text


def _reply_types(table: ServiceTable) -> dict[str, Any]:
    """A type for each reply element; operations that share an element share the type."""
    types: dict[str, Any] = {}
    returned: dict[str, dict[str, Any]] = {}
    for op in table:
        members = dict(op.returns)
        if returned.setdefault(op.reply, members) != members:
            raise ValueError(f"{op.reply} is declared with different members")
        if op.reply not in types:
            attributes = type("Attributes", (Record.Attributes,), {"anonymous": True})
            types[op.reply] = type(op.reply, (Record,), {"Attributes": attributes, **members})
    return types


def _declare(operation: Operation, reply: Any) -> Callable[..., Any]:
    def serve(context: Any, *arguments: Any) -> Any:
        named = dict(zip(operation.parameters, arguments, strict=True))
        return reply(**operation.invoke(context.udc, named))

    serve.__name__ = operation.name
    serve.__doc__ = operation.documentation
    declared: Callable[..., Any] = rpc(
        *operation.parameters.values(),
        _args=list(operation.parameters),
        _returns=reply,
        _body_style="out_bare",
        _out_message_name=f"{{{SERVICES84}}}{operation.reply}",
    )(serve)
    return declared
