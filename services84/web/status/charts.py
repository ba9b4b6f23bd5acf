"""The history of an account as bars: the geometry of an SVG and the words that say the same. Pure.

The oldest sync is on the left. How it looks is the style sheet's, its markup the template's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services84.store.values import Run, RunState
from services84.web.status.words import counted, span

WIDTH, HEIGHT = 720.0, 120.0
GAP = 0.25  # of a bar's place
LEAST = 1.5  # the height of a bar that is not nothing


@dataclass(frozen=True)
class Bar:
    """One sync: its place, and whether it failed (which a cross tells as well)."""

    x: float
    y: float
    width: float
    height: float
    failed: bool

    @property
    def middle(self) -> float:
        return round(self.x + self.width / 2, 2)


@dataclass(frozen=True)
class Chart:
    """Bars below a line that is labelled with the highest value."""

    name: str
    title: str
    description: str
    top: str
    bars: Sequence[Bar]


def charts_of(runs: Sequence[Run]) -> list[Chart]:
    """Charts of the finished syncs among `runs`, which begin with the newest; none without any."""
    finished = [run for run in reversed(runs) if run.finished is not None]
    if not finished:
        return []
    return [_new_messages(finished), _durations(finished)]


def seconds_of(run: Run) -> float:
    """How long a finished sync took."""
    return (run.finished - run.started).total_seconds() if run.finished is not None else 0.0


def _new_messages(runs: Sequence[Run]) -> Chart:
    total, most = sum(run.new for run in runs), max(run.new for run in runs)
    return Chart(
        "new",
        "New messages of each sync",
        f"{counted(total, 'new message')} in {counted(len(runs), 'sync')}"
        f", {most:,} at most in one. {_failures(runs)}",
        f"{most:,}",
        _bars(runs, lambda run: float(run.new)),
    )


def _durations(runs: Sequence[Run]) -> Chart:
    lengths = sorted(map(seconds_of, runs))
    return Chart(
        "seconds",
        "Duration of each sync",
        f"Half of the syncs took {span(lengths[len(lengths) // 2])} or less, the longest "
        f"{span(lengths[-1])}. {_failures(runs)}",
        span(lengths[-1]),
        _bars(runs, seconds_of),
    )


def _failures(runs: Sequence[Run]) -> str:
    failed = sum(run.state is RunState.FAILED for run in runs)
    return f"{failed:,} of {len(runs):,} failed." if failed else "None failed."


def _bars(runs: Sequence[Run], value: Callable[[Run], float]) -> list[Bar]:
    place = min(WIDTH / len(runs), WIDTH / 20)  # few syncs do not make for fat bars
    most = max(map(value, runs)) or 1.0
    bars = []
    for number, run in enumerate(runs):
        given = value(run)
        height = max(LEAST, HEIGHT * given / most) if given else 0.0
        bars.append(
            Bar(
                x=round(WIDTH - (len(runs) - number) * place, 2),
                y=round(HEIGHT - height, 2),
                width=round(place * (1 - GAP), 2),
                height=round(height, 2),
                failed=run.state is RunState.FAILED,
            )
        )
    return bars
