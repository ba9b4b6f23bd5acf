"""A restore that is killed at random moments: the old rows or the new ones, never a mixture.

RESTORE_KILLS=n kills n times instead of a few; SOAK_SEED repeats a run's random choices.
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update

from services84.errors import SchemaMismatch
from services84.security.vault import Vault
from services84.store import checking, copying
from services84.store.accounts import AccountStore
from services84.store.backup import back_up
from services84.store.database import Database
from services84.store.sealed import SealedSecrets
from services84.store.tables import email_item
from services84.store.values import Cursor, FolderBatch, ItemFlag, NewItem
from tests.store.conftest import Stores, draft
from tests.support.restorations import Restorations

KILLS = int(os.environ.get("RESTORE_KILLS") or 12)
SEED = os.environ.get("SOAK_SEED") or str(random.SystemRandom().randrange(2**32))
MESSAGES = 400


def fill(stores: Stores, vault: Vault) -> None:
    """An account with a sealed password, and so many messages that restoring takes its time."""
    account = AccountStore(stores.database, vault).save(draft(stores.associate("anna")))
    lease = stores.lease(account)
    folder = stores.folder(lease)
    items = [
        NewItem(
            uid=uid,
            flags=ItemFlag(0),
            keywords="",
            internal_date=None,
            size=9,
            source=b"Subject: x\r\n\r\n" + os.urandom(2000),
            message_id=f"<{uid}@example.com>",
            subject="first",
            attachments=[],
        )
        for uid in range(1, MESSAGES + 1)
    ]
    batch = FolderBatch(uid_validity=7, added=items, cursor=Cursor(7, MESSAGES + 1, 9, True))
    stores.folders.apply(lease, folder.folder_id, batch)


def rows(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that is kept, as another process meets it."""
    database = Database(url)
    try:
        with database.reading() as connection:
            return {
                table.name: [
                    tuple(row)
                    for row in connection.execute(select(table).order_by(*table.primary_key))
                ]
                for table in copying.kept_tables()
            }
    finally:
        database.close()


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    Vault.create_key_file(path)
    return path


@pytest.fixture
def backups(stores: Stores, key_file: Path, tmp_path: Path) -> list[Path]:
    """Two backups of the database; it holds what the second does."""
    fill(stores, Vault.load(key_file))
    back_up(stores.database, tmp_path / "first")
    with stores.database.transaction() as connection:
        connection.execute(update(email_item).values(subject="second"))
    stores.associate("bob")
    back_up(stores.database, tmp_path / "second")
    return [tmp_path / "first", tmp_path / "second"]


def holds_together(url: str, key_file: Path) -> None:
    database = Database(url)
    try:
        found = list(checking.check(database, mail=True))
        assert not [problem for each in found for problem in each.problems]
        report = SealedSecrets(database, Vault.load(key_file)).report()
    finally:
        database.close()
    assert (report.sealed, report.unreadable) == (1, ())


def test_a_killed_restore_leaves_the_old_rows_or_the_new_ones(
    database_url: str, backups: list[Path], key_file: Path
) -> None:
    draw = random.Random(SEED)
    outcomes = {"old": 0, "new": 0}
    with Restorations(database_url, key_file) as process:
        _, took = process.restore(backups[0])
        states = {backups[0]: rows(database_url)}
        code, again = process.restore(backups[1])
        assert code == 0
        states[backups[1]] = rows(database_url)
        assert states[backups[0]] != states[backups[1]]
        here, there = backups[1], backups[0]
        for _ in range(KILLS):
            # Up to the shorter of the two: most of them die in the work.
            code, _ = process.restore(there, draw.uniform(0, min(took, again)))
            assert code in (0, -9), f"seed {SEED}"
            seen = rows(database_url)
            assert seen in (states[here], states[there]), f"a mixture; seed {SEED}"
            if code == 0:
                assert seen == states[there], f"said to be done, and is not; seed {SEED}"
            outcomes["new" if seen == states[there] else "old"] += 1
            if seen == states[there]:
                here, there = there, here
        holds_together(database_url, key_file)
        # Nothing that a killed one has left hinders the next.
        assert process.restore(there)[0] == 0
    assert rows(database_url) == states[there]
    holds_together(database_url, key_file)
    assert outcomes["old"] > 0, outcomes


def test_a_restore_into_nothing_that_is_killed_can_be_run_again(
    database_url: str, backups: list[Path], key_file: Path
) -> None:
    """Without tables nothing serves, and says what to do; with them it is empty or complete."""
    draw = random.Random(SEED)
    with Restorations(database_url, key_file) as process:
        _, took = process.restore(backups[0])
        complete = rows(database_url)
        met = set()
        for _ in range(max(4, KILLS // 3)):
            nothing(database_url)
            process.restore(backups[0], draw.uniform(0, took))
            met.add(state(database_url, complete))
            assert process.restore(backups[0])[0] == 0
            assert rows(database_url) == complete
    assert met <= {"no tables", "empty", "complete"}, f"{met}; seed {SEED}"


def nothing(url: str) -> None:
    """A database as it is before `services84 init`."""
    database = Database(url)
    if database.product == "SQLite":
        database.close()
        path = Path(url.removeprefix("sqlite:///"))
        for file in path.parent.glob(f"{path.name}*"):
            file.unlink()
        return
    with database.transaction() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    database.close()


def state(url: str, complete: dict[str, list[tuple[Any, ...]]]) -> str:
    database = Database(url)
    try:
        if database.revision is None:
            with pytest.raises(SchemaMismatch, match="services84 init"):
                database.check_schema()
            return "no tables"
        database.check_schema()
    finally:
        database.close()
    seen = rows(url)
    if not any(seen.values()):
        return "empty"
    return "complete" if seen == complete else "a mixture"
