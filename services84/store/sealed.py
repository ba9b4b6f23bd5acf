"""All sealed secrets of a database together: whether a key opens them, and giving up those it
does not. For setting up; single passwords are the accounts' matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update

from services84.errors import SecretUnreadable
from services84.store.account_rows import Vault
from services84.store.database import Database
from services84.store.tables import service_auth

_SEALED = (
    select(service_auth.c.service_auth_id, service_auth.c.password)
    .where(service_auth.c.password != "")
    .order_by(service_auth.c.service_auth_id)
)


@dataclass(frozen=True)
class SecretCount:
    """How many secrets a database has sealed, and how many of them the vault cannot open."""

    sealed: int
    unreadable: int


class SealedSecrets:
    """The mail passwords of a database under one vault. All methods raise StoreError."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    def count(self) -> SecretCount:
        with self._database.reading() as connection:
            rows = connection.execute(_SEALED).all()
        return SecretCount(len(rows), sum(not self._opens(row) for row in rows))

    def forget_unreadable(self) -> int:
        """Remove the passwords that the vault cannot open; gives their number."""
        with self._database.transaction() as connection:
            lost = [
                row for row in connection.execute(_SEALED.with_for_update()) if not self._opens(row)
            ]
            for row in lost:
                connection.execute(
                    update(service_auth)
                    .where(service_auth.c.service_auth_id == row.service_auth_id)
                    .values(password="", updated=self._database.clock())
                )
        return len(lost)

    def _opens(self, row: Any) -> bool:
        try:
            self._vault.open(
                row.password, table="service_auth", row=row.service_auth_id, column="password"
            )
        except SecretUnreadable:
            return False
        return True
