"""Patches as RFC 6902 and RFC 7396 have them, and no more of them than is good."""

from __future__ import annotations

from typing import Any

import pytest

from services84.errors import LimitExceeded, MalformedMessage, PatchConflict
from services84.rest.patches import MOST_STEPS, merge, patched

DOCUMENT = {"a": {"b": 1, "c": [1, 2]}, "d": None}


@pytest.mark.parametrize(
    ("patch", "merged"),
    [
        ({}, DOCUMENT),
        ({"a": {"b": 2}}, {"a": {"b": 2, "c": [1, 2]}, "d": None}),
        ({"a": {"b": None, "c": [3]}, "e": {"f": None}}, {"a": {"c": [3]}, "d": None, "e": {}}),
        ({"a": "x"}, {"a": "x", "d": None}),
        ([1], [1]),
        ("text", "text"),
    ],
)
def test_a_merge_patch_changes_what_it_names(patch: Any, merged: Any) -> None:
    assert merge(DOCUMENT, patch) == merged


def test_a_json_patch_is_applied_in_its_order() -> None:
    steps = [
        {"op": "test", "path": "/a/b", "value": 1},
        {"op": "replace", "path": "/a/b", "value": 5},
        {"op": "copy", "from": "/a/b", "path": "/a/c/0"},
        {"op": "remove", "path": "/d"},
    ]
    assert patched(DOCUMENT, steps) == {"a": {"b": 5, "c": [5, 1, 2]}}
    assert DOCUMENT["d"] is None
    assert DOCUMENT["a"] == {"b": 1, "c": [1, 2]}


@pytest.mark.parametrize(
    "step",
    [
        {"op": "test", "path": "/a/b", "value": 2},
        {"op": "remove", "path": "/x"},
        {"op": "replace", "path": "/a/x", "value": 1},
        {"op": "add", "path": "/a/c/7", "value": 1},
        {"op": "move", "from": "/x", "path": "/y"},
    ],
)
def test_a_patch_that_does_not_fit_is_a_conflict(step: Any) -> None:
    with pytest.raises(PatchConflict, match="operation 1 of the patch"):
        patched(DOCUMENT, [step])


@pytest.mark.parametrize(
    "steps",
    [
        {},
        None,
        "text",
        ["text"],
        [{}],
        [{"op": "hop", "path": "/a"}],
        [{"op": "add", "path": "/a"}],
        [{"op": "add", "path": "a", "value": 1}],
        [{"op": "add", "path": "/~2", "value": 1}],
        [{"op": ["add"], "path": "/a", "value": 1}],
        [{"op": "move", "path": "/a"}],
        [{"op": "remove"}],
        [{"op": "copy", "from": 1, "path": "/a"}],
    ],
)
def test_what_is_no_patch_is_refused(steps: Any) -> None:
    with pytest.raises((MalformedMessage, PatchConflict)):
        patched(DOCUMENT, steps)


def test_a_document_cannot_be_doubled_without_end() -> None:
    steps = [{"op": "copy", "from": "/a", "path": "/a/x"}, {"op": "copy", "from": "", "path": "/y"}]
    with pytest.raises(LimitExceeded):
        patched(DOCUMENT, steps * (MOST_STEPS // 2))


def test_more_steps_than_a_patch_is_for_are_refused() -> None:
    steps = [{"op": "test", "path": "/d", "value": None}] * (MOST_STEPS + 1)
    with pytest.raises(LimitExceeded, match="more than 256 operations"):
        patched(DOCUMENT, steps)
