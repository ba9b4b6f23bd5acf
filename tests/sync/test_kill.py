"""kill -9 in the middle of the first sync, again and again: nothing lost, nothing twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

from sqlalchemy import text

from tests.support.mailboxes import append, cache_view, message, save_account, server_view
from tests.sync.conftest import MAIL_PASSWORD, Scene

KILLS = 20
MESSAGES = 800
LONGEST = 0.6  # seconds from the first folder to the kill; a whole sync takes longer
ROOT = Path(__file__).resolve().parents[2]


def start(scene: Scene, account_id: int) -> subprocess.Popen[str]:
    """A process that syncs the account on the scene's database."""
    settings = scene.service.application.settings
    environ = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "SERVICES84_DATABASE_URL": settings.database_url,
        "SERVICES84_KEY_FILE": str(settings.key_file),
        "SERVICES84_LEASE_SECONDS": "2",
        "SERVICES84_LOG_LEVEL": "error",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.sync_once", str(account_id)],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
        text=True,
    )


def run(scene: Scene, account_id: int, kill_after: float | None) -> bool:
    """Run one process, killed so long after it has begun; whether it came to its end."""
    process = start(scene, account_id)
    assert process.stdout is not None
    timer = None
    if process.stdout.readline() and kill_after is not None:
        timer = threading.Timer(kill_after, process.send_signal, [signal.SIGKILL])
        timer.start()
    process.communicate(timeout=150)
    if timer is not None:
        timer.cancel()
    assert process.returncode in (0, -signal.SIGKILL)
    return process.returncode == 0


def test_a_sync_that_is_killed_again_and_again_ends_complete(scene: Scene) -> None:
    draw = random.Random(84)
    with scene.client() as client:
        client.create("Work")
        for number in range(MESSAGES):
            append(client, ["INBOX", "Work"][number % 2], message(number))
        on_server = server_view(client)
    killed, account_id = 0, scene.account_id
    while killed < KILLS:
        if run(scene, account_id, draw.uniform(0, LONGEST)):
            # It was done before the kill came: check, and begin anew with an empty cache.
            assert cache_view(scene.service, account_id) == on_server
            account_id = save_account(
                scene.service, scene.ticket, scene.user, MAIL_PASSWORD, scene.dovecot.port_plain
            )
        else:
            killed += 1
            assert_no_row_without_its_source(scene)
    assert run(scene, account_id, None)
    assert cache_view(scene.service, account_id) == on_server
    (inbox, work) = scene.service.services.folders.list(account_id)
    assert (inbox.total, work.total) == (MESSAGES // 2, MESSAGES // 2)
    assert inbox.complete
    assert work.complete


def assert_no_row_without_its_source(scene: Scene) -> None:
    """A message is there as a whole or not at all, and no folder claims more than it has."""
    with scene.service.application.database.reading() as connection:
        torn = connection.execute(
            text(
                "SELECT count(*) FROM email_item i LEFT JOIN email_source s"
                " ON s.email_item_id = i.email_item_id WHERE s.email_item_id IS NULL"
            )
        ).scalar()
    assert torn == 0
