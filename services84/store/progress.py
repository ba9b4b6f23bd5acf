"""How far running syncs are, for people who look on from any process. A row for a running sync.

A sync that is over within a second has none. What is kept of a sync afterwards is `runs`' matter.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import delete, select

from services84.store.database import Database
from services84.store.sql import insert_into
from services84.store.tables import email_account, sync_progress
from services84.store.values import RunProgress

_PROGRESS = (
    sync_progress.c.folder,
    sync_progress.c.folders_done,
    sync_progress.c.folders_total,
    sync_progress.c.messages_done,
    sync_progress.c.messages_total,
    sync_progress.c.bytes_done,
    sync_progress.c.updated,
)


class ProgressStore:
    """Progress of syncs. All methods raise StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(self, run_id: int, progress: RunProgress) -> None:
        """Say how far a run is; no commit waits for the disk with it."""
        values = asdict(progress)
        with self._database.transaction(lasting=False) as connection:
            connection.execute(
                insert_into(connection, sync_progress)
                .values(sync_run_id=run_id, **values)
                .on_conflict_do_update(index_elements=[sync_progress.c.sync_run_id], set_=values)
            )

    def drop(self, run_id: int) -> None:
        """The run is over."""
        with self._database.transaction(lasting=False) as connection:
            connection.execute(delete(sync_progress).where(sync_progress.c.sync_run_id == run_id))

    def of(self, account_ids: Collection[int], now: datetime) -> dict[int, RunProgress]:
        """Those of these accounts whose sync runs and has said how far it is, by id."""
        query = (
            select(email_account.c.email_account_id, *_PROGRESS)
            .join_from(
                email_account, sync_progress, sync_progress.c.sync_run_id == email_account.c.run_id
            )
            .where(
                email_account.c.email_account_id.in_(account_ids),
                email_account.c.lease_until > now,
            )
        )
        with self._database.reading() as connection:
            return {row[0]: RunProgress(*row[1:]) for row in connection.execute(query)}
