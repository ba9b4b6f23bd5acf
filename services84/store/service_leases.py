"""Leases of services that one process at a time does for all, as `scheduler`; by name.

Knows nothing of what a service does. Leases of accounts are `runs`'.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import and_, delete, or_, select

from services84.store.database import Database
from services84.store.sql import insert_into
from services84.store.tables import service_lease as lease


class ServiceLeases:
    """Who does a service. All methods raise StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def hold(self, name: str, owner: str, now: datetime, seconds: float) -> bool:
        """Take the lease of `name`, or renew one's own, for `seconds`; whether it is `owner`'s.

        A lease that has run out goes to whoever asks first.
        """
        holder = self.holder(name, now)
        if holder not in (None, owner):
            return False  # the usual answer, for which nothing has to be written
        values = {"owner": owner, "until": now + timedelta(seconds=seconds)}
        with self._database.transaction() as connection:
            taken = connection.execute(
                insert_into(connection, lease)
                .values(name=name, **values)
                .on_conflict_do_update(
                    index_elements=[lease.c.name],
                    set_=values,
                    where=or_(lease.c.owner == owner, lease.c.until <= now),
                )
                .returning(lease.c.owner)
            ).first()
        return taken is not None

    def holder(self, name: str, now: datetime) -> str | None:
        """The owner of a lease that is alive."""
        query = select(lease.c.owner).where(lease.c.name == name, lease.c.until > now)
        with self._database.reading() as connection:
            return connection.execute(query).scalar_one_or_none()

    def release(self, name: str, owner: str) -> None:
        """Give a lease back; nothing when it is another's."""
        with self._database.transaction() as connection:
            connection.execute(
                delete(lease).where(and_(lease.c.name == name, lease.c.owner == owner))
            )
