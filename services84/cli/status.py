"""`services84 status`: the accounts and how their last syncs went."""

from __future__ import annotations

from datetime import datetime

import click
from rich.table import Table
from rich.text import Text

from services84.application import now
from services84.cli.opening import opened_application
from services84.cli.output import moment, say, tables
from services84.store.values import Account, AccountStatus

_STYLES = {
    AccountStatus.OK: "green",
    AccountStatus.FAILING: "yellow",
    AccountStatus.FAILED: "bold red",
}


@click.command()
def status() -> None:
    """List the accounts with state, last success and error."""
    with opened_application() as application:
        accounts = application.services.accounts.list_all()
    if not accounts:
        say("no mail accounts; `services84 account add` adds one")
        return
    tables().print(table_of(accounts, now()))


def table_of(accounts: list[Account], at: datetime) -> Table:
    """The table of accounts as it stands at the time `at`."""
    table = Table(box=None, pad_edge=False)
    for heading in ("Id", "Address", "Associate", "State", "Last success", "Errors", "Error"):
        table.add_column(heading, justify="right" if heading in ("Id", "Errors") else "left")
    for account in accounts:
        table.add_row(
            str(account.account_id),
            Text(account.email_address),
            Text(account.associate_name),
            Text(_state(account, at), style=_STYLES.get(account.status, "")),
            moment(account.last_success),
            str(account.error_count),
            Text(_error(account, at)),
        )
    return table


def _state(account: Account, at: datetime) -> str:
    syncing = account.lease_until is not None and account.lease_until > at
    if account.status is AccountStatus.UNKNOWN:
        return "Syncing" if syncing else "New"
    return account.status.name.title() + (", syncing" if syncing else "")


def _error(account: Account, at: datetime) -> str:
    if not account.error_reason:
        return ""
    if account.next_attempt is not None and account.next_attempt > at:
        return f"{account.error_reason} (again from {moment(account.next_attempt)})"
    return account.error_reason
