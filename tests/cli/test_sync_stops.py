"""`services84 sync` and the signals that stop it, against a mail server that has frozen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from services84.application import Application
from tests.cli.conftest import Run
from tests.support.scripted import ScriptedServer, answer, hang, say

ROOT = Path(__file__).resolve().parents[2]
FROZEN = [
    say(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] there\r\n"),
    answer(b"%t OK [CAPABILITY IMAP4rev1] in\r\n"),
    answer(b""),  # hears what it is asked
    hang,
]


@contextmanager
def syncing() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "services84.cli", "sync", "--all"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    watchdog = threading.Timer(60, process.kill)
    watchdog.start()
    try:
        yield process
    finally:
        watchdog.cancel()
        process.kill()
        process.communicate()


@pytest.fixture
def frozen(installed: Run) -> Iterator[ScriptedServer]:
    """A server that lets in and says no more, and an account on it."""
    server = ScriptedServer(FROZEN)
    try:
        installed("associate", "add", "anna", "--password-stdin", stdin="long enough")
        added = installed(
            *["account", "add", "anna@example.com", "--associate", "anna", "--username", "anna"],
            *["--imap", f"127.0.0.1:{server.port}", "--password-stdin"],
            stdin="mail secret",
        )
        assert added.exit_code == 0, added.stderr
        yield server
    finally:
        server.close()


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_says_so_and_the_second_ends_at_once(
    frozen: ScriptedServer, application: Application, first: signal.Signals
) -> None:
    with syncing() as process:
        deadline = time.monotonic() + 30
        while len(frozen.heard) < 2:  # logged in, and asked what never gets an answer
            assert time.monotonic() < deadline, "it never came to the server"
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(first)
        assert process.stderr is not None
        assert "stopping at the next commit" in process.stderr.readline()
        asked = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.wait(30)
        assert time.monotonic() - asked < 5
        assert process.returncode == 128 + signal.SIGINT
        assert "Traceback" not in process.stderr.read()
    (account,) = application.services.accounts.list_all()
    assert account.lease_until is None
    assert account.error_count == 0


def test_the_first_signal_alone_ends_it_too(
    frozen: ScriptedServer, application: Application
) -> None:
    with syncing() as process:
        deadline = time.monotonic() + 30
        while len(frozen.heard) < 2:
            assert time.monotonic() < deadline, "it never came to the server"
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 128 + signal.SIGTERM
    (account,) = application.services.accounts.list_all()
    assert account.lease_until is None
