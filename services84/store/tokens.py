"""Access tokens and refresh tokens: given, used, rotated, revoked. Takes and gives hashes only.

All tokens that come of one grant belong together: a refresh token that is used a second time has
been stolen, either by whoever used it first or by whoever uses it now, and ends all of them
(RFC 9700 section 4.14.2).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, select, update

from services84.store.database import Database
from services84.store.tables import access_token, associate, oauth_grant, refresh_token
from services84.store.values import AccessToken, Associate, HashedToken, RefreshToken

_WHOSE = (
    oauth_grant.c.oauth_grant_id,
    oauth_grant.c.application_id,
    associate.c.associate_id,
    associate.c.name,
    associate.c.full_name,
    associate.c.is_admin,
)


class TokenStore:
    """Tokens of applications. Every method is one short transaction; all raise StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def issue(
        self,
        application_id: int,
        associate_id: int,
        access: HashedToken,
        refresh: HashedToken | None = None,
    ) -> None:
        """Keep the tokens of a new grant."""
        expires = max(access.expires, refresh.expires if refresh else access.expires)
        with self._database.transaction() as connection:
            grant_id = connection.execute(
                insert(oauth_grant)
                .values(
                    application_id=application_id,
                    associate_id=associate_id,
                    created=self._database.clock(),
                    expires=expires,
                )
                .returning(oauth_grant.c.oauth_grant_id)
            ).scalar_one()
            _add(connection, grant_id, access, refresh)

    def access(self, token_hash: str, now: datetime) -> AccessToken | None:
        """The access token, unless it is unknown, revoked or expired."""
        row = self._first(_tokens(access_token, access_token.c.expires), access_token, token_hash)
        if row is None or row.expires <= now:
            return None
        return AccessToken(row[0], row[1], Associate(*row[2:6]), row.expires)

    def refresh(self, token_hash: str) -> RefreshToken | None:
        """The refresh token, also one that has expired or has been rotated; None if unknown."""
        query = _tokens(refresh_token, refresh_token.c.expires, refresh_token.c.rotated)
        row = self._first(query, refresh_token, token_hash)
        if row is None:
            return None
        return RefreshToken(row[0], row[1], Associate(*row[2:6]), row.expires, row.rotated)

    def rotate(
        self, token_hash: str, access: HashedToken, refresh: HashedToken, now: datetime
    ) -> bool:
        """Put new tokens in the place of a refresh token; whether that could be done.

        False for one that is unknown or has expired; one that was rotated before, or is so at
        this moment by somebody else, ends its grant with all tokens as well.
        """
        with self._database.transaction() as connection:
            _hold_grant_of(connection, token_hash)
            grant_id = connection.execute(
                update(refresh_token)
                .where(
                    refresh_token.c.token_hash == token_hash,
                    refresh_token.c.rotated.is_(None),
                    refresh_token.c.expires > now,
                )
                .values(rotated=now)
                .returning(refresh_token.c.oauth_grant_id)
            ).scalar_one_or_none()
            if grant_id is None:
                _end_if_used_again(connection, token_hash)
                return False
            connection.execute(
                update(oauth_grant)
                .where(oauth_grant.c.oauth_grant_id == grant_id)
                .values(expires=max(access.expires, refresh.expires))
            )
            _add(connection, grant_id, access, refresh)
        return True

    def revoke_access(self, token_hash: str) -> None:
        """End one access token; an unknown one is no error."""
        with self._database.transaction() as connection:
            connection.execute(delete(access_token).where(access_token.c.token_hash == token_hash))

    def end_grant(self, grant_id: int) -> None:
        """End a grant with all its tokens."""
        self._end(oauth_grant.c.oauth_grant_id == grant_id)

    def end_grants_of(
        self, *, associate_id: int | None = None, application_id: int | None = None
    ) -> int:
        """End all grants of an associate, of an application, or of both together; gives their
        number."""
        conditions = []
        if associate_id is not None:
            conditions.append(oauth_grant.c.associate_id == associate_id)
        if application_id is not None:
            conditions.append(oauth_grant.c.application_id == application_id)
        if not conditions:
            raise ValueError("whose grants?")
        return self._end(*conditions)

    def drop_expired(self, now: datetime) -> None:
        """Forget what nobody can use any more."""
        with self._database.transaction() as connection:
            for table in (oauth_grant, access_token, refresh_token):  # as `_hold_grant_of` goes
                connection.execute(delete(table).where(table.c.expires <= now))

    def count(self, associate_id: int) -> int:
        """How many grants an associate has."""
        query = select(func.count()).where(oauth_grant.c.associate_id == associate_id)
        with self._database.reading() as connection:
            return connection.execute(query).scalar_one()

    def _end(self, *conditions: Any) -> int:
        with self._database.transaction() as connection:
            return connection.execute(delete(oauth_grant).where(*conditions)).rowcount

    def _first(self, query: Select[Any], table: Any, token_hash: str) -> Any:
        with self._database.reading() as connection:
            return connection.execute(query.where(table.c.token_hash == token_hash)).one_or_none()


def _tokens(table: Any, *columns: Any) -> Select[Any]:
    return select(*_WHOSE, *columns).join_from(table, oauth_grant).join(associate)


def _add(
    connection: Connection, grant_id: int, access: HashedToken, refresh: HashedToken | None
) -> None:
    for table, token in ((access_token, access), (refresh_token, refresh)):
        if token is not None:
            connection.execute(
                insert(table).values(
                    token_hash=token.token_hash, oauth_grant_id=grant_id, expires=token.expires
                )
            )


def _hold_grant_of(connection: Connection, token_hash: str) -> None:
    """Lock the token's grant before the token, as its end does, which takes all tokens with it: the
    other way round two who use a token at once would wait for each other."""
    connection.execute(
        select(oauth_grant.c.oauth_grant_id)
        .join_from(oauth_grant, refresh_token)
        .where(refresh_token.c.token_hash == token_hash)
        .with_for_update(of=oauth_grant)
    )


def _end_if_used_again(connection: Connection, token_hash: str) -> None:
    used = select(refresh_token.c.oauth_grant_id).where(
        refresh_token.c.token_hash == token_hash, refresh_token.c.rotated.is_not(None)
    )
    connection.execute(
        delete(oauth_grant).where(oauth_grant.c.oauth_grant_id.in_(used.scalar_subquery()))
    )
