"""A process that syncs one account once and says when it has begun; made to be killed.

Reads its settings from the environment as the service does: `python -m tests.support.sync_once ID`.
"""

from __future__ import annotations

import sys

from services84.application import Application
from services84.sync.values import Progress


def main() -> int:
    application = Application()
    begun = False

    def progress(_: Progress) -> None:
        nonlocal begun
        if not begun:
            begun = True
            print("begun", flush=True)

    report = application.services.sync.sync(
        int(sys.argv[1]), wait=120.0, force=True, progress=progress
    )
    application.close()
    print(report.state, report.error.message if report.error else "ok", flush=True)
    return 1 if report.error else 0


if __name__ == "__main__":
    sys.exit(main())
