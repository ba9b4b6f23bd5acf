"""Associates, applications and tickets.

Takes and gives hashes only; what is hashed how is decided in the security room.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update

from services84.errors import InvalidValue, NotFound
from services84.store.database import Database
from services84.store.sql import folded, insert_into
from services84.store.tables import application, associate, associate_role, credentials
from services84.store.values import Application, Associate, TicketRow

MAX_NAME = 255  # characters, as in the vendor's columns
# A ticket is written again only when this much has gone since the last write.
SLIDE_STEP = timedelta(minutes=1)

_ASSOCIATE = (
    associate.c.associate_id,
    associate.c.name,
    associate.c.full_name,
    associate.c.is_admin,
)
# With every call: building a statement takes longer than SQLite with it.
_TICKET = (
    select(*_ASSOCIATE, credentials.c.last_used, credentials.c.expires)
    .join_from(credentials, associate)
    .where(credentials.c.ticket_hash == bindparam("ticket"))
)
_APPLICATION = (application.c.application_id, application.c.name, application.c.email_agent)


class PrincipalStore:
    """Who may call. Every method is one short transaction; all raise StoreError."""

    def __init__(self, database: Database) -> None:
        self.database = database

    # Associates ----------------------------------------------------------------------------------

    def add_associate(
        self, name: str, password_hash: str, *, full_name: str = "", is_admin: bool = False
    ) -> Associate:
        """Raises InvalidValue when the name is empty, too long or, case aside, taken."""
        name = _checked_name("Name", name)
        now = self.database.clock()
        with self.database.transaction() as connection:
            added = connection.execute(
                insert_into(connection, associate)
                .values(
                    name=name,
                    name_key=folded(name),
                    full_name=full_name,
                    is_admin=is_admin,
                    password_hash=password_hash,
                    registered=now,
                    updated=now,
                )
                .on_conflict_do_nothing(index_elements=["name_key"])
                .returning(*_ASSOCIATE)
            ).one_or_none()
        if added is None:
            raise InvalidValue("Name", name, "is the name of another associate")
        return Associate(*added)

    def associate(self, associate_id: int) -> Associate | None:
        """The associate of this id."""
        return self._associate(associate.c.associate_id == associate_id)

    def associate_by_name(self, name: str) -> Associate | None:
        """The associate of this name, whatever its case."""
        return self._associate(associate.c.name_key == folded(name))

    def associates(self) -> list[Associate]:
        """All of them, in the order of their registration."""
        with self.database.reading() as connection:
            rows = connection.execute(select(*_ASSOCIATE).order_by(associate.c.associate_id))
            return [Associate(*row) for row in rows]

    def password_hash_of(self, associate_id: int) -> str | None:
        """The stored hash; None for an unknown associate."""
        with self.database.reading() as connection:
            return connection.execute(
                select(associate.c.password_hash).where(associate.c.associate_id == associate_id)
            ).scalar_one_or_none()

    def set_password_hash(self, associate_id: int, password_hash: str) -> None:
        """Raises NotFound for an unknown associate. Tickets stay valid."""
        with self.database.transaction() as connection:
            result = connection.execute(
                update(associate)
                .where(associate.c.associate_id == associate_id)
                .values(password_hash=password_hash, updated=self.database.clock())
            )
            if not result.rowcount:
                raise NotFound(f"no associate {associate_id}")

    def language_of(self, associate_id: int) -> str:
        """The language in which an associate is written to; empty for the installation's."""
        query = select(associate.c.language).where(associate.c.associate_id == associate_id)
        with self.database.reading() as connection:
            return connection.execute(query).scalar_one_or_none() or ""

    def set_language(self, associate_id: int, language: str) -> None:
        """Raises NotFound for an unknown associate."""
        with self.database.transaction() as connection:
            changed = update(associate).where(associate.c.associate_id == associate_id)
            if not connection.execute(changed.values(language=language)).rowcount:
                raise NotFound(f"no associate {associate_id}")

    # Roles ---------------------------------------------------------------------------------------

    def roles_of(self, associate_id: int) -> frozenset[str]:
        """The roles that were granted to an associate."""
        query = select(associate_role.c.role).where(associate_role.c.associate_id == associate_id)
        with self.database.reading() as connection:
            return frozenset(connection.scalars(query))

    def grant_role(self, associate_id: int, role: str) -> bool:
        """Grant a role; whether the associate had it not. Raises NotFound."""
        with self.database.transaction() as connection:
            known = select(associate.c.associate_id).where(associate.c.associate_id == associate_id)
            if connection.execute(known.with_for_update(key_share=True)).first() is None:
                raise NotFound(f"no associate {associate_id}")
            added = connection.execute(
                insert_into(connection, associate_role)
                .values(associate_id=associate_id, role=role)
                .on_conflict_do_nothing(index_elements=["associate_id", "role"])
                .returning(associate_role.c.role)
            )
            return added.first() is not None

    def revoke_role(self, associate_id: int, role: str) -> bool:
        """Take a role away; whether the associate had it."""
        with self.database.transaction() as connection:
            result = connection.execute(
                delete(associate_role).where(
                    associate_role.c.associate_id == associate_id, associate_role.c.role == role
                )
            )
            return result.rowcount > 0

    def _associate(self, condition: Any) -> Associate | None:
        with self.database.reading() as connection:
            row = connection.execute(select(*_ASSOCIATE).where(condition)).one_or_none()
        return None if row is None else Associate(*row)

    # Applications --------------------------------------------------------------------------------

    def add_application(self, name: str, token_hash: str, *, email_agent: bool) -> Application:
        """Raises InvalidValue when the name is empty, too long or, case aside, taken."""
        name = _checked_name("Name", name)
        with self.database.transaction() as connection:
            added = connection.execute(
                insert_into(connection, application)
                .values(
                    name=name,
                    name_key=folded(name),
                    token_hash=token_hash,
                    email_agent=email_agent,
                    registered=self.database.clock(),
                )
                .on_conflict_do_nothing(index_elements=["name_key"])
                .returning(*_APPLICATION)
            ).one_or_none()
        if added is None:
            raise InvalidValue("Name", name, "is the name of another application")
        return Application(*added)

    def application_by_token_hash(self, token_hash: str) -> Application | None:
        """The application whose token has this hash."""
        with self.database.reading() as connection:
            row = connection.execute(
                select(*_APPLICATION).where(application.c.token_hash == token_hash)
            ).one_or_none()
        return None if row is None else Application(*row)

    # Tickets -------------------------------------------------------------------------------------

    def add_ticket(self, ticket_hash: str, associate_id: int, expires: datetime) -> None:
        """Keep a ticket's hash; an associate may have any number of tickets."""
        now = self.database.clock()
        with self.database.transaction() as connection:
            connection.execute(
                insert(credentials).values(
                    ticket_hash=ticket_hash,
                    associate_id=associate_id,
                    created=now,
                    last_used=now,
                    expires=expires,
                )
            )

    def use_ticket(self, ticket_hash: str, now: datetime, lifetime: float) -> TicketRow | None:
        """The ticket, valid for `lifetime` seconds after this use; None if unknown or expired.

        The new end is written at most once a minute, so a ticket may end up to a minute sooner
        than its last use would have it, or a tenth of its lifetime where that is less.
        """
        with self.database.reading() as connection:
            found = connection.execute(_TICKET, {"ticket": ticket_hash}).one_or_none()
        if found is None or found.expires <= now:
            return None
        ticket = TicketRow(Associate(*found[:4]), found.expires)
        life = timedelta(seconds=lifetime)
        if now - found.last_used < min(SLIDE_STEP, life / 10):
            return ticket
        return self._slide(ticket, ticket_hash, now, now + life)

    def _slide(
        self, ticket: TicketRow, ticket_hash: str, now: datetime, expires: datetime
    ) -> TicketRow | None:
        with self.database.transaction() as connection:
            result = connection.execute(
                update(credentials)
                .where(credentials.c.ticket_hash == ticket_hash)
                .values(last_used=now, expires=expires)
            )
        # No row: revoked between the reading and the writing.
        return TicketRow(ticket.associate, expires) if result.rowcount else None

    def revoke_ticket(self, ticket_hash: str) -> None:
        """End a ticket at once; an unknown one is no error."""
        with self.database.transaction() as connection:
            connection.execute(delete(credentials).where(credentials.c.ticket_hash == ticket_hash))

    def revoke_tickets(self, associate_id: int) -> int:
        """End all tickets of an associate at once; gives their number."""
        with self.database.transaction() as connection:
            result = connection.execute(
                delete(credentials).where(credentials.c.associate_id == associate_id)
            )
            return result.rowcount

    def drop_expired_tickets(self, now: datetime) -> int:
        """Forget tickets that nobody can use any more; gives their number."""
        with self.database.transaction() as connection:
            result = connection.execute(delete(credentials).where(credentials.c.expires <= now))
            return result.rowcount


def _checked_name(member: str, name: str) -> str:
    name = name.strip()
    if not name:
        raise InvalidValue(member, name, "is empty")
    if len(name) > MAX_NAME:
        raise InvalidValue(member, name, f"has more than {MAX_NAME} characters")
    return name
