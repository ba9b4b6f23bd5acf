"""schemathesis plays with the OpenAPI document: whatever it sends is answered as the document says.

Against gunicorn, on both databases, with all of schemathesis' checks. What is sent is the same every
time. `FUZZ_EXAMPLES` says how many requests every address gets in the long form, which also tries
every border of every schema; without it a few are sent. `make fuzz-web` sets it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rest.web import basic
from tests.support.server import PASSWORD, ROOT, ServerProcess, running_server

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
DEADLINE = 300 + 600 * EXAMPLES
# Schemas say of what form members are; what they mean, a form cannot tell. So a request whose form
# is right may be refused (400) as well, may name what is not there (404), or a mail server that does
# not answer (424). What is too much is refused as such (413).
CONFIGURATION = """
hooks = "tests.rest.fuzz_hooks"

[generation]
allow-x00 = false
deterministic = true

[checks.positive_data_acceptance]
expected-statuses = ["2xx", "400", "401", "403", "404", "406", "409", "413", "424"]

[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "429"]
"""
# Records, access tokens and what describes the service; of the operations, small ones of accounts.
CLOSELY = (
    r"^/(api/crm|login|\.well-known|api(/v1|/docs|/openapi\.json)?$"
    r"|api/v1/Agents/EMail/(Get|Delete)EMailAccount$)"
)
EVERYTHING = ("--phases", "examples,coverage,fuzzing,stateful", "--max-examples", str(EXAMPLES))
LITTLE = (
    ("--phases", "fuzzing,stateful", "--max-examples", "2"),
    (*("--phases", "coverage,fuzzing,stateful", "--max-examples", "4"), "--include-path-regex", CLOSELY),
)  # fmt: skip


@pytest.fixture
def server(database_url: str, tmp_path: Path) -> Iterator[ServerProcess]:
    """The service under gunicorn on one of the databases, with the administrator ingrid."""
    with running_server(tmp_path, database_url=database_url, workers=1, mail_connect_timeout=2,
                        mail_read_timeout=2, sync_interval=0, login_free_attempts=1_000_000,
                        login_free_attempts_address=1_000_000) as running:  # fmt: skip
        running.database_url = database_url  # where associates are added
        running.add_associate("ingrid", admin=True)
        yield running


def test_whatever_is_sent_is_answered_as_documented(server: ServerProcess, tmp_path: Path) -> None:
    ticket = server.sign_in("ingrid")
    assert ticket
    for options in (EVERYTHING,) if EXAMPLES else LITTLE:
        status, said = play(server, ticket, tmp_path, *options)
        assert status == 0, said
        assert "passed" in said
    assert basic("ingrid", PASSWORD) not in server.log()
    assert "Traceback" not in server.log()


def play(server: ServerProcess, ticket: str, folder: Path, *options: str) -> tuple[int, str]:
    """Let schemathesis send what it makes up; its exit code, and what it says."""
    configuration = folder / "schemathesis.toml"
    configuration.write_text(CONFIGURATION)
    root = server.base.partition("/Remote")[0]
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(configuration)),
        *("run", f"{root}/api/openapi.json", "--url", root, "--checks", "all"),
        *("--header", f"Authorization: SoTicket {ticket}", *options),
        # How fast it answers is no matter here, on a machine that does other things besides.
        *("--request-timeout", "60", "--max-response-time", "60"),
        *("--no-color", "--continue-on-failure"),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=DEADLINE, cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    return done.returncode, done.stdout[-20_000:] + done.stderr[-2_000:]
