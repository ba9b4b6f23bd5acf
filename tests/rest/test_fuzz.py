"""schemathesis plays with the OpenAPI document: whatever it sends is answered as the document says.

Against gunicorn, on both databases, with all of schemathesis' checks. `FUZZ_EXAMPLES` says how many
requests every address gets; without it nothing is sent. `make fuzz-web` sets it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rest.web import basic
from tests.support.server import PASSWORD, ServerProcess, running_server

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
pytestmark = pytest.mark.skipif(not EXAMPLES, reason="FUZZ_EXAMPLES is not set")
DEADLINE = 90 + 600 * EXAMPLES
# Schemas say of what form members are; what they mean, a form cannot tell. So a request whose form
# is right may be refused (400) as well, may name what is not there (404), or a mail server that does
# not answer (424).
CONFIGURATION = """
[generation]
allow-x00 = false
deterministic = true

[checks.positive_data_acceptance]
expected-statuses = ["2xx", "400", "401", "403", "404", "406", "409", "413", "424"]
"""


@pytest.fixture
def server(database_url: str, tmp_path: Path) -> Iterator[ServerProcess]:
    """The service under gunicorn on one of the databases, with the administrator ingrid."""
    with running_server(tmp_path, database_url=database_url, workers=1, mail_connect_timeout=2,
                        mail_read_timeout=2, sync_interval=0, login_free_attempts=1_000_000,
                        login_free_attempts_address=1_000_000) as running:  # fmt: skip
        running.database_url = database_url  # where associates are added
        yield running


def test_whatever_is_sent_is_answered_as_documented(server: ServerProcess, tmp_path: Path) -> None:
    server.add_associate("ingrid", admin=True)
    ticket = server.sign_in("ingrid")
    assert ticket
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text(CONFIGURATION)
    root = server.base.partition("/Remote")[0]
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(configuration)),
        *("run", f"{root}/api/openapi.json", "--url", root),
        *("--header", f"Authorization: SoTicket {ticket}"),
        *("--include-path-regex", "^/api", "--max-examples", str(EXAMPLES)),
        *("--phases", "fuzzing"),
        *("--request-timeout", "60", "--no-color", "--continue-on-failure"),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=DEADLINE, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    assert basic("ingrid", PASSWORD) not in server.log()
    assert "Traceback" not in server.log()
