"""Reading one message: what it says, and its bytes as they are stored. Also a program that does it.

`python -m services84.sync.reader IN OUT` serves two pipes, named by their descriptors: it answers
every list of sources that comes with what `read` gives for them, and ends when the other end
closes. `reading` starts it. It imports little, so that it starts within a tenth of a second and
stays small, and knows neither database nor mail server.
"""

from __future__ import annotations

import contextlib
import gc
import sys
from multiprocessing.connection import Connection
from typing import Any

from services84.mime.parse import ParsedAttachment, ParsedMessage, parse
from services84.store.compression import Packed, pack

READY = "ready"

Read = tuple[ParsedMessage, Packed]
"""What a message says, and the message packed."""


def read(source: bytes) -> Read:
    """Read one message; of whatever shape it is."""
    return parse(source), pack(source)


def flat(found: Read) -> tuple[Any, ...]:
    """`found` as plain values, which travel in a third of the time."""
    parsed, packed = found
    fields = vars(parsed) | {"attachments": [tuple(vars(a).values()) for a in parsed.attachments]}
    return (packed.content, packed.size, *fields.values())


def unflat(values: tuple[Any, ...]) -> Read:
    """What `flat` was given."""
    content, size, *fields, attachments, problem = values
    fields += [tuple(ParsedAttachment(*one) for one in attachments), problem]
    return ParsedMessage(*fields), Packed(content, size)


def main() -> None:
    """Serve the pipes whose descriptors the command line names."""
    gc.freeze()
    gc.set_threshold(100_000)  # hardly anything here refers back to what refers to it
    asked = Connection(int(sys.argv[1]), writable=False)
    answers = Connection(int(sys.argv[2]), readable=False)
    with asked, answers, contextlib.suppress(EOFError, OSError):
        answers.send(READY)
        while True:
            answers.send([flat(read(source)) for source in asked.recv()])


if __name__ == "__main__":
    main()
