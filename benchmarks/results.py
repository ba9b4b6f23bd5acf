"""What was measured, its medians and the ratios that count; to and from JSON. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.contenders import Run
from benchmarks.proxy import Counts

KIB = 1024
SHORTEST = 1e-4  # seconds; where a login took longest in the round, less is noise
RAW, IMAPLIB = "raw reader", "imaplib, fetched only"
SQLITE, POSTGRESQL, SOAP = "services84, SQLite", "services84, PostgreSQL", "SyncEmailAccount"
MBSYNC, MBSYNC_NO_FSYNC = "mbsync", "mbsync without fsync"
HUGE_MESSAGE, HUGE_MIB = "one message of 50 MB", 50e6 / 1024 / 1024


@dataclass
class Measurement:
    """One client in one case: every round, and what a proxy counted in the last one."""

    case: str
    client: str
    runs: list[Run] = field(default_factory=list)
    traffic: Counts | None = None

    @property
    def seconds(self) -> float:
        return statistics.median(run.seconds for run in self.runs)

    @property
    def cpu(self) -> float:
        return statistics.median(run.cpu for run in self.runs)

    @property
    def peak(self) -> float:
        return max(run.peak for run in self.runs)

    @property
    def readers(self) -> float:
        return max(run.readers for run in self.runs)

    @property
    def grown(self) -> float:
        return max(run.grown for run in self.runs)


@dataclass
class Results:
    """All of a run. `facts` tells of the machine, the programs and the mailboxes."""

    facts: dict[str, Any]
    measurements: list[Measurement] = field(default_factory=list)
    changed_bytes: int = 0  # of the last hundred changes

    def note(self, case: str, client: str, run: Run, traffic: Counts | None = None) -> None:
        found = self.find(case, client)
        if found is None:
            found = Measurement(case, client)
            self.measurements.append(found)
        found.runs.append(run)
        found.traffic = traffic or found.traffic

    def find(self, case: str, client: str) -> Measurement | None:
        return next((m for m in self.measurements if (m.case, m.client) == (case, client)), None)

    def cases(self) -> list[str]:
        return list(dict.fromkeys(m.case for m in self.measurements))

    def of(self, case: str) -> list[Measurement]:
        return [m for m in self.measurements if m.case == case]

    def against_raw(self, measurement: Measurement) -> float | None:
        """How often the raw reader's time."""
        raw = self.find(measurement.case, RAW)
        if raw is None:
            return None
        return ratio_of(measurement, raw)

    def after_login(self, measurement: Measurement) -> list[float]:
        """The seconds of each round without those that the raw reader took in that round to
        connect and sign in; empty where nothing tells those."""
        raw = self.find(measurement.case, RAW)
        rounds = zip(measurement.runs, raw.runs, strict=False) if raw else ()
        return [max(one.seconds - yard.login, SHORTEST) for one, yard in rounds if yard.login]

    def as_json(self) -> dict[str, Any]:
        return {
            "facts": self.facts,
            "changed_bytes": self.changed_bytes,
            "targets": [asdict(target) for target in targets(self)],
            "measurements": [
                asdict(m)
                | {"seconds": m.seconds, "cpu": m.cpu, "peak": m.peak}
                | {"after_login": _median(self.after_login(m))}
                for m in self.measurements
            ],
        }


def ratio_of(one: Measurement, other: Measurement) -> float:
    """The median of the ratios of the rounds, which both ran one after the other."""
    pairs = zip(one.runs, other.runs, strict=False)
    return statistics.median(a.seconds / b.seconds for a, b in pairs)


def _median(values: list[float]) -> float | None:
    return statistics.median(values) if values else None


@dataclass(frozen=True)
class Target:
    """A promise: the measured value may be at most (or has to be at least) the limit."""

    name: str
    value: float
    limit: float
    met: bool


def first(messages: int) -> str:
    return f"first sync of {messages:,}"


def unchanged(messages: int) -> str:
    return f"nothing changed in {messages:,}"


def changed(messages: int) -> str:
    return f"100 changes in {messages:,}"


def slowly(case: str) -> str:
    return f"{case}, 20 ms away"


def targets(results: Results) -> list[Target]:
    """The promises that this run can tell of."""
    return list(_targets(results, *_sizes(results)))


def _sizes(results: Results) -> tuple[int, int]:
    """The usual mailbox and the large one; the same where there is one alone."""
    sizes = sorted(results.facts["mailboxes"])
    return sizes[-2] if len(sizes) > 1 else sizes[0], sizes[-1]


def _targets(results: Results, usual: int, large: int) -> Iterator[Target]:
    ours, theirs = results.find(first(usual), SQLITE), results.find(first(usual), MBSYNC)
    if ours and (ratio := results.against_raw(ours)):
        yield _at_most(f"{first(usual)} into SQLite, × raw", ratio, 5.5)
    if ours and theirs:
        yield _at_most(f"{first(usual)}, × mbsync with fsync", ratio_of(ours, theirs), 1.0)
    big = results.find(first(large), SQLITE)
    if ours and big and large != usual:
        a_message = (big.seconds / large) / (ours.seconds / usual)
        yield _at_most(f"time a message, {large:,} to {usual:,}", a_message, 1.2)
        yield _at_most(f"peak memory, {large:,} to {usual:,}", big.peak / ours.peak, 1.3)
    if big:
        yield _at_most(f"peak memory, {first(large)}, MiB", big.peak, 200)
    if huge := results.find(HUGE_MESSAGE, SQLITE):
        yield _at_most("memory for a message of 50 MB, × its size", huge.grown / HUGE_MIB, 2.5)
    for size in sorted({usual, large}):
        yield from _quiet_targets(results, size)
    mine = results.find(changed(large), SQLITE)
    if mine and mine.traffic:
        limit = 2 * results.changed_bytes + _quiet_bytes(results)
        yield _at_most(f"{changed(large)}, bytes", mine.traffic.bytes_down, limit)


def _quiet_targets(results: Results, size: int) -> Iterator[Target]:
    ours, theirs = results.find(unchanged(size), SQLITE), results.find(unchanged(size), MBSYNC)
    if ours and ours.traffic:
        yield _at_most(f"{unchanged(size)}, round trips", ours.traffic.round_trips, 3)
        yield _at_most(f"{unchanged(size)}, bytes", ours.traffic.bytes_down, _quiet_bytes(results))
    for case, other in ((unchanged(size), MBSYNC), (slowly(unchanged(size)), MBSYNC_NO_FSYNC)):
        ours, theirs = results.find(case, SQLITE), results.find(case, other)
        if ours and theirs:
            pairs = zip(results.after_login(theirs), results.after_login(ours), strict=False)
            if (times := _median([a / b for a, b in pairs])) is not None:
                name = f"{case}, after login, mbsync × ours (at least)"
                yield Target(name, times, 5, times >= 5)


def _quiet_bytes(results: Results) -> int:
    return 3 * KIB + 130 * int(results.facts["folders"])


def _at_most(name: str, value: float, limit: float) -> Target:
    return Target(name, value, limit, value <= limit)


Progress = Callable[[str, str, Run], None]
