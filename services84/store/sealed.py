"""All sealed secrets of a database together: whether a key opens them, and giving up those it
does not. For setting up; single passwords are the accounts' matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Delete, Select, Table, Update, delete, select, update

from services84.errors import SecretUnreadable
from services84.store.account_rows import Vault
from services84.store.database import Database
from services84.store.tables import mail_token, service_auth


@dataclass(frozen=True)
class _Place:
    """A column of sealed texts; `lost` is what becomes of a row whose secret is given up."""

    table: Table
    id: Any
    secret: Any
    lost: Update | Delete

    @property
    def rows(self) -> Select[Any]:
        return (
            select(self.id.label("row"), self.secret.label("sealed"))
            .where(self.secret != "")
            .order_by(self.id)
        )


_PLACES = (
    _Place(
        service_auth,
        service_auth.c.service_auth_id,
        service_auth.c.password,
        update(service_auth).values(password=""),
    ),
    # Without its refresh token a row says nothing.
    _Place(
        mail_token, mail_token.c.email_account_id, mail_token.c.refresh_token, delete(mail_token)
    ),
)


@dataclass(frozen=True)
class SecretCount:
    """How many secrets a database has sealed, and how many of them the vault cannot open."""

    sealed: int
    unreadable: int


class SealedSecrets:
    """The mail passwords and refresh tokens of a database under one vault; all methods raise
    StoreError."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    def count(self) -> SecretCount:
        with self._database.reading() as connection:
            found = [
                (place, row) for place in _PLACES for row in connection.execute(place.rows).all()
            ]
        return SecretCount(len(found), sum(not self._opens(*each) for each in found))

    def forget_unreadable(self) -> int:
        """Remove the secrets that the vault cannot open; gives their number."""
        number = 0
        with self._database.transaction() as connection:
            for place in _PLACES:
                rows = connection.execute(place.rows.with_for_update()).all()
                lost = [row.row for row in rows if not self._opens(place, row)]
                for row in lost:
                    connection.execute(place.lost.where(place.id == row))
                number += len(lost)
        return number

    def _opens(self, place: _Place, row: Any) -> bool:
        try:
            self._vault.open(
                row.sealed, table=place.table.name, row=row.row, column=place.secret.name
            )
        except SecretUnreadable:
            return False
        return True
