"""Fixtures of all rooms: where shared test data is, which servers there are.

Server fixtures live in `tests.support`; this file only names them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = [
    "tests.support.witness",  # before those that tell it what they see
    "tests.support.dovecot",
    "tests.support.courier",
    "tests.support.postgresql",
    "tests.support.redis",
    "tests.support.rabbitmq",
    "tests.support.submission",
    "tests.support.token_server",
    "tests.support.offices",
    "tests.support.afterwards",
]

# The files that take longest, in the order of their worth to be begun early: with several files at
# a time the run is over when the last of them is.
_LONG = (
    "tests/sync/test_kill.py",
    "tests/model/",
    "tests/sync/test_histories.py",
    "tests/sync/test_pipelining.py",
    "tests/conformance/",
    "tests/sync/",
    "tests/agents/test_messages",
    "tests/agents/test_cached",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest; within a file the order stays."""
    items.sort(key=lambda item: _place(item.nodeid))


def _place(node: str) -> int:
    return next((at for at, path in enumerate(_LONG) if node.startswith(path)), len(_LONG))


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """The folder of reference data beside the checkout; tests that need it skip without it."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("the reference data is not beside this checkout")
    return folder
