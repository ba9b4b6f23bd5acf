"""A process from which short-lived ones are forked: each restores a backup, and is killed in it.

An order is a line of JSON on standard input: the `database_url`, the `backup`, and after how many
`seconds` the child is killed (none: it may end). The answer is a line with its exit code and how
long it lived.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from services84.cli import main
from tests.support.server import ROOT, environment


def life(order: dict[str, Any]) -> tuple[int, float]:
    """One child's life: its exit code, negative for a signal, and how long it lived, in seconds."""
    begun = time.monotonic()
    pid = os.fork()
    if pid == 0:
        os.environ["SERVICES84_DATABASE_URL"] = order["database_url"]
        os.environ["SERVICES84_KEY_FILE"] = order["key_file"]
        os.dup2(2, 1)  # standard output is the parent's, for its answers
        try:
            main(["restore", "--force", order["backup"]])
        except SystemExit as left:
            os._exit(left.code if isinstance(left.code, int) else 3)
        finally:
            os._exit(3)
    if order["seconds"] is not None:
        killer = threading.Timer(order["seconds"], os.kill, (pid, signal.SIGKILL))
        killer.start()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if order["seconds"] is not None:
        killer.cancel()
        killer.join()
    return code, time.monotonic() - begun


class Restorations:
    """The parent's side."""

    def __init__(self, database_url: str, key_file: Path) -> None:
        self._order = {"database_url": database_url, "key_file": str(key_file)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.restorations"],
            cwd=ROOT,
            env=environment({}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Restorations:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.communicate(timeout=60)

    def restore(self, backup: Path, seconds: float | None = None) -> tuple[int, float]:
        """Restore with --force, killed after so long; its exit code and how long it lived."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = self._order | {"backup": str(backup), "seconds": seconds}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        code, lived = json.loads(self._process.stdout.readline())
        return code, lived


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(life(json.loads(line))), flush=True)
