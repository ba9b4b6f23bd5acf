"""The figures of crash tests: a table for people, JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tests.support.faults import Figures

_COLUMNS = {
    "what": "what",
    "database": "database",
    "histories": "histories",
    "boundaries": "at commits",
    "deaths": "broken off",
    "cuts": "cuts",
    "cuts_in_literals": "in literals",
    "resumed": "resumed",
    "lost": "lost",
    "doubled": "doubled",
    "ids_changed": "new ids",
    "moved": "moved",
    "moved_ids_changed": "new ids of moved",
    "wrong": "findings",
    "seconds": "seconds",
}


def table(all_figures: Sequence[Figures]) -> str:
    """One line for each, under a heading; then what was found, if anything."""
    rows = [list(_COLUMNS.values())]
    for figures in all_figures:
        values = asdict(figures)
        rows.append([_shown(values[name]) for name in _COLUMNS])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(_aligned(row, widths)) for row in rows]
    found = [f"{f.what}, {f.database}: {finding}" for f in all_figures for finding in f.findings]
    return "\n".join([*lines, *found])


def _shown(value: object) -> str:
    return f"{value:.0f}" if isinstance(value, float) else str(value)


def _aligned(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [
        text.ljust(width) if at < 2 else text.rjust(width)
        for at, (text, width) in enumerate(zip(row, widths, strict=True))
    ]


def write(all_figures: Sequence[Figures], path: Path) -> None:
    """All figures, with their seeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(figures) for figures in all_figures], indent=1) + "\n")
