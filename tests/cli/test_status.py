"""What `services84 status` tells of accounts, folders, connections and the scheduler."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services84.application import Application
from services84.store.service_leases import ServiceLeases
from services84.store.slots import SlotStore
from services84.store.values import (
    AccountDraft,
    FolderAttribute,
    FolderChanges,
    FolderDraft,
    ServiceAuth,
)
from tests.cli.conftest import Run


@pytest.fixture
def account_id(run: Run, application: Application) -> int:
    services = application.services
    anna = services.principals.add_associate("anna", "hash", full_name="Anna", is_admin=False)
    auth = ServiceAuth(0, "imap.example.com", 993, "", "anna", "secret-84")
    draft = AccountDraft(0, "anna@example.com", anna.associate_id, auth, None)
    return services.accounts.save(draft).account_id


def lines(run: Run) -> list[str]:
    result = run("status")
    assert result.exit_code == 0, result.output
    assert "secret-84" not in result.stdout
    return [" ".join(line.split()) for line in result.stdout.splitlines() if line.strip()]


def test_without_accounts_it_says_so(installed: Run) -> None:
    assert lines(installed) == ["no mail accounts; `services84 account add` adds one"]


def test_while_nothing_goes_on_there_are_the_accounts_alone(run: Run, account_id: int) -> None:
    assert lines(run) == [
        "Id Address Associate State Last success Errors Error",
        f"{account_id} anna@example.com anna New - 0",
        "scheduler: no process syncs by the clock",
    ]


def test_slots_in_use_folders_set_aside_and_the_leader_are_told(
    run: Run, application: Application, account_id: int
) -> None:
    services, now = application.services, application.services.clock()
    slots = SlotStore(application.database)
    for number in range(3):
        slots.ask("imap.example.com", f"p{number}", now, seconds=600, limit=2)
    slots.ask("dead.example.com", "dead", now - timedelta(days=1), seconds=60, limit=2)
    assert ServiceLeases(application.database).hold("scheduler", "host:1:ab", now, 600)
    lease = services.accounts.take_lease(account_id, "me", now, 600)
    assert lease is not None
    draft = FolderDraft("Entwürfe [old]", "x", "/", FolderAttribute.NONE)
    services.folders.reconcile(lease, FolderChanges(added=[draft]))
    (folder,) = services.folders.list(account_id)
    services.folders.set_aside(lease, folder.folder_id, now + timedelta(hours=1), 2)
    told = lines(run)
    assert "imap.example.com 2 10 1" in told
    assert not any("dead.example.com" in line for line in told)
    assert any(line.startswith(f"{account_id} Entwürfe [old] 2 ") for line in told)
    assert told[-1] == "scheduler: host:1:ab"
