"""Whoever guesses names learns nothing from the effort: it is counted, not timed."""

from __future__ import annotations

from pathlib import Path

import argon2
import pytest

from services84.security import passwords
from tests.support.service import PASSWORD, running_service


def _hashes(monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, password: str) -> list[str]:
    """The parameters of every argon2 verification that a sign-in costs."""
    seen: list[str] = []
    original = argon2.PasswordHasher.verify

    def verify(self: argon2.PasswordHasher, hash: str, password: str) -> bool:
        seen.append(str(hash).split("$")[3])
        return bool(original(self, hash, password))

    with running_service(folder) as service:
        service.associate("anna")
        monkeypatch.setattr(argon2.PasswordHasher, "verify", verify)
        service.call(
            "AuthenticateUsernamePassword",
            {"UserName": name, "Password": password},
            service="SoPrincipal",
        )
    return seen


def test_an_unknown_name_costs_what_a_wrong_password_costs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    efforts = []
    for at, (name, password) in enumerate(
        [("anna", PASSWORD), ("anna", "wrong"), ("nobody", "wrong"), ("nobody", PASSWORD)]
    ):
        folder = tmp_path / str(at)
        folder.mkdir()
        with monkeypatch.context() as patches:
            efforts.append(_hashes(patches, folder, name, password))
    assert efforts[0], "no password was verified"
    assert len(efforts[0]) == 1
    assert all(effort == efforts[0] for effort in efforts)


def test_tickets_are_looked_up_by_their_hash_alone() -> None:
    """Nothing compares a ticket letter by letter: a near miss is as far away as any other."""
    from services84.security.tickets import hash_ticket, new_ticket

    ticket, digest = new_ticket()
    near = ticket[:-2] + ("A" if ticket[-2] != "A" else "B") + ticket[-1]
    assert hash_ticket(ticket) == digest
    assert ticket not in digest
    same = sum(a == b for a, b in zip(hash_ticket(near), digest, strict=True))
    assert same < len(digest) / 2
    assert passwords.hash_password("x") != passwords.hash_password("x")
