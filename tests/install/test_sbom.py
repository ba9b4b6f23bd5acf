"""The bill of materials lists what is installed, all of it, with versions and licences.

The tool that tox runs is run here for this very environment. With SBOM=1 `make sbom` itself is run,
and its file is held against the environment that tox has made for it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.support.server import ROOT

LONGEST = 600
LISTING = (
    "import importlib.metadata as m, json;"
    "print(json.dumps([[d.metadata['Name'], d.version] for d in m.distributions()]))"
)


def installed_in(python: str | Path) -> set[tuple[str, str]]:
    """Names, as PyPI compares them, and versions of what an interpreter finds."""
    told = subprocess.run(
        [python, "-I", "-c", LISTING], capture_output=True, text=True, check=True, timeout=60
    )
    return {(normal(name), version) for name, version in json.loads(told.stdout)}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def listed_in(bill: dict[str, Any]) -> set[tuple[str, str]]:
    found = [*bill["components"], *filter(None, [bill["metadata"].get("component")])]
    return {(normal(each["name"]), each["version"]) for each in found}


def problem_of(text: str) -> object | None:
    """What is wrong with it as CycloneDX; None for nothing."""
    version = SchemaVersion.from_version(json.loads(text)["specVersion"])
    return JsonStrictValidator(version).validate_str(text)


def tools_options() -> list[str]:
    """Those that tox gives the tool, but for where the file goes."""
    lines = (ROOT / "tox.ini").read_text().partition("cyclonedx-py environment ")[2]
    return lines.partition("\\")[0].split()


@pytest.fixture(scope="module")
def bill() -> str:
    """That of the environment in which the tests run."""
    command = [sys.executable, "-m", "cyclonedx_py", "environment", *tools_options()]
    made = subprocess.run(
        [*command, sys.executable], capture_output=True, text=True, check=False, timeout=LONGEST
    )
    assert made.returncode == 0, made.stderr
    return made.stdout


def test_it_is_valid(bill: str) -> None:
    assert problem_of(bill) is None
    assert problem_of(bill.replace('"bomFormat": "CycloneDX"', '"bomFormat": "x"')) is not None


def test_it_lists_all_that_is_installed_and_nothing_else(bill: str) -> None:
    assert listed_in(json.loads(bill)) == installed_in(sys.executable)


def test_what_the_service_needs_has_a_licence(bill: str) -> None:
    needed = {"services84", "spyne", "lxml", "sqlalchemy", "imaplib2", "gunicorn", "argon2-cffi"}
    licences = {
        normal(each["name"]): each.get("licenses") for each in json.loads(bill)["components"]
    }
    assert {name for name in needed if not licences.get(name)} == set()


@pytest.mark.skipif(os.environ.get("SBOM") != "1", reason="SBOM=1 runs tox")
def test_the_file_of_make_sbom_is_that_of_an_installation() -> None:
    made = subprocess.run(
        ["make", "sbom"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=LONGEST
    )
    assert made.returncode == 0, made.stdout + made.stderr
    text = (ROOT / "var" / "sbom.json").read_text()
    assert problem_of(text) is None
    installed = installed_in(ROOT / ".tox" / "sbom" / "tmp" / "installed" / "bin" / "python")
    assert listed_in(json.loads(text)) == installed
    names = {name for name, _ in installed}
    assert {"services84", "psycopg"} <= names
    assert not {"pytest", "cyclonedx-bom"} & names
