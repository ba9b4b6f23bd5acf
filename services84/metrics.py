"""What a process counts: calls, syncs, mail. For Prometheus, over all processes of a machine.

Under gunicorn every worker keeps its numbers in files of one folder, and whichever is asked adds
them up (prometheus-client's multiprocess mode, chosen by PROMETHEUS_MULTIPROC_DIR). What the
database knows is read by `web.measures` at the time of asking. No label holds what a caller wrote.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram, values
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
OK = "ok"
# Seconds. A call answers from the cache within milliseconds, or waits for a mail server; callers
# give up after a minute.
CALL_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
SYNC_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)


class Collector(Protocol):
    """What gives further metrics when it is asked."""

    def collect(self) -> Iterable[Metric]: ...


class Metrics:
    """The counters of one process, or its part of those of a machine."""

    def __init__(self) -> None:
        self._found: dict[tuple[Counter, str], Counter] = {}
        # The library chooses at its import, which is before gunicorn has made the folder.
        values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._calls = Counter(
            "services84_calls",
            "Calls by operation and outcome: ok, or the kind of error",
            ["service", "operation", "protocol", "outcome"],
            registry=self._registry,
        )
        self._call_seconds = Histogram(
            "services84_call_seconds",
            "Time from the first byte of a call to its answer",
            ["service", "operation"],
            buckets=CALL_BUCKETS,
            registry=self._registry,
        )
        self._syncs = Counter(
            "services84_syncs",
            "Syncs of an account by outcome: ok, or the kind of error",
            ["outcome"],
            registry=self._registry,
        )
        self._sync_seconds = Histogram(
            "services84_sync_seconds",
            "Time that the sync of an account took",
            ["outcome"],
            buckets=SYNC_BUCKETS,
            registry=self._registry,
        )
        self._messages = Counter(
            "services84_messages",
            "Messages that syncs have stored, changed and removed",
            ["change"],
            registry=self._registry,
        )
        self._bytes = Counter(
            "services84_message_bytes",
            "Bytes of the messages that syncs have stored",
            ["change"],
            registry=self._registry,
        )

    def call_served(
        self, *, service: str, operation: str | None, protocol: str, outcome: str, seconds: float
    ) -> None:
        """Count one call. `operation` is one that exists, or None."""
        name = operation or "none"
        self._calls.labels(service, name, protocol, outcome).inc()
        self._call_seconds.labels(service, name).observe(seconds)

    def sync_finished(self, *, outcome: str, seconds: float) -> None:
        """Count one sync of an account."""
        self._syncs.labels(outcome).inc()
        self._sync_seconds.labels("ok" if outcome == OK else "error").observe(seconds)

    def mail_changed(self, *, new: int, changed: int, removed: int, stored: int) -> None:
        """Count messages; `stored` is the bytes of the new ones."""
        for change, count in (("new", new), ("changed", changed), ("removed", removed)):
            self._labelled(self._messages, change).inc(count)
        self._labelled(self._bytes, "new").inc(stored)

    def _labelled(self, counter: Counter, label: str) -> Counter:
        """The library finds it anew each time, which takes longer than counting."""
        found = self._found.get((counter, label))
        return found or self._found.setdefault((counter, label), counter.labels(label))

    def exposition(self, accept: str, *others: Collector) -> tuple[bytes, str]:
        """All numbers of the machine with those of `others`, and their media type: the text
        format, or OpenMetrics where `accept` (HTTP's header) wants it."""
        registry = CollectorRegistry()
        if os.environ.get(FOLDER):
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        else:
            registry.register(self._registry)
        for other in others:
            registry.register(other)
        encode, media_type = choose_encoder(accept)
        return encode(registry), media_type


def outcome_of(error: BaseException | None) -> str:
    """The label of how something ended: `ok`, or the name of the error's class."""
    return OK if error is None else type(error).__name__
