"""`services84 status`: the accounts, how their last syncs went, what goes on now. Only reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import click
from rich.table import Table
from rich.text import Text

from services84.application import Application, now
from services84.cli.opening import opened_application
from services84.cli.output import moment, say, tables
from services84.store.service_leases import ServiceLeases
from services84.store.slots import SlotStore
from services84.store.values import Account, AccountStatus, Folder
from services84.sync.scheduler import LEASE

_STYLES = {
    AccountStatus.OK: "green",
    AccountStatus.FAILING: "yellow",
    AccountStatus.FAILED: "bold red",
}
_NUMBERS = frozenset({"Id", "Errors", "In use", "Of", "Waiting", "Times"})


@click.command()
def status() -> None:
    """List the accounts with state, last success and error; the folders that are set aside, the
    connections in use, and which process syncs by the clock."""
    with opened_application() as application:
        accounts = application.services.accounts.list_all()
        at = now()
        aside = _set_aside(application, accounts, at)
        hosts = SlotStore(application.database).hosts(at)
        leader = ServiceLeases(application.database).holder(LEASE, at)
        most = application.settings.mail_connections_per_host
    if not accounts:
        say("no mail accounts; `services84 account add` adds one")
        return
    tables().print(table_of(accounts, at))
    for table in (_folders_table(aside), _hosts_table(hosts, most)):
        if table.row_count:
            say("")
            tables().print(table)
    say("")
    say(f"scheduler: {leader or 'no process syncs by the clock'}")


def table_of(accounts: list[Account], at: datetime) -> Table:
    """The table of accounts as it stands at the time `at`."""
    table = _table("Id", "Address", "Associate", "State", "Last success", "Errors", "Error")
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


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, justify="right" if heading in _NUMBERS else "left")
    return table


def _set_aside(application: Application, accounts: Sequence[Account], at: datetime) -> list[Folder]:
    """The folders that could not be opened and are not tried yet."""
    folders = application.services.folders
    return [
        folder
        for account in accounts
        for folder in folders.list(account.account_id)
        if folder.set_aside_until is not None and folder.set_aside_until > at
    ]


def _folders_table(folders: Sequence[Folder]) -> Table:
    table = _table("Id", "Folder set aside", "Times", "Until")
    for folder in folders:
        table.add_row(
            str(folder.account_id),
            Text(folder.name),
            str(folder.set_aside_count),
            moment(folder.set_aside_until),
        )
    return table


def _hosts_table(hosts: Mapping[str, tuple[int, int]], most: int) -> Table:
    table = _table("Mail host", "In use", "Of", "Waiting")
    for host, (held, waiting) in hosts.items():
        table.add_row(Text(host), str(held), str(most), str(waiting))
    return table


def _state(account: Account, at: datetime) -> str:
    if not account.options.active:
        return "Off"
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
