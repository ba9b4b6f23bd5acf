"""Figures of a soak: gathered, printed as a table at the end and kept in var/soak.

SOAK=1 lets these tests run at all; SOAK_SEED repeats a run's random choices; SOAK_SCALE=0.1 does
a tenth of it.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.support import faults_report
from tests.support.cutting import CuttingProxy, cutting_proxy
from tests.support.dovecot import DovecotServer
from tests.support.faults import Figures

RESULTS = Path(__file__).resolve().parents[2] / "var" / "soak"
SEED = int(os.environ.get("SOAK_SEED") or random.SystemRandom().randrange(2**32))
SCALE = float(os.environ.get("SOAK_SCALE") or 1)

_all: list[Figures] = []
_file = RESULTS / f"{datetime.now():%Y%m%d-%H%M%S}-{SEED}.json"


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    return None if os.environ.get("SOAK") == "1" else True


def pytest_report_header() -> str:
    return f"soak: SOAK_SEED={SEED} SOAK_SCALE={SCALE:g}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _all:
        terminalreporter.section(f"soak, SOAK_SEED={SEED}")
        terminalreporter.write_line(faults_report.table(_all))
        terminalreporter.write_line(f"figures: {_file}")


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def draw(request: pytest.FixtureRequest) -> random.Random:
    """The test's own random choices, the same for the same seed whatever runs beside it."""
    return random.Random(f"{SEED} {request.node.nodeid}")


@pytest.fixture
def figures(request: pytest.FixtureRequest, kind: str) -> Iterator[Figures]:
    """A line of the table; written down even when the test is broken off."""
    what = str(request.node.name).partition("[")[0].removeprefix("test_").replace("_", " ")
    made = Figures(what, kind, seed=SEED)
    _all.append(made)
    try:
        yield made
    finally:
        faults_report.write(_all, _file)


@pytest.fixture(scope="module")
def proxy(dovecot: DovecotServer) -> Iterator[CuttingProxy]:
    with cutting_proxy(dovecot.port_plain) as running:
        yield running


def scaled(number: int, step: int = 1) -> int:
    """`number` by the soak's scale, a multiple of `step` and at least one."""
    return max(1, round(number * SCALE / step)) * step
