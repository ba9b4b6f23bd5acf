"""Associates' passwords: argon2id, and nothing learned from the time that a refusal takes."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from argon2 import PasswordHasher

from services84.errors import InvalidValue, SecretUnreadable
from services84.security import passwords
from services84.security.passwords import hash_password, needs_rehash, verify_password

PASSWORD = "Grüße 84"
HASH = hash_password(PASSWORD)


def test_a_password_is_verified_and_salted() -> None:
    assert HASH.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert PASSWORD not in HASH
    assert hash_password(PASSWORD) != HASH
    assert verify_password(HASH, PASSWORD)


@pytest.mark.parametrize("wrong", ["", "grüße 84", PASSWORD + " ", PASSWORD + "\x00", "x" * 10**6])
def test_any_other_password_is_refused(wrong: str) -> None:
    assert not verify_password(HASH, wrong)


def test_one_text_is_one_password_however_it_was_typed() -> None:
    assert verify_password(HASH, "Gru\u0308ße 84")


@pytest.mark.parametrize("password", ["", "x" * 1025, "ä" * 513])
def test_a_password_that_cannot_be_one_is_refused_and_not_shown(password: str) -> None:
    with pytest.raises(InvalidValue, match="Password") as refused:
        hash_password(password)
    assert not password or password[:20] not in str(refused.value)


def test_the_longest_password_counts_to_its_last_byte() -> None:
    stored = hash_password("x" * 1024)
    assert verify_password(stored, "x" * 1024)
    assert not verify_password(stored, "x" * 1025)
    assert not verify_password(stored, "x" * 1023 + "y")


def test_nobodys_password_is_refused_whatever_it_is() -> None:
    for password in ("", PASSWORD, "x"):
        assert not verify_password(None, password)


def test_a_name_that_nobody_has_takes_as_long_as_a_wrong_password() -> None:
    def least(stored: str | None) -> float:
        times = []
        for _ in range(5):
            begin = time.perf_counter()
            verify_password(stored, "wrong")
            times.append(time.perf_counter() - begin)
        return min(times)

    # The parameters decide the time; they are the same.
    assert not needs_rehash(passwords._DECOY)
    assert 0.33 < least(None) / least(HASH) < 3


def test_a_damaged_hash_is_reported_without_being_shown() -> None:
    for stored in ("plain text", HASH[:-30], "$argon2id$v=19$m=65536,t=3,p=4$geheim"):
        with pytest.raises(SecretUnreadable) as refused:
            verify_password(stored, PASSWORD)
        assert stored not in str(refused.value)


def test_hashes_of_other_parameters_are_verified_and_replaced() -> None:
    old = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    assert verify_password(old, PASSWORD)
    assert needs_rehash(old)
    assert not needs_rehash(HASH)


def test_many_at_once_are_all_answered() -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = threads.map(
            lambda n: verify_password(HASH, PASSWORD if n % 2 else "x"), range(16)
        )
        assert list(answers) == [bool(n % 2) for n in range(16)]
