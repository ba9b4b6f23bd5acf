"""`services84 scheduler`: asks workers for what is due by the clock, until it is stopped."""

from __future__ import annotations

import signal
import threading

import click

from services84.application import Application
from services84.cli.monitor import monitored
from services84.cli.opening import check_installation, warn_of_unknown_settings
from services84.cli.output import notices
from services84.cli.work import shared_settings
from services84.logs import set_up_logging


@click.command()
def scheduler() -> None:
    """Have workers sync what is due, watch INBOXes, and ask again for what got lost.

    Needs SERVICES84_EXECUTOR=celery. Of any number one leads, by a lease in the database; another
    takes over within SERVICES84_LEASE_SECONDS when it dies.
    """
    warn_of_unknown_settings()
    settings = shared_settings("scheduler")
    set_up_logging(settings)
    check_installation(settings)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    application = Application(settings, part="scheduler")
    notices().print("[green]services84[/] schedules syncs; Ctrl-C stops it")
    try:
        with monitored(application, settings):
            stopped.wait()
    finally:
        application.close()
