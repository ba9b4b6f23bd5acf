"""A process that the demo starts, waits for and stops; its output goes to a file."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from services84.errors import Services84Error

START_SECONDS = 60.0
STOP_SECONDS = 40.0  # more than the service gives its running calls
POLL_SECONDS = 0.05
SHOWN_BYTES = 2000


class DemoProcess:
    """A running child; `stop` ends it, also when it has ended by itself."""

    def __init__(
        self, name: str, command: Sequence[str], log: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self._log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                # Ctrl-C is for the demo, which then stops its children in order.
                start_new_session=True,
            )

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Wait until `ready()`; raises with the end of the log when it does not come about."""
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if self._process.poll() is not None:
                raise Services84Error(f"{self.name} ended at once: {self.log_end()}")
            if time.monotonic() > deadline:
                raise Services84Error(f"{self.name} did not start: {self.log_end()}")
            time.sleep(POLL_SECONDS)

    def port_told(self, pattern: bytes) -> int:
        """The port that the process itself says in its log that it listens on.

        Not asked of the port: another process may listen there.
        """
        self.wait_until(lambda: re.search(pattern, self._log.read_bytes()) is not None)
        return int(re.findall(pattern, self._log.read_bytes())[-1])

    def wait(self) -> int:
        """Wait until the process ends; gives its exit code."""
        return self._process.wait()

    def log_end(self) -> str:
        """The last of what the process wrote."""
        return self._log.read_bytes()[-SHOWN_BYTES:].decode(errors="replace").strip()

    def stop(self) -> None:
        """End the process, by force when it does not listen."""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def is_free(host: str, port: int) -> bool:
    """Whether one could listen there at this moment; at the next, another may."""
    with contextlib.suppress(OSError), socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        return True
    return False
