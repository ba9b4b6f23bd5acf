"""Many rows into one table at a time: values prepared here, handed to the driver as they are.

SQLAlchemy prepares every value of every row by a chain of calls, which for mail takes longer than
the database. Here each column is prepared by one function; what is stored is the same (a test
compares). Only inserts that are worth it come this way.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Dialect, Table, text

from services84.store.columns import AnyText, UtcDateTime, in_utc, storable


def insert_rows(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert `rows`, all with the same keys: those of the table's columns."""
    if not rows:
        return
    keys = tuple(rows[0])
    statement, prepare = _prepared(connection.dialect, table, keys)
    connection.exec_driver_sql(statement, prepare(rows))


def new_ids(connection: Connection, column: Column[int], count: int) -> range | list[int]:
    """So many ids of an automatic primary key that nobody has had; for explicit inserts in this
    very transaction. On SQLite it is the only one that writes, so counting on is enough."""
    if connection.dialect.name == "sqlite":
        last = connection.execute(
            text("SELECT seq FROM sqlite_sequence WHERE name = :name"), {"name": column.table.name}
        ).scalar_one_or_none()
        return range((last or 0) + 1, (last or 0) + 1 + count)
    given = connection.execute(
        text("SELECT nextval(pg_get_serial_sequence(:name, :key)) FROM generate_series(1, :count)"),
        {"name": column.table.name, "key": column.name, "count": count},
    )
    return [row[0] for row in given]


Prepare = Callable[[Iterable[dict[str, Any]]], list[tuple[Any, ...]]]


@functools.lru_cache(maxsize=64)
def _prepared(dialect: Dialect, table: Table, keys: tuple[str, ...]) -> tuple[str, Prepare]:
    columns = [table.c[key] for key in keys]
    quote = dialect.identifier_preparer.quote
    names = ", ".join(quote(column.name) for column in columns)
    on_file = dialect.name == "sqlite"
    marks = ", ".join(["?" if on_file else "%s"] * len(columns))
    statement = f"INSERT INTO {quote(table.name)} ({names}) VALUES ({marks})"
    as_text = [at for at, column in enumerate(columns) if isinstance(column.type, AnyText)]
    as_moment = [at for at, column in enumerate(columns) if isinstance(column.type, UtcDateTime)]

    def prepare(rows: Iterable[dict[str, Any]]) -> list[tuple[Any, ...]]:
        prepared = []
        for row in rows:
            values = list(row.values())
            for at in as_text:
                value = values[at]
                if not value.isascii() or "\0" in value:
                    values[at] = storable(value)
            for at in as_moment:
                if values[at] is not None:
                    values[at] = _iso(values[at]) if on_file else in_utc(values[at])
            prepared.append(tuple(values))
        return prepared

    return statement, prepare


def _iso(moment: datetime) -> str:
    """As SQLAlchemy writes a DateTime into SQLite."""
    return in_utc(moment).replace(tzinfo=None).isoformat(" ", "microseconds")
