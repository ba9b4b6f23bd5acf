"""`make load` in short: every server answers every caller, and a call costs something."""

from __future__ import annotations

import json

import pytest

from benchmarks.load.__main__ import measure, tables
from benchmarks.load.callers import is_whole
from benchmarks.load.servers import GET, SYNC
from tests.support.dovecot import DovecotServer


@pytest.mark.parametrize(
    ("answer", "whole"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Len", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n<a/", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n<a/>", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n<a/>\r\n", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n<a/>\r\n0\r\n\r\n", True),
    ],
)
def test_an_answer_ends_where_it_says(answer: bytes, whole: bool) -> None:
    assert is_whole(answer) is whole


def test_a_short_run_measures_every_case_and_no_call_fails(dovecot: DovecotServer) -> None:
    results = measure(1, seconds=0.2, crowd=20, with_node=False, accounts=2, warm_up=0)
    found = tables(json.loads(json.dumps(results)))
    assert list(found) == [GET, SYNC, "crowd"]
    for rows in found.values():
        assert [row["server"] for row in rows] == ["services84", "bare lxml WSGI"]
        assert [row["failures"] for row in rows] == [0, 0]
        assert all(row["calls_per_second"] > 0 for row in rows)
        assert all(0 < row["p50_ms"] <= row["p99_ms"] for row in rows)
    assert sum(run["slow_calls"] for run in results["runs"]) > 0
