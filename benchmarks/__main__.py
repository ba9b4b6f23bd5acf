"""`python -m benchmarks`: measure, print, and write the results."""

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
WRITTEN, TRIED = ROOT / "docs", KEPT / "results"
USUAL, LARGE, SMALL = 10_000, 50_000, 1_000


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="of each case (default: 5)")
    parser.add_argument("--small", action="store_true", help="1,000 messages and one round")
    parser.add_argument("--publish", action="store_true", help="write docs/benchmarks.*")
    given = parser.parse_args()
    console = Console()
    try:
        results = measure(1 if given.small else given.rounds, given.small, console)
    except (Missing, Failed) as error:
        console.print(f"[red]{error}[/]")
        return 1
    show(results, console)
    written = WRITTEN if given.publish else TRIED
    write(results, written)
    console.print(f"Written to {written}")
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
        bench.huge(max(1, min(3, rounds)))
    results.facts["load_at_the_end"] = os.getloadavg()[0]
    return results


def write(results: r.Results, folder: Path) -> None:
    """JSON, the tables in Markdown, and the picture of the first sync."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "benchmarks.json").write_text(json.dumps(results.as_json(), indent=1) + "\n")
    (folder / "benchmarks-tables.md").write_text(markdown(results))
    (folder / "benchmarks.svg").write_text(chart(results, results.cases()[0]))


def _facts(mailboxes: list[Mailbox], rounds: int) -> dict[str, object]:
    return {
        "processor": processor(),
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


def processor() -> str:
    found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


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
