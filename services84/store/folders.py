"""Folders: their list, their cursors, and the one way by which a sync changes their mail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, exists, insert, select, update

from services84.errors import NotFound
from services84.store.batches import CURSOR, counts_of, pack, write_batch
from services84.store.kept import drop_items, has_copies_to_keep
from services84.store.marks import Marks
from services84.store.runs import guard
from services84.store.sql import chunks
from services84.store.tables import email_folder, email_item, email_problem
from services84.store.values import (
    Folder,
    FolderAttribute,
    FolderBatch,
    FolderChanges,
    FolderDraft,
    Lease,
)

_FOLDER = (
    email_folder.c.email_folder_id,
    email_folder.c.account_id,
    email_folder.c.name,
    email_folder.c.server_name,
    email_folder.c.folder_separator,
    email_folder.c.attributes,
    email_folder.c.uid_validity,
    email_folder.c.uid_next,
    email_folder.c.highest_mod_seq,
    email_folder.c.total,
    email_folder.c.unread,
    email_folder.c.complete,
    email_folder.c.window_start,
    email_folder.c.left_out,
    email_folder.c.validity_changes,
    email_folder.c.set_aside_until,
    email_folder.c.set_aside_count,
    email_folder.c.kept_count,
    email_folder.c.hidden_count,
)
# Built once: that takes longer than the database with them, and every sync needs them.
_OF_ACCOUNT = select(*_FOLDER).where(email_folder.c.account_id == bindparam("account"))
_OF_LEASE = select(*_FOLDER).where(
    email_folder.c.email_folder_id == bindparam("folder"),
    email_folder.c.account_id == bindparam("account"),
)


class FolderStore(Marks):
    """The folders of accounts. All methods raise StoreError."""

    def list(self, account_id: int) -> list[Folder]:
        """An account's folders: INBOX, then the others by name."""
        with self._database.reading() as connection:
            rows = connection.execute(_OF_ACCOUNT, {"account": account_id})
            folders = [_folder(row) for row in rows]
        # Sorted here: the databases disagree on the order of letters.
        return sorted(folders, key=_place)

    def get(self, folder_id: int) -> Folder | None:
        """The folder of this id."""
        with self._database.reading() as connection:
            row = connection.execute(
                select(*_FOLDER).where(email_folder.c.email_folder_id == folder_id)
            ).one_or_none()
        return None if row is None else _folder(row)

    def reconcile(self, lease: Lease, changes: FolderChanges) -> None:
        """Write a changed folder list, in one transaction; ids of other accounts do not count.

        A folder with kept copies, which are nowhere else, is emptied of all others and stays.
        Raises LeaseLost.
        """
        if not changes:
            return
        now = self._database.clock()
        mine = email_folder.c.account_id == lease.account_id
        keeps = has_copies_to_keep()
        with self._database.transaction() as connection:
            guard(connection, lease)
            for ids in chunks(changes.removed):
                _empty(connection, mine & keeps, ids)
                # Mail goes with its folder (ON DELETE CASCADE).
                connection.execute(
                    delete(email_folder).where(
                        mine, email_folder.c.email_folder_id.in_(ids), ~keeps
                    )
                )
            if changes.updated:
                _empty(connection, mine, _closed(changes))
                connection.execute(
                    _update_drafts().where(mine),
                    [
                        {"folder": folder_id, "now": now, **_prefixed(draft)}
                        for folder_id, draft in changes.updated.items()
                    ],
                )
            if changes.added:
                connection.execute(
                    insert(email_folder),
                    [_new_row(draft, lease.account_id, now) for draft in changes.added],
                )

    def apply(self, lease: Lease, folder_id: int, batch: FolderBatch) -> None:
        """Write a batch, in one transaction or not at all; see FolderBatch for the order.

        Nothing is written, and no lock taken, when it changes nothing. Raises LeaseLost, and
        NotFound when the folder is not of the lease's account.
        """
        if not self._changes(folder_id, batch):
            return
        packed = pack(batch.added)  # compressing takes its time; no transaction waits for it
        with self._database.transaction() as connection:
            guard(connection, lease)
            row = connection.execute(
                _OF_LEASE, {"folder": folder_id, "account": lease.account_id}
            ).one_or_none()
            if row is None:
                raise NotFound(f"no folder {folder_id} in account {lease.account_id}")
            write_batch(connection, _folder(row), batch, packed, self._database.clock())

    def empty(self, lease: Lease, folder_id: int) -> None:
        """Drop the mail of a folder that is not there any more though it is listed. Raises
        LeaseLost."""
        with self._database.transaction() as connection:
            guard(connection, lease)
            _empty(connection, email_folder.c.account_id == lease.account_id, [folder_id])

    def set_aside(self, lease: Lease, folder_id: int, until: datetime | None, count: int) -> None:
        """Put a folder off until then, or take it up again (None, 0). Raises LeaseLost."""
        with self._database.transaction() as connection:
            guard(connection, lease)
            connection.execute(
                update(email_folder)
                .where(
                    email_folder.c.email_folder_id == folder_id,
                    email_folder.c.account_id == lease.account_id,
                )
                .values(set_aside_until=until, set_aside_count=count)
            )

    def _changes(self, folder_id: int, batch: FolderBatch) -> bool:
        if (
            batch.added
            or batch.changed
            or batch.removed
            or batch.rekeyed
            or batch.adopted
            or batch.refused
            or batch.suspected
            or batch.forgotten
        ):
            return True
        with self._database.reading() as connection:
            if batch.drop_other_validity and _others_exist(connection, folder_id, batch):
                return True
            cursor = batch.cursor
            if cursor is None:
                return False
            written = connection.execute(
                select(*(email_folder.c[name] for name in CURSOR)).where(
                    email_folder.c.email_folder_id == folder_id
                )
            ).one_or_none()
            return written != tuple(getattr(cursor, name) for name in CURSOR)


def _closed(changes: FolderChanges) -> list[int]:
    """The folders that can hold no messages any more: what they held is gone."""
    return [
        folder_id
        for folder_id, draft in changes.updated.items()
        if draft.attributes & FolderAttribute.NO_SELECT
    ]


def _empty(connection: Connection, mine: ColumnElement[bool], folder_ids: Sequence[int]) -> None:
    """Drop the mail of folders, and what is known of it; kept copies stay."""
    unknown = {"uid_validity": None, "uid_next": None, "highest_mod_seq": None, "left_out": ""}
    some = mine & email_folder.c.email_folder_id.in_(folder_ids)
    for folder_id in connection.scalars(select(email_folder.c.email_folder_id).where(some)).all():
        connection.execute(
            delete(email_problem).where(email_problem.c.email_folder_id == folder_id)
        )
        drop_items(connection, email_item.c.email_folder_id == folder_id)
        connection.execute(
            update(email_folder)
            .where(email_folder.c.email_folder_id == folder_id)
            .values(**unknown, complete=False, **counts_of(connection, folder_id))
        )


def _others_exist(connection: Connection, folder_id: int, batch: FolderBatch) -> bool:
    items, problems = (
        exists().where(
            table.c.email_folder_id == folder_id,
            table.c.uid_validity != batch.uid_validity,
            table.c.uid_validity >= 0,
        )
        for table in (email_item, email_problem)
    )
    return bool(connection.execute(select(items | problems)).scalar_one())


def _folder(row: Sequence[Any]) -> Folder:
    values = list(row)
    values[5] = FolderAttribute(values[5])
    return Folder(*values)


def _place(folder: Folder) -> tuple[bool, str, int]:
    return (folder.server_name.upper() != "INBOX", folder.name.casefold(), folder.folder_id)


def _draft_values(draft: FolderDraft) -> dict[str, Any]:
    return {
        "name": draft.name,
        "server_name": draft.server_name,
        "folder_separator": draft.delimiter,
        "attributes": int(draft.attributes),
    }


def _prefixed(draft: FolderDraft) -> dict[str, Any]:
    return {f"new_{name}": value for name, value in _draft_values(draft).items()}


def _update_drafts() -> Any:
    names: Sequence[str] = ("name", "server_name", "folder_separator", "attributes")
    return (
        update(email_folder)
        .where(email_folder.c.email_folder_id == bindparam("folder"))
        .values({**{name: bindparam(f"new_{name}") for name in names}, "updated": bindparam("now")})
    )


def _new_row(draft: FolderDraft, account_id: int, now: datetime) -> dict[str, Any]:
    return {
        "account_id": account_id,
        **_draft_values(draft),
        "complete": False,
        "total": 0,
        "unread": 0,
        "registered": now,
        "updated": now,
    }
