"""Mail accounts with their credentials; leases and runs of their syncs come from `runs`.

Passwords are sealed before they reach a row and opened after they left it, by a vault that is
handed in. Rules of who may see which account belong to the agents.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, func, or_, select, update

from services84.store.account_changes import (
    drop_account,
    drop_some_items,
    hide_account,
    no_account,
    save_account,
)
from services84.store.account_rows import (
    ACCOUNTS,
    INCOMING,
    Vault,
    account_of,
    exists,
    incoming_of,
)
from services84.store.database import Database
from services84.store.marks import ANY_NEWS
from services84.store.runs import RunStore, take_lease
from services84.store.sql import folded
from services84.store.tables import email_account, sync_request, sync_run
from services84.store.values import Account, AccountDraft, AccountStatus, Lease, ServiceAuth

# Asked for by every call or sync: building a statement takes longer than SQLite with it.
_BY_ID = ACCOUNTS.where(email_account.c.email_account_id == bindparam("account"))
_CURRENT = (
    ACCOUNTS.where(email_account.c.associate_id == bindparam("associate"))
    .order_by(email_account.c.current_mark.desc(), email_account.c.email_account_id)
    .limit(1)
)
_LATEST = select(func.max(sync_run.c.sync_run_id)).where(
    sync_run.c.account_id == bindparam("account")
)
DELETED_AT_ONCE = 1000  # messages a transaction, so that other writers get their turn


@dataclass(frozen=True)
class Destination:
    """The incoming server, empty where an account has none, and the id of its newest run."""

    server: str
    latest_run: int | None


class SealedAccount:
    """An account without its passwords, which `incoming` opens; `has_news` when somebody is still
    to be told of some of its messages."""

    def __init__(self, row: Any, vault: Vault, *, has_news: bool) -> None:
        self.has_news = has_news
        self._row = row
        self._vault = vault
        self.account = account_of(row, None)

    def incoming(self) -> ServiceAuth | None:
        """How to sign in at the incoming server; raises SecretUnreadable."""
        return incoming_of(self._row, self._vault)


class AccountStore(RunStore):
    """Mail accounts. All methods raise StoreError; those that open passwords SecretUnreadable.

    Methods that give one account open its passwords unless told not to, with `secrets` false.
    Those that give many leave them out (None): one secret that cannot be opened must not hide
    all the other accounts.
    """

    def __init__(self, database: Database, vault: Vault) -> None:
        super().__init__(database)
        self._vault = vault

    # Reading -------------------------------------------------------------------------------------

    def get(self, account_id: int, *, secrets: bool = True) -> Account | None:
        """The account of this id; with `secrets` false without its passwords."""
        return self._first(_BY_ID, secrets=secrets, account=account_id)

    def begin_run(
        self, account_id: int, owner: str, now: datetime, seconds: float
    ) -> tuple[Lease, SealedAccount] | None:
        """The account's lease as `take_lease` gives it, and what a sync has to know of the account,
        as it is under the lease."""
        with self._database.transaction(lasting=False) as connection:
            lease = take_lease(connection, account_id, owner, now, seconds)
            if lease is None:
                return None
            row = connection.execute(_BY_ID, {"account": account_id}).one()
            news = connection.execute(ANY_NEWS, {"account": account_id}).first() is not None
        return lease, SealedAccount(row, self._vault, has_news=news)

    def admission(self, account_id: int) -> tuple[Account, Destination] | None:
        """The account, without its passwords, and its destination: what a sync asks for first."""
        with self._database.reading() as connection:
            row = connection.execute(_BY_ID, {"account": account_id}).first()
            latest = connection.execute(_LATEST, {"account": account_id}).scalar_one()
        if row is None:
            return None
        account = account_of(row, None)
        server = account.incoming.server if account.incoming is not None else ""
        return account, Destination(server, latest)

    def by_address(
        self, associate_id: int, address: str, *, secrets: bool = True
    ) -> Account | None:
        """The associate's account of this address, whatever its case; the oldest of several."""
        key = folded(address.strip())
        return self._first(
            ACCOUNTS.where(
                email_account.c.associate_id == associate_id,
                email_account.c.address_key == key,
                email_account.c.address_key != "",  # lets PostgreSQL use the partial index
            ).order_by(email_account.c.email_account_id),
            secrets=secrets,
        )

    def current(self, associate_id: int, *, secrets: bool = True) -> Account | None:
        """The associate's most recently marked account, else its oldest."""
        return self._first(_CURRENT, secrets=secrets, associate=associate_id)

    def list_all(self) -> list[Account]:
        """Every account, by id; without passwords."""
        return self._all(ACCOUNTS.order_by(email_account.c.email_account_id))

    def of_associate(self, associate_id: int) -> list[Account]:
        """An associate's accounts, by id; without passwords."""
        return self._all(
            ACCOUNTS.where(email_account.c.associate_id == associate_id).order_by(
                email_account.c.email_account_id
            )
        )

    def ready(self, now: datetime, associate_id: int | None = None) -> list[Account]:
        """Accounts to be synced now, longest without success first; without passwords.

        Ready: active, neither Deleted nor Failed, incoming server, user name and password
        present, no live lease, and no backoff that is still on.
        """
        query = _ready(now)
        if associate_id is not None:
            query = query.where(email_account.c.associate_id == associate_id)
        return self._all(query)

    def due(self, now: datetime, stale: datetime, limit: int) -> list[Account]:
        """The first `limit` of those that are ready and had no success after `stale`; an account
        that never had one is counted from its registration. Those that workers were asked to
        sync already are left out."""
        last = func.coalesce(email_account.c.last_success, email_account.c.registered)
        asked = select(sync_request.c.account_id).where(
            sync_request.c.account_id == email_account.c.email_account_id
        )
        return self._all(_ready(now).where(last <= stale, ~asked.exists()).limit(limit))

    def healthy(self) -> list[tuple[int, str, datetime]]:
        """Active accounts whose last sync succeeded, by id: id, incoming server, when changed."""
        query = (
            select(email_account.c.email_account_id, INCOMING.c.server, email_account.c.updated)
            .join_from(
                email_account, INCOMING, INCOMING.c.service_auth_id == email_account.c.incoming_auth
            )
            .where(
                email_account.c.account_status == AccountStatus.OK,
                email_account.c.active,
                INCOMING.c.server != "",
                INCOMING.c.password != "",
            )
            .order_by(email_account.c.email_account_id)
        )
        with self._database.reading() as connection:
            return [
                (account_id, server, updated)
                for account_id, server, updated in connection.execute(query)
            ]

    def _first(self, query: Select[Any], *, secrets: bool = True, **given: Any) -> Account | None:
        with self._database.reading() as connection:
            row = connection.execute(query.limit(1) if not given else query, given).first()
        return None if row is None else account_of(row, self._vault if secrets else None)

    def _all(self, query: Select[Any]) -> list[Account]:
        with self._database.reading() as connection:
            return [account_of(row, None) for row in connection.execute(query)]

    # Writing -------------------------------------------------------------------------------------

    def mark_current(self, account_id: int) -> None:
        """Make the account its associate's current one; raises NotFound."""
        with self._database.transaction() as connection:
            row = connection.execute(
                select(email_account.c.associate_id, email_account.c.current_mark)
                .where(exists(account_id))
                .with_for_update(key_share=True)
            ).one_or_none()
            if row is None:
                raise no_account(account_id)
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

        Raises NotFound for an unknown account or associate, InvalidValue where a kept password
        would go to another server than it was given for. Raises SecretUnreadable when a kept
        password cannot be opened; then nothing is saved.
        """
        with self._database.transaction() as connection:
            account_id = save_account(connection, self._vault, draft, self._database.clock())
            query = ACCOUNTS.where(email_account.c.email_account_id == account_id)
            return account_of(connection.execute(query).one(), self._vault)

    def delete(self, account_id: int) -> None:
        """Remove the account, its credentials and its cache; raises NotFound.

        At once nobody sees it any more, its secrets are gone, and a running sync loses its lease.
        The cache goes in pieces after that; `finish_deletions` goes on where a process died.
        """
        with self._database.transaction() as connection:
            hide_account(connection, account_id, self._database.clock())
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
        more = True
        while more:
            with self._database.transaction() as connection:
                more = drop_some_items(connection, account_id, DELETED_AT_ONCE)
        with self._database.transaction() as connection:
            drop_account(connection, account_id)


def _ready(now: datetime) -> Select[Any]:
    return ACCOUNTS.where(
        email_account.c.account_status != AccountStatus.FAILED,
        email_account.c.active,
        INCOMING.c.server != "",
        INCOMING.c.username != "",
        INCOMING.c.password != "",
        or_(email_account.c.lease_until.is_(None), email_account.c.lease_until <= now),
        or_(email_account.c.next_attempt.is_(None), email_account.c.next_attempt <= now),
    ).order_by(email_account.c.last_success.asc().nulls_first(), email_account.c.email_account_id)
