"""From a database URL to a SQLAlchemy engine, with what each database needs to keep its promises.

SQLite and PostgreSQL differ here and in `database.py`, nowhere else.
"""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from services84.errors import ConfigurationError

WAIT_SECONDS = 30  # for a connection of the pool, a lock of SQLite or a row lock of PostgreSQL
_SETTING = "SERVICES84_DATABASE_URL"
_ALLOWED = "allowed: sqlite:///FILE or postgresql://USER:PASSWORD@HOST:PORT/NAME"

BEGIN = "services84_begin"  # execution option: how a transaction of SQLite begins


@dataclass(frozen=True)
class _Beginning:
    """What a connection has to be told, unless it knows, and the statement that begins."""

    pragmas: tuple[str, ...]
    statement: str


_WRITE_AT_ONCE = _Beginning(("PRAGMA query_only=0", "PRAGMA synchronous=FULL"), "BEGIN IMMEDIATE")
_WRITE_FOR_NOW = _Beginning(("PRAGMA query_only=0", "PRAGMA synchronous=NORMAL"), "BEGIN IMMEDIATE")
# Pages four times SQLite's own: mail is written in long runs, and a page costs two writes, to the
# log and from there, whatever its size. A file that exists already keeps what it has.
_PAGE_SIZE = 16384
_READ_ONLY = _Beginning(("PRAGMA query_only=1",), "BEGIN")
WRITING: dict[str, dict[str, Any]] = {
    # Deferred transactions that read first and write later fail at once when another writer was
    # faster, without waiting; a writer therefore takes the lock first.
    "sqlite": {BEGIN: _WRITE_AT_ONCE},
    "postgresql": {},
}
# Without waiting for the disk; the next commit that does takes these with it. On PostgreSQL they
# wait: after its server's crash, processes that live on would go by what it has forgotten.
FLEETING: dict[str, dict[str, Any]] = {"sqlite": {BEGIN: _WRITE_FOR_NOW}, "postgresql": {}}
READING: dict[str, dict[str, Any]] = {
    "sqlite": {BEGIN: _READ_ONLY},
    # one snapshot for all statements, as SQLite gives it
    "postgresql": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
}


def parse_url(url: str) -> URL:
    """The URL with the driver that is used; a SQLite file's path made absolute.

    Raises ConfigurationError, which never shows the URL's password.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # Not chained: the parser's message may quote a piece of the password.
        raise ConfigurationError(f"{_SETTING}: no database URL; {_ALLOWED}") from None
    # Without what follows a question mark, where drivers take a password as well.
    shown = parsed.set(query={}).render_as_string(hide_password=True)
    if parsed.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise ConfigurationError(f"{_SETTING}={shown}: no such kind of database; {_ALLOWED}")
    if not parsed.database or parsed.database == ":memory:" or parsed.query:
        # In memory every connection would have a database of its own.
        raise ConfigurationError(f"{_SETTING}={shown}: names no SQLite file; {_ALLOWED}")
    return parsed.set(drivername="sqlite", database=str(Path(parsed.database).absolute()))


def make_engine(url: URL, pool_size: int) -> Engine:
    """An engine of at most `pool_size` connections; connects to nothing yet."""
    common: dict[str, Any] = {
        "poolclass": QueuePool,
        "pool_use_lifo": True,  # whoever was used last has its statements and pages at hand
        "pool_size": pool_size,
        "max_overflow": 0,
        "pool_timeout": WAIT_SECONDS,
        "hide_parameters": True,  # they hold mail, hashes and sealed secrets
    }
    return _sqlite(url, common) if url.drivername == "sqlite" else _postgresql(url, common)


# SQLite -----------------------------------------------------------------------------------------


def _sqlite(url: URL, common: dict[str, Any]) -> Engine:
    path = quote(url.database or "")

    def connect() -> sqlite3.Connection:
        # mode=rw: only a migration makes the file, so that a mistyped path is noticed.
        connection = sqlite3.connect(
            f"file:{path}?mode=rw",
            uri=True,
            timeout=WAIT_SECONDS,
            isolation_level=None,  # transactions begin where we say, not before the first INSERT
            check_same_thread=False,  # the pool hands a connection to one thread at a time
            cached_statements=256,
        )
        try:
            _prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    engine = create_engine("sqlite://", creator=connect, **common)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: sqlite3.Connection) -> None:
    """WAL: readers never wait for the writer. synchronous=FULL: a commit is on the disk before
    the caller hears of it, as on PostgreSQL; NORMAL survives kill -9 as well, but a power cut
    can take back the last commits, among them an account somebody was told is saved. So NORMAL
    is for what the power cut ends anyway: which process holds what (`FLEETING`).

    While the log is written back, after every 2,000 pages (32 MB), nobody commits: about as long as
    the messages last that a first sync has fetched ahead. Seldom is better than often, for a page
    that was written several times meanwhile goes back once."""
    connection.execute(f"PRAGMA page_size={_PAGE_SIZE}")
    _use_wal(connection)
    for pragma in (
        "synchronous=FULL",
        "foreign_keys=ON",
        "temp_store=MEMORY",
        "cache_size=-8000",  # 8 MB: twice what one batch of mail fills
        "journal_size_limit=67108864",
        "wal_autocheckpoint=2000",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _use_wal(connection: sqlite3.Connection) -> None:
    """The mode stays in the file, so this switches once; SQLite does not wait while it does."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
                return
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _begin(connection: Connection) -> None:
    """Straight to the driver: as statements of SQLAlchemy these took longer than a small query."""
    wanted = connection.get_execution_options().get(BEGIN, _WRITE_AT_ONCE)
    driver: Any = connection.connection.driver_connection
    told = connection.info
    if told.get(BEGIN) is not wanted:
        told.pop(BEGIN, None)
        for pragma in wanted.pragmas:
            driver.execute(pragma)
        told[BEGIN] = wanted
    driver.execute(wanted.statement)


# PostgreSQL -------------------------------------------------------------------------------------


def _postgresql(url: URL, common: dict[str, Any]) -> Engine:
    given = url.query.get("options", "")
    ours = {
        "timezone": "UTC",
        "lock_timeout": f"{WAIT_SECONDS}s",
        # A process that lost the network inside a transaction would keep its account for ever.
        "idle_in_transaction_session_timeout": "60s",
    }
    options = [given if isinstance(given, str) else " ".join(given)]
    options += [f"-c {name}={value}" for name, value in ours.items()]
    try:
        return create_engine(
            url,
            pool_pre_ping=True,  # the server may have been restarted since the last use
            connect_args={
                "connect_timeout": 10,
                "client_encoding": "utf8",
                "application_name": "services84",
                "options": " ".join(filter(None, options)),
            },
            **common,
        )
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"{_SETTING}: PostgreSQL needs the package psycopg; install services84[postgresql]"
        ) from error
