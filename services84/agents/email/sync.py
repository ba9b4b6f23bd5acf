"""Operations that bring the cache level with mail servers, or say which accounts need it."""

from __future__ import annotations

from services84.agents.access import account_of, associate_of
from services84.agents.call import Call
from services84.agents.convert import sync_user_account
from services84.agents.registry import operation
from services84.carriers.account import SyncUserAccount
from services84.carriers.base import array_of
from services84.errors import CallError, InvalidValue, NotFound
from services84.store.values import Account
from services84.sync.values import StartReport, SyncReport

MOST_ACCOUNTS = 10_000  # of one SyncEmailAccounts


@operation("GetReadySyncEmailAccounts", returns=array_of(SyncUserAccount))
def get_ready_sync_email_accounts(call: Call) -> list[SyncUserAccount]:
    """List the accounts that should be synced now: the caller's own, an administrator's all."""
    owner = None if call.caller.is_admin else call.caller.associate_id
    ready = call.services.accounts.ready(call.arrived, owner)
    return [sync_user_account(account) for account in ready]


@operation("SyncEmailAccount", SyncUserAccount=SyncUserAccount)
def sync_email_account(call: Call, account: SyncUserAccount | None) -> None:
    """Bring the cache of one account level with its mail server."""
    account_id = _account_meant(call, account).account_id
    report = call.services.sync.sync(account_id, asked=call.arrived)
    call.extra.update(extra_of(report))
    if report.error is not None:
        raise report.error


@operation("SyncEmailAccounts", SyncUserAccounts=array_of(SyncUserAccount))
def sync_email_accounts(call: Call, accounts: list[SyncUserAccount | None] | None) -> None:
    """Start the sync of many accounts and return at once; ExtraInfo says what became of each."""
    if len(accounts or ()) > MOST_ACCOUNTS:
        problem = f"are more than {MOST_ACCOUNTS} accounts"
        raise InvalidValue("SyncUserAccounts", len(accounts or ()), problem)
    wanted: list[int] = []
    refused: dict[str, str] = {}
    for number, account in enumerate(accounts or (), start=1):
        try:
            if account is None:
                raise InvalidValue(f"SyncUserAccounts/SyncUserAccount[{number}]", "nil", "is empty")
            wanted.append(_account_meant(call, account).account_id)
        except CallError as error:
            key = account.AccountId if account is not None and account.AccountId else f"#{number}"
            refused[str(key)] = error.message
    report = call.services.sync.start_many(wanted)
    call.extra.update(_extra_of_many(report, refused))


def _account_meant(call: Call, carrier: SyncUserAccount | None) -> Account:
    """The account that a SyncUserAccount names: by its id, or as its associate's current one."""
    if carrier is not None and carrier.AccountId:
        account = account_of(call, carrier.AccountId)
        _check_owner(carrier, account)
        return account
    associate = associate_of(
        call,
        carrier.AssociateId if carrier is not None else None,
        carrier.AssociateName if carrier is not None else None,
    )
    current = call.services.accounts.current(associate.associate_id, secrets=False)
    if current is None:
        raise NotFound(f"associate {associate.name} has no mail account")
    return current


def _check_owner(carrier: SyncUserAccount, account: Account) -> None:
    """Refuse a carrier whose members contradict each other rather than guess which one is meant."""
    if carrier.AssociateId and carrier.AssociateId != account.associate_id:
        raise InvalidValue(
            "SyncUserAccount/AssociateId",
            carrier.AssociateId,
            f"is not the owner of account {account.account_id}",
        )
    name = carrier.AssociateName
    if name and name.casefold() != account.associate_name.casefold():
        raise InvalidValue(
            "SyncUserAccount/AssociateName",
            name,
            f"is not the owner of account {account.account_id}",
        )


def extra_of(report: SyncReport) -> dict[str, str]:
    """What ExtraInfo tells of a sync."""
    return {
        "Sync.State": str(report.state),
        "Sync.New": str(report.new),
        "Sync.Changed": str(report.changed),
        "Sync.Removed": str(report.removed),
        "Sync.Seconds": f"{report.seconds:.3f}",
        **({"Sync.Skipped": "; ".join(report.skipped)} if report.skipped else {}),
    }


def _extra_of_many(report: StartReport, refused: dict[str, str]) -> dict[str, str]:
    reasons = refused | {str(key): reason for key, reason in report.refused.items()}
    return {
        "Sync.Started": str(len(report.started)),
        "Sync.Joined": str(len(report.joined)),
        "Sync.Refused": str(len(reasons)),
        **{f"Sync.Refused.{key}": reason for key, reason in reasons.items()},
    }
