"""A service for all tests of a file: with accounts that read mail, and with some that send it too."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.live_mail import Office, running_office
from tests.support.submission_account import Post, running_post


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with running_office(tmp_path_factory.mktemp("office")) as office:
        yield office


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    with running_post(tmp_path_factory.mktemp("post")) as post:
        yield post
