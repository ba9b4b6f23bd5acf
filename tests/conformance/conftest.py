"""One running service for all real clients, beside a Dovecot with mail in it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from services84.application import Application
from services84.settings import Settings
from tests.support.dovecot import DovecotServer
from tests.support.mailboxes import fill
from tests.support.server import PASSWORD, ServerProcess, running_server

MAIL_PASSWORD = "mail secret 84"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """The service under gunicorn, two workers, SQLite."""
    with running_server(tmp_path_factory.mktemp("server")) as running:
        yield running


@dataclass(frozen=True)
class Customer:
    """An associate of the running service with a mailbox of their own on Dovecot."""

    server: ServerProcess
    dovecot: DovecotServer
    name: str
    password: str
    mail_password: str
    messages: int

    @property
    def address(self) -> str:
        return f"{self.name}@example.com"

    def cached_subjects(self, account_id: int) -> list[str]:
        """What the cache holds of an account, seen in the database."""
        application = Application(
            Settings(database_url=self.server.database_url, key_file=self.server.key_file)
        )
        try:
            newest = application.services.items.newest(account_id, 10_000)
            return [item.subject for _, item in newest]
        finally:
            application.close()


@pytest.fixture
def customer(server: ServerProcess, dovecot: DovecotServer) -> Customer:
    """Made anew for every test, so that no test sees another's mail."""
    name = f"customer{next(_numbers)}"
    server.add_associate(name)
    dovecot.add_user(name, MAIL_PASSWORD)
    with dovecot.client(name) as client:
        count = fill(client)
    return Customer(server, dovecot, name, PASSWORD, MAIL_PASSWORD, count)
