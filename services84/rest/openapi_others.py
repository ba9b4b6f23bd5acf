"""The parts of the OpenAPI document beside the operations: account records and access. Pure."""

from __future__ import annotations

from typing import Any

from services84.rest.crm_schema import crm_paths, crm_schemas
from services84.rest.oauth import FORM, METADATA, REVOCATION, TOKENS
from services84.rest.openapi_parts import Part, answers, header_parameters, reference
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


_GIVEN = {
    "description": "RFC 6749 section 5.1.",
    "type": "object",
    "required": ["access_token", "token_type", "expires_in"],
    "additionalProperties": False,
    "properties": {
        "access_token": {"type": "string", "examples": ["8A:Default.Kq..."]},
        "token_type": {"const": "Bearer"},
        "expires_in": {"type": "integer", "description": "Seconds."},
        "refresh_token": {"type": "string", "description": "It works once; with `password`."},
    },
}
_NOT_GIVEN = {
    "description": "RFC 6749 section 5.2.",
    "type": "object",
    "required": ["error"],
    "additionalProperties": False,
    "properties": {
        "error": {
            "enum": [
                "invalid_request",
                "invalid_client",
                "invalid_grant",
                "unauthorized_client",
                "unsupported_grant_type",
                "slow_down",
            ]
        },
        "error_description": _TEXT,
    },
}
_NOTHING = {"type": "object", "additionalProperties": False}
_OFFERED = {
    "type": "object",
    "required": ["issuer", "token_endpoint", "grant_types_supported"],
    "properties": {
        name: {"type": "string", "format": "uri"}
        for name in ("issuer", "token_endpoint", "revocation_endpoint")
    },
}


def access_part() -> Part:
    """The addresses by which applications get access tokens."""
    paths = {
        TOKENS: {
            "post": _access("tokens", "Give an access token (RFC 6749)", _GRANT, "AccessTokens"),
        },
        REVOCATION: {
            "post": _access("revocation", "End a token (RFC 7009)", _REVOKED, "Revoked"),
        },
        METADATA: {
            "get": {
                "tags": ["Access"],
                "summary": "What the token endpoint offers (RFC 8414)",
                "operationId": "metadata",
                "responses": {"200": _json("What is offered.", "AccessMetadata")} | answers("500"),
                "security": [],
            }
        },
    }
    schemas = {
        "AccessTokens": _GIVEN,
        "AccessRefused": _NOT_GIVEN,
        "AccessMetadata": _OFFERED,
        "Revoked": _NOTHING,
    }
    return Part(paths, schemas, [{"name": "Access", "description": "Access for applications."}])


def _access(name: str, summary: str, form: dict[str, Any], given: str) -> dict[str, Any]:
    return {
        "tags": ["Access"],
        "summary": summary,
        "operationId": name,
        "requestBody": {"required": True, "content": {FORM: {"schema": form}}},
        "responses": {
            "200": _json("Granted.", given),
            "400": _json("Not granted; `error` says why.", "AccessRefused"),
            "401": _challenged("The application is not known, or its secret is wrong."),
            "429": _json("Too many refused attempts; Retry-After.", "AccessRefused"),
        }
        | answers("413", "415", "500", "503"),
        "security": [],
    }


def _challenged(text: str) -> dict[str, Any]:
    challenge = {"description": "Basic (RFC 6749 section 5.2).", "schema": _TEXT}
    return _json(text, "AccessRefused") | {"headers": {"WWW-Authenticate": challenge}}


def _json(text: str, schema: str) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": reference(schema)}}}
