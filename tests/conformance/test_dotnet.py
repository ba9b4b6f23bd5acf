"""A .NET caller: WCF under Mono, with BasicHttpBinding and with SOAP 1.2 bindings."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conformance.conftest import Customer

SOURCE = Path(__file__).parent / "dotnet" / "Client.cs"
REFERENCES = ["System.ServiceModel", "System.Runtime.Serialization"]


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled client."""
    compiler = shutil.which("mcs")
    if compiler is None or shutil.which("mono") is None:
        reason = "Mono is not installed (Debian: mono-mcs mono-runtime libmono-system-servicemodel4.0a-cil)"
        if os.environ.get("CI") or os.environ.get("SERVICES84_TEST_REQUIRE") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    program = tmp_path_factory.mktemp("dotnet") / "Client.exe"
    command = [compiler, f"-out:{program}", *(f"-r:{name}" for name in REFERENCES), str(SOURCE)]
    subprocess.run(command, check=True, timeout=120)
    return program


@pytest.mark.parametrize("version", ["1.1", "1.2", "1.2+addressing"])
def test_authenticate_save_sync_get_and_a_bad_ticket(
    client: Path, customer: Customer, version: str
) -> None:
    command = ["mono", str(client), customer.server.base, version]
    command += [customer.name, customer.password, "127.0.0.1", str(customer.dovecot.port_plain)]
    command += [customer.name, customer.mail_password]
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        env=os.environ | {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"},
    )
    assert done.returncode == 0, done.stderr
    told = dict(line.split("=", 1) for line in done.stdout.splitlines())
    account_id = int(told.pop("account id"))
    assert account_id > 0
    assert "ticket" in told.pop("bad ticket text")
    assert float(told.pop("Sync.Seconds")) >= 0
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
