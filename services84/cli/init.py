"""`services84 init`: the key file and the database, made or brought to this version."""

from __future__ import annotations

import os
from pathlib import Path

import click

from services84.cli.opening import (
    command_settings,
    log_quietly,
    warn_of_unknown_settings,
)
from services84.cli.output import complain, passwords, say
from services84.errors import KeyUnavailable, SecretUnreadable
from services84.security.vault import Vault
from services84.settings import Settings
from services84.store.database import Database
from services84.store.sealed import SealedSecrets

_REMEDY = (
    "restore the key file from its copy, or run `services84 init --new-key`, which gives these "
    "passwords up, and give them again"
)


@click.command()
@click.option(
    "--new-key",
    is_flag=True,
    help="The key is lost: give up the mail passwords that cannot be opened any more, and make "
    "a new key where there is none.",
)
def init(new_key: bool) -> None:
    """Make the key file and the database, or bring the database to this version.

    Safe to run again, also by several at once: an existing key is never touched, and a database
    that is up to date stays as it is.
    """
    warn_of_unknown_settings()
    settings = command_settings()
    log_quietly(settings)
    for line in set_up(settings, new_key=new_key):
        say(line)


def set_up(settings: Settings, *, new_key: bool = False) -> list[str]:
    """Do what `init` does; gives a line for each thing done or found done.

    Raises SecretUnreadable when there are mail passwords and not the key for them, unless
    `new_key` gives them up; then nothing was made or changed. Raises KeyUnavailable, StoreError.
    """
    path = settings.key_file
    vault = _existing(path)
    database = Database(settings.database_url, pool_size=2)
    try:
        before = database.revision
        given_up = before is not None and _check_secrets(database, path, vault, new_key)
        done = [_key(path, vault)]
        database.migrate()
        after = database.revision
        if given_up:
            lost = SealedSecrets(database, Vault.load(path)).forget_unreadable()
            done.append(f"{passwords(lost)} given up; give them again with the accounts")
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


def _existing(path: Path) -> Vault | None:
    return Vault.load(path) if os.path.lexists(path) else None


def _key(path: Path, vault: Vault | None) -> str:
    if vault is None:
        try:
            Vault.create_key_file(path)
            return f"key file {path}: made; keep a copy apart from the database's"
        except KeyUnavailable:
            if not os.path.lexists(path):
                raise
            Vault.load(path)  # another init was quicker
    return f"key file {path}: already there, left as it is"


def _check_secrets(database: Database, path: Path, vault: Vault | None, new_key: bool) -> bool:
    """Whether there are mail passwords to be given up; raises SecretUnreadable where that needs
    a word first."""
    # A key that nobody has opens none of them.
    found = SealedSecrets(database, vault or Vault.of_new_key()).count()
    if not found.unreadable or new_key:
        return found.unreadable > 0
    if vault is not None and found.unreadable < found.sealed:
        complain(
            f"{found.unreadable} of {passwords(found.sealed)} in the database cannot be opened "
            f"with the key in {path}; {_REMEDY}"
        )
        return False
    problem = (
        f"key file {path} is gone"
        if vault is None
        else f"key file {path} is not the one of this database"
    )
    raise SecretUnreadable(
        f"{problem}: {passwords(found.sealed)} in the database cannot be opened without it; "
        f"{_REMEDY}"
    )
