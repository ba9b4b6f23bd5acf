"""How long a login is slowed down; pure."""

from __future__ import annotations

from datetime import timedelta

HALF_LIFE = timedelta(hours=1)


def delay_after(failures: int, free: int, cap: float) -> float:
    """Seconds to wait after the `failures`-th failure in a row: none for the first `free`, then
    1, 2, 4, ... and never more than `cap`."""
    beyond = failures - free
    if beyond <= 0:
        return 0.0
    # Bounded before it is raised: the count of a long attack would make a huge number.
    return min(2.0 ** min(beyond - 1, 62), float(cap))


def faded(failures: int, quiet: timedelta) -> int:
    """What is left of a count after so long without a failure: half of it for every hour."""
    return failures >> min(max(quiet // HALF_LIFE, 0), 62)
