"""A .NET caller: WCF under Mono, with BasicHttpBinding and with SOAP 1.2 bindings."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.conftest import Customer
from tests.conformance.mono import compile_program, run_program


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled client."""
    folder = tmp_path_factory.mktemp("dotnet")
    return compile_program("Client", folder, "System.ServiceModel", "System.Runtime.Serialization")


@pytest.mark.parametrize("version", ["1.1", "1.2", "1.2+addressing"])
def test_authenticate_save_sync_get_and_a_bad_ticket(
    client: Path, customer: Customer, version: str
) -> None:
    done = run_program(
        client,
        *(customer.server.base, version, customer.name, customer.password),
        *("127.0.0.1", str(customer.dovecot.port_plain), customer.name, customer.mail_password),
    )
    assert done.returncode == 0, done.stderr
    told = dict(line.split("=", 1) for line in done.stdout.splitlines())
    account_id = int(told.pop("account id"))
    assert account_id > 0
    assert "ticket" in told.pop("bad ticket text")
    assert float(told.pop("Sync.Seconds")) >= 0
    assert told.pop("Request.Id")
    assert told == {
        "wrong password": "succeeded",
        "wrong password authenticated": "False",
        "authenticate": "succeeded",
        "authenticated": "True",
        "associate": customer.name,
        "save": "succeeded",
        "sync": "succeeded",
        "time zone": "NO",
        "Sync.State": "completed",
        "Sync.New": str(customer.messages),
        "Sync.Changed": "0",
        "Sync.Removed": "0",
        "get": "succeeded",
        "address": customer.address,
        "owner": "True",
        "server": "127.0.0.1",
        "port": str(customer.dovecot.port_plain),
        "status": "4",
        "bad ticket": "failed",
        "bad ticket type": "SoAuthenticationException",
        "bad ticket response": "nothing",
    }
    assert len(customer.cached_subjects(account_id)) == customer.messages
