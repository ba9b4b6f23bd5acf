"""An installation of many processes, some of which are killed: no mail lost, none doubled."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.support.installation import Installation
from tests.support.storm import CALLERS, Storm

ACCOUNTS = 20
MESSAGES = 30
PATIENCE = 300.0


def test_a_killed_worker_and_broker_lose_and_double_nothing(installation: Installation) -> None:
    installation.settings |= {"sync_interval": 5, "sync_wait": 20}
    storm = Storm(installation, MESSAGES)
    storm.fill(ACCOUNTS)
    workers = [installation.worker("worker1"), installation.worker("worker2")]
    scheduler, web = installation.scheduler(), installation.web("web1")
    for node in (*workers, scheduler):
        node.start()
    web.start()
    for worker in workers:
        worker.wait_for("worker.ready")
    with ThreadPoolExecutor(CALLERS) as pool:
        calls = storm.call_all(pool, [web], web.sign_in("anna"))
        storm.wait_until(lambda: storm.well() >= 2, PATIENCE)
        workers[0].kill()
        installation.broker.kill()
        workers[0].start()
        installation.broker.start()
        for call in calls:
            call.result()
    assert storm.wait_until(lambda: storm.well() == ACCOUNTS, PATIENCE), installation.logs()
    assert storm.losses() == {}
    assert storm.answers["none"] == 0
    assert storm.answers["connection broken"] == 0
    workers[0].wait_for("worker.ready", times=2)  # in its second life, which knows how to stop
    assert [node.stop() for node in (*workers, scheduler)] == [0, 0, 0]
    assert storm.leaks() == []
