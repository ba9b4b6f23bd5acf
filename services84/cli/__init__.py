"""The command line: `services84 COMMAND`. Commands call the application; they hold no rules."""

from __future__ import annotations

import click

from services84 import __version__
from services84.cli.accounts import account
from services84.cli.applications import application
from services84.cli.backup import backup, restore
from services84.cli.check import check_command
from services84.cli.demo import demo
from services84.cli.failures import CommandGroup
from services84.cli.import_ import import_
from services84.cli.init import init
from services84.cli.keys import keys
from services84.cli.operations import operations
from services84.cli.principals import associate
from services84.cli.schedule import scheduler
from services84.cli.schemas import schemas
from services84.cli.serve import serve
from services84.cli.status import status
from services84.cli.sync import sync
from services84.cli.work import worker

__all__ = ["main"]


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="services84")
@click.option("--debug", is_flag=True, help="Show the traceback of a failure.")
def main(debug: bool) -> None:
    """A self-hosted mirror of SuperOffice NetServer's Services84 e-mail service.

    Settings come from the environment (SERVICES84_...); docs/settings.md lists them.
    """


_COMMANDS = (
    *(init, associate, application, account, import_),
    *(serve, worker, scheduler, sync, status, schemas, operations, demo),
    *(keys, backup, restore, check_command),
)
for command in _COMMANDS:
    main.add_command(command)
