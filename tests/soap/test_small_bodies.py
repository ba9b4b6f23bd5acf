"""What an endpoint does with bodies for which there is no room."""

from __future__ import annotations

import time

import pytest

from services84.soap.endpoint import SMALL_BODIES
from services84.wire.budget import FREE_BYTES
from tests.soap.wire import SOAP11, SOAP12, Service, envelope, make_endpoint, post

BIG = 1_000_000 + FREE_BYTES


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
        assert time.monotonic() - started < 9
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
