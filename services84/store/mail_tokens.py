"""How the access tokens of mail accounts are renewed: sealed refresh tokens, one an account.

The access token itself stands where a password would, in the account's two sides; both are
written together, so that a new refresh token is stored before its access token is used anywhere.
Asking a provider is `sync.mail_tokens`' matter.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, or_, select, update

from services84.store.account_changes import drop_mail_token, no_account, unblemished
from services84.store.account_rows import Vault, exists
from services84.store.database import Database
from services84.store.key_lock import while_sealing
from services84.store.sql import insert_into
from services84.store.tables import email_account, mail_token, service_auth
from services84.store.values import MailToken


class MailTokenStore:
    """Refresh tokens of mail accounts. All methods raise StoreError; those that open a token
    SecretUnreadable."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    def of_account(self, account_id: int) -> MailToken | None:
        """The account's token, if it has one."""
        return self._first(mail_token.c.email_account_id == account_id)

    def of_side(self, service_auth_id: int) -> MailToken | None:
        """The token of the account that one of its sides belongs to."""
        return self._first(
            or_(
                email_account.c.incoming_auth == service_auth_id,
                email_account.c.outgoing_auth == service_auth_id,
            )
        )

    def password_of(self, service_auth_id: int) -> str:
        """What a side has for a password at this moment; empty when it has none."""
        query = select(service_auth.c.password).where(
            service_auth.c.service_auth_id == service_auth_id
        )
        with self._database.reading() as connection:
            sealed = connection.execute(query).scalar_one_or_none()
        return (sealed and self._open(sealed, "service_auth", service_auth_id, "password")) or ""

    def keep(
        self,
        account_id: int,
        provider: str,
        refresh_token: str,
        access_token: str,
        expires: datetime | None,
        sides: Iterable[int],
        now: datetime | None = None,
    ) -> None:
        """Store the tokens of an account, in the place of those that it has; the access token
        becomes the password of `sides`. As other new credentials they clear Failing and Failed.
        `now` is the database's clock unless given. Raises NotFound."""
        now = now or self._database.clock()
        with self._database.transaction() as connection:
            found = connection.execute(
                select(email_account.c.email_account_id).where(exists(account_id)).with_for_update()
            ).first()
            if found is None:
                raise no_account(account_id)
            while_sealing(connection)
            values = {
                "provider": provider,
                "refresh_token": self._seal(refresh_token, "mail_token", account_id, _COLUMN),
                "expires": expires,
                "renewed": now,
                "generation": secrets.randbelow(_GENERATIONS),
                "problem": "",
            }
            connection.execute(
                insert_into(connection, mail_token)
                .values(email_account_id=account_id, registered=now, **values)
                .on_conflict_do_update(index_elements=["email_account_id"], set_=values)
            )
            self._set_passwords(connection, sides, access_token, now)
            connection.execute(
                update(email_account)
                .where(email_account.c.email_account_id == account_id)
                .values(**unblemished(), updated=now)
            )

    def renew(
        self,
        known: MailToken,
        refresh_token: str,
        access_token: str,
        expires: datetime | None,
        sides: Iterable[int],
        now: datetime,
    ) -> bool:
        """Store what a provider gave for `known`; False where another token was kept meanwhile,
        which is left as it is.

        A side without a password gets none: it may have been added since, with another server
        than those that the token was given for.
        """
        with self._database.transaction() as connection:
            while_sealing(connection)
            values = {
                "refresh_token": self._seal(refresh_token, "mail_token", known.account_id, _COLUMN),
                "expires": expires,
                "renewed": now,
                "problem": "",
            }
            if not _advance(connection, known, values):
                return False
            self._set_passwords(connection, _having_one(connection, sides), access_token, now)
        return True

    def give_up(self, known: MailToken, problem: str) -> None:
        """The provider renews this token no more; nothing where another was kept meanwhile."""
        with self._database.transaction() as connection:
            _advance(connection, known, {"problem": problem})

    def forget(self, account_id: int) -> bool:
        """Remove an account's token; whether there was one. Its last access token stays."""
        with self._database.transaction() as connection:
            return drop_mail_token(connection, account_id)

    def _set_passwords(
        self, connection: Connection, sides: Iterable[int], password: str, now: datetime
    ) -> None:
        for side in sides:
            connection.execute(
                update(service_auth)
                .where(service_auth.c.service_auth_id == side)
                .values(
                    password=self._seal(password, "service_auth", side, "password"), updated=now
                )
            )

    def _first(self, condition: Any) -> MailToken | None:
        query = select(mail_token).join_from(mail_token, email_account).where(condition)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else self._token_of(row)

    def _token_of(self, row: Any) -> MailToken:
        return MailToken(
            account_id=row.email_account_id,
            provider=row.provider,
            refresh_token=self._open(
                row.refresh_token, "mail_token", row.email_account_id, _COLUMN
            ),
            expires=row.expires,
            renewed=row.renewed,
            generation=row.generation,
            problem=row.problem,
        )

    def _seal(self, text: str, table: str, row: int, column: str) -> str:
        return self._vault.seal(text, table=table, row=row, column=column)

    def _open(self, sealed: str, table: str, row: int, column: str) -> str:
        return self._vault.open(sealed, table=table, row=row, column=column)


_COLUMN = "refresh_token"
# Where the count begins, at random: one that was removed and kept anew is another.
_GENERATIONS = 1 << 30


def _having_one(connection: Connection, sides: Iterable[int]) -> list[int]:
    query = select(service_auth.c.service_auth_id).where(
        service_auth.c.service_auth_id.in_(list(sides)), service_auth.c.password != ""
    )
    return list(connection.scalars(query.with_for_update()))


def _advance(connection: Connection, known: MailToken, values: dict[str, Any]) -> bool:
    result = connection.execute(
        update(mail_token)
        .where(
            and_(
                mail_token.c.email_account_id == known.account_id,
                mail_token.c.generation == known.generation,
            )
        )
        .values(generation=known.generation + 1, **values)
    )
    return bool(result.rowcount)
