"""Spyne is importable and quiet, whatever the interpreter says of its source."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import services84.carriers.account
import spyne.util.six, six
from spyne.util.six.moves.urllib.parse import unquote
from spyne.util.six.moves.collections_abc import Sequence
assert spyne.util.six.get_function_name(len) == "len"
assert spyne.util.six.text_type is str
"""


def test_spyne_imports_without_a_warning_and_with_the_maintained_six() -> None:
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
