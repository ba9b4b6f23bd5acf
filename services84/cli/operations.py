"""`services84 operations`: what every operation does here, as a page for people.

Written from the declarations in `agents`; the page says nothing that they do not.
"""

from __future__ import annotations

from pathlib import Path

import click

from services84.agents import EMAIL, PRINCIPAL
from services84.agents.registry import Operation, ServiceTable
from services84.cli.failures import fail
from services84.cli.output import say

_HEAD = """# Operations

What each operation does here and what it needs, as it is declared; `services84 operations` writes
this page. Every operation of `EMail.svc` needs a ticket of `SoPrincipal.svc`.
"""


@click.command()
@click.argument(
    "file", metavar="[FILE]", default="docs/operations.md", type=click.Path(path_type=Path)
)
@click.option("--check", is_flag=True, help="Write nothing; fail when FILE is not up to date.")
def operations(file: Path, check: bool) -> None:
    """Write the page of all operations to FILE (default: docs/operations.md)."""
    page = operations_page()
    current = file.is_file() and file.read_text(encoding="utf-8") == page
    if check and not current:
        fail(f"{file} is not up to date; `services84 operations` writes it")
    if not check and not current:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page, encoding="utf-8")
    say(f"{file}: {'up to date' if check or current else 'written'}")


def operations_page() -> str:
    """The page, in Markdown."""
    return _HEAD + "".join(map(_section, (EMAIL, PRINCIPAL)))


def _section(table: ServiceTable) -> str:
    rows = [_row(one) for one in sorted(table, key=lambda one: one.name.casefold())]
    head = f"\n## {table.file}: {len(rows)} operations\n\n"
    return (
        head
        + "\n".join(["| operation | what it does here | needs |", "|---|---|---|", *rows])
        + "\n"
    )


def _row(operation: Operation) -> str:
    what = " ".join(operation.documentation.partition("\n\n")[0].split())
    return f"| `{operation.name}` | {_cell(what)} | {_cell(_needs(operation))} |"


def _needs(operation: Operation) -> str:
    if operation.needs or not operation.needs_ticket:
        return operation.needs
    if any(name.startswith(("ConnectionInfo", "Outgoing")) for name in operation.parameters):
        return "the mail server that the call names"
    return ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
