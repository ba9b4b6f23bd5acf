"""All sealed secrets of a database together: whether the keys open them, sealing them anew with
another key, and giving up those that no key opens.

For setting up and keeping; single secrets are the accounts' and the tokens' matter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Connection, Delete, Select, Table, Update, delete, or_, select, update

from services84.errors import SecretUnreadable
from services84.store import account_rows
from services84.store.database import Database
from services84.store.key_lock import while_removing_keys, while_sealing
from services84.store.tables import email_account, mail_token, service_auth

BATCH = 100  # secrets that one transaction seals anew


@dataclass(frozen=True)
class _Place:
    """A column of sealed texts; `lost` is what becomes of a row whose secret is given up,
    `account` how its account is found."""

    table: Table
    id: Any
    secret: Any
    lost: Update | Delete
    account: Any

    @property
    def rows(self) -> Select[Any]:
        return (
            select(self.id.label("row"), self.secret.label("sealed"))
            .where(self.secret != "")
            .order_by(self.id)
        )

    def at(self, row: Any) -> dict[str, Any]:
        """Where the vault finds a row's secret bound to."""
        return {"table": self.table.name, "row": row.row, "column": self.secret.name}


_PLACES = (
    _Place(
        service_auth,
        service_auth.c.service_auth_id,
        service_auth.c.password,
        update(service_auth).values(password=""),
        or_(
            email_account.c.incoming_auth == service_auth.c.service_auth_id,
            email_account.c.outgoing_auth == service_auth.c.service_auth_id,
        ),
    ),
    # Without its refresh token a row says nothing.
    _Place(
        mail_token,
        mail_token.c.email_account_id,
        mail_token.c.refresh_token,
        delete(mail_token),
        email_account.c.email_account_id == mail_token.c.email_account_id,
    ),
)


class Vault(account_rows.Vault, Protocol):
    """What also tells of a sealed text which key it needs."""

    def key_of(self, sealed: str) -> str | None: ...

    def seals_as(self, sealed: str) -> bool: ...


@dataclass(frozen=True)
class SecretCount:
    """How many secrets a database has sealed, and how many of them the vault cannot open."""

    sealed: int
    unreadable: int


@dataclass(frozen=True)
class Unreadable:
    """A secret that the vault does not open: its account's address, empty where none has it, and
    for people why."""

    address: str
    problem: str


@dataclass(frozen=True)
class SecretReport:
    """All secrets: how many each key sealed, by its id (empty for what names none), and those
    that cannot be opened."""

    by_key: dict[str, int]
    unreadable: tuple[Unreadable, ...]

    @property
    def sealed(self) -> int:
        return sum(self.by_key.values())


class SealedSecrets:
    """The mail passwords and refresh tokens of a database under one vault; all methods raise
    StoreError."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    def count(self) -> SecretCount:
        report = self.report()
        return SecretCount(report.sealed, len(report.unreadable))

    def report(self) -> SecretReport:
        """Open every secret; nothing is changed."""
        by_key: Counter[str] = Counter()
        unreadable = []
        with self._database.reading() as connection:
            for place in _PLACES:
                rows = connection.execute(place.rows).all()
                by_key.update(self._vault.key_of(row.sealed) or "" for row in rows)
                lost = {
                    row.row: problem
                    for row in rows
                    if (problem := self._problem(place, row)) is not None
                }
                addresses = _addresses(connection, place) if lost else {}
                unreadable += [
                    Unreadable(addresses.get(row) or "", problem) for row, problem in lost.items()
                ]
        return SecretReport(dict(by_key), tuple(unreadable))

    def newest_open(self) -> bool:
        """Whether the vault opens the newest secret of every kind; true where there is none."""
        with self._database.reading() as connection:
            found = [
                (place, row)
                for place in _PLACES
                for row in connection.execute(
                    place.rows.order_by(None).order_by(place.id.desc()).limit(1)
                ).all()
            ]
        return all(self._problem(*each) is None for each in found)

    def forget_unreadable(self) -> int:
        """Remove the secrets that the vault cannot open; gives their number."""
        number = 0
        with self._database.transaction() as connection:
            for place in _PLACES:
                rows = connection.execute(place.rows.with_for_update()).all()
                lost = [row.row for row in rows if self._problem(place, row) is not None]
                for row in lost:
                    connection.execute(place.lost.where(place.id == row))
                number += len(lost)
        return number

    # Rotation ------------------------------------------------------------------------------------

    def seal_anew(self) -> Iterator[int]:
        """Seal with the key that seals at this moment what another has sealed; gives, after each
        commit, how many. Those that cannot be opened stay as they are, and so do those that
        somebody is saving at this moment (waiting for two locks at once would invite a deadlock).

        Ended at any point it can be begun again. Raises KeyUnavailable as well.
        """
        for place in _PLACES:
            after: int | None = 0
            while after is not None:
                with self._database.transaction() as connection:
                    while_sealing(connection)
                    after, done = self._seal_some(connection, place, after)
                yield done

    def _seal_some(
        self, connection: Connection, place: _Place, after: int
    ) -> tuple[int | None, int]:
        """The batch that follows row `after`: the last row of it, None at the end, and how many
        were sealed."""
        some = place.rows.where(place.id > after).limit(BATCH)
        # Locked ones are left out before the limit counts: fewer rows than it are the last ones.
        rows = connection.execute(some.with_for_update(skip_locked=True)).all()
        done = 0
        for row in rows:
            if self._vault.seals_as(row.sealed) or self._problem(place, row) is not None:
                continue
            plain = self._vault.open(row.sealed, **place.at(row))
            sealed = self._vault.seal(plain, **place.at(row))
            connection.execute(
                update(place.table).where(place.id == row.row).values({place.secret.name: sealed})
            )
            done += 1
        return (rows[-1].row if len(rows) == BATCH else None), done

    @contextmanager
    def settled(self) -> Iterator[frozenset[str]]:
        """The ids of the keys that any secret needs; nobody seals anything until the end."""
        with self._database.transaction() as connection:
            while_removing_keys(connection)
            keys = {
                self._vault.key_of(row.sealed)
                for place in _PLACES
                for row in connection.execute(place.rows)
            }
            yield frozenset(key for key in keys if key is not None)

    def _problem(self, place: _Place, row: Any) -> str | None:
        try:
            self._vault.open(row.sealed, **place.at(row))
        except SecretUnreadable as error:
            return error.message
        return None


def _addresses(connection: Connection, place: _Place) -> dict[int, str]:
    """The address of the account that each row's secret belongs to."""
    query = select(place.id, email_account.c.email_address).join_from(
        place.table, email_account, place.account
    )
    return {row[0]: row[1] for row in connection.execute(query)}
