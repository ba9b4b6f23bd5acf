"""The part of the OpenAPI document about the operations and what describes them. Pure."""

from __future__ import annotations

from typing import Any

from services84.agents import EMAIL
from services84.agents.registry import Operation
from services84.rest.arguments import READ_TYPES
from services84.rest.descriptions import operation_path
from services84.rest.negotiation import BINARY_TYPES, JSON_PATCH, OFFERED
from services84.rest.openapi_parts import (
    Part,
    answers,
    header_parameters,
    reference,
)
from services84.rest.places import Places, places_of, query_name
from services84.rest.schemas import SchemaBook

_ANY_TEXT = {"type": "string"}
_EXTRA = {
    "X-Services84-Sync-State": "After a sync: completed, running or shared.",
    "X-Services84-Sync-New": "After a sync: how many messages have come.",
    "X-Services84-Sync-Changed": "After a sync: how many messages have changed.",
    "X-Services84-Sync-Removed": "After a sync: how many messages have gone.",
    "X-Services84-Sync-Seconds": "After a sync: how long it has taken.",
}
_PATCH_STEP = {
    "type": "object",
    "description": "One operation of a JSON Patch (RFC 6902).",
    "required": ["op", "path"],
    "properties": {
        "op": {"enum": ["add", "remove", "replace", "move", "copy", "test"]},
        "path": {"type": "string"},
        "from": {"type": "string"},
        "value": {},
    },
}


def operations_part() -> Part:
    """The operations, the addresses that describe them, and the version block."""
    book = SchemaBook()
    paths = {operation_path(op): _path(op, book) for op in EMAIL} | _PLACES
    schemas = book.schemas | {
        "JsonPatch": {"type": "array", "items": _PATCH_STEP, "maxItems": 256},
        "OperationDescription": _DESCRIPTION,
    }
    tags = [
        {"name": "EMail", "description": "Mail accounts, their mail and its sync."},
        {"name": "Service", "description": "What there is, and how it is described."},
    ]
    return Part(paths, schemas, tags)


def _path(operation: Operation, book: SchemaBook) -> dict[str, Any]:
    places = places_of(operation)
    told = _texts(operation) | {
        "tags": ["EMail"],
        "operationId": f"v1EMailAgent_{operation.name}",
        "parameters": [*_query(places, book), *header_parameters()],
        "responses": _answers(places, book) | answers(),
    }
    body = _body(operation, places, book)
    if body is not None:
        told["requestBody"] = body
    describing = {
        "tags": ["Service"],
        "summary": f"Describe {operation.name}; nothing is invoked",
        "operationId": f"describe_{operation.name}",
        "responses": {"200": _given(reference("OperationDescription"), OFFERED)}
        | answers("406", "500"),
        "security": [],
    }
    return {"post": told, "get": describing}


def _texts(operation: Operation) -> dict[str, str]:
    summary, _, rest = operation.documentation.partition("\n\n")
    needs = f"Needs {operation.needs}." if operation.needs else ""
    description = "\n\n".join(text for text in (rest, needs) if text)
    told = {"summary": " ".join(summary.split())}
    return told | ({"description": description} if description else {})


def _query(places: Places, book: SchemaBook) -> list[dict[str, Any]]:
    found = []
    member = places.id_member or (f"{_entity_name(places)}Id" if places.entity else None)
    if member is not None:
        schema = {"type": "integer", "format": "int32", "minimum": -(2**31), "maximum": 2**31 - 1}
        words = "The id; the body may have it instead." if places.id_member else _PATCHED
        found.append(
            {
                "name": query_name(member),
                "in": "query",
                # Required as the vendor has it; a body with the id does as well.
                "required": places.id_member is not None,
                "description": words,
                "schema": schema,
            }
        )
    if places.gives_carriers:
        words = "Members wanted in the answer, separated by commas, with `/` for members of members"
        found.append(
            {
                "name": "$select",
                "in": "query",
                "required": False,
                "description": f"{words}; all others are null.",
                "schema": _ANY_TEXT,
            }
        )
    return found


_PATCHED = "Which one a patch is applied to; without it a new one."


def _entity_name(places: Places) -> str:
    return places.shapes[places.entity].name if places.entity is not None else ""


def _body(operation: Operation, places: Places, book: SchemaBook) -> dict[str, Any] | None:
    if not places.takes_body:
        return None
    if places.entity is not None:
        schema = book.of(places.shapes[places.entity], null=False)
    else:
        name = f"{operation.name}Request"
        # Null is as good as an object without members.
        book.schemas[name] = book.members(dict(places.shapes)) | {"type": ["object", "null"]}
        schema = reference(name)
    content = {kind: {"schema": schema} for kind in READ_TYPES}
    content[JSON_PATCH] = {"schema": reference("JsonPatch")}
    return {"required": True, "content": content}


def _answers(places: Places, book: SchemaBook) -> dict[str, Any]:
    extra = {
        name: {"description": text, "schema": _ANY_TEXT, "required": False}
        for name, text in _EXTRA.items()
    }
    if places.returns is None:
        return {"204": {"description": "Done; there is nothing to tell.", "headers": extra}}
    schema = book.of(places.returns, null=places.returns.nillable)
    told = _given(schema, OFFERED)
    if places.gives_bytes:
        raw = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in BINARY_TYPES}
        told["content"] = raw | told["content"]
    links = _links(places)
    return {"200": told | {"headers": extra} | ({"links": links} if links else {})}


def _links(places: Places) -> dict[str, Any]:
    """What the id of a saved entity is for: to get it, and to delete it."""
    if places.entity is None:
        return {}
    name, member = _entity_name(places), f"{_entity_name(places)}Id"
    parameters = {f"query.{query_name(member)}": f"$response.body#/{member}"}
    return {
        verb: {"operationId": f"v1EMailAgent_{verb}{name}", "parameters": parameters}
        for verb in ("Get", "Delete")
    }


def _given(schema: dict[str, Any], kinds: tuple[str, ...]) -> dict[str, Any]:
    return {
        "description": "What was asked for.",
        "content": {kind: {"schema": schema} for kind in kinds},
    }


_DESCRIPTION = {
    "type": "object",
    "description": "What an operation takes and gives.",
    "required": ["Name", "Method", "Url", "Documentation", "Needs", "Parameters", "Returns"],
    "additionalProperties": False,
    "properties": {
        "Name": _ANY_TEXT,
        "Method": {"const": "POST"},
        "Url": _ANY_TEXT,
        "Documentation": _ANY_TEXT,
        "Needs": _ANY_TEXT,
        "Parameters": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["Name", "Type", "In"],
                "additionalProperties": False,
                "properties": {"Name": _ANY_TEXT, "Type": _ANY_TEXT, "In": _ANY_TEXT},
            },
        },
        "Returns": {"type": ["string", "null"]},
    },
}
_TEXTS = {"type": "object", "additionalProperties": True}
_PLACES: dict[str, Any] = {
    "/api": {
        "get": {
            "tags": ["Service"],
            "summary": "The version of the service, and the contracts that it speaks",
            "operationId": "versions",
            "responses": {"200": _given(_TEXTS, OFFERED)} | answers("406", "500"),
            "security": [],
        }
    },
    "/api/v1": {
        "get": {
            "tags": ["Service"],
            "summary": "All addresses of operations with what they do",
            "operationId": "addresses",
            "responses": {"200": _given(_TEXTS, OFFERED)} | answers("406", "500"),
            "security": [],
        }
    },
    "/api/openapi.json": {
        "get": {
            "tags": ["Service"],
            "summary": "This document",
            "operationId": "openapi",
            "responses": {"200": _given(_TEXTS, ("application/json",))} | answers("500"),
            "security": [],
        }
    },
    "/api/docs": {
        "get": {
            "tags": ["Service"],
            "summary": "The web API as a page for people",
            "operationId": "docs",
            "responses": {"200": _given(_ANY_TEXT, ("text/html",))} | answers("500"),
            "security": [],
        }
    },
}
