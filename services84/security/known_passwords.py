"""Passwords that were verified a short while ago, so that argon2 does not run with every call.

For callers that send name and password each time. What is kept is a keyed hash of name, password
and the stored hash, under a key of this process alone and in its memory only: another password, or
another stored hash, is another entry, so that a changed password counts at once. Refusals are not
kept. Whether somebody may try at all is no matter of this module.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from services84.security.passwords import verify_password

KEPT_SECONDS = 60.0
MOST_ENTRIES = 4096


class KnownPasswords:
    """What was verified, for `seconds` from then on; safe to use from many threads."""

    def __init__(
        self,
        seconds: float = KEPT_SECONDS,
        most: int = MOST_ENTRIES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds, self._most, self._clock = seconds, most, clock
        self._secret = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._ends: OrderedDict[bytes, float] = OrderedDict()  # the oldest first
        self._turns: dict[bytes, _Turn] = {}

    def mark(self, name: str, password: str, stored: str | None) -> bytes:
        """By what these credentials are known here; it tells nothing of them."""
        parts = [part.encode("utf-8", "surrogatepass") for part in (name, password, stored or "")]
        told = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
        return hmac.digest(self._secret, told, hashlib.sha256)

    def knows(self, mark: bytes) -> bool:
        """Whether this was verified less than `seconds` ago."""
        with self._lock:
            return self._ends.get(mark, 0.0) > self._clock()

    def verify(self, mark: bytes, stored: str | None, password: str) -> bool:
        """Whether the password is the one of `stored`, by argon2 unless that is known; raises as
        `verify_password` does."""
        if self.knows(mark):
            return True
        if not verify_password(stored, password):
            return False
        with self._lock:
            self._ends.pop(mark, None)
            self._ends[mark] = self._clock() + self._seconds
            while len(self._ends) > self._most:
                self._ends.popitem(last=False)
        return True

    @contextmanager
    def turn(self, mark: bytes) -> Iterator[None]:
        """One at a time for the same credentials: who sends them many times at once has them
        verified once, and not counted as so many guesses."""
        with self._lock:
            turn = self._turns.setdefault(mark, _Turn())
            turn.waiting += 1
        try:
            with turn.lock:
                yield
        finally:
            with self._lock:
                turn.waiting -= 1
                if not turn.waiting:
                    del self._turns[mark]


class _Turn:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.waiting = 0
