"""`services84 check`: a report for people, and an exit code for programs."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from services84.security.vault import Vault
from services84.settings import read_settings
from services84.store.accounts import AccountStore
from services84.store.database import Database
from services84.store.principals import PrincipalStore
from services84.store.values import AccountDraft, ServiceAuth
from tests.cli.conftest import Run


def _account(key_file: Path) -> Database:
    database = Database(read_settings().database_url)
    anna = PrincipalStore(database).add_associate("anna", "hash")
    auth = ServiceAuth(0, "imap.example.com", 993, "Password", "anna", "geheim-4711")
    draft = AccountDraft(0, "a@example.com", anna.associate_id, auth, None)
    AccountStore(database, Vault.load(key_file)).save(draft)
    return database


def test_what_is_right_is_said_to_be(installed: Run, installation: Path) -> None:
    _account(installation / "cli.key").close()
    done = installed("check", "--mail")
    assert done.exit_code == 0, done.output
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [line[:2] for line in lines[1:-1]] == [
        [name, "ok"]
        for name in (
            *("database", "references", "messages", "counts", "cursors", "accounts", "mail"),
            "secrets",
        )
    ]
    assert lines[-1] == ["nothing", "is", "wrong"]


def test_what_is_wrong_is_named(installed: Run, installation: Path) -> None:
    Vault.create_key_file(installation / "stranger.key")
    database = _account(installation / "stranger.key")
    with database.transaction() as connection:
        connection.execute(text("UPDATE email_account SET account_status = 77"))
    database.close()
    done = installed("check")
    assert done.exit_code == 1
    assert "accounts: account 1 has the unknown state 77" in done.stderr
    assert (
        "secrets: a@example.com: the secret in service_auth 1, password, was sealed" in done.stderr
    )
    assert "geheim-4711" not in done.output


def test_without_an_installation_it_says_what_to_do(run: Run) -> None:
    done = run("check")
    assert done.exit_code == 2
    assert "services84 init" in done.stderr
