"""Accounts in every state, put straight into the database, for the status page's tests.

No mail server is needed: what a sync would have written is written here.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import insert

from services84.agents.services import Services
from services84.store.database import Database
from services84.store.progress import ProgressStore
from services84.store.tables import (
    associate,
    email_account,
    email_folder,
    service_auth,
    sync_run,
)
from services84.store.values import AccountStatus, FolderAttribute, RunProgress

# Address, status, kind of error, what was said, minutes since the last success (None: never).
CAST = (
    ("anna@example.com", AccountStatus.OK, "", "", 1),
    ("bert@example.com", AccountStatus.FAILING, "LoginRefused", "imap.example.com refused the login of 'bert': Invalid credentials", 95),
    ("carla@example.com", AccountStatus.FAILED, "UnknownHost", "imap.exmaple.com: the name has no address", 2900),
    ("dora@example.com", AccountStatus.OK, "", "", 2),
    ("emil@example.com", AccountStatus.UNKNOWN, "", "", None),
    ("frida@example.com", AccountStatus.FAILING, "TlsFailed", "imap.example.com: the certificate is not trusted: self-signed certificate", 40),
    ("gustav@example.com", AccountStatus.OK, "", "", 4),
    ("hanna@example.com", AccountStatus.FAILING, "MailServerBusy", "imap.example.com: [THROTTLED] slow down", 12),
)  # fmt: skip
FOLDERS = (
    ("INBOX", 1843, 12),
    ("Archive", 20311, 0),
    ("Archive/2026", 911, 0),
    ("Drafts", 3, 0),
    ("Entwürfe", 0, 0),
    ("Sent", 702, 0),
    ("Trash", 44, 1),
)


def add_cast(services: Services, owner_id: int) -> list[int]:
    """The accounts of `CAST`, with folders and history; gives their ids. The fourth is being
    synced."""
    now, ids = services.clock(), []
    for address, status, kind, reason, minutes in CAST:
        last = now - timedelta(minutes=minutes) if minutes is not None else None
        account_id = add_account(
            services.database,
            owner_id,
            address,
            now,
            account_status=int(status),
            error_kind=kind,
            error_reason=reason,
            error_count=0 if not kind else 10 if status is AccountStatus.FAILED else 3,
            last_success=last,
            next_attempt=now + timedelta(minutes=12) if kind else None,
        )
        if last is not None:
            add_history(services.database, account_id, last, kind, reason)
            add_folders(services.database, account_id, now)
        ids.append(account_id)
    services.accounts.take_lease(ids[3], "elsewhere", now, 3600)
    tell_progress(services, ids[3], 640)
    return ids


def tell_progress(
    services: Services, account_id: int, done: int, folder: str = "Archive/2026"
) -> None:
    """Let the sync of an account have come so far."""
    run = services.accounts.latest_run(account_id)
    assert run is not None
    progress = RunProgress(folder, 2, 7, done, 1210, done * 71_000, services.clock())
    ProgressStore(services.database).write(run.run_id, progress)


def add_account(
    database: Database, owner_id: int, address: str, now: datetime, **columns: object
) -> int:
    """A row of an account with credentials that cannot be opened; gives its id."""
    auth = {
        "server": "imap.example.com",
        "port": 993,
        "auth_type": "",
        "username": address,
        "password": "sealed",
        "registered": now,
        "updated": now,
    }
    row = {**account_row(owner_id, address, now), **columns}
    with database.transaction() as connection:
        auth_id = connection.execute(
            insert(service_auth).values(**auth).returning(service_auth.c.service_auth_id)
        ).scalar_one()
        return int(
            connection.execute(
                insert(email_account)
                .values(**row, incoming_auth=auth_id)
                .returning(email_account.c.email_account_id)
            ).scalar_one()
        )


def account_row(owner_id: int, address: str, now: datetime) -> dict[str, object]:
    """A row of an account in order."""
    return {
        "email_address": address,
        "address_key": address,
        "associate_id": owner_id,
        "account_status": int(AccountStatus.OK),
        "error_count": 0,
        "error_reason": "",
        "error_kind": "",
        "refused_count": 0,
        "throttled_count": 0,
        "current_mark": 0,
        "lease_owner": "",
        "last_success": now,
        "next_attempt": None,
        "registered": now - timedelta(days=30),
        "updated": now,
    }


def add_history(
    database: Database, account_id: int, last: datetime, kind: str, reason: str, runs: int = 60
) -> None:
    """Syncs every five minutes until `last`, and failed ones after it."""
    dice = random.Random(account_id)
    failures = 3 if kind else 0
    rows = []
    for number in range(runs + failures):
        started = last - timedelta(minutes=5) * (runs - 1 - number)
        failed = number >= runs or (number % 23 == 11)
        new = 0 if failed else int(dice.paretovariate(0.9)) if dice.random() < 0.6 else 0
        seconds = dice.uniform(0.3, 1.2) + min(new, 60) * 0.08
        rows.append(
            {
                "account_id": account_id,
                "state": "failed" if failed else "completed",
                "owner": "elsewhere",
                "started": started,
                "finished": started + timedelta(seconds=seconds),
                "new": min(new, 60),
                "changed": dice.randrange(4),
                "removed": dice.randrange(2),
                "error_reason": (reason or "the connection was lost") if failed else "",
                "error_kind": (kind or "ConnectionLost") if failed else "",
            }
        )
    with database.transaction() as connection:
        connection.execute(insert(sync_run), rows)


def add_folders(
    database: Database,
    account_id: int,
    now: datetime,
    folders: Sequence[tuple[str, int, int]] = FOLDERS,
) -> None:
    rows = [
        {
            "account_id": account_id,
            "name": name,
            "server_name": name.encode().decode("latin-1"),
            "folder_separator": "/",
            "attributes": int(FolderAttribute.SUBSCRIBED),
            "complete": True,
            "total": total,
            "unread": unread,
            "registered": now,
            "updated": now,
        }
        for name, total, unread in folders
    ]
    with database.transaction() as connection:
        connection.execute(insert(email_folder), rows)


def add_crowd(
    database: Database, count: int, now: datetime, owners: int = 500, prefix: str = "user"
) -> None:
    """Very many accounts of `owners` further associates, an eighth of them in trouble."""
    with database.transaction() as connection:
        first = connection.execute(
            insert(associate).returning(associate.c.associate_id),
            [
                {
                    "name": f"{prefix}{number:05}",
                    "name_key": f"{prefix}{number:05}",
                    "full_name": "",
                    "is_admin": False,
                    "password_hash": "none",
                    "registered": now,
                    "updated": now,
                }
                for number in range(owners)
            ],
        ).scalars()
        owner_ids = list(first)
        auth_ids = list(
            connection.execute(
                insert(service_auth).returning(service_auth.c.service_auth_id),
                [
                    {
                        "server": f"imap{number % 40}.example.net",
                        "port": 993,
                        "auth_type": "",
                        "username": f"person{number:05}",
                        "password": "sealed" * 20,
                        "registered": now,
                        "updated": now,
                    }
                    for number in range(count)
                ],
            ).scalars()
        )
        connection.execute(
            insert(email_account),
            [
                {
                    # Not in the order of the ids, so that sorting is no gift.
                    **account_row(
                        owner_ids[number % owners],
                        f"person{number * 7919 % count:05}@example.net",
                        now,
                    ),
                    "incoming_auth": auth_id,
                    "account_status": int(
                        AccountStatus.OK if number % 8 else AccountStatus.FAILING
                    ),
                    "error_kind": "" if number % 8 else "LoginRefused",
                    "error_reason": "" if number % 8 else "refused",
                }
                for number, auth_id in enumerate(auth_ids)
            ],
        )
