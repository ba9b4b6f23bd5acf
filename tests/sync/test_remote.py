"""A desk whose syncs workers run: it writes down, has a worker told, and waits in the database."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from services84.errors import (
    BrokerUnavailable,
    MailServerBusy,
    NotFound,
    StoreUnavailable,
    SyncInterrupted,
)
from services84.settings import read_settings
from services84.store.database import Database
from services84.store.requests import Asked, Seen, SyncRequests
from services84.store.values import AccountStatus, RunOutcome
from services84.sync import runwatch
from services84.sync.remote import QUEUE_LENGTH, RemoteDesk
from services84.sync.values import SyncState
from tests.store.conftest import Stores, draft, make_stores

DEADLINE = 30.0
PAUSE = 60.0


@dataclass
class Calls:
    """A broker that notes what it is given, or is out of reach."""

    sent: list[tuple[int, bool]] = field(default_factory=list)
    reachable: bool = True
    arrived: threading.Event = field(default_factory=threading.Event)

    def send(self, account_id: int, *, urgent: bool) -> None:
        if not self.reachable:
            raise BrokerUnavailable("the broker cannot be reached")
        self.sent.append((account_id, urgent))
        self.arrived.set()

    def close(self) -> None:
        pass


@dataclass
class Scene:
    """A desk over a database, and a worker's hands in the test."""

    stores: Stores
    requests: SyncRequests
    broker: Calls
    desk: RemoteDesk

    def account(self) -> int:
        return self.stores.account().account_id

    def work(self, account_id: int, outcome: RunOutcome) -> None:
        """What a worker does, once it is told."""
        assert self.broker.arrived.wait(DEADLINE)
        assert self.requests.take(account_id, "worker", self.stores.now, seconds=PAUSE)
        lease = self.stores.accounts.take_lease(account_id, "worker", self.stores.now, 60)
        assert lease is not None
        self.stores.accounts.finish_run(lease, outcome, self.stores.now)
        if not outcome.interrupted:
            self.requests.end(account_id, "worker")


@pytest.fixture
def scene(database: Database) -> Iterator[Scene]:
    stores = make_stores(database)
    requests, broker = SyncRequests(stores.database, PAUSE), Calls()
    desk = RemoteDesk(stores.accounts, requests, broker, read_settings(), lambda: stores.now, "web")
    yield Scene(stores, requests, broker, desk)
    desk.stop()


def test_an_unknown_or_resting_account_is_told_and_not_asked_for(scene: Scene) -> None:
    with pytest.raises(NotFound):
        scene.desk.sync(4711)
    account_id = scene.account()
    lease = scene.stores.accounts.take_lease(account_id, "worker", scene.stores.now, 60)
    assert lease is not None
    rest = scene.stores.now + timedelta(seconds=100)
    failed = RunOutcome(
        error_reason="throttled", error_count=1, status=AccountStatus.FAILING, next_attempt=rest
    )
    scene.stores.accounts.finish_run(lease, failed, scene.stores.now)
    with pytest.raises(MailServerBusy, match="100 seconds after: throttled"):
        scene.desk.sync(account_id)
    report = scene.desk.start_many([account_id, 4711])
    assert set(report.refused) == {account_id, 4711}
    assert scene.broker.sent == []
    assert scene.requests.untaken() == 0


def test_a_caller_is_told_how_a_workers_sync_went(scene: Scene) -> None:
    account_id = scene.account()
    with ThreadPoolExecutor(1) as caller:
        answer = caller.submit(scene.desk.sync, account_id, wait=DEADLINE)
        scene.work(account_id, RunOutcome(new=5, changed=2, removed=1))
        report = answer.result()
    assert scene.broker.sent == [(account_id, True)]
    assert report.state is SyncState.COMPLETED
    assert (report.new, report.changed, report.removed, report.error) == (5, 2, 1, None)


def test_a_failed_sync_is_told_with_its_reason(scene: Scene) -> None:
    account_id = scene.account()
    with ThreadPoolExecutor(1) as caller:
        answer = caller.submit(scene.desk.sync, account_id, wait=DEADLINE)
        scene.work(account_id, RunOutcome(error_reason="no such host", error_count=1))
        report = answer.result()
    assert report.error is not None
    assert report.error.message == "no such host"


def test_a_caller_whose_wait_is_over_is_told_that_the_sync_goes_on(scene: Scene) -> None:
    account_id = scene.account()
    report = scene.desk.sync(account_id, wait=0.05)
    assert report.state is SyncState.RUNNING
    assert scene.requests.untaken() == 1


def test_many_callers_share_a_sync_and_one_question_to_the_database(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    look = SyncRequests.look

    def counted(self: SyncRequests, asked: dict[int, int]) -> dict[int, Seen]:
        nonlocal looks
        looks += 1
        return look(self, asked)

    asked = threading.Semaphore(0)
    ask = SyncRequests.ask

    def noted(self: SyncRequests, *arguments: Any, **more: Any) -> Asked | None:
        request = ask(self, *arguments, **more)
        asked.release()
        return request

    monkeypatch.setattr(SyncRequests, "look", counted)
    monkeypatch.setattr(SyncRequests, "ask", noted)
    account_id = scene.account()
    begun = time.monotonic()
    with ThreadPoolExecutor(20) as callers:
        answers = [callers.submit(scene.desk.sync, account_id, wait=DEADLINE) for _ in range(20)]
        for _ in answers:
            assert asked.acquire(timeout=DEADLINE)
        scene.work(account_id, RunOutcome(new=1))
        reports = [answer.result() for answer in answers]
    assert {report.new for report in reports} == {1}
    assert [report.state for report in reports].count(SyncState.COMPLETED) <= 1
    assert len(scene.broker.sent) == 1
    assert looks <= (time.monotonic() - begun) / runwatch.POLL_SECONDS + 2


def test_an_interrupted_sync_is_waited_for_until_another_worker_has_ended_it(scene: Scene) -> None:
    account_id = scene.account()
    with ThreadPoolExecutor(1) as caller:
        answer = caller.submit(scene.desk.sync, account_id, wait=DEADLINE)
        scene.work(account_id, RunOutcome(error_reason="stopped", interrupted=True))
        scene.requests.give_back(account_id, "worker", scene.stores.now)
        scene.desk.tend()
        assert len(scene.broker.sent) == 2
        scene.work(account_id, RunOutcome(new=7))
        assert answer.result().new == 7


def test_a_request_that_ended_without_a_run_is_made_anew_and_not_for_ever(scene: Scene) -> None:
    account_id = scene.account()

    def refuse() -> None:
        for _ in range(3):
            assert scene.broker.arrived.wait(DEADLINE)
            scene.broker.arrived.clear()
            assert scene.requests.take(account_id, "worker", scene.stores.now, seconds=PAUSE)
            scene.requests.end(account_id, "worker")

    with ThreadPoolExecutor(1) as worker:
        done = worker.submit(refuse)
        with pytest.raises(SyncInterrupted, match="ask again soon"):
            scene.desk.sync(account_id, wait=DEADLINE)
        done.result()
    assert len(scene.broker.sent) == 3


def test_an_account_that_is_deleted_meanwhile_is_not_found(scene: Scene) -> None:
    account_id = scene.account()
    with ThreadPoolExecutor(1) as caller:
        answer = caller.submit(scene.desk.sync, account_id, wait=DEADLINE)
        assert scene.broker.arrived.wait(DEADLINE)
        scene.stores.accounts.delete(account_id)
        with pytest.raises(NotFound):
            answer.result()


def test_without_a_broker_a_caller_is_told_and_the_scheduler_sends_it_later(scene: Scene) -> None:
    account_id, other = scene.account(), scene.account()
    scene.broker.reachable = False
    with pytest.raises(BrokerUnavailable):
        scene.desk.sync(account_id, wait=DEADLINE)
    assert set(scene.desk.start_many([other]).refused) == {other}
    with pytest.raises(BrokerUnavailable):
        scene.desk.tend()
    scene.broker.reachable = True
    scene.desk.tend()
    assert sorted(scene.broker.sent) == [(account_id, True), (other, False)]
    scene.desk.tend()
    assert len(scene.broker.sent) == 2


def test_a_lost_call_is_sent_again_after_its_time(scene: Scene) -> None:
    account_id = scene.account()
    assert scene.desk.start_many([account_id]).started == (account_id,)
    assert scene.desk.start_many([account_id]).joined == (account_id,)
    scene.stores.later(seconds=PAUSE)
    scene.desk.tend()
    assert scene.broker.sent == 2 * [(account_id, False)]


def test_no_more_is_queued_than_workers_can_be_expected_to_take(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert scene.desk.room == QUEUE_LENGTH
    scene.desk.start_many([scene.account()])
    assert scene.desk.room == QUEUE_LENGTH - 1
    monkeypatch.setattr(SyncRequests, "untaken", lambda _: QUEUE_LENGTH + 10)
    assert scene.desk.room == 0


def test_a_database_that_comes_back_is_waited_for_and_one_that_does_not_is_told(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    look, failing = SyncRequests.look, threading.Event()

    def broken(self: SyncRequests, asked: dict[int, int]) -> dict[int, Seen]:
        if failing.is_set():
            raise StoreUnavailable("gone")
        return look(self, asked)

    monkeypatch.setattr(SyncRequests, "look", broken)
    failing.set()
    account_id = scene.account()
    with ThreadPoolExecutor(1) as caller:
        answer = caller.submit(scene.desk.sync, account_id, wait=DEADLINE)
        assert scene.broker.arrived.wait(DEADLINE)
        failing.clear()
        scene.work(account_id, RunOutcome(new=2))
        assert answer.result().new == 2
        monkeypatch.setattr(runwatch, "PATIENCE", 0.2)
        failing.set()
        with pytest.raises(StoreUnavailable):
            scene.desk.sync(account_id, wait=DEADLINE)


def test_a_stop_answers_who_waits_and_begins_nothing_more(scene: Scene) -> None:
    account_id = scene.account()
    with ThreadPoolExecutor(1) as caller:
        answer = caller.submit(scene.desk.sync, account_id, wait=DEADLINE)
        assert scene.broker.arrived.wait(DEADLINE)
        scene.desk.stop()
        assert answer.result().state is SyncState.RUNNING
    with pytest.raises(SyncInterrupted, match="shutting down"):
        scene.desk.sync(account_id)


def test_a_sync_of_the_same_machine_that_began_after_the_question_serves_it(scene: Scene) -> None:
    account = scene.stores.accounts.save(draft(scene.stores.associate()))
    asked = scene.stores.now
    lease = scene.stores.accounts.take_lease(account.account_id, "web:1:x", asked, 60)
    assert lease is not None
    scene.stores.accounts.finish_run(lease, RunOutcome(new=9), asked)
    report = scene.desk.sync(account.account_id, asked=asked)
    assert (report.new, report.state) == (9, SyncState.SHARED)
    assert scene.broker.sent == []
