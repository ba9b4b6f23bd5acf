"""Watched INBOXes: new mail is in the cache within seconds; no host is taken up by watching."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services84.errors import LoginRefused
from services84.store.database import Database, utc_now
from services84.store.slots import SlotStore
from services84.store.values import AccountDraft
from services84.sync.mailbox import MailServers
from services84.sync.watch import InboxWatch, choose
from tests.support.dovecot import DovecotServer
from tests.support.mailboxes import append, message, save_account, sync
from tests.support.service import Service, running_service
from tests.sync.conftest import MAIL_PASSWORD, new_user

DEADLINE = 30.0
SECONDS = 5.0  # within which new mail has to be in the cache, on a busy machine
SAVED = datetime(2026, 5, 1, tzinfo=UTC)


def candidates(*servers: str) -> list[tuple[int, str, datetime]]:
    return [(number, server, SAVED) for number, server in enumerate(servers, start=1)]


def test_the_first_that_are_not_resting_are_watched_and_no_more_than_wanted() -> None:
    some = candidates("a", "b", "c", "d")
    assert list(choose(some, most=2, per_host=5, resting=())) == [1, 2]
    assert list(choose(some, most=2, per_host=5, resting={1})) == [2, 3]
    assert choose(some, most=0, per_host=5, resting=()) == {}


def test_of_each_host_only_some_are_watched_however_it_is_spelled() -> None:
    some = candidates("a.example", "A.example", "a.example.", "b.example")
    assert list(choose(some, most=4, per_host=2, resting=())) == [1, 2, 4]
    assert choose(some, most=4, per_host=0, resting=()) == {}


@pytest.fixture
def service(tmp_path: Path, database: Database) -> Iterator[Service]:
    """Watches one account, and syncs nothing by the clock."""
    with watching(tmp_path, database.url) as running:
        yield running


@contextmanager
def watching(folder: Path, url: str | None = None, **settings: object) -> Iterator[Service]:
    own = {"sync_interval": 0, "idle_connections": 1, "lease_seconds": 2, **settings}
    with running_service(folder, url, background=True, **own) as running:
        yield running


def until(condition: Callable[[], bool], seconds: float = DEADLINE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def synced_account(service: Service, dovecot: DovecotServer, name: str) -> tuple[int, str]:
    _, ticket = service.associate(name)
    user = new_user(dovecot)
    account_id = save_account(service, ticket, user, MAIL_PASSWORD, dovecot.port_plain)
    sync(service, ticket, account_id)
    return account_id, user


def watch_of(service: Service) -> InboxWatch:
    return service.application.scheduler._watch


def cached(service: Service, account_id: int) -> int:
    return sum(folder.total for folder in service.services.folders.list(account_id))


def test_new_mail_is_in_the_cache_within_seconds(service: Service, dovecot: DovecotServer) -> None:
    account_id, user = synced_account(service, dovecot, "anna")
    until(lambda: account_id in watch_of(service).watched)
    with dovecot.client(user) as client:
        for number in range(1, 4):
            append(client, "INBOX", message(number))
            until(lambda expected=number: cached(service, account_id) == expected, SECONDS)  # type: ignore[misc]
        client.select("INBOX")
        client.store("1", "+FLAGS", "\\Deleted")
        client.expunge()
        until(lambda: cached(service, account_id) == 2, SECONDS)


def test_mail_that_comes_during_a_sync_is_not_forgotten(
    service: Service, dovecot: DovecotServer
) -> None:
    account_id, user = synced_account(service, dovecot, "anna")
    until(lambda: account_id in watch_of(service).watched)
    with dovecot.client(user) as client:
        for number in range(30):
            append(client, "INBOX", message(number))
    until(lambda: cached(service, account_id) == 30, SECONDS)


def test_only_so_many_accounts_are_watched_and_each_takes_a_slot(
    service: Service, database: Database, dovecot: DovecotServer
) -> None:
    first, _ = synced_account(service, dovecot, "anna")
    second, _ = synced_account(service, dovecot, "bert")
    until(lambda: watch_of(service).watched == {first})
    until(lambda: not service.services.sync.under_way)
    assert SlotStore(database).counts("127.0.0.1", utc_now()) == (1, 0)
    service.services.accounts.delete(first)
    until(lambda: watch_of(service).watched == {second})


def test_a_changed_account_is_watched_anew(service: Service, dovecot: DovecotServer) -> None:
    account_id, _ = synced_account(service, dovecot, "anna")
    until(lambda: account_id in watch_of(service).watched)
    before = watch_of(service)._watchers[account_id]
    account = service.services.accounts.get(account_id)
    assert account is not None
    service.services.accounts.save(
        AccountDraft(account_id, "new@example.com", account.associate_id, account.incoming, None)
    )
    until(lambda: not before.is_alive())
    until(lambda: account_id in watch_of(service).watched)
    assert watch_of(service)._watchers[account_id] is not before


def test_a_broken_connection_is_made_anew(tmp_path: Path, dovecot: DovecotServer) -> None:
    with watching(tmp_path) as service:
        account_id, user = synced_account(service, dovecot, "anna")
        until(lambda: account_id in watch_of(service).watched)
        before = dovecot.logins(user)
        watcher = watch_of(service)._watchers[account_id]
        for configuration in dovecot.folder.glob("*.conf"):
            kick = ["doveadm", "-c", str(configuration), "kick", user]
            subprocess.run(kick, capture_output=True, check=False)
        until(lambda: not watcher.is_alive())
        until(lambda: account_id in watch_of(service).watched)
        assert dovecot.logins(user) > before
        dovecot.deliver(user, "INBOX", message(1))
        until(lambda: cached(service, account_id) == 1, SECONDS)


def test_a_refused_login_is_not_tried_again_by_watching(
    tmp_path: Path, dovecot: DovecotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with watching(tmp_path) as service:
        first, _ = synced_account(service, dovecot, "anna")
        second, _ = synced_account(service, dovecot, "bert")
        tries: list[str] = []
        original = MailServers.imap_of

        def imap_of(self: MailServers, auth):  # type: ignore[no-untyped-def]
            account = service.services.accounts.get(first)
            if account is not None and account.incoming is not None:
                tries.append(auth.username)
                if auth.username == account.incoming.username:
                    raise LoginRefused("login refused")
            return original(self, auth)

        monkeypatch.setattr(MailServers, "imap_of", imap_of)
        for watcher in watch_of(service)._watchers.values():
            watcher.stop.set()
        until(lambda: watch_of(service).watched == {second})
        refused = [name for name in tries if name == tries[0]]
        assert len(refused) == 1


def test_half_of_a_hosts_connections_are_left_to_syncs(
    tmp_path: Path, dovecot: DovecotServer
) -> None:
    with watching(tmp_path, idle_connections=9, mail_connections_per_host=3) as service:
        ids = {synced_account(service, dovecot, f"a{number}")[0] for number in range(4)}
        until(lambda: len(watch_of(service).watched) == 1)
        _, ticket = service.associate("admin", admin=True)
        for account_id in ids:
            sync(service, ticket, account_id)
        assert len(watch_of(service)._watchers) == 1
