"""What the database knows, as metrics: read once when they are asked for, whatever the workers.

Counting what happens is `services84.metrics`' matter, answering requests `probes`'.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import structlog
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from services84 import __version__
from services84.agents.services import Services
from services84.errors import StoreError
from services84.store.census import Census, take_census
from services84.store.service_leases import ServiceLeases
from services84.store.slots import SlotStore
from services84.sync.scheduler import LEASE

log = structlog.get_logger(__name__)

MOST_HOSTS = 50  # that have a line of their own; the others are added up
OTHERS = "(others)"


class DatabaseMeasures:
    """A collector for prometheus-client."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[Metric]:
        """All measures; that the database cannot be asked is one of them."""
        services, now = self._services, self._services.clock()
        yield _gauge("services84_info", "The version that serves", {(__version__,): 1}, ["version"])
        try:
            census = take_census(services.database, now)
            hosts = SlotStore(services.database).hosts(now)
            leader = ServiceLeases(services.database).holder(LEASE, now)
        except StoreError as error:
            log.warning("metrics.no_database", error=error.message)
            yield _single("services84_database_up", _DATABASE_UP, 0)
            return
        yield _single("services84_database_up", _DATABASE_UP, 1)
        yield _single(
            "services84_scheduler_up",
            "Whether a process syncs by the clock",
            float(leader is not None),
        )
        oldest = census.oldest_success
        lag = max(0.0, (now - oldest).total_seconds()) if oldest is not None else 0.0
        yield from _of_accounts(census, lag)
        yield from _of_hosts(hosts, services.slots.limit)


_DATABASE_UP = "Whether the database answers"


def _of_accounts(census: Census, lag: float) -> Iterator[Metric]:
    by_status: dict[tuple[str, ...], float] = {
        (status.name.lower(),): n for status, n in census.by_status.items()
    }
    yield _gauge("services84_accounts", "Mail accounts by status", by_status, ["status"])
    yield _single("services84_accounts_syncing", "Accounts that are being synced", census.syncing)
    yield _single(
        "services84_accounts_resting",
        "Accounts that are not tried for a while after an error (backoff)",
        census.resting,
    )
    yield _single(
        "services84_sync_lag_seconds",
        "Age of the last success that is longest ago, of accounts that shall be synced",
        lag,
    )


def _of_hosts(hosts: Mapping[str, tuple[int, int]], limit: int) -> Iterator[Metric]:
    busiest = sorted(hosts.items(), key=lambda one: (-sum(one[1]), one[0]))
    shown = dict(busiest[:MOST_HOSTS])
    rest = [numbers for _, numbers in busiest[MOST_HOSTS:]]
    if rest:
        shown[OTHERS] = sum(held for held, _ in rest), sum(waiting for _, waiting in rest)
    yield _gauge(
        "services84_slots_in_use",
        "Connections that are open to a mail host",
        {(host,): held for host, (held, _) in shown.items()},
        ["host"],
    )
    yield _gauge(
        "services84_slots_waiting",
        "Syncs and calls that wait for a connection to a mail host",
        {(host,): waiting for host, (_, waiting) in shown.items()},
        ["host"],
    )
    yield _single("services84_slots_limit", "Connections that a mail host may have", limit)


def _single(name: str, text: str, value: float) -> Metric:
    return _gauge(name, text, {(): value})


def _gauge(
    name: str, text: str, values: Mapping[tuple[str, ...], float], labels: list[str] | None = None
) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels or [])
    for key, value in values.items():
        family.add_metric(list(key), value)
    return family
