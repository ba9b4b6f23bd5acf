"""Applications as clients of the token endpoint: their ids, what they may ask for, and as whom.

Applications themselves and their secrets are `principals`' matter, what they are given `tokens`'.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import delete, select, update

from services84.errors import NotFound
from services84.store.database import Database
from services84.store.sql import folded, insert_into
from services84.store.tables import application, oauth_client, oauth_grant
from services84.store.values import Application, OAuthClient

_CLIENT = select(
    application.c.application_id,
    application.c.name,
    application.c.email_agent,
    oauth_client.c.client_id,
    oauth_client.c.grants,
    oauth_client.c.acts_as,
)


class ClientStore:
    """Registered clients. All methods raise StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def client(self, client_id: str) -> OAuthClient | None:
        """The client of this id; ids differ by case."""
        query = _CLIENT.join_from(oauth_client, application)
        with self._database.reading() as connection:
            row = connection.execute(
                query.where(oauth_client.c.client_id == client_id)
            ).one_or_none()
        return None if row is None else _client_of(row)

    def secret_hash_of(self, application_id: int) -> str | None:
        """The hash of an application's token, which is its client's secret."""
        query = select(application.c.token_hash).where(
            application.c.application_id == application_id
        )
        with self._database.reading() as connection:
            return connection.execute(query).scalar_one_or_none()

    def applications(self) -> list[tuple[Application, OAuthClient | None]]:
        """All applications in the order of their registration, each with its client's side."""
        query = _CLIENT.join_from(application, oauth_client, isouter=True)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(application.c.application_id)).all()
        return [(_application_of(row), _client_of(row) if row.client_id else None) for row in rows]

    def application_by_name(self, name: str) -> Application | None:
        """The application of this name, whatever its case."""
        query = select(application.c.application_id, application.c.name, application.c.email_agent)
        with self._database.reading() as connection:
            row = connection.execute(
                query.where(application.c.name_key == folded(name))
            ).one_or_none()
        return None if row is None else Application(*row)

    def register(
        self, application_id: int, client_id: str, grants: Iterable[str], acts_as: int | None
    ) -> OAuthClient:
        """Let an application ask for tokens by these grants, from now on by no others.

        `client_id` is for one that has none yet; it keeps the one that it has. What it was given
        before stays valid. Raises NotFound for an unknown application.
        """
        values = {"grants": " ".join(sorted(grants)), "acts_as": acts_as}
        with self._database.transaction() as connection:
            known = select(application.c.application_id).where(
                application.c.application_id == application_id
            )
            if connection.execute(known).first() is None:
                raise NotFound(f"no application {application_id}")
            connection.execute(
                insert_into(connection, oauth_client)
                .values(
                    application_id=application_id,
                    client_id=client_id,
                    registered=self._database.clock(),
                    **values,
                )
                .on_conflict_do_update(index_elements=["application_id"], set_=values)
            )
            query = _CLIENT.join_from(oauth_client, application)
            row = connection.execute(
                query.where(oauth_client.c.application_id == application_id)
            ).one()
        return _client_of(row)

    def set_secret_hash(self, application_id: int, token_hash: str) -> None:
        """Give an application another token, and end what it was given by the old one."""
        with self._database.transaction() as connection:
            result = connection.execute(
                update(application)
                .where(application.c.application_id == application_id)
                .values(token_hash=token_hash)
            )
            if not result.rowcount:
                raise NotFound(f"no application {application_id}")
            connection.execute(
                delete(oauth_grant).where(oauth_grant.c.application_id == application_id)
            )

    def remove_application(self, application_id: int) -> None:
        """Forget an application with its client and all its tokens; raises NotFound."""
        with self._database.transaction() as connection:
            result = connection.execute(
                delete(application).where(application.c.application_id == application_id)
            )
            if not result.rowcount:
                raise NotFound(f"no application {application_id}")


def _application_of(row: Any) -> Application:
    return Application(row.application_id, row.name, row.email_agent)


def _client_of(row: Any) -> OAuthClient:
    grants = frozenset(row.grants.split())
    return OAuthClient(_application_of(row), row.client_id, grants, row.acts_as)
