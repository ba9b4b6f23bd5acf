"""`services84 init`, and how commands behave before it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from services84.application import Application
from services84.security.vault import Vault
from services84.settings import Settings, read_settings
from services84.store.database import Database
from tests.cli.conftest import Run


@pytest.mark.parametrize(
    "command",
    [
        ["status"],
        ["sync", "--all"],
        ["serve"],
        ["account", "add", "a@b.c", "--associate", "x", "--imap", "h:1", "--username", "u"],
    ],
)
def test_without_a_key_commands_say_what_to_do(run: Run, command: list[str]) -> None:
    result = run(*command)
    assert result.exit_code == 2
    assert "key" in result.stderr
    assert "services84 init" in result.stderr
    assert "Traceback" not in result.stderr


def test_without_a_database_commands_say_what_to_do(run: Run, installation: Path) -> None:
    run("init")
    for file in installation.glob("cli.sqlite3*"):
        file.unlink()
    for command in (["status"], ["serve"], ["application", "add", "crm"]):
        result = run(*command)
        assert result.exit_code == 2
        assert "services84 init" in result.stderr
        assert not list(installation.glob("cli.sqlite3*"))


def test_a_key_that_others_can_read_is_refused(run: Run, installation: Path) -> None:
    run("init")
    (installation / "cli.key").chmod(0o644)
    result = run("init")
    assert result.exit_code == 2
    assert str(installation / "cli.key") in result.stderr


def test_init_makes_key_and_database(run: Run, installation: Path) -> None:
    result = run("init")
    assert result.exit_code == 0, result.stderr
    key, database = result.stdout.splitlines()
    assert key.startswith(f"key file {installation / 'cli.key'}: made")
    assert "SQLite database" in database
    assert stat.S_IMODE((installation / "cli.key").stat().st_mode) == 0o600
    Database(Settings().database_url).check_schema()


def test_init_again_changes_nothing(run: Run, installation: Path) -> None:
    run("init")
    key = (installation / "cli.key").read_bytes()
    result = run("init")
    assert result.exit_code == 0
    assert "left as it is" in result.stdout
    assert "already at schema" in result.stdout
    assert (installation / "cli.key").read_bytes() == key


def test_many_inits_at_once_make_one_installation(installation: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    env = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, "-m", "services84.cli", "init"]
    running = [
        subprocess.Popen(
            command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
        )
        for _ in range(8)
    ]
    ended = [(*process.communicate(timeout=120), process.returncode) for process in running]
    assert [code for *_, code in ended] == [0] * 8, ended
    assert sum("cli.key: made" in out for out, *_ in ended) == 1
    assert sorted(f.name for f in installation.iterdir() if "sqlite3-" not in f.name) == [
        "cli.key",
        "cli.sqlite3",
    ]


@pytest.fixture
def two_passwords(installed: Run) -> Run:
    """An installation with one account, which has a password for each direction."""
    installed("associate", "add", "anna", "--password-stdin", stdin="long enough")
    added = installed(
        *["account", "add", "anna@example.com", "--associate", "anna", "--username", "anna"],
        *["--imap", "imap.example.com", "--smtp", "smtp.example.com", "--password-stdin"],
        stdin="mail secret",
    )
    assert added.exit_code == 0, added.stderr
    return installed


def test_a_lost_key_is_not_replaced_without_a_word(two_passwords: Run, installation: Path) -> None:
    key = installation / "cli.key"
    key.rename(installation / "moved.key")
    result = two_passwords("init")
    assert result.exit_code == 1
    for expected in (f"{key} is gone", "2 mail passwords", "restore", "init --new-key"):
        assert expected in result.stderr
    assert not key.exists()
    (installation / "moved.key").rename(key)
    assert two_passwords("init").exit_code == 0
    assert two_passwords("init", "--new-key").stdout == two_passwords("init").stdout


def test_the_key_of_another_database_is_noticed(two_passwords: Run, installation: Path) -> None:
    key = installation / "cli.key"
    key.unlink()
    Vault.create_key_file(key)
    result = two_passwords("init")
    assert result.exit_code == 1
    assert "not the one of this database" in result.stderr
    assert "init --new-key" in result.stderr


def test_some_passwords_of_another_key_are_told_and_no_hindrance(
    two_passwords: Run, installation: Path
) -> None:
    database = Database(Settings().database_url)
    with database.transaction() as connection:
        connection.exec_driver_sql(
            "UPDATE service_auth SET password = 'v1:gone:QUFB' WHERE server = 'smtp.example.com'"
        )
    database.close()
    result = two_passwords("init")
    assert result.exit_code == 0
    assert "1 of 2 mail passwords" in result.stderr


def test_a_new_key_gives_the_old_passwords_up(two_passwords: Run, installation: Path) -> None:
    (installation / "cli.key").unlink()
    result = two_passwords("init", "--new-key")
    assert result.exit_code == 0, result.stderr
    assert "cli.key: made" in result.stdout
    assert "2 mail passwords given up" in result.stdout
    application = Application(read_settings())
    try:
        (listed,) = application.services.accounts.list_all()
        account = application.services.accounts.get(listed.account_id)
    finally:
        application.close()
    assert account is not None
    assert account.incoming is not None
    assert not account.incoming.has_password
    again = two_passwords("init")
    assert (again.exit_code, again.stderr) == (0, "")


def test_a_wrong_setting_is_named_with_what_is_allowed(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVICES84_INSTALLATION", "cloud")
    result = run("init")
    assert result.exit_code == 2
    for expected in ("SERVICES84_INSTALLATION", "'cloud'", "onsite", "online"):
        assert expected in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_wrong_option_of_serve_is_named(installed: Run) -> None:
    result = installed("serve", "--workers", "0")
    assert result.exit_code == 2
    assert "SERVICES84_WORKERS" in result.stderr


def test_an_unreachable_database_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICES84_DATABASE_URL", "sqlite:////nowhere/at/all.sqlite3")
    result = run("init")
    assert result.exit_code == 1
    assert "/nowhere/at/all.sqlite3" in result.stderr
    assert "Traceback" not in result.stderr


def test_debug_shows_the_traceback(run: Run) -> None:
    assert run("--debug", "status").exception is not None
    assert type(run("--debug", "status").exception).__name__ == "KeyUnavailable"


@pytest.mark.parametrize("bind", ["127.0.0.1:99999", "nonsense", "unix:"])
def test_serve_says_where_it_cannot_listen(installed: Run, bind: str) -> None:
    result = installed("serve", "--bind", bind)
    assert result.exit_code == 2
    assert f"SERVICES84_BIND='{bind}'" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", [["init"], ["serve"]])
def test_a_misspelt_setting_is_told_with_the_nearest_name(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setenv("SERVICES84_WORKER", "2")
    monkeypatch.setenv("SERVICES84_TEST_REQUIRE", "all")
    told = run(*command).stderr.splitlines()[0]
    assert "SERVICES84_WORKER," in told
    assert "is SERVICES84_WORKERS meant?" in told
    assert "TEST_REQUIRE" not in run(*command).stderr
