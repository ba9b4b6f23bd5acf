"""What others quote, the service does not: no answer, log, trace, database or backup has a secret that
a mail server, a provider or the HTTP server has repeated, or that was at hand when something crashed."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from services84.metrics import FOLDER
from tests.security.spilling import entering
from tests.security.spilling.place import SERVE_WITH_CRASHES, Place
from tests.support.canaries import Aviary, files_below
from tests.support.command_press import command_press
from tests.support.server import ServerProcess
from tests.support.token_server import TokenListener, TokenServer, provider_file


@pytest.fixture(scope="module")
def place(
    tmp_path_factory: pytest.TempPathFactory, token_listener: TokenListener
) -> Iterator[Place]:
    """A service that was told all secrets, still running."""
    folder, private = tmp_path_factory.mktemp("kept"), tmp_path_factory.mktemp("private")
    token_listener.server = TokenServer(port=token_listener.port)
    server = ServerProcess(
        folder,
        (sys.executable, "-c", SERVE_WITH_CRASHES),
        key_file=private / "server.key",
        mail_oauth_file=provider_file(private, token_listener.server.url()),
        metrics_networks="",
        log_level="debug",
        login_free_attempts=1000,
        login_free_attempts_address=1000,
        sync_interval=0,
    )
    server.key_file = private / "server.key"
    server.env[FOLDER] = str(folder / "metrics")
    with command_press() as press:
        here = Place(folder, private, server, Aviary(), token_listener.server, press)
        server.env["SERVICES84_METRICS_TOKEN"] = here.secret("metrics token", plain=True)
        entering.commands(here)
        server.start()
        try:
            for door in entering.DOORS:
                door(here)
            yield here
        finally:
            if server.running:
                server.stop()


def test_no_answer_has_a_secret_that_it_is_not_for(place: Place) -> None:
    place.aviary.heard.clear()
    for said in place.said:
        place.aviary.listen(said.where, said.data, told=said.allowed)
    assert place.aviary.heard == []
    assert len(place.said) > 100
    assert len(place.aviary.secrets) > 70


def test_no_file_of_the_service_has_a_secret(place: Place) -> None:
    """The database with its log beside it, logs, the trace, the backup, the numbers of metrics."""
    kept = list(files_below(place.folder))
    names = {path.name for path in kept}
    assert {"server.log", "sync.trace", "backup.services84"} <= names
    assert {"server.sqlite3", "server.sqlite3-wal"} <= names
    assert any(path.parent.name == "metrics" for path in kept)
    place.aviary.heard.clear()
    for path in kept:
        place.aviary.listen_to_file(path)
    assert place.aviary.heard == []


def test_the_files_are_those_in_which_the_rest_is_kept(place: Place) -> None:
    """Else nothing would be found in them because they are empty, or somebody else's."""
    log = place.server.log()
    assert log.count("RuntimeError: ") >= 3  # the crashes
    assert log.count("Invalid request from ip=127.0.0.1: ") >= 10
    assert b" polly 127.0.0.1:" in (place.folder / "sync.trace").read_bytes()
    backup = (place.folder / "backup.services84").read_bytes()
    assert b"parrot0@example.com" in backup
    assert b"login refused by 127.0.0.1" in backup


def test_no_command_line_has_a_secret(place: Place) -> None:
    told = place.arguments()
    assert b"serve" in told
    place.aviary.heard.clear()
    place.aviary.listen("the processes", told)
    assert place.aviary.heard == []
