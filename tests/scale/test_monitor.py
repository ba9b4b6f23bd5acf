"""A worker and a scheduler tell of themselves at a port of their own, where the settings want it."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.installation import PASSWORD, Installation
from tests.support.mailboxes import credentials, message
from tests.support.server import free_port, plain_session

DEADLINE = 60.0


def got(port: int, path: str) -> tuple[int, str]:
    """The answer, as soon as somebody listens."""
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            with plain_session() as session:
                reply = session.get(f"http://127.0.0.1:{port}{path}", timeout=DEADLINE)
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            return reply.status_code, reply.text


def measured(port: int) -> dict[str, float]:
    """Sums by metric."""
    status, text = got(port, "/metrics")
    assert status == 200, text
    sums: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
    return sums


@pytest.mark.parametrize("installation", ["redis"], indirect=True)
def test_a_worker_counts_its_syncs_and_answers_at_its_port(installation: Installation) -> None:
    ports = {"worker": free_port(), "scheduler": free_port()}
    installation.add_associate("anna")
    worker = installation.worker("worker", monitor_bind=f"127.0.0.1:{ports['worker']}")
    scheduler = installation.scheduler(monitor_bind=f"127.0.0.1:{ports['scheduler']}")
    web = installation.web("web")
    for node in (worker, scheduler, web):
        node.start()
    for port in ports.values():
        assert got(port, "/healthz") == (200, '{"status": "ok"}\n')
        assert got(port, "/status")[0] == 404
    dovecot = installation.dovecot
    user = dovecot.add_user("monitored", "secret")
    dovecot.deliver(user, "INBOX", message(1), message(2))
    account_id = _account(web, user, dovecot.port_plain)
    web.call(
        "SyncEmailAccount", {"SyncUserAccount": {"AccountId": account_id}}, ticket=_ticket(web)
    )
    deadline = time.monotonic() + DEADLINE
    while (sums := measured(ports["worker"])).get("services84_syncs_total", 0) < 1:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert sums["services84_messages_total"] >= 2
    assert sums["services84_accounts"] == 1
    assert "services84_syncs_total" not in measured(ports["scheduler"])
    assert measured(ports["scheduler"])["services84_scheduler_up"] == 1
    assert got(ports["scheduler"], "/readyz")[0] == 200
    # A caller that says nothing hinders neither others nor the end.
    with socket.create_connection(("127.0.0.1", ports["worker"])):
        assert got(ports["worker"], "/healthz")[0] == 200
        assert worker.stop() == 0
    assert scheduler.stop() == 0


def _ticket(web: Any) -> str:
    members = {"UserName": "anna", "Password": PASSWORD}
    reply = web.call("AuthenticateUsernamePassword", members, service="SoPrincipal")
    return str(reply.text("Credentials/Ticket"))


def _account(web: Any, user: str, port: int) -> int:
    account = {
        "EMailAddress": f"{user}@example.com",
        "IncomingCredentials": credentials(user, "secret", port),
    }
    reply = web.call("SaveEMailAccount", {"EMailAccount": account}, ticket=_ticket(web))
    assert reply.succeeded, reply.exception
    return int(reply.text("Response/EMailAccountId"))
