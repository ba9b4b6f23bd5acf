"""Many accounts on one mail host, and how long each takes beside the others."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services84.store.values import RunState
from tests.support.dovecot import DovecotServer
from tests.support.mailboxes import save_account
from tests.support.service import Service

PASSWORD = "mail-secret-84"


@dataclass(frozen=True)
class Timing:
    """One account's sync, in seconds since it was asked for."""

    waited: float  # for its turn
    took: float  # from then on

    @property
    def done(self) -> float:
        return self.waited + self.took


class Crowd:
    """Accounts of one associate on one Dovecot, behind `port`."""

    def __init__(self, service: Service, ticket: str, dovecot: DovecotServer, port: int) -> None:
        self._service = service
        self._ticket = ticket
        self._dovecot = dovecot
        self._port = port
        self._asked: dict[int, datetime] = {}

    def account(self, user: str, messages: int) -> int:
        """A new account whose INBOX holds so many small messages."""
        self._dovecot.add_user(user, PASSWORD)
        fill_maildir(self._dovecot, user, messages)
        return save_account(self._service, self._ticket, user, PASSWORD, self._port)

    def ask(self, account_ids: Sequence[int]) -> None:
        """Start these syncs, all at once."""
        now = self._service.services.clock()
        self._asked |= dict.fromkeys(account_ids, now)
        started = self._service.services.sync.start_many(account_ids)
        assert list(started.started) == list(account_ids)

    def until_running(self, account_id: int, seconds: float = 60.0) -> None:
        """Wait until the sync has begun; raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while not self.is_running(account_id):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the sync of account {account_id} does not begin")
            time.sleep(0.01)

    def is_running(self, account_id: int) -> bool:
        return self._state(account_id) is RunState.RUNNING

    def _state(self, account_id: int) -> RunState | None:
        run = self._service.services.accounts.latest_run(account_id)
        return run.state if run is not None else None

    def finish(self, account_ids: Sequence[int], seconds: float) -> list[Timing]:
        """Wait until all of them are done; raises TimeoutError after `seconds`."""
        deadline = time.monotonic() + seconds
        left = list(account_ids)
        while left := [one for one in left if self._state(one) is not RunState.COMPLETED]:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(left)} accounts are not done")
            time.sleep(0.05)
        return [self.timing(one) for one in account_ids]

    def timing(self, account_id: int) -> Timing:
        run = self._service.services.accounts.latest_run(account_id)
        assert run is not None
        assert run.finished is not None
        asked = self._asked[account_id]
        return Timing(
            (run.started - asked).total_seconds(), (run.finished - run.started).total_seconds()
        )


def fill_maildir(dovecot: DovecotServer, user: str, count: int) -> None:
    """Put small messages where Dovecot looks for a user's new mail."""
    home = dovecot.maildir(user)
    owner = home.parent.stat()
    for name in ("", "cur", "new", "tmp"):
        (home / name).mkdir(mode=0o700, exist_ok=True)
        os.chown(home / name, owner.st_uid, owner.st_gid)
    for number in range(count):
        path = home / "cur" / f"17{number:08}.M{number}P1.host:2,"
        path.write_bytes(small_message(user, number))
        os.chown(path, owner.st_uid, owner.st_gid)


def small_message(user: str, number: int) -> bytes:
    return (
        f"From: Sender <sender{number}@example.com>\r\nTo: {user}@example.com\r\n"
        f"Subject: Message {number}\r\nMessage-ID: <{user}-{number}@example.com>\r\n"
        "Date: Fri, 06 Mar 2026 10:00:00 +0100\r\n\r\n"
    ).encode() + 8 * b"A line of text in a small message.\r\n"


def summary(timings: Sequence[Timing]) -> str:
    """Medians and maxima, for people."""
    parts = []
    for name in ("waited", "took", "done"):
        values = [getattr(one, name) for one in timings]
        parts.append(f"{name} {statistics.median(values):.2f} s (most {max(values):.2f})")
    return ", ".join(parts)
