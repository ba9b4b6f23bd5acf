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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.raw import RawClient

BATCH = 250  # messages a FETCH of imaplib's

Given = dict[str, Any]


def main() -> int:
    name, given = sys.argv[1], json.loads(sys.argv[2])
    print(json.dumps(TASKS[name](given)), flush=True)
    return 0


def _timed(work: Callable[[], int]) -> Given:
    started = time.perf_counter()
    count = work()
    return {"seconds": time.perf_counter() - started, "count": count}


# The yardstick ----------------------------------------------------------------------------------


def raw(given: Given) -> Given:
    """Fetch everything and throw it away, or ask once whether anything has changed."""

    def work() -> int:
        client = RawClient(given["port"], given["user"], given["password"])
        try:
            return client.unchanged() if given["unchanged"] else client.everything()
        finally:
            client.close()

    return _timed(work)


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

    return _timed(work)


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
    """One sync by the service's own objects, as `services84 sync` runs it.

    Where nothing has changed it is the second one of the process, as in a service that stays:
    the first pays for compiling every statement once.
    """
    os.environ |= given["environment"]
    from services84.application import Application  # noqa: PLC0415 (only here is it needed)

    application = Application()

    def work() -> int:
        report = application.services.sync.sync(given["account"], wait=3600.0, force=True)
        if report.error:
            raise report.error
        return report.new + report.changed + report.removed

    try:
        if given.get("unchanged"):
            work()
        before = _mebibytes("VmRSS")
        found = _timed(work)
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
