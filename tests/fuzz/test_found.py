"""What fuzzers have found, and where they begin: every promise holds for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fuzz import promises_imap, promises_mime
from tests.fuzz.inputs import found, seeds

TARGETS: dict[str, Callable[[bytes], None]] = {
    "imap": promises_imap.promises,
    "mime": promises_mime.promises,
}
CASES = [(target, path) for target in TARGETS for path in found(target)]


@pytest.mark.parametrize(("target", "path"), CASES, ids=lambda value: getattr(value, "name", value))
def test_what_was_found_once_is_mended(target: str, path: Path) -> None:
    TARGETS[target](path.read_bytes())


@pytest.mark.parametrize("target", TARGETS)
def test_the_promises_hold_where_the_fuzzers_begin(target: str) -> None:
    for seed in seeds(target):
        TARGETS[target](seed)
