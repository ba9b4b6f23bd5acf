"""`services84 worker`: runs the syncs that other processes ask for, until it is stopped."""

from __future__ import annotations

import sys

import click

from services84.application import Application
from services84.cli.monitor import monitored
from services84.cli.opening import check_installation, command_settings, warn_of_unknown_settings
from services84.cli.output import notices
from services84.errors import ConfigurationError
from services84.logs import set_up_logging
from services84.settings import PREFIX, Settings


@click.command()
@click.option("--parallel", type=int, metavar="N", help="Accounts synced at once.")
def worker(parallel: int | None) -> None:
    """Sync the accounts that web nodes and the scheduler ask for.

    Needs SERVICES84_EXECUTOR=celery; any number may run, on any machine. SIGTERM or Ctrl-C stops it
    at the next commit, within 30 seconds.
    """
    warn_of_unknown_settings()
    settings = shared_settings("worker", sync_parallel=parallel)
    set_up_logging(settings)
    check_installation(settings)
    application = Application(settings, part="worker")
    notices().print(
        f"[green]services84[/] syncs up to {settings.sync_parallel} accounts at once;"
        " Ctrl-C stops it"
    )
    try:
        with monitored(application, settings):
            code = application.work()
    finally:
        application.close()
    sys.exit(code)


def shared_settings(command: str, **overrides: object) -> Settings:
    """The settings of a process of many; raises ConfigurationError when there are not many."""
    settings = command_settings(**overrides)
    if settings.executor != "celery":
        raise ConfigurationError(
            f"services84 {command} needs {PREFIX}EXECUTOR=celery; without it the processes of"
            " `services84 serve` sync by themselves"
        )
    return settings
