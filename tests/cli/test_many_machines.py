"""`services84 worker` and `scheduler`: what has to be right before they begin."""

from __future__ import annotations

import sys

import pytest

from tests.cli.conftest import Run


@pytest.mark.parametrize("command", ["worker", "scheduler"])
def test_without_workers_in_the_settings_there_is_nothing_to_do_for_them(
    installed: Run, command: str
) -> None:
    result = installed(command)
    assert result.exit_code == 2
    assert f"services84 {command} needs SERVICES84_EXECUTOR=celery" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("command", ["worker", "scheduler", "serve"])
def test_a_file_is_no_database_for_many_machines(
    installed: Run, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVICES84_EXECUTOR", "celery")
    result = installed(command)
    assert result.exit_code == 2
    assert "SERVICES84_EXECUTOR='celery': needs a PostgreSQL database" in result.stderr


@pytest.mark.parametrize("command", ["worker", "scheduler", "serve"])
def test_a_missing_extra_is_named_with_what_installs_it(
    installed: Run, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVICES84_EXECUTOR", "celery")
    monkeypatch.setenv("SERVICES84_DATABASE_URL", "postgresql://127.0.0.1:1/none")
    monkeypatch.setitem(sys.modules, "celery", None)
    monkeypatch.delitem(sys.modules, "services84.sync.celery_broker", raising=False)
    result = installed(command)
    assert result.exit_code == 2
    assert "needs the package celery; install services84[celery]" in result.stderr
