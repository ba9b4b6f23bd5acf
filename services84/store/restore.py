"""Restoring: the rows of a backup in the place of all that a database holds, or none of them.

The database may be of the other kind than the one that was backed up. Everything happens in one
transaction of the target: processes that use it meet the old rows until the new ones are complete.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection

from services84.errors import BackupUnusable, NotEmpty
from services84.store import copying, schema
from services84.store.backup_file import BackupFacts, engine_of, verify
from services84.store.database import Database
from services84.store.trouble import store_errors


def restore(database: Database, path: Path, *, replace: bool = False) -> BackupFacts:
    """Verify a backup, and put what it holds in the place of everything in the database, which
    is made if it is not there.

    Ids that were given since the backup are not given again. Raises BackupUnusable, NotEmpty when
    the database holds anything, unless `replace`; SchemaMismatch, StoreError. After any of them
    the rows are as they were.
    """
    facts = verify(path)
    if database.revision is None:
        database.migrate()
    database.check_schema()
    with (
        _at_this_schema(path, facts) as file,
        engine_of(file) as engine,
        store_errors(),
        engine.connect() as source,
        database.transaction() as target,
    ):
        if not replace and copying.has_rows(target):
            raise NotEmpty(
                f"the {database.product} database {database.name} is not empty; "
                "--force replaces all that it holds"
            )
        _replace_all(source, target, facts)
    return facts


def _replace_all(source: Connection, target: Connection, facts: BackupFacts) -> None:
    copying.empty_all(target)
    for table in copying.kept_tables():
        for rows in copying.read_batches(source, table):
            copying.write(target, table, rows)
        wanted = facts.rows.get(table.name)
        if wanted is not None and copying.count(target, table) != wanted:
            raise BackupUnusable(f"table {table.name} did not come over whole; nothing was changed")
    copying.raise_counters(target, copying.read_counters(source))


@contextmanager
def _at_this_schema(path: Path, facts: BackupFacts) -> Iterator[Path]:
    """The file itself, or an upgraded copy of it for the time being."""
    if facts.revision == schema.head():
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="services84-restore-") as folder:
        copy = Path(folder) / "upgraded.sqlite3"
        shutil.copyfile(path, copy)
        upgraded = Database(f"sqlite:///{copy}", pool_size=2)
        try:
            upgraded.migrate()
        finally:
            upgraded.close()
        yield copy
