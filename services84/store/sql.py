"""Small things that several stores need to build SQL; no table is named here."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import TypeVar

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

# SQLite takes 32766 parameters a statement, PostgreSQL 65535.
CHUNK = 5000

Value = TypeVar("Value")


def folded(text: str) -> str:
    """The form by which names and addresses are compared: without regard to case and width."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def chunks(values: Sequence[Value], size: int = CHUNK) -> Iterator[Sequence[Value]]:
    """`values` in pieces that fit a statement."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def insert_into(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that knows ON CONFLICT, which SQLAlchemy has for each database apart."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)
