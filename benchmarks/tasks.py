"""What is measured, each in a process of its own: `python -m benchmarks.tasks TASK JSON`.

Prints one line of JSON. Time is taken from connecting to the last result, inside the process:
starting Python and importing count for nobody. (mbsync, which is no Python, is timed as a whole.)
"""

from __future__ import annotations

import imaplib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.raw import RawClient

BATCH = 250  # messages a FETCH of imaplib's
# Where nothing has changed: how often a client looks, and how often before that counts. The first
# syncs of a process compile its statements, once for its life.
WARMING, TIMES = 2, 5

Given = dict[str, Any]


def main() -> int:
    name, given = sys.argv[1], json.loads(sys.argv[2])
    print(json.dumps(TASKS[name](given)), flush=True)
    return 0


def _measured(work: Callable[[], Given], *, unchanged: bool) -> Given:
    """What the work took; where nothing has changed, what it takes a process that stays: the
    middle of several times in a row, without the first ones."""
    if not unchanged:
        return work()
    return middle([work() for _ in range(WARMING + TIMES)][WARMING:])


def middle(took: Sequence[Given]) -> Given:
    """The one of the median time."""
    return sorted(took, key=lambda one: float(one["seconds"]))[len(took) // 2]


def _timed(work: Callable[[], int]) -> Given:
    started = time.perf_counter()
    count = work()
    return {"seconds": time.perf_counter() - started, "count": count}


# The yardstick ----------------------------------------------------------------------------------


def raw(given: Given) -> Given:
    """Fetch everything and throw it away, or ask once whether anything has changed."""

    def work() -> Given:
        started = time.perf_counter()
        client = RawClient(given["port"], given["user"], given["password"])
        login = time.perf_counter() - started
        try:
            count = client.unchanged() if given["unchanged"] else client.everything()
        finally:
            client.close()
        return {"seconds": time.perf_counter() - started, "count": count, "login": login}

    return _measured(work, unchanged=given["unchanged"])


# The standard library ---------------------------------------------------------------------------


def stdlib(given: Given) -> Given:
    """imaplib: fetch all messages, or all flags when only changes are looked for; keep nothing."""
    unchanged = given["unchanged"]
    items = "(UID FLAGS)" if unchanged else "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"

    def work() -> int:
        count = 0
        with imaplib.IMAP4("127.0.0.1", given["port"]) as client:
            client.login(given["user"], given["password"])
            for folder in _imaplib_folders(client):
                client.select(folder, readonly=True)
                for uids in ["1:*"] if unchanged else _imaplib_batches(client):
                    answer = client.uid("FETCH", uids, items)[1]
                    count += sum(part is not None and part != b")" for part in answer)
        return count

    return _measured(lambda: _timed(work), unchanged=unchanged)


def _imaplib_folders(client: imaplib.IMAP4) -> Iterator[str]:
    for line in client.list()[1]:
        if isinstance(line, bytes):
            yield '"' + line.decode().rpartition(' "/" ')[2].strip('"') + '"'


def _imaplib_batches(client: imaplib.IMAP4) -> Iterator[str]:
    uids = (client.uid("SEARCH", "ALL")[1][0] or b"").decode().split()
    for at in range(0, len(uids), BATCH):
        yield ",".join(uids[at : at + BATCH])


# Ours -------------------------------------------------------------------------------------------


def ours(given: Given) -> Given:
    """One sync by the service's own objects, as `services84 sync` runs it."""
    os.environ |= given["environment"]
    from services84.application import Application  # noqa: PLC0415 (only here is it needed)

    application = Application()

    def work() -> int:
        report = application.services.sync.sync(given["account"], wait=3600.0, force=True)
        if report.error:
            raise report.error
        return report.new + report.changed + report.removed

    try:
        before = _mebibytes("VmRSS")
        found = _measured(lambda: _timed(work), unchanged=given.get("unchanged", False))
        grown = _mebibytes("VmHWM") - before
        readers = sum(_mebibytes("VmHWM", pid) for pid in _children())
        return found | {"grown": grown, "readers": readers}
    finally:
        application.close()


def _mebibytes(name: str, pid: str = "self") -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition(f"{name}:")[2].split()[0]) / 1024


def _children() -> list[str]:
    tasks = Path("/proc/self/task").iterdir()
    return [child for task in tasks for child in (task / "children").read_text().split()]


TASKS: dict[str, Callable[[Given], Given]] = {"raw": raw, "stdlib": stdlib, "ours": ours}

if __name__ == "__main__":
    sys.exit(main())
