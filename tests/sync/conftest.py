"""A service on either database beside a real IMAP server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from services84.store.database import Database
from tests.support.dovecot import DovecotServer
from tests.support.mailboxes import save_account
from tests.support.service import Service, running_service

MAIL_PASSWORD = "mail-secret-84"
_numbers = iter(range(1, 1_000_000))


@dataclass
class Scene:
    """An associate with a mailbox on Dovecot and the account that syncs it."""

    service: Service
    ticket: str
    dovecot: DovecotServer
    user: str
    account_id: int

    def sync(self) -> dict[str, str]:
        """Sync by SOAP, whatever the account's backoff; gives ExtraInfo."""
        members = {"SyncUserAccount": {"AccountId": self.account_id}}
        reply = self.service.call("SyncEmailAccount", members, ticket=self.ticket)
        assert reply.succeeded, reply.exception
        return reply.extra

    def client(self) -> Any:
        """Another IMAP client of the same mailbox."""
        return self.dovecot.client(self.user)


def new_user(dovecot: DovecotServer) -> str:
    """A user that no other test has."""
    user = f"user{next(_numbers)}"
    dovecot.add_user(user, MAIL_PASSWORD)
    return user


@pytest.fixture
def scene(tmp_path: Path, database: Database, dovecot: DovecotServer) -> Iterator[Scene]:
    with running_service(tmp_path, database.url) as service:
        _, ticket = service.associate("anna")
        user = new_user(dovecot)
        account_id = save_account(service, ticket, user, MAIL_PASSWORD, dovecot.port_plain)
        yield Scene(service, ticket, dovecot, user, account_id)
