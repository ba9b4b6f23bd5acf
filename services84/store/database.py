"""Database: connections, transactions and the schema's version; what is in it is for the stores.

A transaction is short and never spans a wait for the network: on SQLite it is the only writer,
on PostgreSQL it may hold an account's row.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, Pool, text

from services84.errors import SchemaMismatch, StoreError, StoreUnavailable
from services84.store import schema
from services84.store.engines import (
    FLEETING,
    READING,
    WAIT_SECONDS,
    WRITING,
    make_engine,
    parse_url,
)
from services84.store.trouble import ADVICE, store_errors
from services84.store.turns import Gate, Turn

Clock = Callable[[], datetime]

FORK_PATIENCE = 5.0  # seconds that a fork waits for the transactions under way
_MIGRATION_LOCK = 0x5384_0001  # PostgreSQL's advisory locks are numbers; ours means "migrating"


def utc_now() -> datetime:
    """The time, aware, in UTC."""
    return datetime.now(UTC)


class Database:
    """One database, for all threads of a process; a forked child gets connections of its own.

    `url` is a SQLAlchemy URL of SQLite (a file) or PostgreSQL; `pool_size` the most connections;
    `clock` gives the time of rows' stamps. Raises ConfigurationError for a wrong `url`.
    """

    def __init__(self, url: str, *, pool_size: int = 40, clock: Clock = utc_now) -> None:
        self._url = parse_url(url)
        self._engine = make_engine(self._url, pool_size)
        self._kind = self._engine.dialect.name
        # One pool; made here, for options that are set at every use cost as much as a query.
        self._reading, self._writing, self._fleeting = (
            self._engine.execution_options(**how[self._kind])
            for how in (READING, WRITING, FLEETING)
        )
        self._begin_life()
        self.clock = clock
        _databases.add(self)

    def __repr__(self) -> str:
        return f"Database({self._url.render_as_string(hide_password=True)!r})"

    @property
    def product(self) -> str:
        """What kind of database it is, for people."""
        return {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[self._kind]

    @property
    def url(self) -> str:
        """The URL that opens this database again, with its password: not for people."""
        return self._url.render_as_string(hide_password=False)

    @property
    def name(self) -> str:
        """Its name; of SQLite the file's, without the folder: callers are told it."""
        name = self._url.database or ""
        return Path(name).name if self._kind == "sqlite" else name

    # Transactions --------------------------------------------------------------------------------

    @contextmanager
    def transaction(self, *, lasting: bool = True) -> Iterator[Connection]:
        """A transaction that writes: committed at the end, rolled back by any exception.

        With `lasting` it outlives a power cut from then on. Without, that may take it back where
        the database is a file, and it is over sooner: for what concerns living processes only.
        Raises StoreUnavailable, SchemaMismatch, StoreError. Transactions of a thread do not nest.
        """
        with (
            store_errors(),
            self._turn.taken() if self._turn else nullcontext(),
            self._connected(self._writing if lasting else self._fleeting) as connection,
        ):
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One snapshot for any number of reads; a write in it fails. Raises as `transaction`."""
        with store_errors(), self._connected(self._reading) as connection:
            yield connection

    @contextmanager
    def _connected(self, engine: Engine) -> Iterator[Connection]:
        if self._unusable:
            raise StoreUnavailable("this process was forked during a transaction; start it anew")
        with self._gate.passed() if self._gate else nullcontext(), engine.begin() as connection:
            yield connection

    # The schema ----------------------------------------------------------------------------------

    def migrate(self) -> None:
        """Bring the schema to this version, from nothing if need be; all of it or nothing.

        Processes that do it at the same time wait for each other. Raises SchemaMismatch for a
        database of a newer version, StoreUnavailable, StoreError.
        """
        if self._kind == "sqlite":
            self._make_file()
        with self.transaction() as connection:
            if self._kind == "postgresql":
                connection.execute(
                    text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK}
                )
                self._check_encoding(connection)
            current, known = schema.revision_of(connection), schema.known_revisions()
            if current is not None and current not in known:
                raise SchemaMismatch(_NEWER)
            schema.upgrade(connection)

    @property
    def revision(self) -> str | None:
        """The revision that the schema is at; None while there is none, or no database file."""
        if self._kind == "sqlite" and not Path(self._url.database or "").exists():
            return None
        with self.reading() as connection:
            return schema.revision_of(connection)

    def check_schema(self) -> None:
        """Raises SchemaMismatch, with advice, unless the schema is this version's."""
        current = self.revision
        if current is None:
            raise SchemaMismatch(
                f"there is no {self.product} database {self._url.database} yet; {ADVICE}"
            )
        if current not in schema.known_revisions():
            raise SchemaMismatch(_NEWER)
        if current != schema.head():
            raise SchemaMismatch(f"the database was made by an older version; {ADVICE}")

    def _make_file(self) -> None:
        """An empty file that only its owner can read: it will hold other people's mail."""
        path = Path(self._url.database or "")
        try:
            # Closing a descriptor of a file drops the process's locks on it (POSIX), so this
            # opens the file only when it made it, before anybody can have locked it.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            return
        except OSError as error:
            raise StoreUnavailable(f"cannot create {path}: {error.strerror}") from error

    @staticmethod
    def _check_encoding(connection: Connection) -> None:
        encoding = connection.execute(text("SHOW server_encoding")).scalar_one()
        if encoding != "UTF8":
            raise StoreError(f"the database's encoding is {encoding}; mail needs UTF8")

    # Life ----------------------------------------------------------------------------------------

    def close(self) -> None:
        """Close the idle connections; the object can be used again."""
        with store_errors():
            self._engine.dispose()

    def _begin_life(self) -> None:
        """What belongs to one process."""
        on_file = self._kind == "sqlite"
        self._turn = Turn(WAIT_SECONDS) if on_file else None
        self._gate = Gate(WAIT_SECONDS) if on_file else None
        self._unusable = False

    # Called by the process's hooks, below.

    def _before_fork(self) -> None:
        if self._gate is not None:
            self._unusable = not self._gate.shut(FORK_PATIENCE)
            if not self._unusable:
                self._engine.dispose()

    def _after_fork_in_parent(self) -> None:
        if self._gate is not None:
            self._unusable = False
            self._gate.open()

    def _after_fork_in_child(self) -> None:
        if self._unusable:
            return
        # Kept and never closed: closing PostgreSQL's would end the parent's sessions.
        _of_the_parent.append(self._engine.pool)
        self._engine.dispose(close=False)
        self._begin_life()


_NEWER = "the database was made by a newer version of services84; install that one"


_databases: weakref.WeakSet[Database] = weakref.WeakSet()
_of_the_parent: list[Pool] = []


def _for_all(method: Callable[[Database], None]) -> Callable[[], None]:
    def call() -> None:
        for database in list(_databases):
            method(database)

    return call


os.register_at_fork(
    before=_for_all(Database._before_fork),
    after_in_parent=_for_all(Database._after_fork_in_parent),
    after_in_child=_for_all(Database._after_fork_in_child),
)
