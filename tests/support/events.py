"""What a test has done to the service and what came of it, in order: for `tests.support.witness`.

Imports nothing of pytest, so that the service can be called in this way anywhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

_OPERATION = re.compile(rb"Body>\s*<(?:\w+:)?(\w+)")
OTHERS_LOOKED = "another client looked"


class Reply(Protocol):
    """What has to be known of a reply; `tests.support.service` has the whole."""

    @property
    def succeeded(self) -> bool | None: ...
    @property
    def exception(self) -> dict[str, str]: ...
    @property
    def extra(self) -> dict[str, str]: ...


@dataclass(frozen=True)
class Event:
    """A call with its outcome, which is empty for success; or that somebody else looked."""

    what: str
    outcome: str = ""


EVENTS: list[Event] = []


def called(body: bytes, reply: Reply) -> None:
    """A request was answered."""
    found = _OPERATION.search(body[:100_000])
    if found is None:
        return
    if reply.succeeded:
        outcome = "refused in part" if reply.extra.get("Sync.Refused", "0") != "0" else ""
    else:
        outcome = reply.exception.get("ExceptionType", "Fault")
    EVENTS.append(Event(found[1].decode(), outcome))


def looked() -> None:
    """Another mail client looks at a mailbox, or somebody at what was sent."""
    EVENTS.append(Event(OTHERS_LOOKED))
