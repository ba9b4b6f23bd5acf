"""Where syncs run: the threads of this process. The interface asks by account id alone.

An executor runs what it is given, at most so many at a time; which account, whether at all and
who waits for it is `desk`'s.
"""

from __future__ import annotations

import contextvars
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol

from services84.sync.slots import Slot
from services84.sync.values import Postponed, ProgressCallback, SyncReport

Result = SyncReport | Postponed
Job = Callable[[int, ProgressCallback | None, Slot | None], Result]


class Executor(Protocol):
    """Runs the sync of an account somewhere, some time soon."""

    @property
    def load(self) -> int:
        """How many syncs run or wait in line."""
        ...

    def submit(
        self, account_id: int, progress: ProgressCallback | None = None, slot: Slot | None = None
    ) -> Future[Result]:
        """Ask for a sync; one that brings its slot comes first, since it keeps others waiting.

        Raises RuntimeError when the executor was stopped.
        """
        ...

    def stop(self) -> None:
        """Take nothing more, and cancel what has not begun."""
        ...

    def wait(self, seconds: float) -> bool:
        """Wait until nothing runs any more, at most so long; whether it came to that."""
        ...


class _Task:
    """One sync that was asked for."""

    def __init__(
        self, account_id: int, progress: ProgressCallback | None, slot: Slot | None
    ) -> None:
        self.arguments = account_id, progress, slot
        self.future: Future[Result] = Future()
        # So that the log lines of a sync name the request that it began for.
        self.context = contextvars.copy_context()


class LocalExecutor:
    """At most `parallel` syncs in threads of this process; further ones wait in line.

    The threads are made when there is something to do, and do not keep a process from ending.
    """

    def __init__(self, job: Job, parallel: int) -> None:
        self._job = job
        self._parallel = parallel
        self._changed = threading.Condition()
        self._line: deque[_Task] = deque()
        self._first: deque[_Task] = deque()
        self._threads = 0
        self._running = 0
        self._stopped = False

    @property
    def load(self) -> int:
        with self._changed:
            return self._running + len(self._line) + len(self._first)

    def submit(
        self, account_id: int, progress: ProgressCallback | None = None, slot: Slot | None = None
    ) -> Future[Result]:
        task = _Task(account_id, progress, slot)
        with self._changed:
            if self._stopped:
                raise RuntimeError("the executor was stopped")
            (self._line if slot is None else self._first).append(task)
            waiting = len(self._line) + len(self._first)
            if self._threads < min(self._parallel, self._running + waiting):
                self._threads += 1
                name = f"sync-{self._threads}"
                threading.Thread(target=self._work, name=name, daemon=True).start()
            self._changed.notify()
        return task.future

    def _work(self) -> None:
        while (task := self._next()) is not None:
            if task.future.set_running_or_notify_cancel():
                self._do(task)
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def _next(self) -> _Task | None:
        with self._changed:
            while not (self._first or self._line):
                if self._stopped:
                    return None
                self._changed.wait()
            self._running += 1
            return (self._first or self._line).popleft()

    def _do(self, task: _Task) -> None:
        try:
            result = task.context.run(self._job, *task.arguments)
        except BaseException as error:
            task.future.set_exception(error)
        else:
            task.future.set_result(result)

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            dropped = [*self._first, *self._line]
            self._first.clear()
            self._line.clear()
            self._changed.notify_all()
        for task in dropped:
            task.future.cancel()

    def wait(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        with self._changed:
            while self._running:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(left)
        return True
