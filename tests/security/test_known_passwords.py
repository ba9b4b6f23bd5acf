"""What was verified is known for a while: that alone, here alone, and never what was refused."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from services84.security import known_passwords
from services84.security.known_passwords import KnownPasswords
from services84.security.passwords import hash_password

STORED = hash_password("correct horse")


class Counting:
    """Counts how often argon2 would have run; says yes to `correct horse`."""

    def __init__(self) -> None:
        self.runs = 0

    def __call__(self, stored: str | None, password: str) -> bool:
        self.runs += 1
        return stored is not None and password == "correct horse"


@pytest.fixture
def argon2(monkeypatch: pytest.MonkeyPatch) -> Counting:
    counting = Counting()
    monkeypatch.setattr(known_passwords, "verify_password", counting)
    return counting


def verify(known: KnownPasswords, name: str, password: str, stored: str | None) -> bool:
    return known.verify(known.mark(name, password, stored), stored, password)


def test_it_is_the_password_that_is_verified() -> None:
    known = KnownPasswords()
    assert not verify(known, "ingrid", "wrong", STORED)
    assert verify(known, "ingrid", "correct horse", STORED)
    assert verify(known, "ingrid", "correct horse", STORED)
    assert not verify(known, "ingrid", "wrong", STORED)
    assert not verify(known, "ingrid", "correct horse", None)


def test_refusals_are_not_kept(argon2: Counting) -> None:
    known = KnownPasswords()
    for _ in range(3):
        assert not verify(known, "ingrid", "wrong", STORED)
        assert not verify(known, "nobody", "correct horse", None)
    assert argon2.runs == 6


def test_another_name_password_or_hash_is_verified_anew(argon2: Counting) -> None:
    known = KnownPasswords()
    assert verify(known, "ingrid", "correct horse", STORED)
    assert verify(known, "ingrid", "correct horse", STORED)
    assert argon2.runs == 1
    assert verify(known, "ingri", "correct horse", STORED)
    assert verify(known, "ingrid", "correct horse", STORED + "x")  # it was changed
    assert not verify(known, "ingrid", "correct horsf", STORED)
    assert argon2.runs == 4


def test_no_two_credentials_look_alike() -> None:
    known = KnownPasswords()
    marks = {
        known.mark("a", "bc", "d"),
        known.mark("ab", "c", "d"),
        known.mark("a", "b", "cd"),
        known.mark("", "abc", "d"),
        known.mark("a", "bcd", None),
        known.mark("\ud800", "", ""),
    }
    assert len(marks) == 6
    assert known.mark("a", "b", "c") == known.mark("a", "b", "c")
    assert known.mark("a", "b", "c") != KnownPasswords().mark("a", "b", "c")


def test_it_is_forgotten_after_its_time_however_often_it_is_asked_for(argon2: Counting) -> None:
    now = [100.0]
    known = KnownPasswords(60, clock=lambda: now[0])
    for now[0] in (100.0, 130.0, 159.9):
        assert verify(known, "ingrid", "correct horse", STORED)
    assert argon2.runs == 1
    now[0] = 160.0
    assert verify(known, "ingrid", "correct horse", STORED)
    assert argon2.runs == 2


def test_only_so_many_are_kept_the_latest_ones(argon2: Counting) -> None:
    known = KnownPasswords(most=3)
    names = [f"name {number}" for number in range(5)]
    for name in names:
        verify(known, name, "correct horse", STORED)
    assert [known.knows(known.mark(n, "correct horse", STORED)) for n in names] == [
        False,
        False,
        True,
        True,
        True,
    ]


def test_nothing_of_it_can_be_read(argon2: Counting) -> None:
    known = KnownPasswords()
    verify(known, "ingrid", "correct horse", STORED)
    told = str(vars(known))
    assert "ingrid" not in told
    assert "horse" not in told
    assert STORED not in told


def test_the_same_credentials_take_turns_and_others_do_not_wait() -> None:
    known = KnownPasswords()
    mine, others = known.mark("a", "b", "c"), known.mark("x", "y", "z")
    inside, most, lock = 0, 0, threading.Lock()

    def work(_: int) -> None:
        nonlocal inside, most
        with known.turn(mine):
            with lock:
                inside += 1
                most = max(most, inside)
            with known.turn(others):  # held by nobody
                pass
            with lock:
                inside -= 1

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(64)))
    assert most == 1
    assert not known._turns
    with pytest.raises(ValueError, match="broken"), known.turn(mine):
        raise ValueError("broken")
    assert not known._turns
