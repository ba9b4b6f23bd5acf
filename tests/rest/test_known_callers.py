"""Callers whose password was verified a moment ago: quick, and under the same rules as all others."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest

from services84.security import known_passwords
from services84.security.passwords import hash_password, verify_password
from services84.store.values import Associate
from tests.rest.oauth_clients import DOOR, open_door, stopped_clock
from tests.rest.web import Answer, Web, basic
from tests.support.service import PASSWORD, Service, running_service

_numbers = count(1)
FREE = 5  # failures without a delay


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder: Path = tmp_path_factory.mktemp("known")
    with running_service(folder, login_free_attempts=FREE) as running:
        open_door(running)
        yield running


@pytest.fixture
def ingrid(service: Service) -> Associate:
    return service.associate(f"ingrid{next(_numbers)}")[0]


@pytest.fixture
def argon2(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that argon2 was asked about."""
    asked: list[str] = []

    def verify(stored: str | None, password: str) -> bool:
        asked.append(password)
        return verify_password(stored, password)

    monkeypatch.setattr(known_passwords, "verify_password", verify)
    return asked


def knock(service: Service, name: str, password: str = PASSWORD) -> Answer:
    return Web(service).get(DOOR, Authorization=basic(name, password))


def statuses(service: Service, name: str, *passwords: str) -> list[int]:
    return [knock(service, name, password).status for password in passwords]


def test_argon2_runs_once_for_many_calls(
    service: Service, ingrid: Associate, argon2: list[str]
) -> None:
    assert statuses(service, ingrid.name, *[PASSWORD] * 5) == [200] * 5
    assert knock(service, ingrid.name.upper()).status == 200  # another spelling, verified anew
    assert argon2 == [PASSWORD] * 2


def test_many_calls_at_once_are_all_let_in(
    service: Service, ingrid: Associate, argon2: list[str]
) -> None:
    """More of them than there are free failures: none of them is a guess."""
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: knock(service, ingrid.name).status, range(40)))
    assert answers == [200] * 40
    assert argon2 == [PASSWORD]


def test_who_is_known_is_slowed_down_as_anybody(
    service: Service, ingrid: Associate, argon2: list[str]
) -> None:
    assert knock(service, ingrid.name).status == 200
    with stopped_clock(service):
        wrong = statuses(service, ingrid.name, *["guess"] * (FREE + 1))
        assert wrong == [401] * (FREE + 1)
        del argon2[:]
        answer = knock(service, ingrid.name)
        assert answer.problem[0] == 429
        assert int(answer.headers["retry-after"]) >= 1
    assert argon2 == []  # nothing was looked at


def test_a_success_of_who_is_known_forgets_failures_as_any(
    service: Service, ingrid: Associate
) -> None:
    with stopped_clock(service):
        for _ in range(3):  # together more than are free
            tried = statuses(service, ingrid.name, PASSWORD, *["guess"] * (FREE - 1))
            assert tried == [200] + [401] * (FREE - 1)


def test_a_changed_password_counts_at_once(service: Service, ingrid: Associate) -> None:
    assert statuses(service, ingrid.name, PASSWORD, PASSWORD) == [200, 200]
    changed = hash_password("another horse 85")
    service.services.principals.set_password_hash(ingrid.associate_id, changed)
    assert statuses(service, ingrid.name, PASSWORD, "another horse 85") == [401, 200]
    again = hash_password(PASSWORD)  # the same password under another hash is no other matter
    service.services.principals.set_password_hash(ingrid.associate_id, again)
    assert statuses(service, ingrid.name, "another horse 85", PASSWORD) == [401, 200]
