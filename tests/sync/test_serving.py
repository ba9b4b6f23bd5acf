"""What a worker does with a call: take the request, sync once, and see the request end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from services84.store.requests import SyncRequests
from services84.store.values import AccountStatus, RunOutcome
from services84.sync.serving import Serving
from tests.support.mailboxes import append, message
from tests.sync.conftest import Scene


@pytest.fixture
def requests(scene: Scene) -> SyncRequests:
    return SyncRequests(scene.service.services.database, 60.0)


@pytest.fixture
def serving(scene: Scene, requests: SyncRequests) -> Iterator[Serving]:
    application = scene.service.application
    made = Serving(
        application.desk, requests, application.settings, application.services.clock, "w"
    )
    yield made
    made.stop()


def ask(scene: Scene, requests: SyncRequests) -> None:
    now = scene.service.services.clock()
    assert requests.ask(scene.account_id, now, urgent=True) is not None


def is_open(scene: Scene, requests: SyncRequests) -> bool:
    return requests.look({scene.account_id: 0})[scene.account_id].is_open


def test_a_call_without_a_request_does_nothing(scene: Scene, serving: Serving) -> None:
    serving.serve(scene.account_id)
    serving.serve(4711)
    assert scene.service.services.accounts.latest_run(scene.account_id) is None


def test_a_request_is_served_once_however_often_a_worker_is_called(
    scene: Scene, serving: Serving, requests: SyncRequests
) -> None:
    with scene.client() as client:
        append(client, "INBOX", message(1))
    ask(scene, requests)
    for _ in range(3):
        serving.serve(scene.account_id)
    run = requests.look({scene.account_id: 0})[scene.account_id].run
    assert run is not None
    assert run.new == 1
    latest = scene.service.services.accounts.latest_run(scene.account_id)
    assert latest is not None
    assert latest.run_id == run.run_id
    assert not is_open(scene, requests)


def test_a_request_of_an_account_that_rests_ends(
    scene: Scene, serving: Serving, requests: SyncRequests
) -> None:
    ask(scene, requests)
    accounts, now = scene.service.services.accounts, scene.service.services.clock()
    lease = accounts.take_lease(scene.account_id, "another", now, 60)
    assert lease is not None
    rest = RunOutcome(
        error_reason="throttled", error_count=1, status=AccountStatus.FAILING,
        next_attempt=now + timedelta(hours=1),
    )  # fmt: skip
    accounts.finish_run(lease, rest, now)
    serving.serve(scene.account_id)
    assert not is_open(scene, requests)


def test_a_worker_that_stops_gives_its_requests_to_others(
    scene: Scene, serving: Serving, requests: SyncRequests
) -> None:
    ask(scene, requests)
    scene.service.services.sync.stop()
    serving.serve(scene.account_id)
    assert is_open(scene, requests)
    assert requests.overdue(scene.service.services.clock(), 10) == [(scene.account_id, True)]
    serving.stop()
    serving.serve(scene.account_id)  # and takes no more
    assert requests.take(scene.account_id, "another", scene.service.services.clock(), seconds=60)
