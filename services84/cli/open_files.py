"""How many connections a worker may keep: as many as this process may open files for.

The usual limit of 1,024 open files is soft; a process may raise its own up to the hard one. A
worker that runs into the limit while it accepts a connection dies, and all its connections with
it, so it has to stop accepting before.
"""

from __future__ import annotations

import contextlib
import resource

CONNECTIONS = 4000  # that a worker keeps at most; a kept one costs some kilobytes
# Files of a worker that are no callers: the database's, of mail servers, libraries and logs.
OTHERS = 300


def room_for_connections() -> int:
    """Raise this process's limit, which its workers inherit, as far as is wanted and allowed;
    gives how many callers' connections a worker may keep."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + OTHERS
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return CONNECTIONS
    possible = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    with contextlib.suppress(OSError, ValueError):  # a sandbox may forbid it
        resource.setrlimit(resource.RLIMIT_NOFILE, (possible, hard))
        soft = possible
    return max(soft - OTHERS, soft // 2)
