"""Rows from one database to another of the same schema, whatever kinds the two are.

Knows tables and nothing of what is in them; a caller owns the transactions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection, LargeBinary, Table, delete, func, insert, select, text

from services84.store import crm_tables  # noqa: F401 - its tables are part of the metadata
from services84.store.tables import metadata

Rows = Sequence[Mapping[str, Any]]

_BATCH = 500
_LONG_BATCH = 8  # where a row may hold a whole message
# Who is signed in and which process holds what: of no use, or of the wrong kind, another day.
TRANSIENT = (
    "credentials",
    "login_attempt",
    "mail_host_slot",
    "service_lease",
    "sync_progress",
    "sync_request",
)


def kept_tables() -> list[Table]:
    """The tables that are copied, each after those that it refers to."""
    return [table for table in metadata.sorted_tables if table.name not in TRANSIENT]


def read_batches(source: Connection, table: Table) -> Iterator[Rows]:
    """All rows of a table, so many at a time as memory has room for, whatever their number."""
    long = any(isinstance(c.type, LargeBinary) for c in table.c)
    size = _LONG_BATCH if long else _BATCH
    keys = [column.key for column in table.c]
    streaming = source.execution_options(stream_results=True, yield_per=size)
    for rows in streaming.execute(select(table).order_by(*table.primary_key)).partitions():
        yield [dict(zip(keys, row, strict=True)) for row in rows]


def write(target: Connection, table: Table, rows: Rows) -> None:
    """Add rows as they are, with their ids."""
    target.execute(insert(table), rows)


def empty_all(target: Connection) -> None:
    """Remove all rows of all tables, the transient ones' too; nobody else writes until the
    transaction's end. Whoever reads meets the old rows (TRUNCATE would show some of them none).
    """
    tables = list(reversed(metadata.sorted_tables))
    if target.dialect.name == "postgresql":
        names = ", ".join(_quoted(target, table.name) for table in tables)
        target.execute(text(f"LOCK TABLE {names} IN EXCLUSIVE MODE"))
    for table in tables:
        target.execute(delete(table))


def has_rows(connection: Connection) -> bool:
    """Whether there is anything in any of the tables that are copied."""
    return any(
        connection.execute(select(*table.primary_key).limit(1)).first() is not None
        for table in kept_tables()
    )


def count(connection: Connection, table: Table) -> int:
    """How many rows a table has."""
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


# Counters ---------------------------------------------------------------------------------------


def read_counters(connection: Connection) -> dict[str, int]:
    """The highest id that each table has ever given, by its name: it is never given again."""
    if connection.dialect.name == "sqlite":
        return {row[0]: row[1] for row in connection.execute(text(_SQLITE_COUNTERS))}
    found = {}
    for table, column in _counted():
        row = connection.execute(
            text(f"SELECT last_value, is_called FROM {_sequence(connection, table, column)}")
        ).one()
        found[table.name] = row[0] if row[1] else 0
    return found


def raise_counters(connection: Connection, values: Mapping[str, int]) -> None:
    """See that the next ids are higher than `values`, and than those given here before."""
    before = read_counters(connection)
    for table, column in _counted():
        highest = max(values.get(table.name, 0), before.get(table.name, 0))
        if highest == 0:
            continue
        if connection.dialect.name == "sqlite":
            named = {"name": table.name, "seq": highest}
            connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), named)
            connection.execute(text("INSERT INTO sqlite_sequence VALUES (:name, :seq)"), named)
        else:
            sequence = _sequence(connection, table, column)
            connection.execute(text(f"SELECT setval('{sequence}', :seq)"), {"seq": highest})


_SQLITE_COUNTERS = "SELECT name, seq FROM sqlite_sequence"


def _counted() -> Iterator[tuple[Table, Column[Any]]]:
    """The tables that give ids, which are those with `sqlite_autoincrement`."""
    for table in metadata.sorted_tables:
        if table.dialect_options["sqlite"]["autoincrement"]:
            yield table, next(iter(table.primary_key))


def _sequence(connection: Connection, table: Table, column: Column[Any]) -> str:
    found = connection.execute(
        text("SELECT pg_get_serial_sequence(:table, :column)"),
        {"table": _quoted(connection, table.name), "column": column.name},
    ).scalar_one()
    return str(found)


def _quoted(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote(name)
