"""No operation without a test of its effect and one of its refusal.

`tests.support.proofs` names them; that they show what they are named for, `tests.support.witness`
checks whenever they run.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from services84.agents import EMAIL
from tests.support.events import looked
from tests.support.proofs import EFFECTS, ON_A_SERVER, REFUSALS, WITHOUT_MEMBERS
from tests.support.service import Service
from tests.support.witness import shows_effect, shows_refusal

ROOT = Path(__file__).resolve().parents[2]
OPERATIONS = {operation.name for operation in EMAIL}


@pytest.mark.parametrize("table", [EFFECTS, REFUSALS], ids=["effects", "refusals"])
def test_every_operation_is_in_the_tables(table: dict[str, str]) -> None:
    assert table.keys() == OPERATIONS


def test_only_who_calls_can_be_wrong_where_nothing_is_given() -> None:
    assert {operation.name for operation in EMAIL if not operation.parameters} == WITHOUT_MEMBERS
    assert ON_A_SERVER <= OPERATIONS


def test_every_test_of_the_tables_exists() -> None:
    named = {*EFFECTS.values(), *REFUSALS.values()}
    files = sorted({node.partition("::")[0] for node in named})
    options = ["--collect-only", "-q", "-p", "no:cacheprovider", "-o", "addopts="]
    command = [sys.executable, "-m", "pytest", *options, *files]
    listed = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert listed.returncode == 0, listed.stdout[-2000:] + listed.stderr[-2000:]
    nodes = set(listed.stdout.splitlines())
    nodes |= {node.partition("[")[0] for node in nodes}
    assert named - nodes == set()


def test_a_call_alone_is_no_effect_where_something_is_left_on_a_server(service: Service) -> None:
    _, ticket = service.associate("anna")
    assert not shows_effect("GetCurrentAccountId")
    service.call("GetCurrentAccountId", ticket=ticket)
    assert shows_effect("GetCurrentAccountId")
    looked()
    service.call("Delete", ticket=ticket)
    assert not shows_effect("Delete")


def test_a_refusal_before_an_operation_is_none_of_its_own(service: Service) -> None:
    service.call("GetEMail", {"Id": 1})
    assert not shows_refusal("GetEMail")
    _, ticket = service.associate("anna")
    service.call("GetEMail", {"Id": "none"}, ticket=ticket)  # no message of the contract
    assert not shows_refusal("GetEMail")
    service.call("GetEMail", {"Id": 1}, ticket=ticket)
    assert shows_refusal("GetEMail")
