"""`services84 serve`: the service under gunicorn, with the settings of `server_options`."""

from __future__ import annotations

from typing import Any

import click
from gunicorn.app.base import BaseApplication

from services84.application import Application
from services84.cli.opening import (
    check_installation,
    command_settings,
    warn_of_unknown_settings,
)
from services84.cli.output import notices
from services84.cli.server_options import server_options
from services84.logs import set_up_logging
from services84.settings import Settings


@click.command()
@click.option("--bind", metavar="HOST:PORT", help="Where to listen, or unix:PATH.")
@click.option("--workers", type=int, metavar="N", help="Worker processes.")
@click.option("--threads", type=int, metavar="N", help="Threads of each worker.")
def serve(bind: str | None, workers: int | None, threads: int | None) -> None:
    """Serve EMail.svc and SoPrincipal.svc until stopped."""
    warn_of_unknown_settings()
    settings = command_settings(bind=bind, workers=workers, threads=threads)
    set_up_logging(settings)
    check_installation(settings)
    notices().print(f"[green]services84[/] listens on {settings.bind}; Ctrl-C stops it")
    Server(settings).run()


class Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn, given its settings by us instead of by its own command line."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        for name, value in server_options(self._settings).items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Called in each worker after the fork, so that no connection is shared."""
        return Application(self._settings, background=True)
