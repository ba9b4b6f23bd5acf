"""The limit of open files, and what it leaves for callers."""

from __future__ import annotations

import resource

import pytest

from services84.cli import open_files
from services84.cli.open_files import CONNECTIONS, OTHERS, room_for_connections
from services84.cli.server_options import server_options
from services84.settings import read_settings

NO_LIMIT = resource.RLIM_INFINITY
WANTED = CONNECTIONS + OTHERS


class Limits:
    """The limits of a process, as `resource` shows them."""

    RLIMIT_NOFILE, RLIM_INFINITY = resource.RLIMIT_NOFILE, NO_LIMIT

    def __init__(self, soft: int, hard: int, *, fixed: bool = False) -> None:
        self.now, self._fixed = (soft, hard), fixed

    def getrlimit(self, _: int) -> tuple[int, int]:
        return self.now

    def setrlimit(self, _: int, limits: tuple[int, int]) -> None:
        if self._fixed:
            raise PermissionError(1, "Operation not permitted")
        self.now = limits


@pytest.mark.parametrize(
    ("soft", "hard", "after", "connections"),
    [
        (1024, 1_048_576, WANTED, CONNECTIONS),
        (1024, NO_LIMIT, WANTED, CONNECTIONS),
        (NO_LIMIT, NO_LIMIT, NO_LIMIT, CONNECTIONS),
        (20_000, 20_000, 20_000, CONNECTIONS),
        (1024, 2048, 2048, 2048 - OTHERS),
        (256, 256, 256, 128),
    ],
)
def test_the_soft_limit_is_raised_as_far_as_is_wanted(
    soft: int, hard: int, after: int, connections: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = Limits(soft, hard)
    monkeypatch.setattr(open_files, "resource", limits)
    assert room_for_connections() == connections
    assert limits.now == (after, hard)


def test_a_sandbox_that_forbids_it_leaves_less_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_files, "resource", Limits(1024, 4096, fixed=True))
    assert room_for_connections() == 1024 - OTHERS


def test_more_threads_than_files_still_keep_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_files, "resource", Limits(1024, 1024))
    options = server_options(read_settings(threads=1024))
    assert options["worker_connections"] == 1025
