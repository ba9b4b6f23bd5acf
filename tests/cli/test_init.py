"""`services84 init`, and how commands behave before it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from services84.settings import Settings
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
