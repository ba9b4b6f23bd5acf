"""Compiles and runs C# under Mono; tests that need it skip, or fail where it is required."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SOURCES = Path(__file__).parent / "dotnet"
MISSING = (
    "Mono is not installed (Debian: mono-mcs mono-runtime libmono-system-servicemodel4.0a-cil)"
)


def compile_program(name: str, folder: Path, *references: str) -> Path:
    """The program of `dotnet/<name>.cs`, compiled into `folder`."""
    compiler = shutil.which("mcs")
    if compiler is None or shutil.which("mono") is None:
        if os.environ.get("CI") or os.environ.get("SERVICES84_TEST_REQUIRE") == "1":
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    program = folder / f"{name}.exe"
    command = [compiler, f"-out:{program}", *(f"-r:{library}" for library in references)]
    subprocess.run([*command, str(SOURCES / f"{name}.cs")], check=True, timeout=120)
    return program


def run_program(program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What the program says and how it ends."""
    return subprocess.run(
        ["mono", str(program), *arguments],
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        env=os.environ | {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"},
    )
