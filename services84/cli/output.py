"""Where commands write: results to standard output, complaints and progress to standard error."""

from __future__ import annotations

from datetime import datetime

from rich.console import Console
from rich.markup import escape
from rich.text import Text

MIB = 1024 * 1024
PIPE_WIDTH = 200  # a table in a pipe is read by programs and must not fold


def results() -> Console:
    """The console of results; made anew so that it follows a redirected standard output."""
    return Console(highlight=False, soft_wrap=True)


def tables() -> Console:
    """The console of tables."""
    console = results()
    return console if console.is_terminal else Console(highlight=False, width=PIPE_WIDTH)


def notices() -> Console:
    """The console of complaints and progress."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def say(message: str) -> None:
    """Write one line of result, as it is: brackets in it are no markup."""
    results().print(Text(message))


def complain(message: str) -> None:
    """Write one line of complaint."""
    notices().print(f"[bold red]services84:[/] {escape(' '.join(message.split()))}")


def moment(when: datetime | None) -> str:
    """A time for people, in their own time zone; a dash for none."""
    return when.astimezone().strftime("%Y-%m-%d %H:%M:%S") if when else "-"


def size(count: int) -> str:
    """A number of bytes for people."""
    return f"{count / MIB:.1f} MB"


def passwords(count: int) -> str:
    """A number of mail passwords for people."""
    return f"{count} mail password" + ("s" if count != 1 else "")
