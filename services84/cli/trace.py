"""The protocol log of `services84 sync --trace`: a file that several conversations write to.

What may stand in it is the tracer's matter (`imap.tracing`); this gives each line a time and the
account, and keeps the file from everybody else's eyes.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from services84.cli.output import complain
from services84.errors import ConfigurationError
from services84.mailhost import MailHost
from services84.mailtext import readable

OWNER_ONLY = 0o600


class TraceFile:
    """A protocol log in an open file; for any number of threads."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor: int | None = descriptor
        self._lock = threading.Lock()
        self._numbers = count(1)

    def conversation(self, username: str, host: MailHost) -> Callable[[str], None]:
        """Who writes the lines of one conversation; each has a number of its own."""
        name = f"{readable(username.encode('utf-8', 'replace'), 80)} {host} #{next(self._numbers)}"

        def tell(line: str) -> None:
            self._write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ} {name} {line}\n")

        return tell

    def _write(self, line: str) -> None:
        """A log that cannot be written any more is no reason to end a sync."""
        waiting = memoryview(line.encode("utf-8", "backslashreplace"))
        with self._lock:
            try:
                while waiting and self._descriptor is not None:
                    waiting = waiting[os.write(self._descriptor, waiting) :]
            except OSError as error:
                self._descriptor = None
                complain(f"--trace: {self._path} ends here: {error.strerror}")

    def close(self) -> None:
        """Write no more; lines that still come are dropped."""
        with self._lock:
            self._descriptor = None


@contextmanager
def trace_file(path: Path) -> Iterator[TraceFile]:
    """The log in a file that only its owner may read; what it held is replaced.

    Raises ConfigurationError when `path` cannot be written, is a link or no plain file, or
    belongs to somebody else.
    """
    try:
        # Not through a link, which may lead to what somebody else chose; not waiting for a pipe.
        how = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        descriptor = os.open(path, how, OWNER_ONLY)
    except OSError as error:
        raise _cannot_write(
            path, "it is a link" if path.is_symlink() else error.strerror
        ) from error
    try:
        _make_private(path, descriptor)
        trace = TraceFile(path, descriptor)
        try:
            yield trace
        finally:
            trace.close()
    finally:
        os.close(descriptor)


def _make_private(path: Path, descriptor: int) -> None:
    """Raises ConfigurationError before anything is lost of a file that is not ours to replace."""
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise _cannot_write(path, "it is no plain file")
    if found.st_uid != os.geteuid():
        raise _cannot_write(path, "it belongs to somebody else")
    os.fchmod(descriptor, OWNER_ONLY)
    os.ftruncate(descriptor, 0)


def _cannot_write(path: Path, why: str | None) -> ConfigurationError:
    return ConfigurationError(f"--trace: cannot write {path}: {why}")
