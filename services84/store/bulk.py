"""Many rows into one table at a time: values prepared here, handed to the driver as they are.

SQLAlchemy prepares every value of every row by a chain of calls, which for mail takes longer than
the database. Here each column is prepared at once; what is stored is the same (a test compares).
Only inserts that are worth it come this way.
"""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Boolean, Column, Connection, Dialect, Table, func, insert, text

from services84.store.columns import AnyText, UtcDateTime, in_utc, storable

LARGE = 8 * 1024 * 1024  # bytes of a value that SQLite is given in pieces: it writes those twice
_PIECE = 1024 * 1024


Columns = Mapping[str, Sequence[Any]]
"""The values of many rows by the keys of their columns, all of one length."""


def insert_rows(connection: Connection, table: Table, columns: Columns) -> None:
    """Insert rows, given by their columns."""
    if not columns or not next(iter(columns.values())):
        return
    statement, prepare = _prepared(connection.dialect, table, tuple(columns))
    connection.exec_driver_sql(statement, prepare(columns.values()))


def insert_bytes(
    connection: Connection, key: Column[int], column: Column[bytes], values: Mapping[int, bytes]
) -> None:
    """Insert rows of an integer primary key and some bytes, which are the last column.

    SQLite holds a value that it is given whole three times over, so large ones are put in place
    piece by piece (sqlite.org/c3ref/blob_open.html).
    """
    in_pieces = connection.dialect.name == "sqlite"
    large = {at: value for at, value in values.items() if in_pieces and len(value) >= LARGE}
    whole = {at: value for at, value in values.items() if at not in large}
    insert_rows(connection, key.table, {key.name: list(whole), column.name: list(whole.values())})
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


Prepare = Callable[[Iterable[Sequence[Any]]], list[tuple[Any, ...]]]
Convert = Callable[[Sequence[Any]], Iterable[Any]]


@functools.lru_cache(maxsize=64)
def _prepared(dialect: Dialect, table: Table, keys: tuple[str, ...]) -> tuple[str, Prepare]:
    columns = [table.c[key] for key in keys]
    quote = dialect.identifier_preparer.quote
    names = ", ".join(quote(column.name) for column in columns)
    on_file = dialect.name == "sqlite"
    marks = ", ".join(["?" if on_file else "%s"] * len(columns))
    statement = f"INSERT INTO {quote(table.name)} ({names}) VALUES ({marks})"
    converts = [_convert(column, on_file=on_file) for column in columns]

    def prepare(given: Iterable[Sequence[Any]]) -> list[tuple[Any, ...]]:
        ready = [
            convert(column) if convert else column
            for convert, column in zip(converts, given, strict=True)
        ]
        return list(zip(*ready, strict=True))

    return statement, prepare


def _convert(column: Column[Any], *, on_file: bool) -> Convert | None:
    """What turns a column's values into the driver's; None where they are that already."""
    if isinstance(column.type, AnyText):
        return _texts
    if isinstance(column.type, UtcDateTime):
        return functools.partial(_moments, _iso if on_file else in_utc)
    if isinstance(column.type, Boolean) and on_file:
        return functools.partial(map, int)
    return None


def _texts(values: Sequence[str]) -> Iterable[str]:
    # Mostly ASCII, of which nothing but a NUL cannot be stored.
    return [text if text.isascii() and "\0" not in text else storable(text) for text in values]


def _moments(convert: Callable[[datetime], Any], values: Sequence[datetime | None]) -> list[Any]:
    return [None if value is None else convert(value) for value in values]


_ISO_LENGTH = len("2026-01-05 10:00:00.000000")


def _iso(moment: datetime) -> str:
    """As SQLAlchemy writes a DateTime into SQLite."""
    if moment.tzinfo is not UTC:
        moment = in_utc(moment)
    return moment.isoformat(" ", "microseconds")[:_ISO_LENGTH]
