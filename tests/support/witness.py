"""Sees which operations a test has called and what came of it, and holds tests to what they show.

`tests.support.proofs` names for every operation the tests that show its effect and its refusal.
When such a test has ended, it must have called the operation, in this process, with that outcome;
and of an operation that changes a mailbox or sends, somebody else must have looked afterwards.
What was done before the test itself began, in fixtures, does not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import pytest

from tests.support.proofs import EFFECTS, ON_A_SERVER, REFUSALS, WITHOUT_MEMBERS

_OPERATION = re.compile(rb"Body>\s*<(?:\w+:)?(\w+)")
_OTHERS_LOOKED = "another client looked"
# Refusals that come before an operation, and failures that nobody meant.
_BEFORE = "SoAuthenticationException"
_UNMEANT = ("SoException", "SoDatabaseException", "SoSecretException", "Fault")


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


_events: list[Event] = []


def called(body: bytes, reply: Reply) -> None:
    """A request was answered."""
    found = _OPERATION.search(body[:100_000])
    if found is None:
        return
    if reply.succeeded:
        outcome = "refused in part" if reply.extra.get("Sync.Refused", "0") != "0" else ""
    else:
        outcome = reply.exception.get("ExceptionType", "Fault")
    _events.append(Event(found[1].decode(), outcome))


def looked() -> None:
    """Another mail client looks at a mailbox, or somebody at what was sent."""
    _events.append(Event(_OTHERS_LOOKED))


def shows_effect(operation: str) -> bool:
    """Whether the operation has succeeded, and was checked where it leaves something."""
    done = [number for number, event in enumerate(_events) if event == Event(operation)]
    if not done or operation not in ON_A_SERVER:
        return bool(done)
    return any(event.what == _OTHERS_LOOKED for event in _events[done[0] :])


def shows_refusal(operation: str) -> bool:
    """Whether the operation itself, and not who guards it, has refused for a reason of callers.
    Where nothing can be given, only who calls can be wrong."""
    outcomes = {event.outcome for event in _events if event.what == operation} - {"", *_UNMEANT}
    return bool(outcomes if operation in WITHOUT_MEMBERS else outcomes - {_BEFORE})


def _promised(table: dict[str, str], node: str) -> Iterator[str]:
    for operation, promised in table.items():
        if promised in (node, node.partition("[")[0]):
            yield operation


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: Any) -> Any:
    """Run a test, and see afterwards whether it has shown what it is named for."""
    _events.clear()
    result = yield
    for operation in _promised(EFFECTS, pyfuncitem.nodeid):
        assert shows_effect(operation), f"this test does not show what {operation} does: {_events}"
    for operation in _promised(REFUSALS, pyfuncitem.nodeid):
        assert shows_refusal(operation), f"this test shows no refusal of {operation}: {_events}"
    return result
