"""What a part of the OpenAPI document consists of, and what all parts share. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# By status, the answers of `openapi` that any resource may give.
SHARED_ANSWERS = {
    "400": "BadRequest",
    "401": "Unauthorized",
    "403": "Forbidden",
    "404": "NotFound",
    "406": "NotAcceptable",
    "409": "Conflict",
    "413": "TooLarge",
    "415": "UnsupportedMediaType",
    "424": "FailedDependency",
    "429": "TooManyRequests",
    "500": "ServerError",
    "503": "Unavailable",
}
# What may be asked of every resource that is for somebody.
HEADERS: Mapping[str, dict[str, Any]] = {
    "Accept-Language": {
        "description": "The languages that texts of the service are wanted in.",
        "schema": {"type": "string", "examples": ["en", "sv"]},
    },
    "SO-Language": {
        "description": "The same, as one code; overrules Accept-Language, and `*` cancels it.",
        "schema": {"type": "string", "examples": ["no"]},
    },
    "SO-Culture": {
        "description": "Whose form of numbers and dates inside texts is wanted; the language's "
        "unless given.",
        "schema": {"type": "string", "examples": ["no"]},
    },
    "SO-TimeZone": {
        "description": "The time zone of dates, by its number or code; `includeTZOffset` has them "
        "tell their offset.",
        "schema": {
            "type": "string",
            "examples": ["NO", "261, includeTZOffset"],
        },
    },
    "SO-AppToken": {
        "description": "The token of the application; needed by installations online.",
        "schema": {"type": "string"},
    },
}


@dataclass(frozen=True)
class Part:
    """Paths, the schemas that they refer to, and tags."""

    paths: dict[str, Any] = field(default_factory=dict)
    schemas: dict[str, Any] = field(default_factory=dict)
    tags: list[dict[str, str]] = field(default_factory=list)


def answers(*statuses: str) -> dict[str, Any]:
    """The shared answers of these statuses, or without any all of them."""
    return {
        status: {"$ref": f"#/components/responses/{SHARED_ANSWERS[status]}"}
        for status in statuses or SHARED_ANSWERS
    }


def header_parameters(*left_out: str) -> list[dict[str, Any]]:
    """The parameters that stand in headers."""
    return [
        {"name": name, "in": "header", "required": False, **told}
        for name, told in HEADERS.items()
        if name not in left_out
    ]


def reference(name: str) -> dict[str, Any]:
    """A reference to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}
