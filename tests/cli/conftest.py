"""Commands in this process, with an installation of their own."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner, Result

from services84.application import Application
from services84.cli import main
from services84.settings import read_settings

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder where the settings point to; nothing in it yet."""
    for name in [n for n in os.environ if n.startswith("SERVICES84_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SERVICES84_DATABASE_URL", f"sqlite:///{tmp_path / 'cli.sqlite3'}")
    monkeypatch.setenv("SERVICES84_KEY_FILE", str(tmp_path / "cli.key"))
    monkeypatch.setenv("SERVICES84_BACKOFF_BASE", "0.001")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(installation: Path) -> Run:
    """Run a command; gives its result, of which `exit_code`, `stdout` and `stderr` count."""

    def invoke(*arguments: str, stdin: str = "") -> Result:
        return CliRunner().invoke(main, arguments, input=stdin)

    return invoke


@pytest.fixture
def installed(run: Run) -> Run:
    """The same after `services84 init`."""
    assert run("init").exit_code == 0
    return run


@pytest.fixture
def application(installed: Run) -> Iterator[Application]:
    """The application on the same installation, to look into it."""
    opened = Application(read_settings())
    yield opened
    opened.close()
