"""The file of a backup: a SQLite database of our schema, sealed with a table of digests.

It is what `sqlite3` opens, and what every later version can read: the schema's revision stands in
it as in any database of ours, and the form of the seal has a number. Damage is noticed to the
byte; a forger who writes the digests anew is not. Which rows go in and where they go is `backup`'s
and `restore`'s matter.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Engine, NullPool, create_engine

from services84.errors import BackupUnusable
from services84.store import schema
from services84.store.copying import TRANSIENT
from services84.store.trouble import store_errors

FORMAT = 1
_APPLICATION_ID = 0x53383462  # "S84b", in SQLite's header
_SEAL = "services84_backup"
_DIGESTS = "services84_backup_table"
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"

Progress = Callable[[str, int], None]


@dataclass(frozen=True)
class BackupFacts:
    """What a file holds: of what revision, when it was made, and the rows of each table."""

    revision: str
    made: datetime
    rows: dict[str, int]

    @property
    def messages(self) -> int:
        return self.rows.get("email_item", 0)

    @property
    def accounts(self) -> int:
        return self.rows.get("email_account", 0)


def seal(path: Path, made: datetime) -> BackupFacts:
    """Make a backup of a database file that nobody else uses: without what is transient, in one
    file, with the digests of all rows. Raises StoreError."""
    with store_errors(), _opened(path, "rw") as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("PRAGMA synchronous=OFF")  # the caller saves the file as a whole
        connection.execute("PRAGMA secure_delete=ON")
        for table in set(_names(connection)) & set(TRANSIENT):
            connection.execute(f'DELETE FROM "{table}"')
        digests = [(table, *_digest(connection, table)) for table in _names(connection)]
        facts = [("format", str(FORMAT)), ("made", made.isoformat())]
        connection.execute(f"CREATE TABLE {_SEAL} (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
        connection.executemany(f"INSERT INTO {_SEAL} VALUES (?, ?)", facts)
        connection.execute(
            f"CREATE TABLE {_DIGESTS} (name TEXT PRIMARY KEY, rows INT, sha256 TEXT)"
        )
        connection.executemany(f"INSERT INTO {_DIGESTS} VALUES (?, ?, ?)", digests)
        connection.execute(f"PRAGMA application_id={_APPLICATION_ID}")
        return _facts(connection, path)


def read_facts(path: Path) -> BackupFacts:
    """What a file says of itself. Raises BackupUnusable for what is no backup, or none that this
    version can read."""
    with _usable(path), _opened(path, "ro") as connection:
        if connection.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION_ID:
            raise BackupUnusable(f"{path} is no backup of services84")
        return _facts(connection, path)


def verify(path: Path) -> BackupFacts:
    """Read all of a file and see that it is as it was made. Raises BackupUnusable."""
    facts = read_facts(path)
    with _usable(path), _opened(path, "ro") as connection:
        for check in ("integrity_check(1)", "foreign_key_check"):
            found = connection.execute(f"PRAGMA {check}").fetchone()
            if found not in (None, ("ok",), (b"ok",)):
                raise BackupUnusable(f"{path} is damaged ({check.partition('(')[0]})")
        wanted = {
            _text(name): (rows, _text(digest))
            for name, rows, digest in connection.execute(f"SELECT * FROM {_DIGESTS}")
        }
        if set(wanted) != set(_names(connection)):
            raise BackupUnusable(f"{path} has not the tables that it was made with")
        for table, digest in wanted.items():
            if _digest(connection, table) != digest:
                raise BackupUnusable(f"{path} is damaged: table {table} is not as it was made")
    return facts


@contextmanager
def engine_of(path: Path) -> Iterator[Engine]:
    """An engine that reads a file and never writes to it."""
    engine = create_engine(
        "sqlite://", creator=lambda: _connect(path, "ro"), poolclass=NullPool, hide_parameters=True
    )
    try:
        yield engine
    finally:
        engine.dispose()


def _facts(connection: sqlite3.Connection, path: Path) -> BackupFacts:
    said = {_text(n): _text(v) for n, v in connection.execute(f"SELECT * FROM {_SEAL}")}
    if said["format"] != str(FORMAT):
        raise BackupUnusable(f"{path} was made by a newer version of services84; install that one")
    revision = _text(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])
    if revision not in schema.known_revisions():
        raise BackupUnusable(
            f"{path} was made by another version of services84, with schema {revision}; "
            "install that one or a newer one"
        )
    rows = connection.execute(f"SELECT name, rows FROM {_DIGESTS}")
    counts = {_text(name): int(count) for name, count in rows}
    return BackupFacts(revision, datetime.fromisoformat(said["made"]), counts)


# Digests ----------------------------------------------------------------------------------------


def _names(connection: sqlite3.Connection) -> list[str]:
    names = [_text(name) for (name,) in connection.execute(_TABLES)]
    return [n for n in names if n not in (_SEAL, _DIGESTS) and not n.startswith("sqlite_stat")]


def _digest(connection: sqlite3.Connection, table: str) -> tuple[int, str]:
    """The number of rows, and the SHA-256 of all their values with types and lengths."""
    digest, rows = hashlib.sha256(), 0
    for row in connection.execute(f'SELECT * FROM "{table}" ORDER BY rowid'):
        rows += 1
        for value in row:
            if isinstance(value, bytes):
                digest.update(b"%d:" % len(value))
                digest.update(value)
            else:
                digest.update(f"{value!r};".encode())
        digest.update(b"\n")
    return rows, digest.hexdigest()


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


# Files ------------------------------------------------------------------------------------------


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
    )


@contextmanager
def _opened(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(_connect(path, mode)) as connection:
        connection.text_factory = bytes
        yield connection


@contextmanager
def _usable(path: Path) -> Iterator[None]:
    if not path.is_file():
        raise BackupUnusable(f"there is no file {path}")
    try:
        yield
    except (sqlite3.Error, KeyError, ValueError, TypeError) as error:
        raise BackupUnusable(f"{path} is no backup of services84, or damaged: {error}") from error
