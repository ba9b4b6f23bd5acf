"""Slots of mail hosts: how many connections may be open to each, across processes and machines.

A row is a ticket: it waits in the order of its id until it holds a slot. Whoever changes the rows
of a host gives free slots to the oldest tickets, whosever they are; their owners look for that.
Who asks, and how long it waits, is the sync room's matter.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, func, insert, select, text, update

from services84.store.database import Database
from services84.store.sql import folded
from services84.store.tables import mail_host_slot as slot

LONGEST_HOST = 255  # RFC 1035 section 2.3.4

# Built once: that takes longer than the database with them, and every sync needs them all.
_NEW = insert(slot).returning(slot.c.mail_host_slot_id)
_HELD = select(slot.c.held).where(slot.c.mail_host_slot_id == bindparam("ticket"))
_GIVE_BACK = delete(slot).where(slot.c.mail_host_slot_id == bindparam("ticket"))
_OF_HOST = slot.c.host == bindparam("of_host")
_END_DEAD = delete(slot).where(_OF_HOST, slot.c.until <= bindparam("now"))
_COUNT_HELD = select(func.count()).where(_OF_HOST, slot.c.held.is_(True))
_ANY_WAITING = select(slot.c.mail_host_slot_id).where(_OF_HOST, slot.c.held.is_(False)).limit(1)
_STANDING = select(  # how many hold a slot, wait for one, and are dead
    func.count().filter(slot.c.held.is_(True)),
    func.count().filter(slot.c.held.is_(False)),
    func.count().filter(slot.c.until <= bindparam("now")),
).where(_OF_HOST)
_OLDEST = (
    select(slot.c.mail_host_slot_id)
    .where(_OF_HOST, slot.c.held.is_(False))
    .order_by(slot.c.mail_host_slot_id)
    .limit(bindparam("free"))
)


def host_key(server: str) -> str:
    """The form by which hosts are told apart: ports do not count, nor case, nor a final dot."""
    return folded(server.strip()).rstrip(".")[:LONGEST_HOST]


class SlotStore:
    """Tickets for slots. All methods raise StoreError.

    A ticket lives for `seconds` after it was asked for or renewed; then it is taken from a dead
    owner, and the slot is free. `limit` is the most slots of a host. Where the database is a file
    of one machine, no commit waits for its disk: a power cut ends all owners.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask(
        self, host: str, owner: str, now: datetime, *, seconds: float, limit: int
    ) -> tuple[int, bool]:
        """A new ticket for a slot of `host`: its id, and whether it holds one already."""
        ticket = {
            "host": host,
            "owner": owner,
            "held": False,
            "asked": now,
            "until": now + timedelta(seconds=seconds),
        }
        with self._database.transaction(lasting=False) as connection:
            _lock(connection, host)
            if _may_have_it_at_once(connection, host, now, limit):
                return int(connection.execute(_NEW, ticket | {"held": True}).scalar_one()), True
            ticket_id = int(connection.execute(_NEW, ticket).scalar_one())
            _hand_out(connection, host, now, limit)
            held = connection.execute(_HELD, {"ticket": ticket_id}).scalar_one()
        return ticket_id, bool(held)

    def hand_out(self, host: str, now: datetime, *, limit: int) -> None:
        """Take the slots of dead owners, and give what is free to the oldest tickets."""
        with self._database.transaction(lasting=False) as connection:
            _lock(connection, host)
            _hand_out(connection, host, now, limit)

    def renew(self, owner: str, now: datetime, *, seconds: float) -> None:
        """Let all tickets of an owner live on; those that were taken from it stay so."""
        with self._database.transaction(lasting=False) as connection:
            connection.execute(
                update(slot)
                .where(slot.c.owner == owner)
                .values(until=now + timedelta(seconds=seconds))
            )

    def of_owner(self, owner: str) -> dict[int, bool]:
        """An owner's tickets, and whether each holds a slot."""
        query = select(slot.c.mail_host_slot_id, slot.c.held).where(slot.c.owner == owner)
        with self._database.reading() as connection:
            return {row.mail_host_slot_id: row.held for row in connection.execute(query)}

    def release(self, ticket_id: int, host: str, now: datetime, *, limit: int) -> None:
        """Give a ticket back, with its slot if it holds one; nothing when it is gone already."""
        with self._database.transaction(lasting=False) as connection:
            _lock(connection, host)
            connection.execute(_GIVE_BACK, {"ticket": ticket_id})
            if connection.execute(_ANY_WAITING, {"of_host": host}).first() is not None:
                _hand_out(connection, host, now, limit)

    def release_all(self, owner: str, now: datetime, *, limit: int) -> None:
        """Give all tickets of an owner back; for the end of a process."""
        query = select(slot.c.host).where(slot.c.owner == owner).distinct()
        with self._database.reading() as connection:
            hosts = list(connection.scalars(query))
        for host in sorted(hosts):
            with self._database.transaction(lasting=False) as connection:
                _lock(connection, host)
                connection.execute(delete(slot).where(slot.c.host == host, slot.c.owner == owner))
                _hand_out(connection, host, now, limit)

    def counts(self, host: str, now: datetime) -> tuple[int, int]:
        """How many tickets of living owners hold a slot of `host`, and how many wait."""
        query = (
            select(slot.c.held, func.count().label("count_"))
            .where(slot.c.host == host, slot.c.until > now)
            .group_by(slot.c.held)
        )
        with self._database.reading() as connection:
            found = {row.held: row.count_ for row in connection.execute(query)}
        return found.get(True, 0), found.get(False, 0)

    def hosts(self, now: datetime) -> dict[str, tuple[int, int]]:
        """The same of every host that has such tickets."""
        query = (
            select(slot.c.host, slot.c.held, func.count().label("count_"))
            .where(slot.c.until > now)
            .group_by(slot.c.host, slot.c.held)
        )
        found: dict[str, dict[bool, int]] = {}
        with self._database.reading() as connection:
            for row in connection.execute(query):
                found.setdefault(row.host, {})[row.held] = row.count_
        return {
            host: (numbers.get(True, 0), numbers.get(False, 0))
            for host, numbers in sorted(found.items())
        }


def _lock(connection: Connection, host: str) -> None:
    """Let one transaction at a time count a host's slots; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:host, 84))")
        connection.execute(lock, {"host": host})


def _may_have_it_at_once(connection: Connection, host: str, now: datetime, limit: int) -> bool:
    """Whether a slot is free and nobody waits for it; that needs no second look at the rows."""
    of_host = {"of_host": host, "now": now}
    held, waiting, dead = connection.execute(_STANDING, of_host).one()
    if dead:
        connection.execute(_END_DEAD, of_host)
        held, waiting, _ = connection.execute(_STANDING, of_host).one()
    return not waiting and held < limit


def _hand_out(connection: Connection, host: str, now: datetime, limit: int) -> None:
    connection.execute(_END_DEAD, {"of_host": host, "now": now})
    held = connection.execute(_COUNT_HELD, {"of_host": host}).scalar_one()
    if held >= limit:
        return
    free = {"of_host": host, "free": limit - held}
    oldest = connection.scalars(_OLDEST, free).all()
    if oldest:
        connection.execute(
            update(slot).where(slot.c.mail_host_slot_id.in_(oldest)).values(held=True)
        )
