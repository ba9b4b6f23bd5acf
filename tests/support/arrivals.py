"""How many requests a service on this machine has taken in, as the kernel tells it."""

from __future__ import annotations

import time
from pathlib import Path

DEADLINE = 45.0  # seconds


def requests_read(port: int) -> int:
    """The open connections to `port` of loopback that hold nothing unread."""
    read = 0
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, queues = line.split()[:5]
        established = state == "01" and int(local.partition(":")[2], 16) == port
        read += established and int(queues.partition(":")[2], 16) == 0
    return read


def await_requests_read(port: int, callers: int) -> None:
    """Come back when the requests of so many callers, all of which were sent, have been read."""
    deadline = time.monotonic() + DEADLINE
    while (read := requests_read(port)) < callers:
        assert time.monotonic() < deadline, f"only {read} of {callers} requests were read"
        time.sleep(0.02)
