"""Transactions: whole or not at all, orderly among threads and processes, gone with kill -9."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text, update

from services84.errors import StoreError, StoreUnavailable
from services84.store import database as database_module
from services84.store.database import Database
from services84.store.tables import login_attempt
from tests.store.conftest import START

# Since Python 3.12; these tests fork on purpose, and the child only uses the database.
forks = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


def _add(database: Database, key: str, failures: int = 0) -> None:
    with database.transaction() as connection:
        connection.execute(insert(login_attempt).values(key=key, failures=failures, last=START))


def _failures(database: Database, key: str) -> int | None:
    with database.reading() as connection:
        query = select(login_attempt.c.failures).where(login_attempt.c.key == key)
        return connection.execute(query).scalar_one_or_none()


def _increment(database: Database, key: str) -> None:
    with database.transaction() as connection:
        query = select(login_attempt.c.failures).where(login_attempt.c.key == key)
        failures = connection.execute(query.with_for_update()).scalar_one()
        connection.execute(
            update(login_attempt).where(login_attempt.c.key == key).values(failures=failures + 1)
        )


def test_an_exception_leaves_nothing_behind(database: Database) -> None:
    def fail() -> None:
        with database.transaction() as connection:
            connection.execute(insert(login_attempt).values(key="a", failures=1, last=START))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert _failures(database, "a") is None


def test_a_snapshot_does_not_see_what_is_committed_meanwhile(database: Database) -> None:
    _add(database, "a")
    query = select(login_attempt.c.key)
    with database.reading() as connection:
        before = connection.execute(query).all()
        _add(database, "b")
        assert connection.execute(query).all() == before
    assert _failures(database, "b") == 0


def test_on_a_file_only_what_lasts_waits_for_the_disk(database: Database) -> None:
    if database.product != "SQLite":
        pytest.skip("PostgreSQL waits for every commit")
    waits = []
    for lasting in (True, False, True):
        with database.transaction(lasting=lasting) as connection:
            waits.append(connection.execute(text("PRAGMA synchronous")).scalar_one())
    assert waits == [2, 1, 2]  # FULL, NORMAL: sqlite.org/pragma.html#pragma_synchronous


def test_nothing_can_be_written_while_reading(database: Database) -> None:
    with pytest.raises(StoreError), database.reading() as connection:
        connection.execute(insert(login_attempt).values(key="a", failures=1, last=START))
    assert _failures(database, "a") is None
    _add(database, "a")  # the connection can write again afterwards


def test_refused_statements_say_neither_the_row_nor_the_statement(database: Database) -> None:
    _add(database, "geheim")
    with pytest.raises(StoreError) as refused:
        _add(database, "geheim")
    assert "geheim" not in str(refused.value)
    assert "INSERT" not in str(refused.value)


def test_a_hundred_threads_lose_no_update(database: Database) -> None:
    _add(database, "a")
    with ThreadPoolExecutor(100) as threads:
        for done in [threads.submit(_increment, database, "a") for _ in range(300)]:
            done.result()
    assert _failures(database, "a") == 300


def test_readers_do_not_wait_for_a_writer(database: Database) -> None:
    _add(database, "a")
    with database.transaction() as connection, ThreadPoolExecutor(1) as other:
        connection.execute(text("UPDATE login_attempt SET failures = 7"))
        assert other.submit(_failures, database, "a").result(timeout=5) == 0


def test_a_transaction_inside_a_transaction_is_noticed_at_once(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/a.sqlite3")
    database.migrate()
    with (
        database.transaction(),
        pytest.raises(RuntimeError, match="inside"),
        database.transaction(),
    ):
        pass
    _add(database, "a")
    database.close()


def _increment_many(url: str, times: int) -> None:
    database = Database(url)
    for _ in range(times):
        _increment(database, "a")
    database.close()


def test_several_processes_lose_no_update(database: Database) -> None:
    _add(database, "a")
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_increment_many, args=(database.url, 50)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert _failures(database, "a") == 150


@forks
def test_a_forked_child_and_its_parent_do_not_share_connections(database: Database) -> None:
    _add(database, "a")
    child = os.fork()
    if child == 0:  # no pytest in here, whatever happens
        try:
            for _ in range(20):
                _increment(database, "a")
            database.close()
        except BaseException:
            os._exit(1)
        os._exit(0)
    for _ in range(20):
        _increment(database, "a")
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert _failures(database, "a") == 40


def _fork_and_write(database: Database) -> str:
    """What a forked child says of its attempt to write."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _increment(database, "a")
            os.write(writing, b"done")
        except BaseException as error:
            os.write(writing, str(error).encode())
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        said = pipe.read().decode()
    os.waitpid(child, 0)
    return said


@forks
def test_a_fork_waits_for_the_transactions_of_other_threads(database: Database) -> None:
    _add(database, "a")
    inside, leave = threading.Event(), threading.Event()

    def write() -> None:
        with database.transaction():
            inside.set()
            leave.wait(10)

    writer = threading.Thread(target=write)
    writer.start()
    inside.wait(10)
    timer = threading.Timer(0.2, leave.set)
    timer.start()
    assert _fork_and_write(database) == "done"
    writer.join()
    timer.join()
    _increment(database, "a")
    assert _failures(database, "a") == 2


@forks
def test_a_child_forked_inside_a_transaction_refuses_rather_than_losing_data(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "FORK_PATIENCE", 0.1)
    _add(database, "a")
    with database.reading():
        said = _fork_and_write(database)
    # PostgreSQL's locks are the server's, and a new connection is all that it takes.
    assert said == "done" if database.product == "PostgreSQL" else "forked" in said
    _increment(database, "a")


def _commit_and_say_so(url: str, pipe: int) -> None:
    database = Database(url)
    for number in range(1_000_000):
        _add(database, f"key {number}")
        os.write(pipe, b".")


@forks
def test_what_was_committed_survives_kill_9(database: Database) -> None:
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    context = multiprocessing.get_context("fork")
    process = context.Process(target=_commit_and_say_so, args=(database.url, writing))
    process.start()
    said = 0
    while said < 20:
        said += len(os.read(reading, 1))
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join(30)
    os.close(writing)
    while chunk := os.read(reading, 4096):
        said += len(chunk)
    os.close(reading)
    with database.reading() as connection:
        keys = set(connection.scalars(select(login_attempt.c.key)))
    assert keys >= {f"key {number}" for number in range(said)}
    assert len(keys) <= said + 1  # the last one may not have been said


def test_a_lock_held_by_another_program_ends_in_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services84.store.engines.WAIT_SECONDS", 0.2)
    database = Database(f"sqlite:///{tmp_path}/a.sqlite3")
    database.migrate()
    other = sqlite3.connect(tmp_path / "a.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        _add(database, "a")
    other.execute("COMMIT")
    other.close()
    _add(database, "a")
    database.close()


def test_a_writer_that_takes_too_long_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "WAIT_SECONDS", 0.1)
    database = Database(f"sqlite:///{tmp_path}/a.sqlite3")
    database.migrate()
    with (
        database.transaction(),
        ThreadPoolExecutor(1) as other,
        pytest.raises(StoreUnavailable, match="busy"),
    ):
        other.submit(_add, database, "a").result()
    database.close()


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "a.sqlite3").write_bytes(b"this is not SQLite" * 100)
    database = Database(f"sqlite:///{tmp_path}/a.sqlite3")
    with pytest.raises(StoreUnavailable, match="not a database"):
        database.check_schema()
    database.close()


def test_connections_that_the_server_has_ended_are_replaced(database: Database) -> None:
    if database.product != "PostgreSQL":
        return
    _add(database, "a")
    other = Database(database.url)
    with other.transaction() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    other.close()
    assert _failures(database, "a") == 0
