"""The progress bars of running syncs, on standard error; nothing where that is no terminal."""

from __future__ import annotations

import time
from types import TracebackType

from rich.markup import escape
from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from services84.cli.output import notices, size
from services84.sync.values import Progress


class SyncDisplay:
    """A bar for each account: folder, folders, messages, megabytes, rate."""

    def __init__(self) -> None:
        console = notices()
        self._bars = Bars(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[counts]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> SyncDisplay:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def follow(self, name: str) -> Follower:
        """A callback for the sync of one account."""
        return Follower(self._bars, name)


class Follower:
    """Puts what a sync reports on its bar; a callable for `SyncDesk.sync`."""

    def __init__(self, bars: Bars, name: str) -> None:
        self._bars = bars
        self._name = escape(name)
        self._begun = time.monotonic()
        self._task = bars.add_task(self._name, total=None, counts="waiting")

    def __call__(self, progress: Progress) -> None:
        self._bars.update(
            self._task,
            description=f"{self._name} [dim]{escape(progress.folder)}[/]",
            total=progress.messages_total or None,
            completed=progress.messages_done,
            counts=counts(progress, time.monotonic() - self._begun),
        )

    def done(self) -> None:
        """Take the bar away."""
        self._bars.update(self._task, visible=False)


def counts(progress: Progress, seconds: float) -> str:
    """What stands beside a bar, after `seconds` of syncing."""
    rate = progress.messages_done / seconds if seconds > 0 else 0.0
    return (
        f"folder {progress.folders_done + 1}/{progress.folders_total}, "
        f"{progress.messages_done} messages, {size(progress.bytes_done)}, {rate:.0f}/s"
    )
