"""Reading of many messages in processes of their own; of few, where they are needed.

Reading is most of a first sync's work, and threads of one interpreter do not share it: only
another process uses another processor. A reader process is started for the first batch that is
worth it, serves all syncs of this process, and ends when it has had nothing to do for a while.
It has the next batch before it is done with one, so that it never waits for this process.
What comes out is the same wherever it was made. A process that dies or never ends costs the
message that it died of, which is kept with a note, and nothing else.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from multiprocessing.connection import Connection

import structlog

from services84.mime.parse import ParsedMessage
from services84.store.compression import pack
from services84.sync.desks import MOST_BYTES, Desk, Read
from services84.sync.reader import READY, read

log = structlog.get_logger(__name__)

WORTH_A_PROCESS = 2 * 1024 * 1024  # bytes of one batch: a fifth of what starting one takes
WORTH_THE_WAY = 64 * 1024  # bytes of one batch, where a process is there already
AHEAD = 4  # batches in the hands of one process: as many as one sync has on their way
IDLE_SECONDS = 20.0
_START_SECONDS = 30.0
_PATIENCE = 60.0  # seconds for a batch, and one more for every so many of its bytes:
_SLOWEST = 100_000
_LAST_WORDS = 5.0  # seconds for a process to end by itself
# The C library's memory that was freed is used again, instead of being given back after every
# message and asked for anew, cleared page by page (mallopt(3)).
_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**25)}


@dataclass(frozen=True, slots=True)
class Pending:
    """A message that is being read, as one of a batch."""

    batch: Future[list[Read]]
    place: int

    def result(self) -> Read:
        """What it says; waits for it."""
        return self.batch.result()[self.place]

    @property
    def under_way(self) -> bool:
        """Whether `result` would wait for another process."""
        return not self.batch.done()


class Unread:
    """A message that is read when it is asked for; its bytes are let go then."""

    under_way = False

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


def expect() -> None:
    """Have a reader process ready, where one may be of use: many messages are about to come."""
    _readers.prepare()


class Unusable(Exception):
    """No reader process can be started here."""


class ReaderProcess:
    """One process, and the desks at which it is given messages. One thread may ask while another
    takes the answers, which come in the order of the questions; at most AHEAD are under way."""

    def __init__(self) -> None:
        self._desks = deque(Desk.new() for _ in range(AHEAD))
        self._asked: deque[Desk] = deque()
        theirs_to_read, self._asks = _pipe()
        self._answers, theirs_to_write = _pipe()
        self._is_ready = False
        with theirs_to_read, theirs_to_write:
            inherited = [theirs_to_read.fileno(), theirs_to_write.fileno()]
            inherited += [desk.fileno() for desk in self._desks]
            try:
                self._process = _spawn(*inherited)
            except OSError as error:
                self._close()
                raise Unusable(error.strerror) from error

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, sources: Sequence[bytes]) -> None:
        """Have messages read, of MOST_BYTES in all at most; that the process died is heard of by
        whoever waits for the answer."""
        desk = self._desks.popleft()
        self._asked.append(desk)
        with contextlib.suppress(OSError):
            self._asks.send(desk.put(sources))

    def answer(self, size: int) -> list[Read]:
        """The answer to the oldest question, of so many bytes. Raises EOFError or OSError when the
        process died or takes too long, Unusable when it never began."""
        self._wait_until_ready()
        if not self._answers.poll(_PATIENCE + size / _SLOWEST):
            raise TimeoutError
        told = self._answers.recv()
        desk = self._asked.popleft()
        found = desk.taken(told)
        self._desks.append(desk)
        return found

    def read(self, sources: Sequence[bytes]) -> list[Read]:
        """Read messages and wait for it. Raises as `answer`."""
        self.ask(sources)
        return self.answer(sum(map(len, sources)))

    def _wait_until_ready(self) -> None:
        if self._is_ready:
            return
        try:
            if not self._answers.poll(_START_SECONDS) or self._answers.recv() != READY:
                raise EOFError
        except (OSError, EOFError) as error:
            self.end(0)
            raise Unusable(f"{sys.executable} starts no reader") from error
        self._is_ready = True

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
        for desk in (*self._desks, *self._asked):
            desk.close()


def _pipe() -> tuple[Connection, Connection]:
    """A pipe's end to read and its end to write."""
    to_read, to_write = os.pipe()
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
        env=_MEMORY | environment,
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


@dataclass(frozen=True, slots=True)
class _Job:
    sources: Sequence[bytes]
    size: int
    future: Future[list[Read]]


class _Reader:
    """One process with the jobs in its hands, and the thread that takes its answers."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers
        self.process: ReaderProcess | None = ReaderProcess()  # None while it cannot be asked
        self.jobs: deque[_Job] = deque()
        self.thread = threading.Thread(target=self._serve, name="reader", daemon=True)

    def give(self, job: _Job) -> None:
        """Called with the readers' lock held, as is `jobs` changed."""
        assert self.process is not None
        self.jobs.append(job)
        self.process.ask(job.sources)

    def _serve(self) -> None:
        process = self.process
        assert process is not None
        try:
            while self._readers.has_work(self):
                process = self._answer(process)
        except Unusable as reason:
            log.warning("sync.no_reader", reason=str(reason))
            self._readers.give_up(self)
            for job in self.jobs:
                job.future.set_result([read(source) for source in job.sources])
        except BaseException as error:
            self._readers.give_up(self)
            for job in self.jobs:
                job.future.set_exception(error)
            raise
        finally:
            process.end()

    def _answer(self, process: ReaderProcess) -> ReaderProcess:
        """Take one answer; gives the process in use."""
        job = self.jobs[0]
        try:
            found = process.answer(job.size)
        except (OSError, EOFError):
            return self._rescue(process)
        self._readers.done(self)
        job.future.set_result(found)
        return process

    def _rescue(self, process: ReaderProcess) -> ReaderProcess:
        """The process died, or is stuck: read what it had by another one."""
        self._readers.put_off(self)
        process.end(0)
        process = ReaderProcess()
        for job in list(self.jobs):
            process, found = read_with(process, job.sources)
            self._readers.done(self)
            job.future.set_result(found)
        self._readers.put_off(self, process)
        return process


class Readers:
    """At most `most` processes, each with a thread that talks to it. For all threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._changed = threading.Condition()
        self._readers: list[_Reader] = []
        self._stopping = False

    def submit(self, sources: Sequence[bytes]) -> Future[list[Read]] | None:
        """Have messages read; None when that does not pay, or enough wait already."""
        size = sum(map(len, sources)) if len(sources) > 1 else 0
        with self._changed:
            if size < (WORTH_THE_WAY if self._readers else WORTH_A_PROCESS) or size > MOST_BYTES:
                return None
            reader = None if self._stopping else self._free()
            if reader is None:
                return None
            job = _Job(sources, size, Future())
            reader.give(job)
            self._changed.notify_all()
        return job.future

    def prepare(self) -> None:
        """Start a process if there is none: that takes as long as reading hundreds of messages."""
        with self._changed:
            if not (self._readers or self._stopping) and self._most:
                self._start()

    def stop(self) -> None:
        """End all processes, after what they are doing."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            threads = [reader.thread for reader in self._readers]
        for thread in threads:
            thread.join(_LAST_WORDS)

    def _free(self) -> _Reader | None:
        """Who has the least to do, if that is little enough; a new one where all have something."""
        able = [one for one in self._readers if one.process and len(one.jobs) < AHEAD]
        least = min(able, key=lambda one: len(one.jobs), default=None)
        if (least is None or least.jobs) and len(self._readers) < self._most:
            return self._start()
        return least

    def _start(self) -> _Reader | None:
        try:
            reader = _Reader(self)
        except Unusable as reason:
            log.warning("sync.no_reader", reason=str(reason))
            self._most = 0  # nobody is asked again
            return None
        self._readers.append(reader)
        reader.thread.start()
        return reader

    # For the readers' threads --------------------------------------------------------------------

    def has_work(self, reader: _Reader) -> bool:
        """Wait for a job; false when there is none for a while, and the reader has been let go."""
        until = time.monotonic() + IDLE_SECONDS
        with self._changed:
            while not reader.jobs:
                left = until - time.monotonic()
                if self._stopping or left <= 0:
                    self._readers.remove(reader)
                    return False
                self._changed.wait(left)
        return True

    def done(self, reader: _Reader) -> None:
        """Its oldest job is done."""
        with self._changed:
            reader.jobs.popleft()

    def put_off(self, reader: _Reader, process: ReaderProcess | None = None) -> None:
        """Give it no jobs until it comes with another process."""
        with self._changed:
            reader.process = process

    def give_up(self, reader: _Reader) -> None:
        """Let it go, and ask nobody again."""
        with self._changed:
            reader.process, self._most = None, 0
            if reader in self._readers:
                self._readers.remove(reader)


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
