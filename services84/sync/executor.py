"""Where syncs run: the threads of this process. The interface asks by account id alone.

An executor runs what it is given, at most so many at a time; which account, whether at all and
who waits for it is `desk`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from services84.sync.values import ProgressCallback, SyncReport

Job = Callable[[int, ProgressCallback | None], SyncReport | None]


class Executor(Protocol):
    """Runs the sync of an account somewhere, some time soon."""

    def submit(
        self, account_id: int, progress: ProgressCallback | None = None
    ) -> Future[SyncReport | None]:
        """Ask for a sync. The future's result is None when another process has the account."""
        ...

    def stop(self) -> None:
        """Take nothing more and return when the running syncs have ended."""
        ...


class LocalExecutor:
    """At most `parallel` syncs in threads of this process; further ones wait in line."""

    def __init__(self, job: Job, parallel: int) -> None:
        self._job = job
        self._pool = ThreadPoolExecutor(parallel, thread_name_prefix="sync")

    def submit(
        self, account_id: int, progress: ProgressCallback | None = None
    ) -> Future[SyncReport | None]:
        return self._pool.submit(self._job, account_id, progress)

    def stop(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
