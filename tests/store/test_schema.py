"""The migrations build what the tables say; several processes may run them at once."""

from __future__ import annotations

import multiprocessing
import stat
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from services84.errors import (
    ConfigurationError,
    SchemaMismatch,
    StoreError,
    StoreUnavailable,
)
from services84.store.database import Database
from services84.store.tables import metadata
from tests.support.postgresql import PostgresqlServer


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/new #1.sqlite3"
    server: PostgresqlServer = request.getfixturevalue("postgresql")
    return server.url(server.create(template="template1"))


def test_migrations_make_exactly_the_tables(database: Database) -> None:
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_constraints_and_cascades_are_those_of_the_tables(database: Database) -> None:
    # What Alembic's comparison leaves out.
    with database.reading() as connection:
        inspector = inspect(connection)
        for table in metadata.tables.values():
            made = {
                (
                    tuple(key["constrained_columns"]),
                    key["referred_table"],
                    key["options"].get("ondelete"),
                )
                for key in inspector.get_foreign_keys(table.name)
            }
            declared = {
                (tuple(key.column_keys), key.referred_table.name, key.ondelete)
                for key in table.foreign_key_constraints
            }
            assert made == declared, table.name
            columns = [column.name for column in table.primary_key.columns]
            assert inspector.get_pk_constraint(table.name)["constrained_columns"] == columns


def test_ids_of_deleted_rows_are_not_given_again(database: Database) -> None:
    if database.product != "SQLite":
        return  # PostgreSQL's sequences never go back
    with database.reading() as connection:
        statements = connection.execute(text("SELECT name, sql FROM sqlite_master")).all()
    made = {name for name, sql in statements if sql and "AUTOINCREMENT" in sql}
    assert made == {
        t.name for t in metadata.tables.values() if t.kwargs.get("sqlite_autoincrement")
    }


def test_an_empty_database_is_refused_with_advice_until_it_is_migrated(empty_url: str) -> None:
    database = Database(empty_url)
    assert database.revision is None
    with pytest.raises(SchemaMismatch, match="services84 init"):
        database.check_schema()
    database.migrate()
    database.check_schema()
    database.migrate()
    database.check_schema()
    database.close()


def test_a_store_on_an_empty_database_says_what_to_do(postgresql: PostgresqlServer) -> None:
    database = Database(postgresql.url(postgresql.create(template="template1")))
    with (
        pytest.raises(SchemaMismatch, match="services84 init"),
        database.reading() as connection,
    ):
        connection.execute(text("SELECT * FROM associate"))
    database.close()


def test_a_newer_database_is_left_alone(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaMismatch, match="newer"):
        database.check_schema()
    with pytest.raises(SchemaMismatch, match="newer"):
        database.migrate()


def _migrate(url: str, barrier: object, results: object) -> None:
    database = Database(url)
    barrier.wait()  # type: ignore[attr-defined]
    try:
        database.migrate()
        database.check_schema()
        results.put("done")  # type: ignore[attr-defined]
    except Exception as error:
        results.put(repr(error))  # type: ignore[attr-defined]


def test_processes_that_start_at_once_migrate_once(empty_url: str) -> None:
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(4), context.Queue()
    processes = [
        context.Process(target=_migrate, args=(empty_url, barrier, results)) for _ in range(4)
    ]
    for process in processes:
        process.start()
    outcomes = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(30)
    assert outcomes == ["done"] * 4


def test_a_sqlite_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/mail.sqlite3")
    database.migrate()
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name
    database.close()


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/nowhere/mail.sqlite3")
    with pytest.raises(StoreUnavailable, match="nowhere/mail"):
        database.migrate()


def test_a_postgresql_database_that_cannot_hold_all_text_is_refused(
    postgresql: PostgresqlServer,
) -> None:
    name = postgresql.create(template="template0", options="ENCODING 'SQL_ASCII'")
    database = Database(postgresql.url(name))
    with pytest.raises(StoreError, match="UTF8"):
        database.migrate()
    database.close()


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "no database URL"),
        ("mail.sqlite3", "no database URL"),
        ("postgresql://anna:pa:ss/word@host:x/db", "no database URL"),
        ("mysql://anna:geheim@host/db", "no such kind"),
        ("sqlite://", "no SQLite file"),
        ("sqlite:///:memory:", "no SQLite file"),
        ("sqlite:///mail.sqlite3?timeout=1", "no SQLite file"),
    ],
)
def test_a_wrong_url_names_the_setting_and_shows_no_password(url: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match="SERVICES84_DATABASE_URL") as refused:
        Database(url)
    assert problem in refused.value.message
    assert "geheim" not in refused.value.message
    assert "ss/word" not in refused.value.message


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_usual_name_of_postgresql_is_understood(scheme: str) -> None:
    database = Database(f"{scheme}://anna:geheim@127.0.0.1/mail")
    assert (database.product, database.name) == ("PostgreSQL", "mail")
    assert "geheim" not in repr(database)


def test_a_server_that_is_not_there_is_unavailable_and_the_password_unsaid() -> None:
    database = Database("postgresql://anna:geheim@127.0.0.1:1/mail")
    with pytest.raises(StoreUnavailable) as refused, database.reading():
        pass
    assert "geheim" not in str(refused.value)
    assert refused.value.friendly_text == "the service's database is not available; try again later"
