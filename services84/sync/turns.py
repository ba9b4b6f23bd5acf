"""Turns in mailboxes: what must not be done twice is done by one call at a time.

Two calls that move the same messages at once, as an impatient caller's do, would leave two copies
of each: to a server every connection's copies are as good as another's. Turns are for all
processes of the service; other mail programs know nothing of them, and neither do syncs, which
change nothing on the server.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from services84.errors import MailServerBusy
from services84.store.service_leases import ServiceLeases

# How long a turn may take: longer than a caller waits. That of a process that died ends then.
TURN_SECONDS = 60.0
WAIT_SECONDS = 20.0  # how long a call waits for its turn
POLL_SECONDS = 0.1


class MailboxTurns:
    """Gives out turns; `owner` names this process."""

    def __init__(
        self,
        leases: ServiceLeases,
        clock: Callable[[], datetime],
        owner: str,
        *,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._leases = leases
        self._clock = clock
        self._owner = owner
        self._wait_seconds = wait_seconds

    @contextmanager
    def taken(self, host: str, username: str) -> Iterator[None]:
        """The turn in the mailbox of this user; raises MailServerBusy when it does not come."""
        # Hashed: the names of leases are for everybody who may look at the service's state.
        digest = hashlib.sha256(f"{host.lower()}\0{username}".encode()).hexdigest()
        name, owner = f"mailbox {digest}", f"{self._owner} {secrets.token_hex(8)}"
        deadline = time.monotonic() + self._wait_seconds
        pause = threading.Event()
        while not self._leases.hold(name, owner, self._clock(), TURN_SECONDS):
            if time.monotonic() > deadline:
                raise MailServerBusy(
                    f"{host}: another call is moving or saving messages of this mailbox; ask again"
                    " when that is done",
                    host=host,
                )
            pause.wait(POLL_SECONDS)
        try:
            yield
        finally:
            self._leases.release(name, owner)
