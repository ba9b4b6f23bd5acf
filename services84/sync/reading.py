"""Reading of many messages in processes of their own; of few, where they are needed.

Reading is most of a first sync's work, and threads of one interpreter do not share it: only
another process uses another processor. A reader process is started for the first batch that is
worth it, serves all syncs of this process, and ends when it has had nothing to do for a while.
What comes out is the same wherever it was made. A process that dies or never ends costs the
message that it died of, which is kept with a note, and nothing else.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import structlog

from services84.mime.parse import ParsedMessage
from services84.store.compression import pack
from services84.sync.reader import READY, Read, read, unflat

log = structlog.get_logger(__name__)

WORTH_A_PROCESS = 2 * 1024 * 1024  # bytes of one batch: a fifth of what starting one takes
WORTH_THE_WAY = 64 * 1024  # bytes of one batch, where a process is there already
IDLE_SECONDS = 20.0
_START_SECONDS = 30.0
_PATIENCE = 60.0  # seconds for a batch, and one more for every so many of its bytes:
_SLOWEST = 100_000
_LAST_WORDS = 5.0  # seconds for a process to end by itself
_PIPE_BYTES = 1024 * 1024  # what Linux allows anybody; every filling of it wakes the other side
_TICK = 0.25  # seconds between looks at whether to stop


@dataclass(frozen=True, slots=True)
class Pending:
    """A message that is being read, as one of a batch."""

    batch: Future[list[Read]]
    place: int

    def result(self) -> Read:
        """What it says; waits for it."""
        return self.batch.result()[self.place]


class Unread:
    """A message that is read when it is asked for; its bytes are let go then."""

    def __init__(self, source: bytes) -> None:
        self._source: bytes | None = source

    def result(self) -> Read:
        """What it says. Once only."""
        if self._source is None:
            raise RuntimeError("read already")
        source, self._source = self._source, None
        return read(source)


def begin(sources: Sequence[bytes]) -> Sequence[Pending | Unread]:
    """Have messages read, in their order: by another process where that pays and one is free,
    else when they are asked for."""
    batch = _readers.submit(sources)
    if batch is None:
        return [Unread(source) for source in sources]
    return [Pending(batch, place) for place in range(len(sources))]


class Unusable(Exception):
    """No reader process can be started here."""


class ReaderProcess:
    """One process. For one thread at a time."""

    def __init__(self) -> None:
        theirs_to_read, self._asks = _pipe()
        self._answers, theirs_to_write = _pipe()
        with theirs_to_read, theirs_to_write:
            try:
                self._process = _spawn(theirs_to_read.fileno(), theirs_to_write.fileno())
            except OSError as error:
                self._close()
                raise Unusable(error.strerror) from error
        try:
            if self._answer(_START_SECONDS) != READY:
                raise EOFError
        except (OSError, EOFError) as error:
            self.end(0)
            raise Unusable(f"{sys.executable} starts no reader") from error

    @property
    def pid(self) -> int:
        return self._process.pid

    def read(self, sources: Sequence[bytes]) -> list[Read]:
        """Read messages. Raises EOFError or OSError when the process died or takes too long."""
        self._asks.send(list(sources))
        found = self._answer(_PATIENCE + sum(map(len, sources)) / _SLOWEST)
        return list(map(unflat, found))

    def _answer(self, seconds: float) -> Any:
        if not self._answers.poll(seconds):
            raise TimeoutError
        return self._answers.recv()

    def end(self, patience: float = _LAST_WORDS) -> None:
        """End the process, which does so by itself unless it is stuck."""
        self._close()
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _close(self) -> None:
        self._asks.close()
        self._answers.close()


def _pipe() -> tuple[Connection, Connection]:
    """A pipe's end to read and its end to write."""
    to_read, to_write = os.pipe()
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with contextlib.suppress(OSError):  # it works with less as well
            fcntl.fcntl(to_write, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return Connection(to_read, writable=False), Connection(to_write, readable=False)


def _spawn(*descriptors: int) -> subprocess.Popen[bytes]:
    # Settings hold secrets, and who reads strangers' mail needs none.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SERVICES84_")}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "services84.sync.reader", *map(str, descriptors)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=descriptors,
        env=environment,
        process_group=0,  # Ctrl-C is meant for us; the pipe's end ends the process
    )


def read_with(process: ReaderProcess, sources: Sequence[bytes]) -> tuple[ReaderProcess, list[Read]]:
    """Read messages one by one after a process died of one of them; gives the process in use.

    The one that it dies of is kept as a message that cannot be read. Raises Unusable.
    """
    found: list[Read] = []
    for source in sources:
        try:
            found += process.read([source])
        except (OSError, EOFError):
            log.warning("sync.reader_died", size=len(source))
            process.end(0)
            problem = "the message cannot be read (its reader died)"
            found.append((ParsedMessage(problem=problem), pack(source)))
            process = ReaderProcess()
    return process, found


_Job = tuple[Sequence[bytes], "Future[list[Read]]"]


class Readers:
    """At most `most` processes, each with a thread that talks to it. For all threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._unfinished = 0
        self._threads: set[threading.Thread] = set()
        self._stopping = False

    def submit(self, sources: Sequence[bytes]) -> Future[list[Read]] | None:
        """Have messages read; None when that does not pay, or enough wait already."""
        size = sum(map(len, sources)) if len(sources) > 1 else 0
        with self._lock:
            if size < (WORTH_THE_WAY if self._threads else WORTH_A_PROCESS):
                return None
            if self._stopping or self._unfinished >= 2 * self._most:
                return None
            self._unfinished += 1
            future: Future[list[Read]] = Future()
            self._jobs.put((sources, future))
            if len(self._threads) < min(self._most, self._unfinished):
                thread = threading.Thread(target=self._serve, name="reader", daemon=True)
                self._threads.add(thread)
                thread.start()
        return future

    def stop(self) -> None:
        """End all processes, after what they are doing."""
        with self._lock:
            self._stopping = True
            threads = list(self._threads)
        for thread in threads:
            thread.join(_LAST_WORDS + _TICK)

    def _serve(self) -> None:
        process: ReaderProcess | None = None
        try:
            while (job := self._next()) is not None:
                process = self._do(process, *job)
        finally:
            if process is not None:
                process.end()

    def _next(self) -> _Job | None:
        """The next job; None when there is none for a while, and this thread has been let go."""
        waited = 0.0
        while True:
            try:
                return self._jobs.get(timeout=_TICK)
            except queue.Empty:
                waited += _TICK
            with self._lock:
                if self._jobs.empty() and (self._stopping or waited >= IDLE_SECONDS):
                    self._threads.discard(threading.current_thread())
                    return None

    def _do(
        self, process: ReaderProcess | None, sources: Sequence[bytes], future: Future[list[Read]]
    ) -> ReaderProcess | None:
        try:
            process = process or ReaderProcess()
            try:
                found = process.read(sources)
            except (OSError, EOFError):
                process.end(0)
                process, found = read_with(ReaderProcess(), sources)
        except Unusable as reason:
            log.warning("sync.no_reader", reason=str(reason))
            process, self._most = None, 0  # nobody is asked again
            found = [read(source) for source in sources]
        except BaseException as error:
            self._finished()
            future.set_exception(error)
            raise
        self._finished()
        future.set_result(found)
        return process

    def _finished(self) -> None:
        with self._lock:
            self._unfinished -= 1


def _new_readers() -> Readers:
    # One processor is this process's own.
    here = hasattr(os, "sched_getaffinity")
    return Readers((len(os.sched_getaffinity(0)) if here else os.cpu_count() or 1) - 1)


def stop() -> None:
    """End the reader processes; whatever is asked for afterwards is read in this one."""
    _readers.stop()


def _forget() -> None:
    """In a forked child: the parent's processes and threads are none of ours."""
    global _readers  # noqa: PLW0603 (one a process)
    _readers = _new_readers()


_readers = _new_readers()
atexit.register(stop)
os.register_at_fork(after_in_child=_forget)
