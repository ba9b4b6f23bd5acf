"""A process from which short-lived ones are forked: each rotates the key, and may die in it.

An order is a line of JSON on standard input: `database_url`, `key_file`, and `deadly`, the number
of the step at which the child is killed (a step is a file saved or put in place, or a commit;
before and after count apart). The answer is a line with the exit code.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy.engine.default import DefaultDialect

from services84.cli.keys import turn
from services84.security.keyfile import KeyFile
from services84.security.vault import Vault
from services84.store import sealed
from services84.store.database import Database
from services84.store.sealed import SealedSecrets
from tests.support.server import ROOT, environment


class Steps:
    """Counts what a rotation does, and ends the process at one of it."""

    def __init__(self, deadly: int) -> None:
        self._left = deadly

    def watch(self, owner: Any, name: str) -> None:
        original: Callable[..., Any] = getattr(owner, name)

        def watched(*arguments: Any, **named: Any) -> Any:
            self._step()
            result = original(*arguments, **named)
            self._step()
            return result

        setattr(owner, name, watched)

    def _step(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def rotate(order: dict[str, Any]) -> None:
    """A whole rotation, in batches of three secrets."""
    sealed.BATCH = 3
    steps = Steps(order["deadly"])
    for owner, name in ((os, "fsync"), (os, "replace"), (DefaultDialect, "do_commit")):
        steps.watch(owner, name)
    path = Path(order["key_file"])
    database = Database(order["database_url"], pool_size=2)
    list(turn(KeyFile(path), SealedSecrets(database, Vault.load(path))))
    database.close()


def life(order: dict[str, Any]) -> int:
    """One child's life; gives its exit code."""
    pid = os.fork()
    if pid == 0:
        try:
            rotate(order)
        except BaseException:
            traceback.print_exc()
            os._exit(3)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


class Rotations:
    """The parent's side."""

    def __init__(self, database_url: str, key_file: Path) -> None:
        self._order = {"database_url": database_url, "key_file": str(key_file)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.rotations"],
            cwd=ROOT,
            env=environment({}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def killed(self, deadly: int) -> bool:
        """Rotate, killed at that step; whether it came so far."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(self._order | {"deadly": deadly}) + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        assert code in (0, -9), "the rotation failed; its traceback is on standard error"
        return code == -9

    def close(self) -> None:
        self._process.communicate(timeout=60)


if __name__ == "__main__":
    for line in sys.stdin:
        print(life(json.loads(line)), flush=True)
