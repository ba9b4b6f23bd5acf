"""The servers of a run: Dovecot with working copies of the mailboxes, a PostgreSQL that is durable.

The same support code as the tests', with other settings where speed is the question.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.mailbox import Mailbox, copy_mailbox
from benchmarks.raw import RawClient
from services84.store.database import Database
from tests.support.dovecot import OWNER_OF_MAIL, DovecotServer, find_dovecot
from tests.support.postgresql import TEMPLATE, PostgresqlServer, find_postgresql

PASSWORD = "secret"


class Missing(RuntimeError):
    """A program that a benchmark needs is not installed."""


@contextlib.contextmanager
def running_dovecot(mailboxes: list[Mailbox]) -> Iterator[DovecotServer]:
    """A Dovecot with one user a mailbox, named by `user_of`; its index files are made already."""
    binary = find_dovecot()
    if binary is None:
        raise Missing("Dovecot (Debian: dovecot-imapd)")
    # Not below the checkout: the path of a Unix socket has room for a hundred characters.
    with tempfile.TemporaryDirectory(prefix="s84-bench-", ignore_cleanup_errors=True) as folder:
        # All clients sign in at one go, as the raw reader does: which way is none of their merits.
        server = DovecotServer(Path(folder), binary, mechanisms="plain login")
        for mailbox in mailboxes:
            user = server.add_user(user_of(mailbox), PASSWORD)
            copy_mailbox(mailbox, server.maildir(user), _owner())
        server.start()
        try:
            for mailbox in mailboxes:
                _warm(server.port_plain, mailbox)
            yield server
        finally:
            server.stop()


def user_of(mailbox: Mailbox) -> str:
    return f"bench{mailbox.messages}"


def _owner() -> tuple[int, int]:
    if os.getuid():
        return os.getuid(), os.getgid()
    owner = pwd.getpwnam(OWNER_OF_MAIL)
    return owner.pw_uid, owner.pw_gid


def _warm(port: int, mailbox: Mailbox) -> None:
    """Let the server index the mailbox and the system cache it, whoever is measured first."""
    client = RawClient(port, user_of(mailbox), PASSWORD)
    try:
        came = client.everything()
    finally:
        client.close()
    if came != mailbox.messages:
        raise RuntimeError(f"the server gave {came} of {mailbox.messages} messages")


@contextlib.contextmanager
def running_postgresql() -> Iterator[PostgresqlServer]:
    """A PostgreSQL with its own defaults, on a disk: what it commits is durable."""
    binaries = find_postgresql()
    if binaries is None:
        raise Missing("PostgreSQL (Debian: postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="s84-bench-pg-"))
    server = PostgresqlServer(folder, binaries, settings=())
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def new_database(server: PostgresqlServer) -> str:
    """The URL of a fresh, migrated database."""
    return server.url(server.create(template=TEMPLATE))


def new_sqlite(folder: Path) -> str:
    """The URL of a fresh, migrated SQLite file in `folder`."""
    url = f"sqlite:///{folder / 'bench.sqlite3'}"
    database = Database(url, pool_size=2)
    database.migrate()
    database.close()
    return url
