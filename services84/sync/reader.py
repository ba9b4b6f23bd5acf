"""Reading one message: its entry in the cache, and its bytes as kept. Also a program that does it.

`python -m services84.sync.reader IN OUT DESK...` serves two pipes and some desks, named by their
descriptors: it reads what it is told of, at one desk after the other, and ends when the other end
closes. `reading` starts it. It imports little, so that it starts within a tenth of a second and
stays small, and knows neither database nor mail server.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import sys
from multiprocessing.connection import Connection

from services84.mime.parse import parse
from services84.store.compression import pack
from services84.sync.desks import Desk, Read

READY = "ready"


def read(source: bytes) -> Read:
    """Read one message; of whatever shape it is. Its texts are read when somebody asks for them:
    they are in its bytes."""
    return parse(source, texts=False), pack(source)


def main() -> None:
    """Serve what the command line names."""
    gc.freeze()
    gc.set_threshold(100_000)  # hardly anything here refers back to what refers to it
    asking, answering, *desks = map(int, sys.argv[1:])
    asked, answers = Connection(asking, writable=False), Connection(answering, readable=False)
    with asked, answers, contextlib.suppress(EOFError, OSError):
        answers.send(READY)
        for desk in itertools.cycle(map(Desk, desks)):
            answers.send(desk.read_all(asked.recv(), read))


if __name__ == "__main__":
    main()
