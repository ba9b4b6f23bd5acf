"""What people may see and do on pages: who they are, which accounts there are, how those fare.

An associate sees its own accounts, an administrator all. Pages and words are the front end's.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from services84.agents.access import account_of
from services84.agents.call import Call, Presented
from services84.agents.logins import verified
from services84.agents.services import Services
from services84.errors import (
    CallError,
    LoginRefused,
    NotFound,
    SecretError,
    Services84Error,
)
from services84.security.tickets import hash_ticket, new_ticket
from services84.store.census import Census, take_census
from services84.store.overview import AccountPage, Overview, Shown, Wanted
from services84.store.progress import ProgressStore
from services84.store.service_leases import ServiceLeases
from services84.store.values import Account, Folder, Run, RunProgress, ServiceAuth
from services84.sync.scheduler import LEASE
from services84.sync.values import StartReport

PAGE = 50  # accounts
MOST_AT_ONCE = 200  # accounts that are looked at together
RUNS_SHOWN = 100
LONGEST_SEARCH = 100  # characters
SLOT_SECONDS = 10.0  # how long a login waits for a connection that the host may have
PATIENCE = 15.0  # seconds; the longest silence of a server, for somebody who looks at a page


@dataclass(frozen=True)
class AccountDetails:
    """An account with its folders and its newest syncs, the newest first."""

    account: Account
    folders: Sequence[Folder]
    runs: Sequence[Run]
    progress: RunProgress | None


class Side(enum.StrEnum):
    """One of the two servers of an account."""

    INCOMING = "incoming"
    OUTGOING = "outgoing"


@dataclass(frozen=True)
class Trial:
    """What came of a login at one server; without `error` the account was let in, if `tried`."""

    side: Side
    server: str  # host:port
    error: Services84Error | None = None
    tried: bool = True

    @property
    def said(self) -> str:
        """What the caller may know of the error's text; that of another kind is for the log."""
        return self.error.message if isinstance(self.error, CallError) else ""


# Who looks --------------------------------------------------------------------------------------


def sign_in(services: Services, name: str, password: str, remote_address: str) -> str | None:
    """A ticket for the associate of this name and password; None when they are refused.

    Raises TooManyAttempts, as signing in by SoPrincipal.svc does.
    """
    now = services.clock()
    associate = verified(services, name, password, remote_address, now)
    if associate is None:
        return None
    ticket, digest = new_ticket()
    expires = now + timedelta(seconds=services.settings.ticket_seconds)
    services.principals.add_ticket(digest, associate.associate_id, expires)
    services.principals.drop_expired_tickets(now)
    services.attempts.forget_old(now)
    return ticket


def sign_out(services: Services, ticket: str) -> None:
    """End a ticket at once."""
    services.principals.revoke_ticket(hash_ticket(ticket))


def admitted(services: Services, ticket: str, remote_address: str) -> Call | None:
    """The call of whoever has this ticket; None when it is not known or has expired.

    Pages are no application of anybody's, so that no application token is asked for.
    """
    now = services.clock()
    row = services.principals.use_ticket(hash_ticket(ticket), now, services.settings.ticket_seconds)
    if row is None:
        return None
    presented = Presented(ticket=ticket, remote_address=remote_address)
    return Call(services, presented, now, row.associate)


# What there is to see ---------------------------------------------------------------------------


def census(call: Call) -> Census:
    """How many accounts there are that the caller may see, and in what state."""
    return take_census(call.services.database, call.arrived, _owner(call))


def syncs_by_the_clock(call: Call) -> bool:
    """Whether there is a process that syncs by the clock, or none is wanted."""
    settings = call.services.settings
    if not (settings.sync_interval or settings.idle_connections):
        return True
    return ServiceLeases(call.services.database).holder(LEASE, call.arrived) is not None


def page_of_accounts(
    call: Call, *, text: str, shown: Shown, after: int | None, before: int | None
) -> AccountPage:
    """Some of the accounts that the caller may see, in the order of their addresses."""
    wanted = Wanted(_owner(call), text[:LONGEST_SEARCH], shown)
    return Overview(call.services.database).page(
        wanted, call.arrived, limit=PAGE, after=after, before=before
    )


def some_accounts(call: Call, account_ids: Sequence[int]) -> list[Account]:
    """Those of these accounts that the caller may see; of very many the first."""
    ids = list(dict.fromkeys(account_ids))[:MOST_AT_ONCE]
    return Overview(call.services.database).some(ids, _owner(call))


def progress_of(call: Call, accounts: Sequence[Account]) -> Mapping[int, RunProgress]:
    """How far the running syncs of these accounts are, by account id."""
    ids = [one.account_id for one in accounts if is_syncing(call, one)]
    return ProgressStore(call.services.database).of(ids, call.arrived) if ids else {}


def is_syncing(call: Call, account: Account) -> bool:
    """Whether a sync has the account at the time of the call."""
    return account.lease_until is not None and account.lease_until > call.arrived


def details_of(call: Call, account_id: int) -> AccountDetails:
    """One account. Raises NotFound for one that the caller may not see."""
    account = account_of(call, account_id)
    return AccountDetails(
        account,
        call.services.folders.list(account_id),
        Overview(call.services.database).runs(account_id, RUNS_SHOWN),
        progress_of(call, [account]).get(account_id),
    )


def _owner(call: Call) -> int | None:
    return None if call.caller.is_admin else call.caller.associate_id


# What there is to do ----------------------------------------------------------------------------


def start_sync(call: Call, account_id: int) -> StartReport:
    """Start the sync of an account, or join the one that runs. Raises NotFound."""
    return call.services.sync.start_many([account_of(call, account_id).account_id])


def try_logins(call: Call, account_id: int) -> list[Trial]:
    """Sign in to the account's incoming server, and to its outgoing one where it has one.

    Refusals of the incoming server count as those of a sync, and are spaced like them; after one
    the outgoing server, which mostly has the same user, is left alone. Raises NotFound.
    """
    account = account_of(call, account_id)
    trials = [_trial(Side.INCOMING, account.incoming, lambda: _sign_in_imap(call, account_id))]
    if account.outgoing is not None and account.outgoing.server:
        refused = isinstance(trials[0].error, LoginRefused)
        attempt = None if refused else lambda: _sign_in_smtp(call, account_id)
        trials.append(_trial(Side.OUTGOING, account.outgoing, attempt))
    return trials


def _trial(side: Side, auth: ServiceAuth | None, attempt: Callable[[], None] | None) -> Trial:
    server = f"{auth.server}:{auth.port}" if auth is not None and auth.server else ""
    if attempt is None:
        return Trial(side, server, tried=False)
    try:
        attempt()
    except NotFound:
        raise
    except (CallError, SecretError) as error:
        return Trial(side, server, error=error)
    return Trial(side, server)


def _sign_in_imap(call: Call, account_id: int) -> None:
    with call.services.errands.for_account(account_id):
        pass


def _sign_in_smtp(call: Call, account_id: int) -> None:
    account, mail = call.services.accounts.get(account_id), call.services.mail
    if account is None or account.outgoing is None:
        raise NotFound(f"no mail account {account_id}")
    auth = account.outgoing
    if not auth.password:
        raise LoginRefused("the account has no password for its outgoing mail server")
    with call.services.slots.held(auth.server, SLOT_SECONDS):
        mail.check_smtp(mail.where_of(auth), mail.login_of(auth), patience=PATIENCE)
