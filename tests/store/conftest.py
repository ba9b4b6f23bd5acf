"""An associate with an account and a folder, and a clock that stands still until told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from services84.store.accounts import AccountStore
from services84.store.database import Database
from services84.store.folders import FolderStore
from services84.store.items import ItemStore
from services84.store.principals import PrincipalStore
from services84.store.values import (
    Account,
    AccountDraft,
    Associate,
    Folder,
    FolderAttribute,
    FolderChanges,
    FolderDraft,
    Lease,
    ServiceAuth,
)

START = datetime(2026, 3, 29, 0, 59, 59, 123456, tzinfo=UTC)


class PlainVault:
    """Marks what would be sealed, and checks that it is opened where it was sealed."""

    def seal(self, text: str, *, table: str, row: int, column: str) -> str:
        return f"sealed|{table}|{row}|{column}|{text[::-1]}"

    def open(self, sealed: str, *, table: str, row: int, column: str) -> str:
        head, _, text = sealed.rpartition("|")
        assert head == f"sealed|{table}|{row}|{column}"
        return text[::-1]


@dataclass
class Stores:
    """All stores over one database."""

    database: Database
    principals: PrincipalStore
    accounts: AccountStore
    folders: FolderStore
    items: ItemStore
    now: datetime = START
    _names: Iterator[int] = field(default_factory=lambda: iter(range(1, 1000)))

    def later(self, **delta: float) -> datetime:
        self.now += timedelta(**delta)
        return self.now

    def associate(self, name: str = "") -> Associate:
        return self.principals.add_associate(name or f"associate {next(self._names)}", "hash")

    def account(
        self, associate: Associate | None = None, address: str = "a@example.com"
    ) -> Account:
        owner = associate or self.associate()
        return self.accounts.save(draft(owner, address))

    def lease(self, account: Account) -> Lease:
        taken = self.accounts.take_lease(account.account_id, "me", self.now, 60)
        assert taken is not None
        return taken

    def folder(self, lease: Lease, name: str = "INBOX") -> Folder:
        self.folders.reconcile(lease, FolderChanges(added=[folder_draft(name)]))
        return next(f for f in self.folders.list(lease.account_id) if f.name == name)


def auth(password: str | None = "secret", server: str = "imap.example.com") -> ServiceAuth:
    return ServiceAuth(0, server, 993, "Password", "anna", password)


def draft(
    associate: Associate, address: str = "a@example.com", account_id: int = 0
) -> AccountDraft:
    return AccountDraft(account_id, address, associate.associate_id, auth(), None)


def folder_draft(name: str) -> FolderDraft:
    return FolderDraft(name, name, "/", FolderAttribute.SUBSCRIBED)


@pytest.fixture
def stores(database: Database) -> Stores:
    return make_stores(database)


def make_stores(database: Database) -> Stores:
    """The stores over a fresh database, by their own clock."""
    made = Stores(
        database,
        PrincipalStore(database),
        AccountStore(database, PlainVault()),
        FolderStore(database),
        ItemStore(database),
    )
    database.clock = lambda: made.now
    return made
