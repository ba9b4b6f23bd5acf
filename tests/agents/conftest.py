"""What operations are tried on: a service without mail servers, and a mailbox on servers that offer
more and less."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services84.imap.connection import ImapConnection
from tests.support.live_mail import LiveMail
from tests.support.service import Service, running_service

# What the server offers is hidden, to go each way on the same real server.
WAYS = {
    "move": frozenset[str](),
    "uid expunge": frozenset({"MOVE"}),
    "expunge": frozenset({"MOVE", "UIDPLUS"}),
}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running_service(tmp_path) as running:
        yield running


@pytest.fixture(params=WAYS)
def each_way(
    request: pytest.FixtureRequest, mail: LiveMail, monkeypatch: pytest.MonkeyPatch
) -> LiveMail:
    """The file's `mail`, on a server that offers some of what it does."""
    hidden = WAYS[request.param]
    offered = property(lambda connection: connection._session.capabilities - hidden)
    monkeypatch.setattr(ImapConnection, "capabilities", offered)
    return mail
