"""Patches of a document: JSON Merge Patch (RFC 7396) and JSON Patch (RFC 6902). Pure.

A JSON Patch is small and applied to something small, and is held to that: `copy` can double a
document with every step.
"""

from __future__ import annotations

import copy
from typing import Any

import jsonpatch
import jsonpointer

from services84.errors import LimitExceeded, MalformedMessage, PatchConflict

MOST_STEPS = 256
MOST_VALUES = 10_000
DEEPEST = 64


def merge(document: Any, patch: Any) -> Any:
    """The document with the patch merged in; null takes a member away, absent members stay."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(document) if isinstance(document, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), value)
    return merged


def patched(document: Any, steps: Any) -> Any:
    """The document with the steps of a JSON Patch applied, all of them or none.

    Raises MalformedMessage for what is no JSON Patch, PatchConflict for one that does not fit the
    document, and LimitExceeded for more than a patch is for.
    """
    if not isinstance(steps, list):
        raise MalformedMessage("a JSON patch is a list of operations (RFC 6902)")
    if len(steps) > MOST_STEPS:
        _exceeded("operations", MOST_STEPS)
    document = copy.deepcopy(document)  # once, not for every step
    for number, step in enumerate(steps, 1):
        document = _applied(document, step, number)
        _check_size(document)
    return document


def _applied(document: Any, step: Any, number: int) -> Any:
    if not isinstance(step, dict) or not all(
        isinstance(step.get(name, ""), str) for name in ("op", "path", "from")
    ):
        raise MalformedMessage(f"operation {number} of the patch is none of RFC 6902")
    try:
        return jsonpatch.JsonPatch([step]).apply(document, in_place=True)
    except jsonpatch.JsonPatchTestFailed as error:
        path = str(step.get("path"))[:100]
        raise PatchConflict(
            f"operation {number} of the patch tests {path}, which differs"
        ) from error
    except jsonpatch.JsonPatchConflict as error:
        raise PatchConflict(
            f"operation {number} of the patch names what is not there: {_where(step)}"
        ) from error
    except (
        jsonpatch.JsonPatchException,
        jsonpointer.JsonPointerException,
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise MalformedMessage(f"operation {number} of the patch is none of RFC 6902") from error


def _where(step: dict[str, Any]) -> str:
    places = [str(step[name])[:100] for name in ("from", "path") if name in step]
    return " to ".join(places).encode("utf-8", "replace").decode()


def _check_size(document: Any) -> None:
    values, level, depth = 0, [document], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            _exceeded("levels of nesting", DEEPEST)
        values += len(level)
        if values > MOST_VALUES:
            _exceeded("values", MOST_VALUES)
        level = [held for one in level for held in _held(one)]


def _held(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _exceeded(what: str, limit: int) -> None:
    raise LimitExceeded(
        f"the patch, or what comes of it, has more than {limit} {what}",
        parameters={"Limit": str(limit)},
    )
