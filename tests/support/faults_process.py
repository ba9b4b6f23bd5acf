"""A process from which short-lived ones are forked: each syncs an account once and may die in it.

Made to be killed thousands of times: the imports, which take longer than such a sync, happen
once. Orders come as lines of JSON on the standard input, a line of JSON answers each (see
`faults_nursery.Nursery`). Nothing of the product is altered but the size of its batches; what a child
does, it does by the Application, its store and its engine.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import Engine
from sqlalchemy.engine.default import DefaultDialect

from services84.application import Application, now
from services84.errors import ConfigurationError
from services84.security.vault import Vault
from services84.settings import read_settings
from services84.store.database import Database
from services84.store.engines import READING
from services84.sync import plan

LONGEST = 120.0  # seconds that a child may take


class Commits:
    """Counts the commits of transactions that write, and ends the process at one of them.

    `deadly` is ("before" or "after", n): the n-th commit, counted from one, is then not begun,
    or done and the last thing that happened.
    """

    def __init__(self, deadly: tuple[str, int] | None) -> None:
        self.places: list[str] = []
        self._deadly = deadly
        self._writes = threading.local()
        self._original: Callable[[Any, Any], None] = DefaultDialect.do_commit

    def install(self) -> None:
        event.listen(Engine, "commit", self._about_to_commit)
        commits, original = self, self._original

        def do_commit(dialect: Any, connection: Any) -> None:
            if not commits._writes.__dict__.pop("here", False):
                original(dialect, connection)
                return
            commits.places.append(_place())
            number = len(commits.places)
            commits._die_if(("before", number))
            original(dialect, connection)
            commits._die_if(("after", number))

        DefaultDialect.do_commit = do_commit  # type: ignore[method-assign]

    def _about_to_commit(self, connection: Connection) -> None:
        options = connection.get_execution_options()
        reading = READING[connection.dialect.name]
        self._writes.here = any(options.get(name) != value for name, value in reading.items())

    def _die_if(self, moment: tuple[str, int]) -> None:
        if moment == self._deadly:
            os.kill(os.getpid(), signal.SIGKILL)


def _place() -> str:
    """Which method of a store commits here."""
    frame = sys._getframe(1)
    while frame.f_back is not None:
        path = Path(frame.f_code.co_filename)
        if path.parent.name == "store" and path.name != "database.py":
            return frame.f_code.co_qualname
        frame = frame.f_back
    return "elsewhere"


def shrink_batches(messages: int) -> None:
    """Many commits with little mail: batches of so few messages."""
    plan.BATCH_MESSAGES = messages
    defaults = plan.batches.__kwdefaults__
    assert defaults is not None, "the size of batches is set elsewhere now"
    assert "max_messages" in defaults
    defaults["max_messages"] = messages


def sync(order: dict[str, Any], begin: int) -> dict[str, Any]:
    """One sync in this process, by the order; `begin` is written to just before it."""
    shrink_batches(order["batch"])
    commits = Commits(tuple(order["deadly"]) if order["deadly"] else None)
    commits.install()
    ahead = timedelta(seconds=order["ahead"])

    def clock() -> datetime:
        return now() + ahead

    settings = read_settings(
        database_url=order["database_url"], key_file=order["key_file"], log_level="error"
    )
    application = Application(settings, clock=clock)
    os.write(begin, b"b")
    started = time.monotonic()
    report = application.services.sync.sync(order["account"], wait=LONGEST, force=True)
    seconds = time.monotonic() - started
    application.close()
    return {
        "error": report.error.message if report.error else "",
        "state": str(report.state),
        "new": report.new,
        "changed": report.changed,
        "removed": report.removed,
        "commits": commits.places,
        "seconds": seconds,
    }


def child(order: dict[str, Any], begin: int, said: int) -> None:
    """The life of a forked process; does not come back."""
    try:
        with open(order["log"], "ab") as log:
            for stream in (0, 1, 2):
                os.dup2(log.fileno(), stream)
        os.write(said, json.dumps(sync(order, begin)).encode())
    except BaseException:
        import traceback

        traceback.print_exc()
        sys.stderr.flush()
        os._exit(3)
    os._exit(0)


def life(order: dict[str, Any]) -> dict[str, Any]:
    """Fork a process for the order, kill it when the order says so, and tell how it ended."""
    begun, begin = os.pipe()
    listen, say = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(begun)
        os.close(listen)
        child(order, begin, say)
    os.close(begin)
    os.close(say)
    try:
        if os.read(begun, 1):
            # From here on the pipe is readable only when its other end is gone.
            limit = LONGEST if order["kill_after"] is None else order["kill_after"]
            if not select.select([begun], [], [], limit)[0]:
                os.kill(pid, signal.SIGKILL)
        said = b"".join(iter(lambda: os.read(listen, 65536), b""))
        _, status = os.waitpid(pid, 0)
    finally:
        os.close(begun)
        os.close(listen)
    return {"returncode": os.waitstatus_to_exitcode(status), **json.loads(said or b"{}")}


def warm_up() -> None:
    """Do once what every child would have to do: most of it is learning the schemas."""
    with tempfile.TemporaryDirectory() as folder:
        url, key = f"sqlite:///{folder}/warm.sqlite3", Path(folder) / "warm.key"
        Vault.create_key_file(key)
        database = Database(url, pool_size=2)
        database.migrate()
        database.close()
        Application(read_settings(database_url=url, key_file=key)).close()
    with contextlib.suppress(ConfigurationError):
        Database("postgresql:///never-opened")  # imports its driver, if there is one
    gc.freeze()


def main() -> None:
    warm_up()
    for line in sys.stdin:
        print(json.dumps(life(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
