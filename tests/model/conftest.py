"""The service to which random histories happen."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from services84.imap import reading
from services84.sync import plan
from tests.model.rig import Rig, rig


@pytest.fixture(scope="module")
def service() -> Iterator[Rig]:
    """A service that works in small batches, so that few messages make many.

    Its database is in memory where there is such a folder: how it outlasts a crash is no matter
    here, and the disk would take most of the time.
    """
    memory = Path("/dev/shm")
    with (
        tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder,
        pytest.MonkeyPatch.context() as patch,
        rig(Path(folder)) as made,
    ):
        patch.setattr(plan, "batches", partial(plan.batches, max_messages=3))
        patch.setattr(reading, "MESSAGES_A_COMMAND", 2)
        yield made
