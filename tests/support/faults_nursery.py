"""Short-lived processes that sync once: the parent's side of `faults_process`."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.server import ROOT, environment

PATIENCE = 240.0  # seconds of real time for one life


@dataclass(frozen=True)
class Life:
    """How one process ended. `commits` names the store's methods that committed, in order; it and
    what follows are empty for one that was killed."""

    returncode: int
    error: str = ""
    state: str = ""
    commits: tuple[str, ...] = ()
    seconds: float = 0.0
    new: int = 0
    changed: int = 0
    removed: int = 0

    @property
    def killed(self) -> bool:
        return self.returncode == -9

    @property
    def done(self) -> bool:
        return self.returncode == 0 and not self.error and self.state == "completed"


class Nursery:
    """A process that forks one child for every `live`; see `faults_process`."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "children.log"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.faults_process"],
            cwd=ROOT,
            env=environment({}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def live(self, **order: Any) -> Life:
        """One child's life: `kill_after` seconds of its sync, or `deadly` at a commit, if given."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        defaults: dict[str, Any] = {"kill_after": None, "deadly": None, "log": str(self.log)}
        self._process.stdin.write(json.dumps(defaults | order) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        life = Life(**{**answer, "commits": tuple(answer.get("commits", ()))})
        if life.returncode not in (0, -9):
            raise AssertionError(f"a sync ended with {life.returncode}:\n{self._log_tail()}")
        return life

    def _log_tail(self) -> str:
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else ""

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
