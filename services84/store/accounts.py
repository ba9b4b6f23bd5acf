"""Mail accounts with their credentials; leases and runs of their syncs come from `runs`.

Passwords are sealed before they reach a row and opened after they left it, by a vault that is
handed in. Rules of who may see which account belong to the agents.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Connection, Select, and_, delete, func, insert, or_, select, update

from services84.errors import NotFound
from services84.store.database import Database
from services84.store.runs import RunStore, end_run
from services84.store.sql import folded
from services84.store.tables import (
    associate,
    email_account,
    email_folder,
    email_item,
    service_auth,
)
from services84.store.values import Account, AccountDraft, AccountStatus, RunState, ServiceAuth

DELETED_AT_ONCE = 1000  # messages a transaction, so that other writers get their turn


class Vault(Protocol):
    """What seals secrets; a sealed text can only be opened for the place it was sealed for."""

    def seal(self, text: str, *, table: str, row: int, column: str) -> str: ...

    def open(self, sealed: str, *, table: str, row: int, column: str) -> str: ...


_incoming = service_auth.alias("incoming")
_outgoing = service_auth.alias("outgoing")
_SIDES = {"incoming": _incoming, "outgoing": _outgoing}


def _auth_columns(side: str) -> list[Any]:
    return [column.label(f"{side}_{column.key}") for column in _SIDES[side].c]


_ACCOUNTS: Select[Any] = (
    select(
        email_account,
        associate.c.name.label("associate_name"),
        *_auth_columns("incoming"),
        *_auth_columns("outgoing"),
    )
    .join_from(email_account, associate)
    .outerjoin(_incoming, _incoming.c.service_auth_id == email_account.c.incoming_auth)
    .outerjoin(_outgoing, _outgoing.c.service_auth_id == email_account.c.outgoing_auth)
    .where(email_account.c.account_status != AccountStatus.DELETED)
)


class AccountStore(RunStore):
    """Mail accounts. All methods raise StoreError; those that open passwords SecretUnreadable.

    Methods that give one account open its passwords. Those that give many leave them out (None):
    one secret that cannot be opened must not hide all the other accounts.
    """

    def __init__(self, database: Database, vault: Vault) -> None:
        super().__init__(database)
        self._vault = vault

    # Reading -------------------------------------------------------------------------------------

    def get(self, account_id: int, *, secrets: bool = True) -> Account | None:
        """The account of this id; with `secrets` false without its passwords."""
        query = _ACCOUNTS.where(email_account.c.email_account_id == account_id)
        return self._first(query, secrets=secrets)

    def by_address(self, associate_id: int, address: str) -> Account | None:
        """The associate's account of this address, whatever its case; the oldest of several."""
        key = folded(address.strip())
        return self._first(
            _ACCOUNTS.where(
                email_account.c.associate_id == associate_id,
                email_account.c.address_key == key,
                email_account.c.address_key != "",  # lets PostgreSQL use the partial index
            ).order_by(email_account.c.email_account_id)
        )

    def current(self, associate_id: int) -> Account | None:
        """The associate's most recently marked account, else its oldest."""
        return self._first(
            _ACCOUNTS.where(email_account.c.associate_id == associate_id).order_by(
                email_account.c.current_mark.desc(), email_account.c.email_account_id
            )
        )

    def list_all(self) -> list[Account]:
        """Every account, by id; without passwords."""
        return self._all(_ACCOUNTS.order_by(email_account.c.email_account_id))

    def of_associate(self, associate_id: int) -> list[Account]:
        """An associate's accounts, by id; without passwords."""
        return self._all(
            _ACCOUNTS.where(email_account.c.associate_id == associate_id).order_by(
                email_account.c.email_account_id
            )
        )

    def ready(self, now: datetime, associate_id: int | None = None) -> list[Account]:
        """Accounts to be synced now, longest without success first; without passwords.

        Ready: neither Deleted nor Failed, incoming server, user name and password present, no
        live lease, and no backoff that is still on.
        """
        query = _ACCOUNTS.where(
            email_account.c.account_status != AccountStatus.FAILED,
            _incoming.c.server != "",
            _incoming.c.username != "",
            _incoming.c.password != "",
            or_(email_account.c.lease_until.is_(None), email_account.c.lease_until <= now),
            or_(email_account.c.next_attempt.is_(None), email_account.c.next_attempt <= now),
        )
        if associate_id is not None:
            query = query.where(email_account.c.associate_id == associate_id)
        return self._all(
            query.order_by(
                email_account.c.last_success.asc().nulls_first(), email_account.c.email_account_id
            )
        )

    def _first(self, query: Select[Any], *, secrets: bool = True) -> Account | None:
        with self._database.reading() as connection:
            row = connection.execute(query.limit(1)).first()
        return None if row is None else self._account(row, secrets=secrets)

    def _all(self, query: Select[Any]) -> list[Account]:
        with self._database.reading() as connection:
            return [self._account(row, secrets=False) for row in connection.execute(query)]

    def _account(self, row: Any, *, secrets: bool) -> Account:
        return Account(
            account_id=row.email_account_id,
            email_address=row.email_address,
            associate_id=row.associate_id,
            associate_name=row.associate_name,
            incoming=self._auth(row, "incoming", secrets=secrets),
            outgoing=self._auth(row, "outgoing", secrets=secrets),
            status=AccountStatus(row.account_status),
            error_count=row.error_count,
            error_reason=row.error_reason,
            last_success=row.last_success,
            next_attempt=row.next_attempt,
            lease_until=row.lease_until,
            registered=row.registered,
            updated=row.updated,
        )

    def _auth(self, row: Any, side: str, *, secrets: bool) -> ServiceAuth | None:
        stored = {
            name: row._mapping[f"{side}_{name}"]
            for name in ("service_auth_id", "server", "port", "auth_type", "username", "password")
        }
        if stored["service_auth_id"] is None:
            return None
        sealed = stored.pop("password")
        password = None
        if secrets and sealed:
            password = self._vault.open(
                sealed, table="service_auth", row=stored["service_auth_id"], column="password"
            )
        return ServiceAuth(**stored, password=password)

    # Writing -------------------------------------------------------------------------------------

    def mark_current(self, account_id: int) -> None:
        """Make the account its associate's current one; raises NotFound."""
        with self._database.transaction() as connection:
            row = connection.execute(
                select(email_account.c.associate_id, email_account.c.current_mark)
                .where(_exists(account_id))
                .with_for_update(key_share=True)
            ).one_or_none()
            if row is None:
                raise _no_account(account_id)
            newest, marked = connection.execute(
                select(
                    func.max(email_account.c.current_mark),
                    func.count().filter(email_account.c.current_mark == row.current_mark),
                ).where(email_account.c.associate_id == row.associate_id)
            ).one()
            if row.current_mark == newest and marked == 1:
                return
            connection.execute(
                update(email_account)
                .where(email_account.c.email_account_id == account_id)
                .values(current_mark=newest + 1)
            )

    def save(self, draft: AccountDraft) -> Account:
        """Insert (`account_id` 0) or update; gives the account as stored.

        Raises NotFound for an unknown account or associate. Raises SecretUnreadable when a kept
        password cannot be opened; then nothing is saved.
        """
        with self._database.transaction() as connection:
            before = self._lock(connection, draft.account_id) if draft.account_id else None
            values = {
                "email_address": draft.email_address,
                "address_key": folded(draft.email_address.strip()),
                "associate_id": draft.associate_id,
                "updated": self._database.clock(),
            }
            _check_associate(connection, draft.associate_id)
            if before is None or draft.reset_errors:
                values |= _unblemished()
            for column, auth in (
                ("incoming_auth", draft.incoming),
                ("outgoing_auth", draft.outgoing),
            ):
                kept = None if before is None else before._mapping[column]
                values[column] = self._save_auth(connection, kept, auth)
            account_id = _save_row(connection, draft.account_id, values)
            _drop_unused(connection, before, values)
            query = _ACCOUNTS.where(email_account.c.email_account_id == account_id)
            return self._account(connection.execute(query).one(), secrets=True)

    @staticmethod
    def _lock(connection: Connection, account_id: int) -> Any:
        row = connection.execute(
            select(email_account.c.incoming_auth, email_account.c.outgoing_auth)
            .where(_exists(account_id))
            .with_for_update(key_share=True)
        ).one_or_none()
        if row is None:
            raise _no_account(account_id)
        return row

    def _save_auth(
        self, connection: Connection, auth_id: int | None, auth: ServiceAuth | None
    ) -> int | None:
        """Write one direction's row; gives its id, None when the direction is cleared."""
        if auth is None:
            return None
        now = self._database.clock()
        values: dict[str, Any] = {
            "server": auth.server,
            "port": auth.port,
            "auth_type": auth.auth_type,
            "username": auth.username,
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
            values["password"] = auth.password and self._vault.seal(
                auth.password, table="service_auth", row=auth_id, column="password"
            )
        connection.execute(
            update(service_auth).where(service_auth.c.service_auth_id == auth_id).values(**values)
        )
        return auth_id

    # Deleting ------------------------------------------------------------------------------------

    def delete(self, account_id: int) -> None:
        """Remove the account, its credentials and its cache; raises NotFound.

        At once nobody sees it any more, its secrets are gone, and a running sync loses its lease.
        The cache goes in pieces after that; `finish_deletions` goes on where a process died.
        """
        now = self._database.clock()
        with self._database.transaction() as connection:
            row = connection.execute(
                select(
                    email_account.c.run_id,
                    email_account.c.incoming_auth,
                    email_account.c.outgoing_auth,
                )
                .where(_exists(account_id))
                .with_for_update()
            ).one_or_none()
            if row is None:
                raise _no_account(account_id)
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
        self._drop_cache(account_id)

    def finish_deletions(self) -> int:
        """Complete deletions that were cut short; gives their number. For the start of a
        process; a deletion that is under way elsewhere is no hindrance."""
        with self._database.reading() as connection:
            unfinished = connection.scalars(
                select(email_account.c.email_account_id).where(
                    email_account.c.account_status == AccountStatus.DELETED
                )
            ).all()
        for account_id in unfinished:
            self._drop_cache(account_id)
        return len(unfinished)

    def _drop_cache(self, account_id: int) -> None:
        while self._drop_some_items(account_id):
            pass
        with self._database.transaction() as connection:
            # Folders and runs go with it (ON DELETE CASCADE).
            connection.execute(
                delete(email_account).where(
                    email_account.c.email_account_id == account_id,
                    email_account.c.account_status == AccountStatus.DELETED,
                )
            )

    def _drop_some_items(self, account_id: int) -> bool:
        some = (
            select(email_item.c.email_item_id)
            .join_from(email_item, email_folder)
            .where(email_folder.c.account_id == account_id)
            .limit(DELETED_AT_ONCE)
        )
        with self._database.transaction() as connection:
            result = connection.execute(
                delete(email_item).where(email_item.c.email_item_id.in_(some.scalar_subquery()))
            )
            return result.rowcount > 0


def _exists(account_id: int) -> Any:
    return and_(
        email_account.c.email_account_id == account_id,
        email_account.c.account_status != AccountStatus.DELETED,
    )


def _no_account(account_id: int) -> NotFound:
    return NotFound(f"no mail account {account_id}")


def _check_associate(connection: Connection, associate_id: int) -> None:
    known = select(associate.c.associate_id).where(associate.c.associate_id == associate_id)
    if connection.execute(known).first() is None:
        raise NotFound(f"no associate {associate_id}")


def _unblemished() -> dict[str, Any]:
    """Unknown, not Ok: nobody has tried these credentials yet."""
    return {
        "account_status": int(AccountStatus.UNKNOWN),
        "error_count": 0,
        "error_reason": "",
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
