"""The probes tell what is wrong and to whom they may; a broken part shows before users find it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from services84.security.vault import Vault
from services84.settings import Settings
from services84.store.service_leases import ServiceLeases
from services84.store.values import AccountDraft, ServiceAuth
from services84.sync.scheduler import LEASE
from services84.web.probes import Probes, may_measure
from tests.support.service import Service, running_service

TOKEN = "a-token-of-some-length"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running_service(tmp_path) as running:
        yield running


def ready(service: Service) -> tuple[str, dict[str, str]]:
    status, _, body = service.request("/readyz")
    return status, json.loads(body)["checks"]


def measured(service: Service, **environ: Any) -> dict[tuple[str, tuple[str, ...]], float]:
    status, headers, body = service.request("/metrics", **environ)
    assert status == "200 OK"
    assert headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def add_account(service: Service, associate_id: int) -> int:
    auth = ServiceAuth(0, "imap.example.com", 993, "", "anna", password="secret")
    draft = AccountDraft(0, "anna@example.com", associate_id, auth, None)
    return service.services.accounts.save(draft).account_id


# Health and readiness ---------------------------------------------------------------------------


def test_health_asks_nobody(service: Service) -> None:
    service.application.database.close()
    Path(service.services.settings.key_file).unlink()
    status, headers, body = service.request("/healthz")
    assert (status, json.loads(body)) == ("200 OK", {"status": "ok"})
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_other_methods_are_refused(service: Service, path: str) -> None:
    status, headers, _ = service.request(path, REQUEST_METHOD="POST")
    assert status == "405 Method Not Allowed"
    assert headers["allow"] == "GET, HEAD"


def test_a_head_has_no_body(service: Service) -> None:
    status, headers, body = service.request("/readyz", REQUEST_METHOD="HEAD")
    assert (status, body) == ("200 OK", b"")
    assert int(headers["content-length"]) > 10


def test_all_is_well_with_a_new_installation(service: Service) -> None:
    assert ready(service) == (
        "200 OK",
        {"database": "ok", "key": "ok", "scheduler": "ok"},
    )


def test_a_database_that_is_gone_is_named_without_its_path(
    service: Service, tmp_path: Path
) -> None:
    service.application.database.close()
    for file in tmp_path.glob("service.sqlite3*"):
        file.unlink()
    status, checks = ready(service)
    assert status == "503 Service Unavailable"
    assert checks["database"] == "failed; the log says why"
    assert str(tmp_path) not in str(checks)


def test_a_key_file_that_is_gone_is_named(service: Service) -> None:
    Path(service.services.settings.key_file).unlink()
    status, checks = ready(service)
    assert status == "503 Service Unavailable"
    assert checks == {"database": "ok", "key": "failed; the log says why", "scheduler": "ok"}


def test_a_key_of_another_installation_is_named(service: Service) -> None:
    add_account(service, service.associate("anna")[0].associate_id)
    assert ready(service)[1]["key"] == "ok"
    key_file = Path(service.services.settings.key_file)
    key_file.unlink()
    Vault.create_key_file(key_file)
    assert ready(service)[1]["key"] == "failed; the log says why"


def test_the_scheduler_may_be_missing_while_another_process_takes_over(service: Service) -> None:
    seconds = [0.0]
    probes = Probes(service.services, monotonic=lambda: seconds[0])
    leases = ServiceLeases(service.application.database)

    def checked() -> str:
        return probes._readiness.checks()["scheduler"]

    assert checked() == "ok"
    seconds[0] = 69.0
    assert checked() == "ok"
    seconds[0] = 71.0
    assert checked() != "ok"
    leases.hold(LEASE, "another", service.services.clock(), 60)
    assert checked() == "ok"
    leases.release(LEASE, "another")
    seconds[0] = 140.0
    assert checked() == "ok"
    seconds[0] = 142.0
    assert checked() != "ok"


def test_no_scheduler_is_expected_where_nothing_is_done_by_the_clock(tmp_path: Path) -> None:
    with running_service(tmp_path, sync_interval=0) as service:
        assert ready(service)[1] == {"database": "ok", "key": "ok"}


# Who may measure --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "environ", "allowed"),
    [
        ({}, {"REMOTE_ADDR": "127.0.0.1"}, True),
        ({}, {"REMOTE_ADDR": "::1"}, True),
        ({}, {"REMOTE_ADDR": "::ffff:127.0.0.1"}, True),
        ({}, {"REMOTE_ADDR": ""}, True),  # over a UNIX socket
        ({}, {"REMOTE_ADDR": "192.0.2.1"}, False),
        ({}, {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "192.0.2.1"}, False),
        ({}, {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"}, False),
        ({}, {"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": "for=127.0.0.1"}, False),
        ({}, {"REMOTE_ADDR": "127.0.0.1", "HTTP_VIA": "1.1 proxy"}, False),
        (
            {"trusted_proxies": ("127.0.0.1",)},
            {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "192.0.2.1"},
            False,
        ),
        (
            {"trusted_proxies": ("127.0.0.1",), "metrics_networks": ("192.0.2.0/24",)},
            {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "192.0.2.1"},
            True,
        ),
        ({"metrics_networks": ""}, {"REMOTE_ADDR": "127.0.0.1"}, False),
        ({}, {"REMOTE_ADDR": "192.0.2.1", "HTTP_AUTHORIZATION": "Bearer "}, False),
        (
            {"metrics_token": TOKEN},
            {"REMOTE_ADDR": "192.0.2.1", "HTTP_AUTHORIZATION": f"Bearer {TOKEN}"},
            True,
        ),
        (
            {"metrics_token": TOKEN},
            {"REMOTE_ADDR": "192.0.2.1", "HTTP_AUTHORIZATION": f"bearer  {TOKEN} "},
            True,
        ),
        (
            {"metrics_token": TOKEN},
            {"REMOTE_ADDR": "192.0.2.1", "HTTP_AUTHORIZATION": f"Basic {TOKEN}"},
            False,
        ),
        (
            {"metrics_token": TOKEN},
            {"REMOTE_ADDR": "192.0.2.1", "HTTP_AUTHORIZATION": f"Bearer {TOKEN[:-1]}"},
            False,
        ),
        (
            {"metrics_token": TOKEN},
            {"REMOTE_ADDR": "192.0.2.1", "HTTP_AUTHORIZATION": "Bearer ü\ud800"},
            False,
        ),
    ],
)
def test_the_metrics_are_for_loopback_and_who_is_named(
    settings: dict[str, Any], environ: dict[str, str], allowed: bool
) -> None:
    assert may_measure(environ, Settings(**settings)) is allowed


def test_a_stranger_is_refused(service: Service) -> None:
    status, _, body = service.request("/metrics", REMOTE_ADDR="192.0.2.1")
    assert status == "403 Forbidden"
    assert b"SERVICES84_METRICS_NETWORKS" in body


def test_a_stranger_without_the_token_is_asked_for_it(tmp_path: Path) -> None:
    with running_service(tmp_path, metrics_token=TOKEN) as service:
        status, headers, _ = service.request("/metrics", REMOTE_ADDR="192.0.2.1")
        assert status == "401 Unauthorized"
        assert headers["www-authenticate"].startswith("Bearer ")
        assert TOKEN not in repr(service.services.settings)


# What is measured -------------------------------------------------------------------------------


def test_calls_are_counted_by_operation_and_outcome(service: Service) -> None:
    _, ticket = service.associate("anna")
    service.call("GetCurrentAccountId", ticket=ticket)
    service.call("GetCurrentAccountId", ticket=ticket, version="1.2")
    service.call("GetCurrentAccountId", ticket="7T:nobody's")
    service.post(b"<no><soap/></no>")
    found = measured(service)
    calls = "services84_calls_total"
    assert found[calls, ("GetCurrentAccountId", "ok", "SOAP 1.1", "EMail")] == 1
    assert found[calls, ("GetCurrentAccountId", "ok", "SOAP 1.2", "EMail")] == 1
    assert found[calls, ("GetCurrentAccountId", "NotAuthenticated", "SOAP 1.1", "EMail")] == 1
    assert found[calls, ("none", "MalformedMessage", "SOAP 1.1", "EMail")] == 1
    assert found["services84_call_seconds_count", ("GetCurrentAccountId", "EMail")] == 3


def test_what_a_caller_writes_becomes_no_label(service: Service) -> None:
    service.call("DropEverything", ticket="7T:secret")
    _, _, body = service.request("/metrics")
    assert b"DropEverything" not in body
    assert b"secret" not in body


def test_the_accounts_and_the_mail_hosts_are_told(service: Service) -> None:
    now = service.services.clock()
    account_id = add_account(service, service.associate("anna")[0].associate_id)
    service.services.accounts.take_lease(account_id, "elsewhere", now, 60)
    service.services.slots.ask("imap.example.com", lambda _: None)
    ServiceLeases(service.application.database).hold(LEASE, "elsewhere", now, 60)
    found = measured(service)
    assert found["services84_accounts", ("unknown",)] == 1
    assert found["services84_accounts", ("failed",)] == 0
    assert found["services84_accounts_syncing", ()] == 1
    assert found["services84_accounts_resting", ()] == 0
    assert found["services84_slots_in_use", ("imap.example.com",)] == 1
    assert found["services84_slots_waiting", ("imap.example.com",)] == 0
    assert found["services84_slots_limit", ()] == 10
    assert found["services84_database_up", ()] == 1
    assert found["services84_scheduler_up", ()] == 1
    assert 0 <= found["services84_sync_lag_seconds", ()] < timedelta(minutes=5).total_seconds()


def test_of_very_many_hosts_the_busiest_have_a_line_of_their_own(service: Service) -> None:
    for number in range(60):
        service.services.slots.ask(f"host{number}.example.com", lambda _: None)
    service.services.slots.ask("host59.example.com", lambda _: None)
    found = measured(service)
    lines = {
        labels[0]: n for (name, labels), n in found.items() if name == "services84_slots_in_use"
    }
    assert len(lines) == 51
    assert lines["host59.example.com"] == 2
    assert lines["(others)"] == 10


def test_a_database_that_is_gone_leaves_the_other_numbers(service: Service, tmp_path: Path) -> None:
    service.call("GetCurrentAccountId")
    service.application.database.close()
    for file in tmp_path.glob("service.sqlite3*"):
        file.unlink()
    found = measured(service)
    assert found["services84_database_up", ()] == 0
    assert any(name == "services84_calls_total" for name, _ in found)
    assert not any(name == "services84_accounts" for name, _ in found)


def test_openmetrics_is_spoken_where_it_is_wanted(service: Service) -> None:
    accept = "application/openmetrics-text; version=1.0.0"
    _, headers, body = service.request("/metrics", HTTP_ACCEPT=accept)
    assert headers["content-type"].startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")
