"""Results for people: a table a case on a terminal, and in Markdown."""

from __future__ import annotations

import statistics

from rich.console import Console
from rich.table import Table

from benchmarks.results import KIB, Measurement, Results, targets

COLUMNS = (
    "client",
    "seconds",
    "after login",
    "× raw",
    "CPU s",
    "peak MiB",
    "round trips",
    "KB down",
)
_RULE = ["---"] * len(COLUMNS)


def show(results: Results, console: Console) -> None:
    """Print all cases and the promises."""
    for case in results.cases():
        table = Table(title=case, title_justify="left", title_style="bold")
        for at, column in enumerate(COLUMNS):
            table.add_column(column, justify="right" if at else "left")
        for measurement in results.of(case):
            table.add_row(*cells(results, measurement))
        console.print(table)
    table = Table("promise", "measured", "limit", "", title="promises", title_justify="left")
    for target in targets(results):
        verdict = "[green]kept[/]" if target.met else "[red]not kept[/]"
        table.add_row(target.name, _number(target.value), _number(target.limit), verdict)
    console.print(table)


def markdown(results: Results) -> str:
    """The same as Markdown, for the documentation."""
    lines: list[str] = []
    for case in results.cases():
        lines += [
            f"### {case[0].upper()}{case[1:]}",
            "",
            _row(COLUMNS),
            _row(_RULE),
        ]
        lines += [_row(cells(results, measurement)) for measurement in results.of(case)]
        lines.append("")
    lines += ["### Promises", "", _row(["", "measured", "limit", ""]), _row(["---"] * 4)]
    for target in targets(results):
        verdict = "kept" if target.met else "**not kept**"
        lines.append(_row([target.name, _number(target.value), _number(target.limit), verdict]))
    return "\n".join(lines) + "\n"


def cells(results: Results, measurement: Measurement) -> list[str]:
    ratio, traffic = results.against_raw(measurement), measurement.traffic
    # Of a first sync, signing in is no part to speak of.
    after = results.after_login(measurement) if "nothing changed" in measurement.case else []
    return [
        measurement.client,
        _number(measurement.seconds),
        _number(statistics.median(after)) if after else "",
        _number(ratio) if ratio else "",
        _number(measurement.cpu),
        f"{measurement.peak:.0f}",
        str(traffic.round_trips) if traffic else "",
        f"{traffic.bytes_down / KIB:,.1f}" if traffic else "",
    ]


def _row(texts: list[str] | tuple[str, ...]) -> str:
    return "| " + " | ".join(texts) + " |"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
