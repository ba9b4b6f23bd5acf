"""Many rows into one table at a time: values prepared here, handed to the driver as they are.

SQLAlchemy prepares every value of every row by a chain of calls, which for mail takes longer than
the database. Here each column is prepared by one function; what is stored is the same (a test
compares). Only inserts that are worth it come this way.
"""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Connection, Dialect, Table, func, insert, text

from services84.store.columns import AnyText, UtcDateTime, in_utc, storable

LARGE = 8 * 1024 * 1024  # bytes of a value that SQLite is given in pieces: it writes those twice
_PIECE = 1024 * 1024


def insert_rows(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert `rows`, all with the same keys: those of the table's columns."""
    if not rows:
        return
    keys = tuple(rows[0])
    statement, prepare = _prepared(connection.dialect, table, keys)
    connection.exec_driver_sql(statement, prepare(rows))


def insert_bytes(
    connection: Connection, key: Column[int], column: Column[bytes], values: Mapping[int, bytes]
) -> None:
    """Insert rows of an integer primary key and some bytes, which are the last column.

    SQLite holds a value that it is given whole three times over, so large ones are put in place
    piece by piece (sqlite.org/c3ref/blob_open.html).
    """
    in_pieces = connection.dialect.name == "sqlite"
    large = {at: value for at, value in values.items() if in_pieces and len(value) >= LARGE}
    insert_rows(
        connection,
        key.table,
        [{key.name: at, column.name: v} for at, v in values.items() if at not in large],
    )
    for at, value in large.items():
        room = {key: at, column: func.zeroblob(len(value))}
        connection.execute(insert(key.table).values(room))
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        with driver.blobopen(key.table.name, column.name, at) as blob, memoryview(value) as view:
            for start in range(0, len(value), _PIECE):
                blob.write(view[start : start + _PIECE])


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
    moment_of = _iso if on_file else in_utc

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
                    values[at] = moment_of(values[at])
            prepared.append(tuple(values))
        return prepared

    return statement, prepare


_ISO_LENGTH = len("2026-01-05 10:00:00.000000")


def _iso(moment: datetime) -> str:
    """As SQLAlchemy writes a DateTime into SQLite."""
    if moment.tzinfo is not UTC:
        moment = in_utc(moment)
    return moment.isoformat(" ", "microseconds")[:_ISO_LENGTH]
