"""What a sync reports: its progress while it runs, its result afterwards. Values only."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from services84.errors import Services84Error


@dataclass(frozen=True)
class Progress:
    """How far a running sync is; totals grow while folders are looked into."""

    folder: str
    folders_done: int
    folders_total: int
    messages_done: int
    messages_total: int
    bytes_done: int


ProgressCallback = Callable[[Progress], None]


class SyncState(enum.StrEnum):
    """What a caller is told of the sync that it asked for (ExtraInfo `Sync.State`)."""

    COMPLETED = "completed"
    RUNNING = "running"  # not done within the wait; it goes on
    SHARED = "shared"  # another caller's sync served this call as well


class Postponed(enum.Enum):
    """Why a sync that was to begin has not."""

    ELSEWHERE = "elsewhere"  # another process has the account
    WAITING = "waiting"  # for a slot of its mail host; it begins when the turn has come


@dataclass(frozen=True)
class SyncReport:
    """The result of one asked-for sync. `error` is set when the sync failed."""

    account_id: int
    state: SyncState
    new: int = 0
    changed: int = 0
    removed: int = 0
    seconds: float = 0.0
    error: Services84Error | None = None
    skipped: tuple[str, ...] = ()  # names of folders that could not be opened


@dataclass(frozen=True)
class StartReport:
    """What became of a request to sync many accounts."""

    started: tuple[int, ...] = ()
    joined: tuple[int, ...] = ()
    refused: Mapping[int, str] = field(default_factory=dict)
