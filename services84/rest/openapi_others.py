"""The parts of the OpenAPI document beside the operations: account records and access. Pure."""

from __future__ import annotations

from typing import Any

from services84.rest.crm_schema import crm_paths, crm_schemas
from services84.rest.oauth import FORM, METADATA, REVOCATION, TOKENS
from services84.rest.openapi_parts import Part, header_parameters
from services84.rest.problems import PROBLEM_ROOT

_TEXT = {"type": "string"}
_GRANT = {
    "type": "object",
    "required": ["grant_type"],
    "properties": {
        "grant_type": {"enum": ["client_credentials", "password", "refresh_token"]},
        "client_id": _TEXT,
        "client_secret": _TEXT,
        "username": _TEXT,
        "password": _TEXT,
        "refresh_token": _TEXT,
        "scope": _TEXT,
    },
}
_REVOKED = {
    "type": "object",
    "required": ["token"],
    "properties": {
        "token": _TEXT,
        "token_type_hint": _TEXT,
        "client_id": _TEXT,
        "client_secret": _TEXT,
    },
}


def records_part() -> Part:
    """The resource EmailAccounts."""
    paths = crm_paths(PROBLEM_ROOT)
    for methods in paths.values():
        methods["parameters"] = [*methods.get("parameters", ()), *header_parameters()]
    tag = {"name": "EmailAccounts", "description": "Mail accounts as records of another product."}
    return Part(paths, crm_schemas(), [tag])


def access_part() -> Part:
    """The addresses by which applications get access tokens."""
    paths = {
        TOKENS: {
            "post": _access("tokens", "Give an access token (RFC 6749)", _GRANT),
        },
        REVOCATION: {
            "post": _access("revocation", "End a token (RFC 7009)", _REVOKED),
        },
        METADATA: {
            "get": {
                "tags": ["Access"],
                "summary": "What the token endpoint offers (RFC 8414)",
                "operationId": "metadata",
                "responses": {"200": _json("What is offered.")},
                "security": [],
            }
        },
    }
    return Part(paths, {}, [{"name": "Access", "description": "Access tokens for applications."}])


def _access(name: str, summary: str, form: dict[str, Any]) -> dict[str, Any]:
    return {
        "tags": ["Access"],
        "summary": summary,
        "operationId": name,
        "requestBody": {"required": True, "content": {FORM: {"schema": form}}},
        "responses": {
            "200": _json("Granted."),
            "400": _json("Not granted; `error` says why (RFC 6749 section 5.2)."),
            "401": _json("The application is not known, or its secret is wrong."),
            "413": _json("The form is too long."),
            "415": _json("The body is no form."),
            "429": _json("Too many refused attempts."),
        },
        "security": [],
    }


def _json(text: str) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": {"type": "object"}}}}
