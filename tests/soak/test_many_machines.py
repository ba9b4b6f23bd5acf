"""Two web nodes, two workers, a scheduler, PostgreSQL and Redis, each killed while all is synced."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.soak.conftest import scaled
from tests.support.dovecot import DovecotServer
from tests.support.installation import Installation, own_postgresql
from tests.support.redis import RedisServer
from tests.support.storm import CALLERS, Storm

MESSAGES = 50
PATIENCE = 600.0


def test_whatever_is_killed_nothing_is_lost_or_doubled(
    tmp_path: Path,
    redis: RedisServer,
    dovecot: DovecotServer,
    capsys: pytest.CaptureFixture[str],
) -> None:
    accounts = scaled(200)
    with own_postgresql() as postgresql:
        installation = Installation(
            tmp_path, postgresql, redis, dovecot, sync_interval=30, sync_wait=20
        )
        try:
            storm = Storm(installation, MESSAGES)
            storm.fill(accounts)
            begun = time.monotonic()
            _weather(storm, accounts)
            assert storm.wait_until(lambda: storm.well() == accounts, PATIENCE)
            with capsys.disabled():
                print(
                    f"\n  {accounts} accounts, {accounts * MESSAGES} messages in"
                    f" {time.monotonic() - begun:.0f} s; answers: {dict(storm.answers)};"
                    f" longest {storm.longest:.1f} s; not whole: {storm.losses()}"
                )
            assert storm.losses() == {}
            assert storm.answers["none"] == 0
            assert storm.leaks() == []
        finally:
            installation.close()


def _weather(storm: Storm, accounts: int) -> None:
    installation = storm.installation
    webs = [installation.web(f"web{number}") for number in (1, 2)]
    workers = [installation.worker(f"worker{number}") for number in (1, 2)]
    scheduler = installation.scheduler()
    for node in (*workers, scheduler):
        node.start()
    for web in webs:
        web.start()
    for worker in workers:
        worker.wait_for("worker.ready")
    kills: list[tuple[Callable[[], None], Callable[[], None]]] = [
        (workers[0].kill, workers[0].start),
        (installation.broker.kill, installation.broker.start),
        (webs[0].kill, webs[0].start),
        (scheduler.kill, scheduler.start),
        (installation.postgresql.kill, installation.postgresql.launch),
    ]
    with ThreadPoolExecutor(CALLERS) as pool:
        calls = storm.call_all(pool, webs, webs[1].sign_in("anna"))
        for number, (kill, start) in enumerate(kills, start=1):
            wanted = accounts * number // (len(kills) + 1)
            storm.wait_until(lambda wanted=wanted: storm.well() >= wanted, PATIENCE)  # type: ignore[misc]
            kill()
            start()
        for call in calls:
            call.result()
