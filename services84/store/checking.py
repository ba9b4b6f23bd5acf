"""Whether a database holds together: what must be true of its rows at any moment. Only reads.

All is read in one snapshot, so that a service that goes on writing makes nothing look wrong. The
secrets are `sealed`'s matter, what a mail server holds is the sync's.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, and_, func, or_, select, text

from services84.store import crm_tables
from services84.store.database import Database
from services84.store.tables import (
    email_account,
    email_folder,
    email_item,
    email_source,
    metadata,
    service_auth,
    sync_run,
)
from services84.store.values import AccountStatus, ItemFlag

MOST = 10  # problems of a kind that are told one by one
_DAMAGES = 100  # that the database is asked for


@dataclass(frozen=True)
class Checked:
    """What one check found: its name, what was looked at, for people, and what is wrong. `more`
    is how many problems there are beside those that are told."""

    name: str
    seen: str
    problems: tuple[str, ...] = ()
    more: int = 0


Problems = Iterator[str]


def check(database: Database, *, mail: bool = False) -> Iterator[Checked]:
    """All checks, one after the other; with `mail`, every stored message is read as well.

    Raises SchemaMismatch, StoreError.
    """
    database.check_schema()
    with database.reading() as connection:
        yield _checked("database", f"{database.product}, pages and indexes", _damage(connection))
        yield _checked("references", *_references(connection))
        yield _checked("messages", _number(connection, email_item, "messages"), _torn(connection))
        yield _checked("counts", _number(connection, email_folder, "folders"), _counts(connection))
        yield _checked("cursors", "folders that claim to be complete", _cursors(connection))
        yield _checked("accounts", _number(connection, email_account, "accounts"), _odd(connection))
        if mail:
            yield _checked("mail", "every stored message", _unreadable(connection))


def _checked(name: str, seen: str, problems: Problems) -> Checked:
    told = tuple(islice(problems, MOST))
    return Checked(name, seen, told, sum(1 for _ in problems))


def _number(connection: Connection, table: FromClause, what: str) -> str:
    count = connection.execute(select(func.count()).select_from(table)).scalar_one()
    return f"{count} {what}"


# The database itself ----------------------------------------------------------------------------


def _damage(connection: Connection) -> Problems:
    if connection.dialect.name == "sqlite":
        rows = connection.execute(text(f"PRAGMA integrity_check({_DAMAGES})"))
        return (str(row[0]) for row in rows if row[0] != "ok")
    # PostgreSQL has no such check without an extension: an index that it knows to be unfit, and
    # what cannot be read, which raises.
    rows = connection.execute(
        text("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid")
    )
    return (f"index {row[0]} is not valid" for row in rows)


def _references(connection: Connection) -> tuple[str, Problems]:
    """Rows that refer to rows that are not there, by every foreign key that is declared."""
    keys = [
        (table, key)
        for table in metadata.sorted_tables
        for key in sorted(table.foreign_keys, key=lambda key: key.parent.name)
    ]

    def problems() -> Problems:
        for table, key in keys:
            other = key.column.table.alias("referred")
            lost = (
                select(key.parent, func.count())
                .select_from(table.outerjoin(other, key.parent == other.c[key.column.key]))
                .where(key.parent.is_not(None), other.c[key.column.key].is_(None))
                .group_by(key.parent)
            )
            for value, count in connection.execute(lost):
                yield (
                    f"{count} rows of {table.name} refer to {key.column.table.name} {value}, "
                    "which is not there"
                )

    return f"{len(keys)} kinds, of {len(metadata.tables)} tables", problems()


# Mail -------------------------------------------------------------------------------------------


def _torn(connection: Connection) -> Problems:
    yield from (
        f"message {item_id} has no source"
        for item_id in connection.scalars(_without(email_item, email_source))
    )
    document, source = crm_tables.document, crm_tables.document_source
    yield from (
        f"document {document_id} has no content"
        for document_id in connection.scalars(_without(document, source))
    )


def _without(whole: Any, part: Any) -> Any:
    """The ids of rows whose other half, which has the same id, is missing."""
    (mine,), (theirs,) = whole.primary_key, part.primary_key
    return (
        select(mine)
        .select_from(whole.outerjoin(part, theirs == mine))
        .where(theirs.is_(None))
        .order_by(mine)
    )


def _counts(connection: Connection) -> Problems:
    """A sync goes by the number of a folder's messages: a wrong one hides mail that is missing."""
    unread = func.count().filter(email_item.c.flags.bitwise_and(int(ItemFlag.SEEN)) == 0)
    counted = (
        select(
            email_item.c.email_folder_id.label("folder"),
            func.count().label("total"),
            unread.label("unread"),
        )
        .group_by(email_item.c.email_folder_id)
        .subquery()
    )
    total = func.coalesce(counted.c.total, 0)
    new = func.coalesce(counted.c.unread, 0)
    query = (
        select(email_folder, total.label("has"), new.label("new"))
        .select_from(
            email_folder.outerjoin(counted, counted.c.folder == email_folder.c.email_folder_id)
        )
        .where(or_(email_folder.c.total != total, email_folder.c.unread != new))
    )
    for row in connection.execute(query):
        yield (
            f"{_folder(row)} says {row.total} messages, {row.unread} of them unread, "
            f"and has {row.has} and {row.new}"
        )


def _cursors(connection: Connection) -> Problems:
    """What a folder says that it is synced up to, against its rows."""
    claims = or_(email_folder.c.complete, email_folder.c.highest_mod_seq.is_not(None))
    for folder in connection.execute(select(email_folder).where(claims)):
        if not folder.complete:
            yield f"{_folder(folder)} has a mod-sequence, and is not complete"
        elif folder.uid_validity is None:
            yield f"{_folder(folder)} is complete, and has no UIDVALIDITY"
        else:
            yield from _ahead(connection, folder)


def _ahead(connection: Connection, folder: Any) -> Problems:
    mine = email_item.c.email_folder_id == folder.email_folder_id
    others = _count(connection, and_(mine, email_item.c.uid_validity != folder.uid_validity))
    if others:
        yield (
            f"{_folder(folder)} is complete under UIDVALIDITY {folder.uid_validity}, and has "
            f"{others} messages of another"
        )
    ranges = list(_ranges(folder.left_out))
    if any(first > last for first, last in ranges):
        yield f"{_folder(folder)} left out what is no set of UIDs"
    elif ranges:
        uids = connection.scalars(select(email_item.c.uid).where(mine))
        both = sum(1 for uid in uids if any(first <= uid <= last for first, last in ranges))
        if both:
            yield f"{_folder(folder)} has {both} messages that it says it left out"


def _ranges(left_out: str) -> Iterator[tuple[int, int]]:
    """The ranges of a sequence set; (1, 0) for what is none."""
    for part in filter(None, left_out.split(",")):
        first, _, last = part.partition(":")
        numbers = first.isdigit() and (last or first).isdigit()
        yield (int(first), int(last or first)) if numbers else (1, 0)


def _count(connection: Connection, condition: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(email_item).where(condition)
    return int(connection.execute(query).scalar_one())


def _unreadable(connection: Connection) -> Problems:
    streaming = connection.execution_options(yield_per=8, stream_results=True)
    for item_id, mime in streaming.execute(
        select(email_source.c.email_item_id, email_source.c.mime)
    ):
        try:
            zlib.decompress(mime)
        except (zlib.error, TypeError):  # SQLite's columns hold whatever is put in
            yield f"the bytes of message {item_id} are damaged"


def _folder(row: Any) -> str:
    return f"folder {row.email_folder_id} ({row.name!r} of account {row.account_id})"


# Accounts ---------------------------------------------------------------------------------------


def _odd(connection: Connection) -> Problems:
    """Credentials that no account has, accounts that share some, leases of syncs that are not."""
    sides: Sequence[Any] = (email_account.c.incoming_auth, email_account.c.outgoing_auth)
    used = Counter(side for side in _values(connection, sides) if side is not None)
    for auth_id in connection.scalars(select(service_auth.c.service_auth_id)):
        if auth_id not in used:
            yield f"service_auth {auth_id} belongs to no account"
    for auth_id in sorted(one for one, times in used.items() if times > 1):
        yield f"service_auth {auth_id} belongs to several accounts"
    known = {int(status) for status in AccountStatus}
    query = select(email_account, sync_run.c.account_id.label("of")).select_from(
        email_account.outerjoin(sync_run, sync_run.c.sync_run_id == email_account.c.run_id)
    )
    for row in connection.execute(query):
        if row.account_status not in known:
            yield f"account {row.email_account_id} has the unknown state {row.account_status}"
        if row.run_id is not None and row.of != row.email_account_id:
            yield f"account {row.email_account_id} is held by sync {row.run_id}, none of its own"


def _values(connection: Connection, columns: Sequence[Any]) -> list[int | None]:
    return [value for row in connection.execute(select(*columns)) for value in row]
