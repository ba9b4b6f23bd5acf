"""How commands get at an installation: its settings, its database, and the whole application."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from services84.application import Application, identity_tokens, now
from services84.cli.output import complain
from services84.logs import set_up_logging
from services84.security.mail_providers import read_providers
from services84.security.outbound import Dialer
from services84.security.vault import Vault
from services84.settings import Settings, read_settings, unknown_settings
from services84.store.database import Database
from services84.store.principals import PrincipalStore
from services84.sync.broker import check_broker


def command_settings(**overrides: Any) -> Settings:
    """The settings of the environment, with what the command line gives.

    Values of None leave the environment's. Raises ConfigurationError.
    """
    return read_settings(**{k: v for k, v in overrides.items() if v is not None})


def warn_of_unknown_settings() -> None:
    """Tell of variables that look like settings and are none, as misspelt ones do."""
    for problem in unknown_settings(os.environ):
        complain(problem)


def log_quietly(settings: Settings) -> None:
    """Logging for a command that says itself what it does: warnings, or all when debugging."""
    level = "debug" if settings.log_level == "debug" else "warning"
    set_up_logging(settings.model_copy(update={"log_level": level}))


@contextmanager
def opened_application() -> Iterator[Application]:
    """The application for the time of a command.

    Raises KeyUnavailable and SchemaMismatch where `services84 init` has to be run first.
    """
    settings = command_settings()
    log_quietly(settings)
    application = Application(settings)
    try:
        yield application
    finally:
        application.close()


@contextmanager
def opened_database() -> Iterator[Database]:
    """The database alone, for commands that touch nothing that is sealed: no key is needed."""
    settings = command_settings()
    log_quietly(settings)
    database = Database(settings.database_url, pool_size=settings.database_pool)
    try:
        database.check_schema()
        yield database
    finally:
        database.close()


@contextmanager
def opened_principals() -> Iterator[PrincipalStore]:
    """The store of associates and applications."""
    with opened_database() as database:
        yield PrincipalStore(database)


def check_installation(settings: Settings) -> None:
    """See that key and database are ready, before processes are started that need them.

    Raises ConfigurationError, KeyUnavailable, SchemaMismatch or StoreUnavailable.
    """
    check_broker(settings)
    read_providers(settings.mail_oauth_file)
    dialer = Dialer(online=settings.online, timeout=settings.mail_connect_timeout)
    identity_tokens(settings, dialer, now)
    Vault.load(settings.key_file)
    database = Database(settings.database_url, pool_size=2)
    try:
        database.check_schema()
    finally:
        database.close()
