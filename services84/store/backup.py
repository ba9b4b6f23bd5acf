"""Backups: a database as it is at one moment, into a file, while everybody goes on writing.

On SQLite `VACUUM INTO` copies within one read transaction; on PostgreSQL all rows are read in one
REPEATABLE READ snapshot. The form of the file: `backup_file`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services84.errors import BackupUnusable
from services84.store import copying
from services84.store.backup_file import BackupFacts, seal
from services84.store.database import Database
from services84.store.engines import WAIT_SECONDS, parse_url
from services84.store.trouble import store_errors


def back_up(database: Database, path: Path, *, replace: bool = False) -> BackupFacts:
    """Write a backup to `path`; it is there whole, on the disk, or not at all.

    Raises BackupUnusable when there is a file already, unless `replace`, or when it cannot be
    written; SchemaMismatch, StoreError.
    """
    database.check_schema()
    path = path.absolute()
    if not replace:
        _refuse_existing(path)
    with _draft(path) as draft:
        if database.product == "SQLite":
            _copy_file(database, draft)
        else:
            _copy_rows(database, draft)
        facts = seal(draft, database.clock())
        _save(draft)
        if not replace:
            _refuse_existing(path)
        os.replace(draft, path)
        _save(path.parent)
    return facts


def _copy_file(database: Database, draft: Path) -> None:
    source = parse_url(database.url).database or ""
    with (
        store_errors(),
        contextlib.closing(
            sqlite3.connect(source, timeout=WAIT_SECONDS, isolation_level=None)
        ) as connection,
    ):
        connection.execute("VACUUM INTO ?", (str(draft),))


def _copy_rows(database: Database, draft: Path) -> None:
    target = Database(f"sqlite:///{draft}", pool_size=2, clock=database.clock)
    try:
        target.migrate()
        with database.reading() as source:
            with target.transaction(lasting=False) as connection:
                copying.empty_all(connection)
            for table in copying.kept_tables():
                for rows in copying.read_batches(source, table):
                    # Many small transactions: nobody reads the file before it is complete.
                    with target.transaction(lasting=False) as connection:
                        copying.write(connection, table, rows)
            with target.transaction(lasting=False) as connection:
                copying.raise_counters(connection, copying.read_counters(source))
    finally:
        target.close()


# The file ---------------------------------------------------------------------------------------


@contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """An empty file beside `path`, this process's alone and gone at the end; what a killed one
    has left of it is used again."""
    draft = path.with_name(f".{path.name}.part")
    with _file_errors(path):
        descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BackupUnusable(f"another process is writing a backup to {path}") from error
        try:
            os.truncate(descriptor, 0)
            for extra in ("-wal", "-shm", "-journal"):
                draft.with_name(draft.name + extra).unlink(missing_ok=True)
            with _file_errors(path):
                yield draft
        finally:
            for name in ("", "-wal", "-shm", "-journal"):
                draft.with_name(draft.name + name).unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def _refuse_existing(path: Path) -> None:
    if os.path.lexists(path):
        raise BackupUnusable(f"there is a file {path} already; --force replaces it")


def _save(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _file_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BackupUnusable(f"cannot write {path}: {error.strerror}") from error
