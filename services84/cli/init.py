"""`services84 init`: the key file and the database, made or brought to this version."""

from __future__ import annotations

import click

from services84.cli.opening import command_settings, log_quietly
from services84.cli.output import say
from services84.security.vault import Vault
from services84.settings import Settings
from services84.store.database import Database


@click.command()
def init() -> None:
    """Make the key file and the database, or bring the database to this version.

    Safe to run again: an existing key is never touched, and a database that is up to date stays
    as it is.
    """
    settings = command_settings()
    log_quietly(settings)
    for line in set_up(settings):
        say(line)


def set_up(settings: Settings) -> list[str]:
    """Do what `init` does; gives a line for each thing done or found done."""
    done = [_key(settings)]
    database = Database(settings.database_url, pool_size=2)
    try:
        before = database.revision
        database.migrate()
        after = database.revision
        name = f"{database.product} database {database.name}"
    finally:
        database.close()
    if before == after:
        done.append(f"{name}: already at schema {after}")
    elif before is None:
        done.append(f"{name}: made, schema {after}")
    else:
        done.append(f"{name}: upgraded from schema {before} to {after}")
    return done


def _key(settings: Settings) -> str:
    path = settings.key_file
    if path.exists():
        Vault.load(path)
        return f"key file {path}: already there, left as it is"
    Vault.create_key_file(path)
    return f"key file {path}: made; keep a copy apart from the database's"
