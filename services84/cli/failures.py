"""How a failed command ends: one readable line on standard error, and an exit code.

2 says that the command or the installation has to be put right first; 1 that the work failed.
"""

from __future__ import annotations

import sys
from typing import Any, NoReturn

import click

from services84.cli.output import complain
from services84.errors import (
    ConfigurationError,
    InvalidValue,
    KeyUnavailable,
    SchemaMismatch,
    Services84Error,
)

FAILED = 1
WRONG_USE = 2

_WRONG_USE = (ConfigurationError, InvalidValue, KeyUnavailable, SchemaMismatch)


class CommandGroup(click.Group):
    """The top of the command line; no error of ours leaves it as a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Services84Error as error:
            if ctx.params.get("debug"):
                raise
            complain(error.message)
            sys.exit(exit_code(error))
        except OSError as error:
            # Click itself ends quietly when the reader of our output has gone away.
            if ctx.params.get("debug") or isinstance(error, BrokenPipeError):
                raise
            complain(str(error))
            sys.exit(FAILED)


def exit_code(error: Services84Error) -> int:
    """The exit code that tells a wrong use from failed work."""
    return WRONG_USE if isinstance(error, _WRONG_USE) else FAILED


def fail(message: str) -> NoReturn:
    """End the command because its work failed."""
    complain(message)
    sys.exit(FAILED)
