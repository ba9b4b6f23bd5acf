"""What keeps sealing and the removal of keys apart, inside their transactions.

Whoever seals asks which key seals and commits a moment later. A rotation that looks in between
would see neither the old sealed text nor a need for its key. On SQLite transactions that write
are one at a time anyway; on PostgreSQL this lock makes those that seal and the one that removes
keys exclude each other, and nobody else.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

_LOCK = 0x5384_0002  # PostgreSQL's advisory locks are numbers; ours means "keys"


def while_sealing(connection: Connection) -> None:
    """To be called before something is sealed; any number of transactions at a time."""
    _lock(connection, "pg_advisory_xact_lock_shared")


def while_removing_keys(connection: Connection) -> None:
    """Wait for the transactions that seal, and keep others waiting until this one's end."""
    _lock(connection, "pg_advisory_xact_lock")


def _lock(connection: Connection, function: str) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT {function}(:lock)"), {"lock": _LOCK})
