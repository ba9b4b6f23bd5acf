"""Fifty accounts of 200 messages and one of 50,000 on one mail host.

Seconds are compared with seconds of the same run only. How long a small account takes beside
others is a matter of cores: so each is compared with its like among fifty that have no huge one
beside them.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.soak.conftest import scaled
from tests.support.counting import counted
from tests.support.crowd import Crowd, Timing, summary
from tests.support.dovecot import DovecotServer
from tests.support.service import Service, running_service

SMALL, SMALL_MESSAGES, HUGE_MESSAGES = 50, 200, 50_000
CONNECTIONS = 10  # the default of SERVICES84_MAIL_CONNECTIONS_PER_HOST
PATIENCE = 3600.0  # seconds


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running_service(tmp_path) as made:
        yield made


def test_fifty_small_accounts_have_their_turn_beside_a_huge_one(
    service: Service, dovecot: DovecotServer, capsys: pytest.CaptureFixture[str]
) -> None:
    with counted(dovecot.port_plain) as count:
        crowd = Crowd(service, service.associate("anna")[1], dovecot, count.port)
        messages = scaled(SMALL_MESSAGES)
        (single, *alone), beside = (
            [crowd.account(f"{name}{at}", messages) for at in range(number)]
            for name, number in (("alone", SMALL + 1), ("beside", SMALL))
        )
        huge = crowd.account("huge", scaled(HUGE_MESSAGES))
        crowd.ask([single])
        (solo,) = crowd.finish([single], PATIENCE)
        crowd.ask(alone)
        without = crowd.finish(alone, PATIENCE)
        crowd.ask([huge])
        crowd.until_running(huge)
        crowd.ask(beside)
        with_huge = crowd.finish(beside, PATIENCE)
        outlasted = crowd.is_running(huge)
        (last,) = crowd.finish([huge], PATIENCE)
    with capsys.disabled():
        report(solo, without, with_huge, last, count.most)
        print(f"  the huge one was {'still' if outlasted else 'no longer'} running at the end")
    assert count.most == CONNECTIONS
    one_wait = max(one.took for one in with_huge)
    for before, now in zip(in_order(without), in_order(with_huge), strict=True):
        assert now <= 2 * before + one_wait


def in_order(timings: list[Timing]) -> list[float]:
    """When the first, the second ... was done; who is first is a matter of chance."""
    return sorted(one.done for one in timings)


def report(
    solo: Timing, without: list[Timing], with_huge: list[Timing], huge: Timing, most: int
) -> None:
    ratio = statistics.median(one.took for one in with_huge) / solo.took
    print(
        f"\n  one small account by itself: {solo.took:.2f} s"
        f"\n  {SMALL} by themselves: {summary(without)}"
        f"\n  {SMALL} beside the huge one: {summary(with_huge)}; {ratio:.1f} times a single one"
        f"\n  the huge one: {huge.took:.1f} s; connections at once: {most}"
    )
