"""`services84 backup` and `restore`: what they say, what they refuse, and the key beside them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from services84.application import now
from services84.security.vault import Vault
from services84.settings import read_settings
from services84.store.accounts import AccountStore
from services84.store.database import Database
from services84.store.principals import PrincipalStore
from services84.store.service_leases import ServiceLeases
from services84.store.values import AccountDraft, ServiceAuth
from tests.cli.conftest import Run

SECRET = "geheim-4711"


@pytest.fixture
def backed_up(installed: Run, installation: Path) -> Path:
    """An installation with an account, and its backup."""
    database = Database(read_settings().database_url)
    anna = PrincipalStore(database).add_associate("anna", "hash")
    vault = Vault.load(read_settings().key_file)
    auth = ServiceAuth(0, "imap.example.com", 993, "Password", "anna", SECRET)
    AccountStore(database, vault).save(AccountDraft(0, "a@e.com", anna.associate_id, auth, None))
    database.close()
    done = installed("backup", "b.backup")
    assert done.exit_code == 0, done.stderr
    return installation / "b.backup"


def test_a_backup_says_what_it_holds_and_that_the_key_is_not_in_it(
    backed_up: Path, run: Run, installation: Path
) -> None:
    done = run("backup", "again.backup")
    first, second = done.stdout.splitlines()
    assert first.startswith("again.backup: 1 accounts, 0 messages, as of ")
    assert "the key is not in it" in second
    assert str(installation / "cli.key") in second
    key = (installation / "cli.key").read_text().split()[-1].encode()
    content = backed_up.read_bytes()
    assert key not in content
    assert SECRET.encode() not in content


def test_a_backup_replaces_no_file_without_a_word(backed_up: Path, run: Run) -> None:
    before = backed_up.read_bytes()
    done = run("backup", "b.backup")
    assert done.exit_code == 1
    assert "--force" in done.stderr
    assert backed_up.read_bytes() == before
    assert run("backup", "--force", "b.backup").exit_code == 0


def test_a_lost_database_comes_back(backed_up: Path, run: Run, installation: Path) -> None:
    (installation / "cli.sqlite3").unlink()
    for left in installation.glob("cli.sqlite3-*"):
        left.unlink()
    done = run("restore", "b.backup")
    assert done.exit_code == 0, done.stderr
    assert "1 accounts, 0 messages" in done.stdout
    assert run("keys", "verify").exit_code == 0
    assert "a@e.com" in run("status").stdout


def test_without_its_key_the_passwords_are_said_to_be_lost(
    backed_up: Path, run: Run, installation: Path
) -> None:
    (installation / "cli.key").rename(installation / "safe.key")
    done = run("restore", "--force", "b.backup")
    assert done.exit_code == 1
    assert "1 mail password cannot be opened" in done.stderr
    (installation / "safe.key").rename(installation / "cli.key")
    assert run("keys", "verify").exit_code == 0


def test_what_is_there_is_not_replaced_without_a_word(backed_up: Path, run: Run) -> None:
    done = run("restore", "b.backup")
    assert done.exit_code == 1
    assert "is not empty; --force" in done.stderr
    assert run("restore", "--force", "b.backup").exit_code == 0


def test_a_running_service_is_not_restored_under(backed_up: Path, run: Run) -> None:
    database = Database(read_settings().database_url)
    leases = ServiceLeases(database)
    leases.hold("scheduler", "host:1:abcd", now(), 60)
    done = run("restore", "--force", "b.backup")
    assert done.exit_code == 1
    assert "the service is running (host:1:abcd)" in done.stderr
    leases.hold("scheduler", "host:1:abcd", now() - timedelta(days=1), 60)
    database.close()
    assert run("restore", "--force", "b.backup").exit_code == 0


def test_verifying_changes_nothing(backed_up: Path, run: Run, installation: Path) -> None:
    before = sorted(path.name for path in installation.iterdir())
    done = run("restore", "--verify", "b.backup")
    assert done.exit_code == 0
    assert "undamaged" in done.stdout
    assert sorted(path.name for path in installation.iterdir()) == before
    backed_up.write_bytes(backed_up.read_bytes()[:5000])
    damaged = run("restore", "--verify", "b.backup")
    assert damaged.exit_code == 1
    assert "damaged" in damaged.stderr
