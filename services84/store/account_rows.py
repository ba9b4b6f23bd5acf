"""Rows of accounts: one SELECT that joins both directions' credentials, and what it becomes.

Reading only; `accounts` says which rows, `account_changes` writes them.
"""

from __future__ import annotations

from typing import Any, Protocol

from sqlalchemy import Select, and_, select

from services84.store.account_options import AccountOptions, DeletionPolicy
from services84.store.tables import associate, email_account, service_auth
from services84.store.values import Account, AccountStatus, ServiceAuth


class Vault(Protocol):
    """What seals secrets; a sealed text can only be opened for the place it was sealed for."""

    def seal(self, text: str, *, table: str, row: int, column: str) -> str: ...

    def open(self, sealed: str, *, table: str, row: int, column: str) -> str: ...


INCOMING = service_auth.alias("incoming")
OUTGOING = service_auth.alias("outgoing")
_AUTH = ("service_auth_id", "server", "port", "auth_type", "username", "password", "use_ssl")
_SIDES = {"incoming": INCOMING, "outgoing": OUTGOING}


_KEYS = {side: [(name, f"{side}_{name}") for name in _AUTH] for side in _SIDES}


def _auth_columns(side: str) -> list[Any]:
    return [column.label(f"{side}_{column.key}") for column in _SIDES[side].c]


ACCOUNTS: Select[Any] = (
    select(
        email_account,
        associate.c.name.label("associate_name"),
        *_auth_columns("incoming"),
        *_auth_columns("outgoing"),
    )
    .join_from(email_account, associate)
    .outerjoin(INCOMING, INCOMING.c.service_auth_id == email_account.c.incoming_auth)
    .outerjoin(OUTGOING, OUTGOING.c.service_auth_id == email_account.c.outgoing_auth)
    .where(email_account.c.account_status != AccountStatus.DELETED)
)


def exists(account_id: int) -> Any:
    """The condition that finds an account unless it is being deleted."""
    return and_(
        email_account.c.email_account_id == account_id,
        email_account.c.account_status != AccountStatus.DELETED,
    )


def account_of(row: Any, vault: Vault | None) -> Account:
    """The account of a row of `ACCOUNTS`; without a vault its passwords stay None."""
    return Account(
        account_id=row.email_account_id,
        email_address=row.email_address,
        associate_id=row.associate_id,
        associate_name=row.associate_name,
        incoming=_auth_of(row, "incoming", vault),
        outgoing=_auth_of(row, "outgoing", vault),
        status=AccountStatus(row.account_status),
        error_count=row.error_count,
        error_reason=row.error_reason,
        last_success=row.last_success,
        next_attempt=row.next_attempt,
        lease_until=row.lease_until,
        registered=row.registered,
        updated=row.updated,
        refused_count=row.refused_count,
        throttled_count=row.throttled_count,
        options=_options_of(row),
        last_message_id=row.last_message_id,
        error_kind=row.error_kind,
    )


def incoming_of(row: Any, vault: Vault) -> ServiceAuth | None:
    """The credentials for the incoming server of a row of `ACCOUNTS`, with their password."""
    return _auth_of(row, "incoming", vault)


def _options_of(row: Any) -> AccountOptions:
    return AccountOptions(
        row.display_name,
        row.business_id,
        row.active,
        row.reply_to,
        row.send_notification,
        row.notification_email,
        _POLICIES[row.deletion_policy],
        row.token_provider,
    )


_POLICIES = {int(policy): policy for policy in DeletionPolicy}


def option_columns(options: AccountOptions) -> dict[str, Any]:
    """The columns of email_account that hold an account's options."""
    return {**vars(options), "deletion_policy": int(options.deletion_policy)}


def _auth_of(row: Any, side: str, vault: Vault | None) -> ServiceAuth | None:
    stored = {name: getattr(row, key) for name, key in _KEYS[side]}
    if stored["service_auth_id"] is None:
        return None
    sealed = stored.pop("password")
    password = None
    if vault is not None and sealed:
        password = vault.open(
            sealed, table="service_auth", row=stored["service_auth_id"], column="password"
        )
    return ServiceAuth(**stored, password=password, has_password=bool(sealed))
