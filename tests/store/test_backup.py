"""Backups: whole, of one moment, noticed when damaged, and back in either kind of database."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from services84.errors import BackupUnusable, NotEmpty, StoreError
from services84.store import backup as backup_module
from services84.store import copying, restore
from services84.store.backup import back_up
from services84.store.backup_file import read_facts, verify
from services84.store.database import Database
from services84.store.tables import associate, credentials, email_item, metadata
from services84.store.values import Cursor, FolderBatch, ItemFlag, NewAttachment, NewItem
from tests.store.conftest import Stores
from tests.support.server import ROOT, environment


def _item(uid: int) -> NewItem:
    return NewItem(
        uid=uid,
        flags=ItemFlag.SEEN if uid % 2 else ItemFlag(0),
        keywords="$Forwarded",
        internal_date=None,
        size=9,
        source=b"Subject: \xff\x00" + bytes(range(256)),
        message_id=f"<{uid}@example.com>",
        subject="Grüße 😀 of " + "x" * uid,
        attachments=[NewAttachment("1", "", "a.txt", "text/plain", 3, "7bit", False)],
    )


def _fill(stores: Stores, accounts: int = 2, messages: int = 20) -> None:
    for _ in range(accounts):
        account = stores.account()
        lease = stores.lease(account)
        folder = stores.folder(lease)
        stores.folders.apply(
            lease,
            folder.folder_id,
            FolderBatch(
                uid_validity=7,
                added=[_item(uid) for uid in range(1, messages + 1)],
                cursor=Cursor(7, messages + 1, 99, True),
            ),
        )


def _rows(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that is kept, by table."""
    with database.reading() as connection:
        return {
            table.name: [
                tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))
            ]
            for table in copying.kept_tables()
        }


@pytest.fixture
def filled(stores: Stores) -> Stores:
    _fill(stores)
    anna = stores.associate("anna")
    with stores.database.transaction() as connection:
        connection.execute(
            credentials.insert().values(
                ticket_hash="hash",
                associate_id=anna.associate_id,
                created=stores.now,
                last_used=stores.now,
                expires=stores.now,
            )
        )
    return stores


@pytest.fixture(params=["sqlite", "postgresql"])
def other(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database of either kind, to restore into."""
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path / 'other.sqlite3'}")
        yield database
        database.close()
        return
    server = request.getfixturevalue("postgresql")
    name = server.create()
    database = Database(server.url(name))
    yield database
    database.close()
    server.drop(name)


def test_everything_comes_back_in_either_kind(
    filled: Stores, other: Database, tmp_path: Path
) -> None:
    facts = back_up(filled.database, tmp_path / "b")
    assert (facts.accounts, facts.messages) == (2, 40)
    assert restore.restore(other, tmp_path / "b") == facts
    assert _rows(other) == _rows(filled.database)
    with other.reading() as connection:
        assert connection.execute(select(credentials)).all() == []


def test_ids_go_on_where_they_were(filled: Stores, other: Database, tmp_path: Path) -> None:
    last = filled.associate("gone")
    with filled.database.transaction() as connection:
        connection.execute(associate.delete().where(associate.c.associate_id == last.associate_id))
    back_up(filled.database, tmp_path / "b")
    restore.restore(other, tmp_path / "b")
    filled.principals.__init__(other)  # type: ignore[misc]
    assert filled.associate("next").associate_id == last.associate_id + 1


def test_ids_that_the_target_gave_are_not_given_again(filled: Stores, tmp_path: Path) -> None:
    back_up(filled.database, tmp_path / "b")
    last = filled.associate("since the backup")
    restore.restore(filled.database, tmp_path / "b", replace=True)
    assert filled.associate("next").associate_id == last.associate_id + 1


def test_a_backup_is_of_one_moment_while_others_write(filled: Stores, tmp_path: Path) -> None:
    """Two rows are always changed together; a backup never has one of two changes."""
    stop, errors = threading.Event(), list[BaseException]()

    def write_on() -> None:
        number = 0
        try:
            while not stop.is_set():
                number += 1
                with filled.database.transaction() as connection:
                    connection.execute(update(email_item).values(keywords=str(number)))
                    connection.execute(update(associate).values(full_name=str(number)))
        except BaseException as error:
            errors.append(error)

    with filled.database.transaction() as connection:
        connection.execute(update(email_item).values(keywords="0"))
        connection.execute(update(associate).values(full_name="0"))
    writer = threading.Thread(target=write_on)
    writer.start()
    seen = set()
    try:
        for number in range(6):
            path = tmp_path / f"b{number}"
            back_up(filled.database, path)
            with sqlite3.connect(path) as connection:
                words = {row[0] for row in connection.execute("SELECT keywords FROM email_item")}
                names = {row[0] for row in connection.execute("SELECT full_name FROM associate")}
            connection.close()
            assert words == names
            assert len(words) == 1
            seen |= words
    finally:
        stop.set()
        writer.join(60)
    assert errors == []
    assert len(seen) > 1, "nobody wrote meanwhile"


def test_a_file_that_is_there_is_left_alone(filled: Stores, tmp_path: Path) -> None:
    path = tmp_path / "b"
    path.write_text("precious")
    with pytest.raises(BackupUnusable, match="there is a file"):
        back_up(filled.database, path)
    assert path.read_text() == "precious"
    back_up(filled.database, path, replace=True)
    assert verify(path).messages == 40
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.glob("*b*") if p.name.lstrip(".").startswith("b")] == ["b"]


def test_a_backup_that_fails_leaves_nothing(
    filled: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    folder = tmp_path / "backups"
    folder.mkdir()
    monkeypatch.setattr(backup_module, "seal", full)
    with pytest.raises(BackupUnusable, match="No space left"):
        back_up(filled.database, folder / "b")
    assert list(folder.iterdir()) == []
    with pytest.raises(BackupUnusable, match="cannot write"):
        back_up(filled.database, tmp_path / "nowhere" / "b")


def test_two_do_not_write_one_file(filled: Stores, tmp_path: Path) -> None:
    with (
        backup_module._draft(tmp_path / "b"),
        pytest.raises(BackupUnusable, match="another process"),
    ):
        back_up(filled.database, tmp_path / "b")
    back_up(filled.database, tmp_path / "b")


_SLOWLY = """
import os, sys, time
from pathlib import Path
from services84.store import backup
from services84.store.database import Database

def seal(*arguments):
    print("sealing", flush=True)
    time.sleep(60)

backup.seal = seal
backup.back_up(Database(sys.argv[1]), Path(sys.argv[2]))
"""


def test_a_killed_backup_leaves_no_file_and_hinders_no_other(
    filled: Stores, database_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "b"
    process = subprocess.Popen(
        [sys.executable, "-c", _SLOWLY, database_url, str(path)],
        cwd=ROOT,
        env=environment({}),
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"sealing\n"
        process.send_signal(signal.SIGKILL)
    assert not path.exists()
    assert verify_after(filled, path) == 40


def verify_after(stores: Stores, path: Path) -> int:
    back_up(stores.database, path)
    assert not list(path.parent.glob(".b*"))
    return verify(path).messages


# Restoring --------------------------------------------------------------------------------------


def test_what_holds_something_is_not_replaced_without_a_word(
    filled: Stores, tmp_path: Path
) -> None:
    back_up(filled.database, tmp_path / "b")
    filled.associate("since")
    before = _rows(filled.database)
    with pytest.raises(NotEmpty, match="--force"):
        restore.restore(filled.database, tmp_path / "b")
    assert _rows(filled.database) == before
    restore.restore(filled.database, tmp_path / "b", replace=True)
    assert len(_rows(filled.database)["associate"]) == len(before["associate"]) - 1


def test_a_restore_that_fails_in_the_middle_changes_nothing(
    filled: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(filled.database, tmp_path / "b")
    filled.associate("since")
    before = _rows(filled.database)
    original, tables = copying.write, []

    def breaks(target: Any, table: Any, rows: Any) -> None:
        tables.append(table.name)
        if table is email_item:
            raise sqlite3.OperationalError("database or disk is full")
        original(target, table, rows)

    monkeypatch.setattr(copying, "write", breaks)
    with pytest.raises(StoreError):
        restore.restore(filled.database, tmp_path / "b", replace=True)
    assert "email_account" in tables
    assert _rows(filled.database) == before


def test_readers_meet_the_old_rows_or_the_new_ones(filled: Stores, tmp_path: Path) -> None:
    back_up(filled.database, tmp_path / "b")
    with filled.database.transaction() as connection:
        connection.execute(update(email_item).values(subject="old"))
    stop, seen, errors = threading.Event(), set[tuple[int, int]](), list[BaseException]()
    reading = Database(filled.database.url)

    def read_on() -> None:
        try:
            while not stop.is_set():
                with reading.reading() as connection:
                    rows = connection.execute(select(email_item.c.subject)).scalars().all()
                seen.add((len(rows), rows.count("old")))
        except BaseException as error:
            errors.append(error)

    reader = threading.Thread(target=read_on)
    reader.start()
    try:
        restore.restore(filled.database, tmp_path / "b", replace=True)
        deadline = time.monotonic() + 30
        while (40, 0) not in seen and not errors and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        stop.set()
        reader.join(60)
        reading.close()
    assert errors == []
    assert (40, 0) in seen
    assert seen <= {(40, 40), (40, 0)}


# Damage -----------------------------------------------------------------------------------------

Damage = Callable[[Path], None]


def _sql(statement: str) -> Damage:
    def damage(path: Path) -> None:
        connection = sqlite3.connect(path)
        connection.execute(statement)
        connection.commit()
        connection.close()

    return damage


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _flip(path: Path) -> None:
    """One letter of one subject."""
    data = path.read_bytes()
    place = data.rindex(b"of xxx")
    path.write_bytes(data[:place] + b"oF" + data[place + 2 :])


DAMAGES: dict[str, Damage] = {
    "cut": _cut,
    "a letter": _flip,
    "a row less": _sql("DELETE FROM email_attachment WHERE email_attachment_id = 1"),
    "a row more": _sql("INSERT INTO folder_visit VALUES (1, 'p', 1, 1, '2026-01-01 00:00:00')"),
    "a value": _sql("UPDATE associate SET is_admin = 1"),
    "a password": _sql("UPDATE service_auth SET password = 'v1:x:y'"),
    "a counter": _sql("UPDATE sqlite_sequence SET seq = 1"),
    "another table": _sql("CREATE TABLE stray (x INTEGER)"),
    "a table less": _sql("DROP TABLE email_problem"),
    "no seal": _sql("DROP TABLE services84_backup"),
    "another form": _sql("UPDATE services84_backup SET value = '2' WHERE name = 'format'"),
    "another revision": _sql("UPDATE alembic_version SET version_num = '9999'"),
    "no mark": _sql("PRAGMA application_id=0"),
    "no database": lambda path: path.write_bytes(b"x" * 5000),
    "empty": lambda path: path.write_bytes(b""),
    "gone": lambda path: path.unlink(),
}


@pytest.fixture(scope="module")
def good_backup(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Path:
    folder = tmp_path_factory.mktemp("backup")
    shutil.copy(sqlite_template, folder / "full.sqlite3")
    database = Database(f"sqlite:///{folder / 'full.sqlite3'}")
    from tests.store.conftest import stores as fixture

    made = fixture.__wrapped__(database)  # type: ignore[attr-defined]
    _fill(made)
    back_up(database, folder / "b")
    database.close()
    return folder / "b"


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_refused_before_anything_changes(
    good_backup: Path, tmp_path: Path, damage: str
) -> None:
    path = tmp_path / "b"
    shutil.copy(good_backup, path)
    verify(path)
    DAMAGES[damage](path)
    target = Database(f"sqlite:///{tmp_path / 'target.sqlite3'}")
    with pytest.raises(BackupUnusable, match=str(path)):
        restore.restore(target, path)
    assert not (tmp_path / "target.sqlite3").exists()


def test_an_ordinary_database_is_no_backup(sqlite_template: Path) -> None:
    with pytest.raises(BackupUnusable, match="is no backup"):
        read_facts(sqlite_template)


def test_all_tables_are_kept_or_known_to_be_transient() -> None:
    """A new table is kept unless somebody has thought about it."""
    assert set(copying.TRANSIENT) <= set(metadata.tables)
    assert not {"email_item", "service_auth", "associate"} & set(copying.TRANSIENT)
