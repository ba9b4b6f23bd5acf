"""What a caller is told of a sync that another process ran, and why one is not begun.

Pure functions over rows of the store; waiting and asking are the desks' matter.
"""

from __future__ import annotations

from datetime import datetime

from services84.errors import (
    AccountInactive,
    MailServerBusy,
    MailServerError,
    NotFound,
    SyncInterrupted,
)
from services84.store.values import Account, AccountStatus, Run
from services84.sync.values import SyncReport, SyncState


def shutting_down() -> SyncInterrupted:
    """Why nothing is begun any more."""
    return SyncInterrupted("the service is shutting down; ask again soon")


def syncable(account_id: int, account: Account | None) -> Account:
    """The account, when there is one that may be synced.

    Raises NotFound, and AccountInactive for one that is switched off.
    """
    if account is None or account.status is AccountStatus.DELETED:
        raise NotFound(f"no mail account {account_id}")
    if not account.options.active:
        raise AccountInactive(account_id, account.email_address)
    return account


def resting(account: Account, now: datetime) -> MailServerBusy | None:
    """Why an account is left alone for a while; None when it is not."""
    if account.next_attempt is None or account.next_attempt <= now:
        return None
    seconds = max(1.0, (account.next_attempt - now).total_seconds())
    reason = account.error_reason or "an error"
    return MailServerBusy(
        f"not tried again for {seconds:.0f} seconds after: {reason}", retry_after=seconds
    )


def report_of(run: Run, state: SyncState = SyncState.SHARED) -> SyncReport:
    """The report of a run that has ended."""
    end = run.finished or run.started
    return SyncReport(
        account_id=run.account_id,
        state=state,
        new=run.new,
        changed=run.changed,
        removed=run.removed,
        seconds=(end - run.started).total_seconds(),
        error=MailServerError(run.error_reason) if run.error_reason else None,
    )


def serves(run: Run | None, asked: datetime | None, owner: str) -> bool:
    """Whether a run began after `asked` and succeeded, so that its result answers that as well.

    Only of this machine's: another's clock may be wrong.
    """
    if run is None or asked is None or not run.completed or run.started < asked:
        return False
    return _machine(run.owner) == _machine(owner)


def _machine(owner: str) -> str:
    return owner.partition(":")[0]
