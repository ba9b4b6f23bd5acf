"""Between rows of the store and carriers of the contract; no decisions, no I/O."""

from __future__ import annotations

from services84.agents.entities import HIGHEST_INT
from services84.carriers.account import EMailAccount, ServiceAuth, SyncUserAccount
from services84.carriers.folder import EMailFolder
from services84.store import values

PASSWORD_MASK = "********"
DEFAULT_IMAP_PORT = 143  # the vendor's preference defaults
DEFAULT_SMTP_PORT = 25


def account_carrier(account: values.Account, *, reveal: bool) -> EMailAccount:
    """An account as callers see it; `reveal` gives the opened passwords instead of the mask."""
    return EMailAccount(
        EMailAccountId=account.account_id,
        EMailAddress=account.email_address,
        AssociateId=account.associate_id,
        IncomingCredentials=_service_auth_carrier(account.incoming, reveal=reveal),
        OutgoingCredentials=_service_auth_carrier(account.outgoing, reveal=reveal),
        AccountStatus=int(account.status),
        ErrorCount=account.error_count,
        ErrorReason=account.error_reason,
    )


def _service_auth_carrier(auth: values.ServiceAuth | None, *, reveal: bool) -> ServiceAuth | None:
    if auth is None:
        return None
    mask = PASSWORD_MASK if auth.has_password else None
    return ServiceAuth(
        ServiceAuthId=auth.service_auth_id,
        Server=auth.server,
        Port=auth.port,
        AuthType=auth.auth_type,
        Username=auth.username,
        Password=auth.password if reveal else mask,
    )


def empty_account() -> EMailAccount:
    """An account without content, as GetEMailAccountFromEMailAddress gives when it finds none."""
    return EMailAccount(
        EMailAccountId=0,
        EMailAddress="",
        AssociateId=0,
        AccountStatus=int(values.AccountStatus.UNKNOWN),
        ErrorCount=0,
        ErrorReason="",
    )


def default_account(associate_id: int) -> EMailAccount:
    """A blank account with the vendor's default ports, to be filled in and saved."""
    carrier = empty_account()
    carrier.AssociateId = associate_id
    carrier.IncomingCredentials = _default_auth(DEFAULT_IMAP_PORT)
    carrier.OutgoingCredentials = _default_auth(DEFAULT_SMTP_PORT)
    return carrier


def _default_auth(port: int) -> ServiceAuth:
    return ServiceAuth(
        ServiceAuthId=0, Server="", Port=port, AuthType="Password", Username="", Password=""
    )


def sync_user_account(account: values.Account) -> SyncUserAccount:
    """An account as GetReadySyncEmailAccounts lists it."""
    return SyncUserAccount(
        AccountId=account.account_id,
        AssociateName=account.associate_name,
        AssociateId=account.associate_id,
    )


def folder_carrier(
    folder: values.FolderDraft, *, total: int, unread: int, folder_id: int
) -> EMailFolder:
    """A folder; `folder_id` is 0 for one that is not cached."""
    return EMailFolder(
        Name=folder.name,
        Delimiter=folder.delimiter,
        Flags=" ".join(_attribute_name(one) for one in folder.attributes),
        TotalItems=min(total, HIGHEST_INT),
        UnreadItems=min(unread, HIGHEST_INT),
        Subscribed=bool(folder.attributes & values.FolderAttribute.SUBSCRIBED),
        EmailFolderId=folder_id,
    )


def _attribute_name(attribute: values.FolderAttribute) -> str:
    """The vendor's name of an attribute's bit: `HasNoChildren`."""
    return (attribute.name or "").title().replace("_", "")
