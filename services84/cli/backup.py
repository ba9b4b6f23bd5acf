"""`services84 backup` and `services84 restore`: the database into a file, and back."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from services84.application import now
from services84.cli.failures import FAILED
from services84.cli.opening import command_settings, log_quietly
from services84.cli.output import complain, moment, passwords, say, size
from services84.errors import InUse
from services84.security.vault import Vault
from services84.settings import Settings
from services84.store.backup import back_up
from services84.store.backup_file import BackupFacts, verify
from services84.store.database import Database
from services84.store.restore import restore as restore_from
from services84.store.sealed import SealedSecrets
from services84.store.service_leases import ServiceLeases
from services84.sync.scheduler import LEASE

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("file", type=_FILE)
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
def backup(file: Path, force: bool) -> None:
    """Write all that the database holds to FILE, as it is at one moment.

    Runs while the service does. FILE appears when it is complete. The key is not in it: without
    a copy of the key file nobody can open the mail passwords, and you could not either.
    """
    with _database() as (settings, database), _interruptible():
        facts = back_up(database, file, replace=force)
    say(f"{file}: {_told(facts)}, {size(file.stat().st_size)}")
    say(
        f"the key is not in it: keep a copy of {settings.key_file} apart from it; without that "
        "the mail passwords are lost"
    )


@click.command()
@click.argument("file", type=_FILE)
@click.option("--force", is_flag=True, help="Replace everything that the database holds.")
@click.option("--verify", "only_verify", is_flag=True, help="Only see whether FILE is undamaged.")
def restore(file: Path, force: bool, only_verify: bool) -> None:
    """Put what FILE holds into the database, which is made if need be; all of it or nothing.

    The service has to be stopped. FILE is verified first, and may come from the other kind of
    database. Tickets are not in it: everybody has to sign in again.
    """
    if only_verify:
        say(f"{file}: undamaged; {_told(verify(file))}")
        return
    with _database() as (settings, database), _interruptible():
        _refuse_running(database)
        facts = restore_from(database, file, replace=force)
        say(f"{database.product} database {database.name}: {_told(facts)}")
        lost = _unreadable(settings, database)
    if lost:
        complain(
            f"{passwords(lost)} cannot be opened: {settings.key_file} is not the key of this "
            "backup; put the copy of that key file there, then see `services84 keys verify`"
        )
        sys.exit(FAILED)


def _told(facts: BackupFacts) -> str:
    return (
        f"{facts.accounts} accounts, {facts.messages} messages, "
        f"as of {moment(facts.made)}, schema {facts.revision}"
    )


def _refuse_running(database: Database) -> None:
    """Raises InUse while a process syncs by the clock, whose syncs would go on with rows that
    are replaced under them."""
    if database.revision is None:
        return
    database.check_schema()
    owner = ServiceLeases(database).holder(LEASE, now())
    if owner is not None:
        raise InUse(
            f"the service is running ({owner}); stop it first. One that was killed counts as "
            "running for a minute"
        )


def _unreadable(settings: Settings, database: Database) -> int:
    """How many secrets of the database the key file does not open."""
    there = os.path.lexists(settings.key_file)
    vault = Vault.load(settings.key_file) if there else Vault.of_new_key()
    return SealedSecrets(database, vault).count().unreadable


@contextmanager
def _database() -> Iterator[tuple[Settings, Database]]:
    settings = command_settings()
    log_quietly(settings)
    database = Database(settings.database_url, pool_size=3)
    try:
        yield settings, database
    finally:
        database.close()


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let SIGTERM end the work as Ctrl-C does, so that nothing half-made is left."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
