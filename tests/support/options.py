"""Setting what an account is to do, as the resource EmailAccounts would, straight in the store."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from services84.store.account_options import DeletionPolicy
from services84.store.values import Account, AccountDraft
from tests.support.service import Service

KEEP_ON_SERVER = DeletionPolicy.DONT_DELETE
CLEAR = DeletionPolicy.DELETE_ON_RECEIVE


def set_options(service: Service, account_id: int, **changes: Any) -> Account:
    """Change options of an account, and nothing else of it."""
    accounts = service.services.accounts
    stored = accounts.get(account_id, secrets=False)
    assert stored is not None
    options = replace(stored.options, **changes)
    return accounts.save(
        AccountDraft(
            stored.account_id,
            stored.email_address,
            stored.associate_id,
            stored.incoming,
            stored.outgoing,
            options=options,
        )
    )
