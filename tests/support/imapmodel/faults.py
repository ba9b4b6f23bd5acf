"""What a model server does wrong, and when. Values; `session` carries them out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from tests.support.imapmodel.mailbox import Mailbox


class Kind(StrEnum):
    """What goes wrong when the moment has come."""

    BYE = "bye"  # instead of an answer
    CUT = "cut"  # in the middle of the answer, after `amount` per cent of it
    SILENT = "silent"  # no answer, until the client has gone
    DRIP = "drip"  # the answer byte by byte, from `amount` per cent of it on
    SLOW = "slow"  # the answer after a pause of `amount` milliseconds
    REFUSE = "refuse"  # NO
    THROTTLE = "throttle"  # NO, with a backoff of `amount` milliseconds
    COUNT = "count"  # EXISTS is wrong by `amount`
    STATUS = "status"  # the numbers of STATUS are wrong by `amount`
    OMIT = "omit"  # every (`amount` + 2)-th message is left out of a list of all flags
    FORGET = "forget"  # what has vanished is not told
    NEWS = "news"  # untagged data about other messages, and nonsense
    CHANGE = "change"  # another client does something first (`change`)
    PAD = "pad"  # an untagged OK of `amount` characters before the answer


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong: from the `at`-th command after the login that holds `word` on,
    `times` times; counted over all connections."""

    kind: Kind
    at: int = 0
    word: str = ""
    amount: int = 0
    times: int = 1
    text: str = "see you later"
    change: Callable[[Mailbox], None] | None = None


class Schedule:
    """Which faults are due; for the threads of one server."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[list[int]] = []  # commands to let pass, times left
        self._faults: list[Fault] = []

    def set(self, *faults: Fault) -> None:
        """These faults and no others from now on."""
        with self._lock:
            self._faults = list(faults)
            self._waiting = [[fault.at, fault.times] for fault in faults]

    def due(self, command: str) -> list[Fault]:
        """What goes wrong with this command."""
        found = []
        with self._lock:
            for fault, state in zip(self._faults, self._waiting, strict=True):
                if fault.word not in command:
                    continue
                if state[0] > 0:
                    state[0] -= 1
                elif state[1] > 0:
                    state[1] -= 1
                    found.append(fault)
        return found
