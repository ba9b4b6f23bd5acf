"""Fixtures of all rooms: where shared test data is, which servers there are.

Server fixtures live in `tests.support`; this file only names them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = [
    "tests.support.dovecot",
    "tests.support.courier",
    "tests.support.postgresql",
    "tests.support.submission",
]


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """The folder of reference data beside the checkout; tests that need it skip without it."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("the reference data is not beside this checkout")
    return folder
