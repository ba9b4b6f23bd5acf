"""The service in this process with a clock of its own, and the two views that have to agree."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import select

from services84.application import Application
from services84.security.vault import Vault
from services84.settings import read_settings
from services84.store.database import Database
from services84.store.tables import email_folder, email_item
from services84.store.values import FolderAttribute, ItemFlag
from services84.sync.values import SyncReport, SyncState
from services84.sync.vocabulary import flags_seen
from tests.support.imapmodel.mailbox import Mailbox
from tests.support.imapmodel.server import PASSWORD, Server
from tests.support.mailboxes import save_account
from tests.support.service import Service

WAIT = 60.0  # seconds for one sync
YEAR = 365 * 86400  # seconds; this clock runs fast

Seen = dict[str, dict[int, tuple[ItemFlag, str, bytes]]]  # folder → UID → flags, keywords, bytes


class Row(NamedTuple):
    """Where the cache has a message."""

    item_id: int
    folder: str  # as the server spells it
    uid_validity: int
    uid: int


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self._now = datetime(2026, 3, 6, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        self._now += by


@dataclass(frozen=True)
class Rig:
    """A service; every history gets an account of its own."""

    service: Service
    ticket: str
    clock: Clock

    def account(self, server: Server) -> int:
        return save_account(self.service, self.ticket, "anna", PASSWORD, server.port)

    def sync(self, account_id: int) -> SyncReport:
        """One sync, whatever the account's backoff."""
        self.clock.advance(timedelta(seconds=1))
        report = self.service.services.sync.sync(account_id, force=True, wait=WAIT)
        assert report.state is SyncState.COMPLETED
        return report

    def rows(self, account_id: int) -> list[Row]:
        """Every message of the account, also those of a former UIDVALIDITY."""
        item, folder = email_item.c, email_folder.c
        wanted = (item.email_item_id, folder.server_name, item.uid_validity, item.uid)
        with self.service.application.database.reading() as connection:
            found = connection.execute(
                select(*wanted)
                .join_from(email_item, email_folder)
                .where(folder.account_id == account_id)
            )
            return [Row(*row) for row in found]

    def cached(self, account_id: int) -> Seen:
        """What the cache holds of the folders that can be selected."""
        view: Seen = {}
        services = self.service.services
        for folder in services.folders.list(account_id):
            if folder.attributes & FolderAttribute.NO_SELECT:
                view[folder.server_name] = {}
                continue
            rows = services.items.list(folder.folder_id, limit=10_000)
            view[folder.server_name] = {
                row.uid: (row.flags, row.keywords, services.items.source(row.item_id) or b"")
                for row in rows
            }
            # No message twice, and the folder's own count is of these.
            assert len(rows) == len(view[folder.server_name]) == folder.total
        return view


def held(mailbox: Mailbox) -> Seen:
    """What the server holds."""
    view: Seen = {}
    for name, folder in mailbox.folders.items():
        view[name] = {}
        for message in folder.messages:
            seen = flags_seen(message.flags)
            view[name][message.uid] = (seen.flags, seen.keywords, message.content)
    return view


@contextlib.contextmanager
def rig(folder: Path) -> Iterator[Rig]:
    """A service on a fresh SQLite database below `folder`."""
    key, url = folder / "test.key", f"sqlite:///{folder / 'model.sqlite3'}"
    Vault.create_key_file(key)
    database = Database(url)
    database.migrate()
    database.close()
    clock = Clock()
    settings = read_settings(
        database_url=url,
        key_file=key,
        sync_max_errors=1_000_000,
        ticket_seconds=YEAR,
        sync_parallel=1,
        mail_connect_timeout=10,
        mail_read_timeout=10,
    )
    application = Application(settings, clock=clock)
    try:
        service = Service(application)
        anna, _ = service.associate("anna")
        yield Rig(service, service.ticket(anna, seconds=YEAR), clock)
    finally:
        application.close()
