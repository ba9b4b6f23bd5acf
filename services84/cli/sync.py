"""`services84 sync`: bring accounts level now, and show how it goes."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import click

from services84.application import Application, now
from services84.cli.failures import FAILED
from services84.cli.opening import opened_application
from services84.cli.output import complain, say
from services84.cli.progress import SyncDisplay
from services84.cli.stopping import stoppable
from services84.cli.trace import trace_file
from services84.errors import NotFound, Services84Error
from services84.store.values import Account, AccountStatus
from services84.sync.values import SyncReport


@click.command()
@click.argument("wanted", metavar="[ACCOUNT]...", nargs=-1)
@click.option("--all", "everyone", is_flag=True, help="All accounts, resting and Failed ones too.")
@click.option(
    "--trace",
    "trace",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write what is said to mail servers, and by them, to FILE (replaced, mode 0600);"
    " without passwords, tokens and the contents of messages.",
)
def sync(wanted: Sequence[str], everyone: bool, trace: Path | None) -> None:
    """Sync each ACCOUNT (its id or address); without any, those that are due.

    Ends with 1 when an account failed; the reason is on standard error. Ctrl-C (or SIGTERM)
    stops it at the next commit, a second one at once; what was synced till then stays.
    """
    if wanted and everyone:
        raise click.UsageError("give accounts or --all, not both.")
    with ExitStack() as stack:
        log = stack.enter_context(trace_file(trace)) if trace else None
        application = stack.enter_context(opened_application())
        if log is not None:
            application.services.mail.trace_to(log.conversation)
        accounts = _chosen(application, wanted, everyone)
        if not accounts:
            say("no account is due" if not everyone else "no mail accounts")
            return
        with stoppable(application):
            failures = _sync_all(application, accounts)
    if failures:
        sys.exit(FAILED)


def _chosen(application: Application, wanted: Sequence[str], everyone: bool) -> list[Account]:
    """The accounts that the command line names; raises NotFound for one that is not there."""
    store = application.services.accounts
    if not wanted and not everyone:
        return store.ready(now())
    known = [a for a in store.list_all() if a.status is not AccountStatus.DELETED]
    if everyone:
        return [a for a in known if a.options.active]
    chosen: dict[int, Account] = {}
    for name in wanted:
        found = [a for a in known if _is(a, name)]
        if not found:
            raise NotFound(f"no mail account {name}; `services84 status` lists them")
        chosen.update((a.account_id, a) for a in found)
    return list(chosen.values())


def _is(account: Account, name: str) -> bool:
    return str(account.account_id) == name or account.email_address.casefold() == name.casefold()


def _sync_all(application: Application, accounts: list[Account]) -> int:
    """Sync the accounts, several at a time; gives how many failed."""
    desk = application.desk
    with SyncDisplay() as display:

        def run(account: Account) -> SyncReport | Services84Error:
            follow = display.follow(account.email_address)
            try:
                return desk.sync(
                    account.account_id, wait=threading.TIMEOUT_MAX, force=True, progress=follow
                )
            except Services84Error as error:
                return error
            finally:
                follow.done()

        parallel = min(len(accounts), application.settings.sync_parallel)
        pool = ThreadPoolExecutor(parallel)
        try:
            outcomes = list(pool.map(run, accounts))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    return sum(_tell(a, o) for a, o in zip(accounts, outcomes, strict=True))


def _tell(account: Account, outcome: SyncReport | Services84Error) -> bool:
    """Say how one sync ended; true when it failed."""
    error = outcome if isinstance(outcome, Services84Error) else outcome.error
    if error is not None:
        complain(f"{account.email_address}: {error.message}")
        return True
    assert isinstance(outcome, SyncReport)
    say(
        f"{account.email_address}: {outcome.new} new, {outcome.changed} changed, "
        f"{outcome.removed} removed, {outcome.seconds:.1f} s"
    )
    return False
