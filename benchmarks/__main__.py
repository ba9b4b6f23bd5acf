"""`python -m benchmarks`: measure, print, and write benchmarks/results/."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from benchmarks import results as r
from benchmarks.cases import Bench
from benchmarks.chart import chart
from benchmarks.contenders import Failed, Run
from benchmarks.mailbox import Mailbox, kept_mailbox
from benchmarks.servers import Missing, running_dovecot, running_postgresql
from benchmarks.table import markdown, show

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "var" / "bench"
WRITTEN = ROOT / "benchmarks" / "results"
USUAL, LARGE, SMALL = 10_000, 50_000, 1_000


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="of each case (default: 5)")
    parser.add_argument("--small", action="store_true", help="1,000 messages and one round")
    parser.add_argument("--output", type=Path, default=WRITTEN, help="where the files go")
    given = parser.parse_args()
    console = Console()
    try:
        results = measure(1 if given.small else given.rounds, given.small, console)
    except (Missing, Failed) as error:
        console.print(f"[red]{error}[/]")
        return 1
    show(results, console)
    write(results, given.output, "small" if given.small else "full")
    console.print(f"Written to {given.output}")
    return 0


def measure(rounds: int, small: bool, console: Console) -> r.Results:
    """Run the cases; the mailboxes are made first, if they are not there."""
    if shutil.which("mbsync") is None:
        raise Missing("mbsync (Debian: isync)")
    console.print("Mailboxes: made once, kept below var/bench")
    mailboxes = [kept_mailbox(KEPT, size) for size in ((SMALL,) if small else (USUAL, LARGE))]
    results = r.Results(_facts(mailboxes, rounds))

    def progress(case: str, client: str, run: Run) -> None:
        console.print(f"[dim]{case}: {client}: {run.seconds:.3f} s[/]", highlight=False)

    with ExitStack() as servers:
        dovecot = servers.enter_context(running_dovecot(mailboxes))
        postgresql = servers.enter_context(running_postgresql())
        state = KEPT / "state"
        shutil.rmtree(state, ignore_errors=True)
        bench = Bench(dovecot, postgresql, state, results, progress)
        bench.usual(mailboxes[0], rounds)
        bench.large(mailboxes[-1], max(1, min(3, rounds)))
    results.facts["load_at_the_end"] = os.getloadavg()[0]
    return results


def write(results: r.Results, folder: Path, name: str) -> None:
    """JSON, Markdown and the picture of the first sync."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(results.as_json(), indent=1) + "\n")
    (folder / f"{name}.md").write_text(markdown(results))
    (folder / f"{name}.svg").write_text(chart(results, results.cases()[0]))


def _facts(mailboxes: list[Mailbox], rounds: int) -> dict[str, object]:
    return {
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "dovecot": _version("dovecot", "--version"),
        "mbsync": _version("mbsync", "--version"),
        "isal": _has_isal(),
        "load_at_the_start": os.getloadavg()[0],
        "rounds": rounds,
        "folders": mailboxes[0].folders,
        "mailboxes": {m.messages: {"bytes": m.bytes, "median": m.median} for m in mailboxes},
    }


def _version(*command: str) -> str:
    path = shutil.which(command[0]) or f"/usr/sbin/{command[0]}"
    said = subprocess.run([path, *command[1:]], capture_output=True, text=True, check=False)
    found = re.search(r"\d+(?:\.\d+)+", said.stdout + said.stderr)
    return found[0] if found else "?"


def _has_isal() -> bool:
    try:
        import isal  # noqa: F401, PLC0415 (only whether it is there)
    except ImportError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
