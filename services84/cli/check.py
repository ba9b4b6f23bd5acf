"""`services84 check`: whether the database holds together and the key opens its secrets."""

from __future__ import annotations

import sys

import click
from rich.table import Table
from rich.text import Text

from services84.cli.failures import FAILED
from services84.cli.opening import command_settings, log_quietly
from services84.cli.output import complain, passwords, say, tables
from services84.security.vault import Vault
from services84.store.checking import MOST, Checked, check
from services84.store.database import Database
from services84.store.sealed import SealedSecrets


@click.command("check")
@click.option("--mail", is_flag=True, help="Read every stored message too; takes its time.")
def check_command(mail: bool) -> None:
    """See whether the database is undamaged: its pages, references, counts and cursors, and
    whether every mail password can be opened.

    Runs while the service does, and changes nothing. Ends with 1 when something is wrong.
    """
    settings = command_settings()
    log_quietly(settings)
    database = Database(settings.database_url, pool_size=2)
    try:
        vault = Vault.load(settings.key_file)
        results = [*check(database, mail=mail), _secrets(database, vault)]
    finally:
        database.close()
    tables().print(_table(results))
    problems = [(one.name, problem) for one in results for problem in _told(one)]
    for name, problem in problems:
        complain(f"{name}: {problem}")
    if problems:
        sys.exit(FAILED)
    say("nothing is wrong")


def _secrets(database: Database, vault: Vault) -> Checked:
    report = SealedSecrets(database, vault).report()
    lost = [f"{one.address or 'of no account'}: {one.problem}" for one in report.unreadable]
    return Checked(
        "secrets", passwords(report.sealed), tuple(lost[:MOST]), max(0, len(lost) - MOST)
    )


def _told(one: Checked) -> list[str]:
    return [*one.problems, *([f"{one.more} more of these"] if one.more else [])]


def _table(results: list[Checked]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("Check", "", "Of"):
        table.add_column(heading)
    for one in results:
        count = len(one.problems) + one.more
        word = Text(f"{count} wrong", "bold red") if count else Text("ok", "green")
        table.add_row(one.name, word, Text(one.seen))
    return table
