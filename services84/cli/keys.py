"""`services84 keys`: another key for the mail passwords, and whether the keys open them all."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

import click

from services84.cli.failures import FAILED
from services84.cli.opening import command_settings, log_quietly
from services84.cli.output import complain, passwords, say
from services84.security.keyfile import KeyFile, KeyRing
from services84.security.vault import Vault
from services84.settings import Settings
from services84.store.database import Database
from services84.store.sealed import SealedSecrets, SecretReport

_MOST_NAMED = 20
_AGAIN = "give these passwords again with their accounts, or restore the key from a copy"


@click.group()
def keys() -> None:
    """The keys that mail passwords are sealed with."""


@keys.command()
def prepare() -> None:
    """Add a key to the key file that opens but does not seal yet.

    For an installation of several machines: copy the file to all of them, then rotate.
    """
    settings = _settings()
    file = KeyFile(settings.key_file)
    with file.changing() as replace:
        ring = file.read()
        prepared = ring.with_prepared()
        if prepared is not ring:
            replace(prepared)
    say(f"key {prepared.prepared} is prepared in {file.path}; the next `keys rotate` uses it")


@keys.command()
@click.option(
    "--keep-old",
    is_flag=True,
    help="Leave the former key in the file, for machines whose copy is not replaced yet.",
)
def rotate(keep_old: bool) -> None:
    """Seal all mail passwords with another key, and remove the former one.

    Runs while the service does, which goes over to the key by itself. Interrupted at any point, it
    goes on when it is run again. Copy the key file, apart from the database's copies, afterwards.
    """
    settings = _settings()
    with _secrets(settings) as secrets:
        for line in turn(KeyFile(settings.key_file), secrets, keep_old=keep_old):
            say(line)
        report = secrets.report()
    _end_if_unreadable(report)


def turn(file: KeyFile, secrets: SealedSecrets, *, keep_old: bool = False) -> Iterator[str]:
    """Rotate; gives a line for each thing done.

    The new key is in the file before anything is sealed with it, and the former one until nothing
    needs it. Raises KeyUnavailable, StoreError; what is done by then stays, and is gone on from.
    """
    with file.changing() as replace:
        before = file.read()
        ring = before.turned()
        if ring is not before:
            replace(ring)
            yield f"key {ring.sealing} seals from here on, {before.sealing} opens"
        else:
            yield f"key {ring.sealing} seals already; going on"
        done = 0
        while some := sum(secrets.seal_anew()):  # again, for those that somebody was saving
            done += some
        yield f"{passwords(done)} sealed with it"
        if not keep_old:
            yield _drop(file, secrets, replace)
        elif ring.retiring:
            yield f"key {', '.join(ring.retiring)} stays in the file; `keys rotate` removes it"


def _drop(file: KeyFile, secrets: SealedSecrets, replace: Callable[[KeyRing], None]) -> str:
    """Remove the keys that nothing needs; gives what is to be said of it."""
    with secrets.settled() as needed:
        ring = file.read()
        useless = set(ring.retiring) - needed
        if useless:
            replace(ring.without(useless))
    if kept := set(ring.retiring) & needed:
        return f"key {_list(kept)} is needed by what it alone might open, and stays in the file"
    return f"key {_list(useless)} removed; keep a copy of {file.path}, and not of the former one"


@keys.command()
def verify() -> None:
    """Open every mail password, and tell which key is needed for how many.

    Ends with 1 when some cannot be opened. Nothing is changed.
    """
    settings = _settings()
    with _secrets(settings) as secrets:
        ring = KeyFile(settings.key_file).read()
        report = secrets.report()
    for line in told(ring, report):
        say(line)
    _end_if_unreadable(report)


def told(ring: KeyRing, report: SecretReport) -> Iterator[str]:
    """What is to be said of each key, and of all together."""
    for key_id in ring.keys:
        does = {ring.sealing: "seals", ring.prepared: "is prepared"}.get(key_id, "opens")
        yield f"key {key_id} {does}: {passwords(report.by_key.get(key_id, 0))}"
    strangers = sum(n for key_id, n in report.by_key.items() if key_id not in ring.keys)
    if strangers:
        yield f"keys that are not in the file: {passwords(strangers)}"
    opened = report.sealed - len(report.unreadable)
    yield f"{opened} of {passwords(report.sealed)} can be opened"


def _end_if_unreadable(report: SecretReport) -> None:
    for one in report.unreadable[:_MOST_NAMED]:
        complain(f"{one.address or 'of no account'}: {one.problem}")
    if report.unreadable:
        complain(f"{passwords(len(report.unreadable))} cannot be opened; {_AGAIN}")
        sys.exit(FAILED)


def _list(key_ids: Collection[str]) -> str:
    return ", ".join(sorted(key_ids))


def _settings() -> Settings:
    settings = command_settings()
    log_quietly(settings)
    return settings


@contextmanager
def _secrets(settings: Settings) -> Iterator[SealedSecrets]:
    """The sealed secrets of the installation, under the keys of its key file."""
    vault = Vault.load(settings.key_file)
    database = Database(settings.database_url, pool_size=2)
    try:
        database.check_schema()
        yield SealedSecrets(database, vault)
    finally:
        database.close()
