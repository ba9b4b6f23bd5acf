"""/healthz, /readyz and /metrics: for load balancers, supervisors and Prometheus.

Healthy is a process that answers. Ready is one that can do its work: the database answers and is
of this version, the key opens what is sealed in it, and some process syncs by the clock where the
settings want that. Why something is not ready, the log tells; the answer only names it.
"""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

import structlog

from services84.agents.services import Services
from services84.errors import SecretError, Services84Error, StoreError
from services84.proxies import client_address, comes_from_proxy, is_forwarded, is_within
from services84.security.vault import Vault
from services84.settings import Settings
from services84.store.sealed import SealedSecrets
from services84.store.service_leases import ServiceLeases
from services84.sync.scheduler import LEASE, LOOK_SECONDS
from services84.web.measures import DatabaseMeasures

log = structlog.get_logger(__name__)

Environ = Mapping[str, Any]
StartResponse = Callable[..., Any]
Answer = tuple[HTTPStatus, str, bytes, list[tuple[str, str]]]

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"


class Probes:
    """Answers GET and HEAD of its paths, as a WSGI callable."""

    def __init__(
        self,
        services: Services,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._services = services
        self._measures = DatabaseMeasures(services)
        self._readiness = Readiness(services, monotonic)
        self._answers: dict[str, Callable[[Environ], Answer]] = {
            "/healthz": self._health,
            "/readyz": self._ready,
            "/metrics": self._measured,
        }

    def __contains__(self, path: object) -> bool:
        return path in self._answers

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request for one of the paths."""
        method = environ["REQUEST_METHOD"]
        if method in ("GET", "HEAD"):
            status, kind, body, further = self._answers[str(environ["PATH_INFO"])](environ)
        else:
            status, kind, body = HTTPStatus.METHOD_NOT_ALLOWED, TEXT, b"use GET\n"
            further = [("Allow", "GET, HEAD")]
        headers = [
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            *further,
        ]
        start_response(f"{status.value} {status.phrase}", headers)
        return [] if method == "HEAD" else [body]

    def _health(self, _: Environ) -> Answer:
        return HTTPStatus.OK, JSON, b'{"status": "ok"}\n', []

    def _ready(self, _: Environ) -> Answer:
        checks = self._readiness.checks()
        ready = all(said == "ok" for said in checks.values())
        status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
        text = json.dumps({"status": "ready" if ready else "not ready", "checks": checks})
        return status, JSON, f"{text}\n".encode(), []

    def _measured(self, environ: Environ) -> Answer:
        settings = self._services.settings
        if not may_measure(environ, settings):
            body = b"the metrics are not for this caller; see SERVICES84_METRICS_NETWORKS\n"
            if settings.metrics_token:
                challenge = [("WWW-Authenticate", 'Bearer realm="services84 metrics"')]
                return HTTPStatus.UNAUTHORIZED, TEXT, body, challenge
            return HTTPStatus.FORBIDDEN, TEXT, body, []
        accept = str(environ.get("HTTP_ACCEPT") or "")
        text, kind = self._services.metrics.exposition(accept, self._measures)
        return HTTPStatus.OK, kind, text, []


def may_measure(environ: Environ, settings: Settings) -> bool:
    """Whether the metrics are for this caller: it knows the token, or calls from a network.

    What a proxy has passed on that is not trusted comes from nowhere in particular, though its
    connection comes from this machine.
    """
    token = settings.metrics_token.get_secret_value().encode()
    scheme, _, given = str(environ.get("HTTP_AUTHORIZATION") or "").partition(" ")
    presented = given.strip().encode("utf-8", "replace")
    if token and scheme.lower() == "bearer" and hmac.compare_digest(token, presented):
        return True
    if is_forwarded(environ) and not comes_from_proxy(environ, settings):
        return False
    return is_within(client_address(environ, settings), settings.metrics_networks)


class Readiness:
    """What a process needs for its work, checked when it is asked for."""

    def __init__(self, services: Services, monotonic: Callable[[], float]) -> None:
        self._services = services
        self._leases = ServiceLeases(services.database)
        self._monotonic = monotonic
        self._led = monotonic()  # when some process was last seen to sync by the clock

    def checks(self) -> dict[str, str]:
        """Check → `ok`, or what is wrong, fit for anybody."""
        settings = self._services.settings
        checks = {"database": _tried("database", self._services.database.check_schema)}
        checks["key"] = _tried("key", self._check_key)
        if settings.sync_interval or settings.idle_connections:
            checks["scheduler"] = _tried("scheduler", self._check_scheduler)
        return checks

    def _check_key(self) -> None:
        """The key file as it is at this moment: what a restart would find."""
        vault = Vault.load(self._services.settings.key_file)
        if not SealedSecrets(self._services.database, vault).newest_open():
            raise SecretError("the key does not open the mail passwords of the database")

    def _check_scheduler(self) -> None:
        """Another process takes over when the leading one dies; meanwhile nothing is amiss."""
        if self._leases.holder(LEASE, self._services.clock()) is not None:
            self._led = self._monotonic()
            return
        patience = self._services.settings.lease_seconds + 2 * LOOK_SECONDS
        if self._monotonic() - self._led > patience:
            raise StoreError("no process syncs by the clock")


def _tried(name: str, check: Callable[[], None]) -> str:
    try:
        check()
    except Services84Error as error:
        log.warning("not_ready", check=name, error=error.message)
        return "failed; the log says why"
    return "ok"
