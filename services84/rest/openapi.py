"""The OpenAPI 3.1 document of the web API, made from the declarations of the operations.

`document` puts together what the parts say: a part gives paths and the schemas that they refer to.
Another resource of the web API adds its part to `PARTS`; the ways of signing in are those of
`openapi_security`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flask import Blueprint, Response

from services84 import __version__
from services84.rest.answers import json_bytes
from services84.rest.descriptions import base_url
from services84.rest.negotiation import JSON, JSON_TYPES, XML_TYPES
from services84.rest.openapi_operations import operations_part
from services84.rest.openapi_others import access_part, records_part
from services84.rest.openapi_parts import Part
from services84.rest.openapi_security import REQUIREMENTS, security_schemes
from services84.rest.problems import PROBLEM_ROOT

openapi = Blueprint("openapi", __name__)

PARTS: tuple[Callable[[], Part], ...] = (operations_part, records_part, access_part)
_ANSWERS = {
    "BadRequest": "What was sent is not of the form that belongs here; the message names the "
    "member by its path.",
    "Unauthorized": "It is not told, or not rightly, who sends this.",
    "Forbidden": "The caller has no right to this, or the service must not connect to the host.",
    "NotFound": "There is no such account, folder, message or operation, as far as this caller "
    "may know.",
    "MethodNotAllowed": "The address has no such method.",
    "NotAcceptable": "None of the types that the caller takes can be given.",
    "Conflict": "A JSON Patch does not fit what it is applied to.",
    "TooLarge": "More bytes, values or levels of nesting than the settings allow.",
    "UnsupportedMediaType": "A type of body that is not read here.",
    "FailedDependency": "The mail server could not be reached, refused, asked for patience, or "
    "was not understood.",
    "TooManyRequests": "Too many refused passwords; Retry-After says when to come again.",
    "ServerError": "The service could not do it; its log says why.",
    "Unavailable": "For a while it cannot be done; Retry-After says when to come again.",
}


@openapi.get("/api/openapi.json")
def openapi_document() -> Response:
    """The document, with this installation's own address."""
    return Response(json_bytes(document(base_url())), content_type=JSON)


def document(server: str) -> dict[str, Any]:
    """The whole document; `server` is the address of an installation, without a path."""
    parts = [part() for part in PARTS]
    paths, schemas = _together(part.paths for part in parts), _together(p.schemas for p in parts)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "services84 web API",
            "version": __version__,
            "summary": "The agent web API of SuperOffice NetServer's e-mail service, self-hosted",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": server}],
        "tags": [tag for part in parts for tag in part.tags],
        "security": REQUIREMENTS,
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted((schemas | {PROBLEM_ROOT: _PROBLEM}).items())),
            "responses": {name: _answer(name, text) for name, text in _ANSWERS.items()},
            "securitySchemes": security_schemes(server),
        },
    }


def _together(pieces: Iterable[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for piece in pieces:
        for name, held in piece.items():
            if found.setdefault(name, held) != held:
                raise ValueError(f"{name} is described in two ways")
    return found


def _answer(name: str, text: str) -> dict[str, Any]:
    told: dict[str, Any] = {"description": text}
    if name in ("FailedDependency", "TooManyRequests", "Unavailable"):
        told["headers"] = {
            "Retry-After": {
                "description": "Seconds to wait; absent where nobody knows.",
                "schema": {"type": "integer", "minimum": 0},
            }
        }
    if name in _CHALLENGES:
        told["headers"] = {
            "WWW-Authenticate": {
                "description": _CHALLENGES[name],
                "schema": {"type": "string"},
            }
        }
    schema = {"$ref": f"#/components/schemas/{PROBLEM_ROOT}"}
    told["content"] = {kind: {"schema": schema} for kind in (*JSON_TYPES, *XML_TYPES)}
    return told


_CHALLENGES = {
    "Unauthorized": "One for each scheme that may be used here; who came with a token that is "
    'worth nothing is told `error="invalid_token"` (RFC 6750).',
    "Forbidden": 'For who came with a token: `error="insufficient_scope"` (RFC 6750).',
}
_PROBLEM = {
    "description": "Why something was not done.",
    "type": "object",
    "required": ["Error", "ErrorType", "ErrorMessage", "ErrorSource"],
    "additionalProperties": False,
    "properties": {
        "Error": {"const": True},
        "ErrorType": {"type": "string", "examples": ["SoNotFoundException"]},
        "ErrorMessage": {"type": "string"},
        "ErrorSource": {"type": "string", "examples": ["services84"]},
    },
}
