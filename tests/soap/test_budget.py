"""Big bodies share one budget; small ones need none."""

from __future__ import annotations

import threading
import time

import pytest

from services84.errors import ServerBusy
from services84.soap.budget import FREE_BYTES, BodyBudget
from services84.soap.endpoint import SMALL_BODIES
from tests.soap.wire import SOAP11, SOAP12, Service, envelope, make_endpoint, post

BIG = 1_000_000 + FREE_BYTES


def test_a_body_of_whatever_size_fits_alone() -> None:
    with BodyBudget(1000, wait=0).share() as share:
        share.cover(BIG)
        share.cover(2 * BIG)


def test_a_second_one_is_refused_when_it_does_not_fit_and_taken_when_it_does() -> None:
    budget = BodyBudget(2_000_000, wait=0)
    with budget.share() as first, budget.share() as second:
        first.cover(BIG)
        with pytest.raises(ServerBusy) as caught:
            second.cover(BIG + 1)
        assert caught.value.retry_after == 10
        second.cover(BIG)


def test_a_small_body_is_taken_however_little_is_left() -> None:
    budget = BodyBudget(1000, wait=0)
    with budget.share() as first, budget.share() as second:
        first.cover(BIG)
        second.cover(FREE_BYTES)
        with pytest.raises(ServerBusy):
            second.cover(FREE_BYTES + 1)


def test_what_is_given_back_goes_to_the_one_that_waits() -> None:
    budget = BodyBudget(1_000_000, wait=30)
    taken = threading.Event()

    def wait_for_room() -> None:
        with budget.share() as share:
            share.cover(BIG)
            taken.set()

    with budget.share() as first:
        first.cover(BIG)
        other = threading.Thread(target=wait_for_room)
        other.start()
        assert not taken.wait(0.1)
    assert taken.wait(10)
    other.join()
    with budget.share() as share:
        share.cover(BIG)


def test_what_a_failed_call_held_is_given_back() -> None:
    endpoint = make_endpoint(Service(), body_budget_bytes=1024)
    for _ in range(3):
        assert post(endpoint, b"x" * BIG).status == 500


@pytest.mark.parametrize("version", [SOAP11, SOAP12])
def test_a_caller_for_whom_there_is_no_room_is_told_to_come_again(version: str) -> None:
    endpoint = make_endpoint(Service(), body_budget_bytes=1024)
    endpoint._budget._wait = 0.05
    kind = "text/xml" if version == SOAP11 else "application/soap+xml"
    with endpoint._budget.share() as share:
        share.cover(BIG)
        started = time.monotonic()
        answer = post(endpoint, b"x" * BIG, kind)
        assert time.monotonic() - started < 5
        assert answer.status == 503
        assert answer.headers["retry-after"] == "10"
        assert answer.version == version
        assert "try again later" in (answer.text("faultstring") or answer.text("Text") or "")
        assert b"Server" in answer.body or b"Receiver" in answer.body
        assert post(endpoint, envelope("<GetCurrentAccountId/>")).status == 200


def test_who_signs_in_may_send_little(service: Service) -> None:
    service.table.name = "SoPrincipal"
    endpoint = make_endpoint(service)
    message = envelope("<GetCurrentAccountId/>").encode()
    limit = SMALL_BODIES["SoPrincipal"]
    assert post(endpoint, message.ljust(limit)).status == 200
    answer = post(endpoint, message.ljust(limit + 1))
    assert answer.status == 413
    assert answer.text("faultstring") == "the request body is longer than 65536 bytes"
