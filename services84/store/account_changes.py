"""Changing accounts, inside the transactions of `accounts`: their rows, secrets and removal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from services84.errors import InvalidValue, NotFound
from services84.store.account_rows import Vault, exists, option_columns
from services84.store.kept import drop_items, on_server
from services84.store.key_lock import while_sealing
from services84.store.runs import end_run
from services84.store.sql import folded
from services84.store.tables import (
    associate,
    email_account,
    email_folder,
    email_item,
    email_problem,
    mail_token,
    service_auth,
)
from services84.store.values import AccountDraft, AccountStatus, RunState, ServiceAuth

# What callers call the two directions.
_MEMBERS = {"incoming_auth": "IncomingCredentials", "outgoing_auth": "OutgoingCredentials"}


def no_account(account_id: int) -> NotFound:
    return NotFound(f"no mail account {account_id}")


# Saving -----------------------------------------------------------------------------------------


def save_account(connection: Connection, vault: Vault, draft: AccountDraft, now: datetime) -> int:
    """Write a draft; gives the account's id.

    Raises NotFound, and InvalidValue where a kept password would go to another server.
    """
    before = _lock(connection, draft.account_id) if draft.account_id else None
    _check_associate(connection, draft.associate_id)
    values: dict[str, Any] = {
        "email_address": draft.email_address,
        "address_key": folded(draft.email_address.strip()),
        "associate_id": draft.associate_id,
        "updated": now,
    }
    if draft.options is not None:
        values |= option_columns(draft.options)
    if before is None or draft.reset_errors:
        values |= unblemished()
    if before is not None and draft.options is not None and not draft.options.active:
        values |= _end_sync(connection, before.run_id, now)
    if before is not None and draft.reset_errors:
        # A sync under way uses what was saved before; its lease is not worth anything any more.
        values |= _end_sync(connection, before.run_id, now)
        if _is_another_mailbox(connection, before.incoming_auth, draft.incoming):
            _doubt_cache(connection, draft.account_id)
    for column, auth in (("incoming_auth", draft.incoming), ("outgoing_auth", draft.outgoing)):
        kept = None if before is None else before._mapping[column]
        if auth is not None and kept is not None and auth.password is None:
            _check_same_server(connection, column, kept, auth)
        values[column] = _save_auth(connection, vault, kept, auth, now)
    account_id = _save_row(connection, draft.account_id, values)
    if any(
        auth is not None and auth.password is not None for auth in (draft.incoming, draft.outgoing)
    ):
        # It is for a password that is no more, and for servers that this save may have changed.
        drop_mail_token(connection, account_id)
    _drop_unused(connection, before, values)
    return account_id


def _lock(connection: Connection, account_id: int) -> Any:
    row = connection.execute(
        select(email_account.c.incoming_auth, email_account.c.outgoing_auth, email_account.c.run_id)
        .where(exists(account_id))
        .with_for_update(key_share=True)
    ).one_or_none()
    if row is None:
        raise no_account(account_id)
    return row


def _check_same_server(
    connection: Connection, column: str, auth_id: int, auth: ServiceAuth
) -> None:
    """A stored password goes to no other server than the one it was given for.

    It can be used but not read, and whoever could point it to a server of their own could read
    it. Checked here, under the account's lock: elsewhere another save could come in between.
    """
    stored = connection.execute(
        select(service_auth.c.server, service_auth.c.password).where(
            service_auth.c.service_auth_id == auth_id
        )
    ).one()
    if stored.password and stored.server.casefold() != auth.server.casefold():
        raise InvalidValue(
            f"EMailAccount/{_MEMBERS[column]}/Password",
            "(not given)",
            f"is required again when Server changes from {stored.server}",
        )


def _save_auth(
    connection: Connection,
    vault: Vault,
    auth_id: int | None,
    auth: ServiceAuth | None,
    now: datetime,
) -> int | None:
    """Write one direction's row; gives its id, None when the direction is cleared."""
    if auth is None:
        return None
    values: dict[str, Any] = {
        "server": auth.server,
        "port": auth.port,
        "auth_type": auth.auth_type,
        "username": auth.username,
        "use_ssl": auth.use_ssl,
        "updated": now,
    }
    if auth_id is None:
        # The id comes first: a secret is sealed for the row that it stands in.
        auth_id = connection.execute(
            insert(service_auth)
            .values(**values, password="", registered=now)
            .returning(service_auth.c.service_auth_id)
        ).scalar_one()
    if auth.password is not None:
        while_sealing(connection)
        values["password"] = auth.password and vault.seal(
            auth.password, table="service_auth", row=auth_id, column="password"
        )
    connection.execute(
        update(service_auth).where(service_auth.c.service_auth_id == auth_id).values(**values)
    )
    return auth_id


def _end_sync(connection: Connection, run_id: int | None, now: datetime) -> dict[str, Any]:
    """Take an account's lease away from whoever holds it; gives the columns to write."""
    if run_id is not None:
        end_run(connection, run_id, RunState.LOST, now)
    return {"run_id": None, "lease_owner": "", "lease_until": None}


def _is_another_mailbox(
    connection: Connection, auth_id: int | None, auth: ServiceAuth | None
) -> bool:
    if auth_id is None or auth is None:
        return False
    stored = connection.execute(
        select(service_auth.c.server, service_auth.c.username).where(
            service_auth.c.service_auth_id == auth_id
        )
    ).one()
    return (stored.server.casefold(), stored.username) != (auth.server.casefold(), auth.username)


def _doubt_cache(connection: Connection, account_id: int) -> None:
    """Make every cached message prove that it is in the new mailbox as well.

    Two mailboxes may have equal UIDVALIDITYs, and then equal UIDs say nothing: 0, which no server
    has (RFC 3501 section 2.3.1.1), makes the next sync compare what the messages are.
    """
    mine = select(email_folder.c.email_folder_id).where(email_folder.c.account_id == account_id)
    stale = (
        select(email_item.c.email_item_id)
        .join_from(email_item, email_folder)
        .where(
            email_folder.c.account_id == account_id,
            email_item.c.uid_validity != func.coalesce(email_folder.c.uid_validity, 0),
            on_server(),
        )
    )
    drop_items(connection, email_item.c.email_item_id.in_(stale.scalar_subquery()))
    for table in (email_item, email_problem):
        connection.execute(
            update(table)
            .where(table.c.email_folder_id.in_(mine.scalar_subquery()), table.c.uid_validity >= 0)
            .values(uid_validity=0)
        )
    connection.execute(
        update(email_folder)
        .where(email_folder.c.account_id == account_id)
        .values(uid_validity=0, uid_next=None, highest_mod_seq=None, complete=False)
    )


def _check_associate(connection: Connection, associate_id: int) -> None:
    known = select(associate.c.associate_id).where(associate.c.associate_id == associate_id)
    if connection.execute(known).first() is None:
        raise NotFound(f"no associate {associate_id}")


def unblemished() -> dict[str, Any]:
    """The state of an account with new credentials: Unknown, not Ok, since nobody has tried them
    yet."""
    return {
        "account_status": int(AccountStatus.UNKNOWN),
        "error_count": 0,
        "error_reason": "",
        "error_kind": "",
        "refused_count": 0,
        "throttled_count": 0,
        "next_attempt": None,
    }


def _save_row(connection: Connection, account_id: int, values: dict[str, Any]) -> int:
    if account_id:
        connection.execute(
            update(email_account)
            .where(email_account.c.email_account_id == account_id)
            .values(**values)
        )
        return account_id
    fresh = {"current_mark": 0, "lease_owner": "", "registered": values["updated"]}
    added = connection.execute(
        insert(email_account).values(**fresh, **values).returning(email_account.c.email_account_id)
    ).scalar_one()
    return int(added)


def _drop_unused(connection: Connection, before: Any | None, values: dict[str, Any]) -> None:
    """Rows of directions that this save has cleared."""
    if before is not None:
        columns = ("incoming_auth", "outgoing_auth")
        _drop_auths(connection, [before._mapping[c] for c in columns if values[c] is None])


def _drop_auths(connection: Connection, auth_ids: Sequence[int | None]) -> None:
    ids = [auth_id for auth_id in auth_ids if auth_id is not None]
    if ids:
        connection.execute(delete(service_auth).where(service_auth.c.service_auth_id.in_(ids)))


# Deleting ---------------------------------------------------------------------------------------


def hide_account(connection: Connection, account_id: int, now: datetime) -> None:
    """Mark an account as deleted: nobody sees it, it has no secrets, its sync has no lease.

    Raises NotFound.
    """
    row = connection.execute(
        select(
            email_account.c.run_id,
            email_account.c.incoming_auth,
            email_account.c.outgoing_auth,
        )
        .where(exists(account_id))
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise no_account(account_id)
    if row.run_id is not None:
        end_run(connection, row.run_id, RunState.LOST, now)
    connection.execute(
        update(email_account)
        .where(email_account.c.email_account_id == account_id)
        .values(
            account_status=int(AccountStatus.DELETED),
            run_id=None,
            lease_owner="",
            lease_until=None,
            incoming_auth=None,
            outgoing_auth=None,
        )
    )
    _drop_auths(connection, [row.incoming_auth, row.outgoing_auth])
    drop_mail_token(connection, account_id)


def drop_mail_token(connection: Connection, account_id: int) -> bool:
    """Remove the means to renew an account's access token; whether there were any."""
    found = delete(mail_token).where(mail_token.c.email_account_id == account_id)
    return bool(connection.execute(found).rowcount)


def drop_some_items(connection: Connection, account_id: int, limit: int) -> bool:
    """Remove up to `limit` messages of an account; whether there were any."""
    some = (
        select(email_item.c.email_item_id)
        .join_from(email_item, email_folder)
        .where(email_folder.c.account_id == account_id)
        .limit(limit)
    )
    result = connection.execute(
        delete(email_item).where(email_item.c.email_item_id.in_(some.scalar_subquery()))
    )
    return result.rowcount > 0


def drop_account(connection: Connection, account_id: int) -> None:
    """Remove the row of a deleted account; folders and runs go with it (ON DELETE CASCADE)."""
    connection.execute(
        delete(email_account).where(
            email_account.c.email_account_id == account_id,
            email_account.c.account_status == AccountStatus.DELETED,
        )
    )
