"""The page of the web API for people, made from its OpenAPI document; it loads nothing else."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template

from services84.rest.descriptions import base_url
from services84.rest.openapi import document

documentation = Blueprint("documentation", __name__)

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_METHODS = ("get", "put", "post", "patch", "delete")


@documentation.get("/api/docs")
def page() -> Response:
    """The page, with this installation's own address."""
    server = base_url()
    told = document(server)
    text = render_template(
        "docs.html",
        server=server,
        info=told["info"],
        schemes=told["components"]["securitySchemes"],
        tags=told["tags"],
        calls=_calls(told),
        types={
            name: _lines(schema)
            for name, schema in told["components"]["schemas"].items()
            if "properties" in schema and not name.endswith("Request")
        },
    )
    reply = Response(text, content_type="text/html; charset=utf-8")
    reply.headers["Content-Security-Policy"] = _POLICY
    return reply


def _calls(told: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """What can be called, by its first tag; descriptions of operations would only repeat them."""
    found: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in told["tags"]}
    for path, methods in told["paths"].items():
        for method, call in methods.items():
            if method in _METHODS and not call["operationId"].startswith("describe_"):
                found[call["tags"][0]].append(_call(told, path, method, call))
    return found


def _call(told: dict[str, Any], path: str, method: str, call: dict[str, Any]) -> dict[str, Any]:
    content = call.get("requestBody", {}).get("content", {})
    schema: dict[str, Any] = next(iter(content.values()))["schema"] if content else {}
    return {
        "id": call["operationId"],
        "method": method.upper(),
        "path": path,
        "summary": call["summary"],
        "description": call.get("description"),
        "parameters": [each for each in call.get("parameters", ()) if each["in"] != "header"],
        "members": _lines(_resolved(told, schema)) if schema else "",
        "statuses": list(call["responses"]),
    }


def _resolved(told: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = told["components"]["schemas"].get(name, schema)
    return found


def _lines(schema: dict[str, Any]) -> str:
    """A line for each member: its name and its type."""
    members = schema.get("properties", {})
    width = max(map(len, members), default=0)
    return "\n".join(f"{name:<{width}}  {_type(member)}" for name, member in members.items())


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return _type(schema["anyOf"][0])
    if "enum" in schema:
        return " | ".join(str(literal) for literal in schema["enum"] if literal is not None)
    kinds = schema.get("type", "any")
    kind = (
        next((one for one in kinds if one != "null"), "null") if isinstance(kinds, list) else kinds
    )
    if kind == "array":
        return f"{_type(schema.get('items', {}))}[]"
    return f"{kind} ({schema['format']})" if "format" in schema else str(kind)
