"""Under several gunicorn workers the numbers are those of all, whichever worker is asked."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.server import GUNICORN, SERVE, ServerProcess, plain_session, running_server

CALLS = 24
DEADLINE = 60.0


@pytest.fixture(params=[SERVE, GUNICORN], ids=["services84 serve", "gunicorn"])
def server(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ServerProcess]:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with running_server(tmp_path, request.param, workers=2, threads=4) as running:
        yield running


def scraped(server: ServerProcess) -> dict[str, float]:
    """Sums by metric, over a connection of its own."""
    sums: dict[str, float] = {}
    with plain_session() as session:
        answer = session.get(f"http://127.0.0.1:{server.port}/metrics", timeout=DEADLINE)
    assert answer.status_code == 200, answer.text
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            sums[sample.name] = sums.get(sample.name, 0) + sample.value
    return sums


def workers_of(server: ServerProcess) -> list[int]:
    return list(
        map(int, Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split())
    )


def folders_in(folder: Path) -> list[Path]:
    return list(folder.glob("services84-metrics-*"))


def test_the_numbers_are_of_all_workers_and_a_dead_one_s_stay(
    server: ServerProcess, tmp_path: Path
) -> None:
    for _ in range(CALLS):  # each over a connection of its own, so that both workers get some
        server.call("GetSystemInfo", service="SoPrincipal")
    assert {scraped(server)["services84_calls_total"] for _ in range(8)} == {CALLS}
    assert scraped(server)["services84_call_seconds_count"] == CALLS
    assert scraped(server)["services84_slots_limit"] == 10  # once, not once a worker
    before = workers_of(server)
    os.kill(before[0], signal.SIGKILL)
    deadline = time.monotonic() + DEADLINE
    while before[0] in (there := workers_of(server)) or len(there) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    server.call("GetSystemInfo", service="SoPrincipal")
    assert {scraped(server)["services84_calls_total"] for _ in range(4)} == {CALLS + 1}
    assert len(folders_in(tmp_path)) == 1
    server.stop()
    assert folders_in(tmp_path) == []
