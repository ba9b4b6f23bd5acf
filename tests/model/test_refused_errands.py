"""Errands are as gentle with refused logins as syncs are."""

from __future__ import annotations

import pytest

from services84.errors import LoginRefused
from tests.model.rig import Rig
from tests.support.imapmodel import session
from tests.support.imapmodel.server import serving


def test_refused_logins_of_errands_count_and_are_spaced(
    service: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    logins: list[str] = []
    original = session.Session._sign_in

    def sign_in(self: session.Session, password: str) -> list[bytes]:
        logins.append(password)
        return original(self, password)

    monkeypatch.setattr(session.Session, "_sign_in", sign_in)
    services = service.service.services
    with serving() as server:
        account_id = service.account(server)
        service.sync(account_id)
        logins.clear()
        monkeypatch.setattr(session, "PASSWORD", "another")
        for _ in range(300):
            with pytest.raises(LoginRefused), services.errands.for_account(account_id):
                pass
        assert 0 < len(logins) <= 3
        account = services.accounts.get(account_id)
        assert account is not None
        assert account.refused_count == len(logins)
