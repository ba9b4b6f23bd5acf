"""`python -m benchmarks.load`: measure what a call costs, print a table, and write JSON."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.__main__ import KEPT, WRITTEN, processor
from benchmarks.contenders import ROOT, Failed
from benchmarks.load.callers import Task
from benchmarks.load.servers import (
    GET,
    SYNC,
    Served,
    expected_of,
    running_bare,
    running_node,
    running_services84,
)

CONNECTIONS = 8  # of callers without pause; each of a sync has its own account
CROWD, SLOW = 1000, 500
THINK, SENDING = 5.0, 1.0  # seconds between a caller's calls, and that a slow one takes to send
ACCOUNTS, MESSAGES = 8, 100
LONGEST = 300.0
COLUMNS = ("", "calls/s", "p50 ms", "p99 ms", "CPU ms a call", "× bare")

Row = dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="of each server (default: 5)")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--crowd", type=int, default=CROWD, help="callers that keep connections")
    parser.add_argument("--without-node", action="store_true", help="no Node, nothing from npm")
    parser.add_argument("--publish", action="store_true", help="write docs/load.json")
    given = parser.parse_args()
    console = Console()
    try:
        results = measure(given.rounds, given.seconds, given.crowd, not given.without_node)
    except Failed as error:
        console.print(f"[red]{error}[/]")
        return 1
    for title, rows in tables(results).items():
        _show(title, rows, console)
    written = (WRITTEN if given.publish else KEPT / "results") / "load.json"
    written.parent.mkdir(parents=True, exist_ok=True)
    written.write_text(json.dumps(results, indent=1) + "\n")
    console.print(f"Written to {written}")
    return 1 if any(row["failures"] for row in results["runs"]) else 0


def measure(
    rounds: int,
    seconds: float,
    crowd: int,
    with_node: bool,
    accounts: int = ACCOUNTS,
    warm_up: int = 1,
) -> Row:
    """All servers stand side by side, and are asked in turn; `warm_up` rounds do not count."""
    results: Row = {"facts": _facts(rounds, seconds, crowd) | {"accounts": accounts}, "runs": []}
    with ExitStack() as stack:
        # Not below the checkout: the path of a Unix socket has room for a hundred characters.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="s84-load-")))
        folder.chmod(0o755)
        ours = stack.enter_context(
            running_services84(folder, max(crowd, CONNECTIONS), accounts, MESSAGES)
        )
        servers = [ours, stack.enter_context(running_bare(folder, ours.requests))]
        if with_node:
            node = running_node(folder, KEPT / "node", ours.requests)
            servers.append(stack.enter_context(node))
        for turn in range(warm_up + rounds):
            for operation in (GET, SYNC):
                for server in servers:
                    row = _ask(server, operation, _pressing(server, operation, seconds), folder)
                    if turn >= warm_up:
                        results["runs"].append(row)
        for server in servers:
            results["runs"].append(_ask(server, "crowd", _crowd(server, crowd, seconds), folder))
    results["facts"]["load_at_the_end"] = os.getloadavg()[0]
    return results


def _pressing(server: Served, operation: str, seconds: float) -> Task:
    requests = server.requests[operation][:CONNECTIONS]
    return Task(server.port, requests, expected_of(operation), seconds)


def _crowd(server: Served, crowd: int, seconds: float) -> Task:
    return Task(
        server.port,
        server.requests[GET][:crowd],
        expected_of(GET),
        4 * seconds,
        slow=crowd * SLOW // CROWD,
        think=min(THINK, seconds),
        sending=SENDING,
    )


def _ask(server: Served, case: str, task: Task, folder: Path) -> Row:
    """One measurement: callers in a process of their own, and what the server used meanwhile."""
    described = folder / "task.json"
    described.write_text(json.dumps(asdict(task)))
    before = server.cpu_seconds()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load.callers", str(described)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    if done.returncode:
        raise Failed(f"the callers failed: {done.stderr[-2000:]}")
    said = json.loads(done.stdout)
    calls = said["calls"] + said["slow_calls"]
    return {
        "server": server.name,
        "case": case,
        "calls_per_second": calls / said["seconds"],
        "cpu_ms": 1000 * (server.cpu_seconds() - before) / max(1, calls),
        **{f"{name}_ms": 1000 * said[name] for name in ("p50", "p99", "max")},
        "slow_calls": said["slow_calls"],
        "failures": said["failures"],
    }


def tables(results: Row) -> dict[str, list[Row]]:
    """Of each case a row a server: medians of the rounds, and the median ratio to the bare one."""
    found: dict[str, list[Row]] = {}
    for row in results["runs"]:
        rows = found.setdefault(row["case"], [])
        if all(known["server"] != row["server"] for known in rows):
            rows.append(_row(results, row["case"], row["server"]))
    return found


def _row(results: Row, case: str, server: str) -> Row:
    def runs(name: str) -> list[Row]:
        return [run for run in results["runs"] if (run["case"], run["server"]) == (case, name)]

    own, bare = runs(server), runs("bare lxml WSGI")
    ratios = [
        one["cpu_ms"] / other["cpu_ms"]
        for one, other in zip(own, bare, strict=True)
        if other["cpu_ms"]
    ]
    columns = ("calls_per_second", "p50_ms", "p99_ms", "cpu_ms")
    middle = {name: statistics.median(run[name] for run in own) for name in columns}
    failures = sum(run["failures"] for run in own)
    ratio = statistics.median(ratios) if ratios else 0.0
    return {"server": server, **middle, "cpu_ratio": ratio, "failures": failures}


def _show(title: str, rows: list[Row], console: Console) -> None:
    table = Table(title=title, title_justify="left", title_style="bold")
    for at, column in enumerate((*COLUMNS, "failed")):
        table.add_column(column, justify="right" if at else "left")
    for row in rows:
        table.add_row(
            row["server"],
            f"{row['calls_per_second']:,.0f}",
            f"{row['p50_ms']:.1f}",
            f"{row['p99_ms']:.1f}",
            f"{row['cpu_ms']:.2f}",
            f"{row['cpu_ratio']:.1f}",
            str(row["failures"]),
        )
    console.print(table)


def _facts(rounds: int, seconds: float, crowd: int) -> Row:
    return {
        "processor": processor(),
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "load_at_the_start": os.getloadavg()[0],
        "rounds": rounds,
        "seconds": seconds,
        "connections": CONNECTIONS,
        "crowd": crowd,
        "slow": crowd * SLOW // CROWD,
        "messages": MESSAGES,
    }


if __name__ == "__main__":
    sys.exit(main())
