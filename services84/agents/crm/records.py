"""Mail accounts as EmailAccount records, and pages of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from services84.agents.convert import PASSWORD_MASK
from services84.agents.crm.properties import SERVER_TYPES, TOKENS
from services84.mailhost import Mechanism, mechanism_for, shown_ssl
from services84.store.values import Account, ServiceAuth


def record_of(account: Account) -> dict[str, Any]:
    """The record of an account; secrets are a mask, or null where there is none."""
    options = account.options
    return {
        "Id": account.account_id,
        "BusinessId": options.business_id,
        "DisplayName": options.display_name,
        "EmailAddress": account.email_address,
        "Active": options.active,
        "SendNotificationOnNewMessages": options.send_notification,
        "NotificationEmailAddress": options.notification_email or None,
        **_side("Incoming", account.incoming),
        "IncomingServerType": SERVER_TYPES["Imap"],
        "DeleteMessageSettings": int(options.deletion_policy),
        **_side("Outgoing", account.outgoing),
        "ReplyToEmail": options.reply_to or None,
        "LastCheckTime": moment(account.last_success),
        "LastMessageId": account.last_message_id,
        "ErrorCount": account.error_count,
        **{name: _token(account, provider) for provider, name in TOKENS.items()},
        "AssociateId": account.associate_id,
        "CreatedOn": moment(account.registered),
        "UpdatedOn": moment(account.updated),
    }


def moment(at: datetime | None) -> str | None:
    """A moment as records tell it: to the second, in UTC."""
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _side(prefix: str, auth: ServiceAuth | None) -> dict[str, Any]:
    at = f"{prefix}Server"
    known = auth or ServiceAuth(0, "", 0, "", "")
    return {
        at: known.server,
        f"{at}Port": known.port,
        f"{at}SSL": shown_ssl(known.port, known.use_ssl),
        f"{at}Username": known.username,
        f"{at}Password": PASSWORD_MASK if known.has_password and not _is_oauth(known) else None,
    }


def _token(account: Account, provider: str) -> str | None:
    auth = account.incoming
    held = auth is not None and auth.has_password and _is_oauth(auth)
    return PASSWORD_MASK if held and account.options.token_provider == provider else None


def _is_oauth(auth: ServiceAuth) -> bool:
    return mechanism_for(auth.auth_type) is Mechanism.OAUTH


# Pages ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wanted:
    """Which records are wanted: those whose properties have these values (texts without regard to
    case), ordered by a property, and of these one page, counted from 1."""

    page: int
    size: int
    order_by: str
    descending: bool
    filters: Mapping[str, Any]


def page_of(records: Sequence[Mapping[str, Any]], wanted: Wanted) -> dict[str, Any]:
    """One page of records, with what it is a page of; empty beyond the last one."""
    found = [one for one in records if all(_is(one[n], v) for n, v in wanted.filters.items())]
    found.sort(key=lambda one: one["Id"])
    found.sort(key=lambda one: _order(one[wanted.order_by]), reverse=wanted.descending)
    total, first = len(found), (wanted.page - 1) * wanted.size
    shown = found[first : first + wanted.size]
    pages = -(-total // wanted.size)
    return {
        "Records": shown,
        "CurrentPage": wanted.page,
        "CurrentPageSize": wanted.size,
        "CurrentOrderField": wanted.order_by,
        "CurrentSortDirection": -1 if wanted.descending else 1,
        "FirstItem": first + 1 if shown else 0,
        "LastItem": first + len(shown) if shown else 0,
        "TotalItems": total,
        "TotalPages": pages,
        "HasNextPage": wanted.page < pages,
        "HasPreviousPage": wanted.page > 1 and total > 0,
    }


def _is(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, str):  # a text that is missing is as good as an empty one
        return (value or "").casefold() == wanted.casefold()
    return bool(value == wanted)


def _order(value: Any) -> tuple[bool, Any]:
    """Where nothing is, comes first; texts in their order without regard to case."""
    if value is None:
        return False, 0
    return True, value.casefold() if isinstance(value, str) else value
