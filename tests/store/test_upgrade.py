"""A database of the first release's schema, with data in it, at this version's schema."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command

from services84.store import copying, schema
from services84.store.accounts import AccountStore
from services84.store.backup import back_up
from services84.store.backup_file import verify
from services84.store.database import Database
from services84.store.folders import FolderStore
from services84.store.items import ItemStore
from services84.store.restore import restore
from services84.store.values import AccountStatus, ItemFlag
from tests.store.conftest import PlainVault

FIRST = "0001"
MOMENT = datetime(2026, 3, 29, 0, 59, 59, 123456, tzinfo=UTC)
MIME = bytes(range(256)) * 3


@pytest.fixture(params=["sqlite", "postgresql"])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database at the first revision."""
    drop = None
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path / 'old.sqlite3'}")
        database._make_file()
    else:
        server = request.getfixturevalue("postgresql")
        name = server.create(template="template0", options="ENCODING 'UTF8'")
        database = Database(server.url(name))
        drop = name
    with database.transaction() as connection:
        config = schema._config()
        config.attributes["connection"] = connection
        command.upgrade(config, FIRST)
    yield database
    database.close()
    if drop is not None:
        request.getfixturevalue("postgresql").drop(drop)


_VALUES: list[tuple[type[Any], Callable[[int], Any]]] = [
    (sa.Boolean, lambda row: row % 2 == 0),
    (sa.LargeBinary, lambda row: zlib.compress(MIME + bytes([row]))),
    (sa.DateTime, lambda row: MOMENT.replace(day=row)),
    (sa.BigInteger, lambda row: 2**40 + row),
    (sa.Integer, lambda row: row),
]


def _value(column: sa.Column[Any], row: int) -> Any:
    """A value that tells its column and row, of the column's type; ids are the row's number."""
    if column.foreign_keys or (column.primary_key and isinstance(column.type, sa.Integer)):
        return row
    for kind, value in _VALUES:
        if isinstance(column.type, kind):
            made = value(row)
            if isinstance(made, datetime) and not column.type.timezone:  # SQLite has no zones
                return made.replace(tzinfo=None)
            return made
    return f"{column.name} Grüße 😀 {row}"


def _fill(database: Database, rows: int = 3) -> dict[str, list[dict[str, Any]]]:
    """A row of each number in every table, every column filled; gives them by table."""
    filled = {}
    with database.transaction() as connection:
        tables = sa.MetaData()
        tables.reflect(connection)
        for table in tables.sorted_tables:
            if table.name == "alembic_version":
                continue
            values = [
                {column.name: _value(column, row) for column in table.columns}
                for row in range(1, rows + 1)
            ]
            connection.execute(table.insert(), values)
            filled[table.name] = values
        # What other columns than the ids' have to say to the program.
        _sensible(connection, tables)
    return filled


def _sensible(connection: sa.Connection, tables: sa.MetaData) -> None:
    account, auth = tables.tables["email_account"], tables.tables["service_auth"]
    connection.execute(sa.update(account).values(account_status=int(AccountStatus.OK)))
    for row in (1, 2, 3):
        sealed = PlainVault().seal(
            f"geheim {row}", table="service_auth", row=row, column="password"
        )
        connection.execute(
            sa.update(auth).where(auth.c.service_auth_id == row).values(password=sealed)
        )
    item = tables.tables["email_item"]
    connection.execute(sa.update(item).values(flags=int(ItemFlag.SEEN)))


CHANGED = {
    "email_account": {"account_status"},
    "service_auth": {"password"},
    "email_item": {"flags"},
}
DERIVED = {"email_body"}  # the texts of messages, which are in their bytes as well


def test_every_value_of_the_first_release_is_there_after_the_upgrade(old: Database) -> None:
    filled = _fill(old)
    assert old.revision == FIRST
    assert len(filled) >= 13
    old.migrate()
    assert old.revision == schema.head()
    kinds = {table.name: table for table in copying.metadata.sorted_tables}
    with old.reading() as connection:
        for name in filled.keys() - DERIVED:
            table, rows = kinds[name], filled[name]
            found = connection.execute(sa.select(table).order_by(*table.primary_key)).mappings()
            for wanted, row in zip(rows, found.all(), strict=True):
                for column, value in wanted.items():
                    if column in CHANGED.get(name, ()):
                        continue
                    got = row[table.c[_key(table, column)]]
                    in_utc = value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
                    assert got == in_utc, f"{name}.{column}"


def _key(table: sa.Table, name: str) -> str:
    return next(column.key for column in table.c if column.name == name)


def test_the_upgraded_database_works(old: Database, tmp_path: Path) -> None:
    _fill(old)
    old.migrate()
    with old.transaction() as connection:  # the rows came with their ids
        copying.raise_counters(connection, dict.fromkeys(copying.metadata.tables, 3))
    accounts = AccountStore(old, PlainVault())
    account = accounts.get(2, secrets=True)
    assert account is not None
    assert account.incoming is not None
    assert account.incoming.password == "geheim 2"
    folder = FolderStore(old).list(2)[0]
    assert folder.left_out == ""
    assert folder.validity_changes == 0
    assert ItemStore(old).source(2) == MIME + bytes([2])
    lease = accounts.take_lease(1, "me", MOMENT.replace(year=2027), 60)
    assert lease is not None
    assert lease.run_id == 4
    assert back_up(old, tmp_path / "b").messages == 3
    old.migrate()


@pytest.mark.parametrize("old", ["sqlite"], indirect=True)
def test_a_backup_of_an_older_schema_is_upgraded_on_its_way(
    old: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made by hand: at its time the program that made it was of the first revision."""
    _fill(old)
    monkeypatch.setattr(Database, "check_schema", lambda self: None)
    back_up(old, tmp_path / "b")
    monkeypatch.undo()
    assert verify(tmp_path / "b").revision == FIRST
    target = Database(f"sqlite:///{tmp_path / 'target.sqlite3'}")
    before = (tmp_path / "b").read_bytes()
    restore(target, tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == before
    assert AccountStore(target, PlainVault()).get(3) is not None
    target.close()
