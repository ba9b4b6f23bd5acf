"""Sees which operations a test has called and what came of it, and holds tests to what they show.

`tests.support.proofs` names for every operation the tests that show its effect and its refusal.
When such a test has ended, it must have called the operation, in this process, with that outcome;
and of an operation that changes a mailbox or sends, somebody else must have looked afterwards.
What was done before the test itself began, in fixtures, does not count.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.events import EVENTS, OTHERS_LOOKED, Event
from tests.support.proofs import EFFECTS, ON_A_SERVER, REFUSALS, WITHOUT_MEMBERS

# Refusals that come before an operation, and failures that nobody meant.
_BEFORE = "SoAuthenticationException"
_UNMEANT = ("SoException", "SoDatabaseException", "SoSecretException", "Fault")


def shows_effect(operation: str) -> bool:
    """Whether the operation has succeeded, and was checked where it leaves something."""
    done = [number for number, event in enumerate(EVENTS) if event == Event(operation)]
    if not done or operation not in ON_A_SERVER:
        return bool(done)
    return any(event.what == OTHERS_LOOKED for event in EVENTS[done[0] :])


def shows_refusal(operation: str) -> bool:
    """Whether the operation itself, and not who guards it, has refused for a reason of callers.
    Where nothing can be given, only who calls can be wrong."""
    outcomes = {event.outcome for event in EVENTS if event.what == operation} - {"", *_UNMEANT}
    return bool(outcomes if operation in WITHOUT_MEMBERS else outcomes - {_BEFORE})


def _promised(table: dict[str, str], node: str) -> Iterator[str]:
    for operation, promised in table.items():
        if promised in (node, node.partition("[")[0]):
            yield operation


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: Any) -> Any:
    """Run a test, and see afterwards whether it has shown what it is named for."""
    EVENTS.clear()
    result = yield
    for operation in _promised(EFFECTS, pyfuncitem.nodeid):
        assert shows_effect(operation), f"this test does not show what {operation} does: {EVENTS}"
    for operation in _promised(REFUSALS, pyfuncitem.nodeid):
        assert shows_refusal(operation), f"this test shows no refusal of {operation}: {EVENTS}"
    return result
