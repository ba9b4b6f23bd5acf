"""`services84 schemas`: the published contract as files, from the same source as ?wsdl."""

from __future__ import annotations

import json
from pathlib import Path

import click

from services84.agents import TABLES
from services84.cli.failures import fail
from services84.cli.output import say
from services84.rest.openapi import document
from services84.soap.wsdl import build_wsdl

# A published file belongs to no installation; whoever uses it sets the address of theirs.
NEUTRAL_SERVER = "http://localhost:8084"
NEUTRAL_ADDRESS = f"{NEUTRAL_SERVER}/Remote/Services84"


@click.command()
@click.argument("folder", metavar="[DIR]", default="schemas", type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Write nothing; fail when a file is not up to date.")
def schemas(folder: Path, check: bool) -> None:
    """Write the WSDL of both services, and the OpenAPI document, into DIR (default: schemas)."""
    documents = published()
    stale = [name for name, content in documents.items() if _content(folder / name) != content]
    if check:
        if stale:
            fail(
                f"not up to date in {folder}: {', '.join(stale)}; `services84 schemas` writes them"
            )
        say(f"{folder}: {', '.join(documents)} are up to date")
        return
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in documents.items():
        if name in stale:
            (folder / name).write_bytes(content)
        say(f"{folder / name}: {'written' if name in stale else 'already up to date'}")


def published() -> dict[str, bytes]:
    """The published files by name."""
    wsdl = {
        f"{table.name}.wsdl": build_wsdl(table, f"{NEUTRAL_ADDRESS}/{table.file}", "both")
        for table in TABLES.values()
    }
    openapi = json.dumps(document(NEUTRAL_SERVER), ensure_ascii=False, indent=1)
    return wsdl | {"openapi.json": f"{openapi}\n".encode()}


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
