"""What is sent when the server asks to go on, in the form that imaplib2 calls. No sockets."""

from __future__ import annotations

from services84.imap.session import Answer
from services84.imap.tracing import Tracer

LARGE = 64 * 1024  # bytes of a piece that is not copied


class Large:
    """A large piece of a command, which is not copied to have its line end added."""

    def __init__(self, *parts: bytes) -> None:
        self.parts = parts

    def __add__(self, end: bytes) -> Large:
        return Large(*self.parts, end)


class Continuations:
    """Gives one answer after the other; `tracer` is told of them."""

    def __init__(self, answer: Answer, tracer: Tracer | None) -> None:
        self._answer = answer
        self._tracer = tracer

    def process(self, data: bytes | None, _request: object) -> bytes | Large | None:
        """What is sent next, or None for nothing."""
        said = self._answer(data or b"")
        if said is not None and self._tracer:
            self._tracer.answer(said)
        return Large(said) if said is not None and len(said) > LARGE else said


def each(pieces: list[bytes]) -> Answer:
    """An answer that gives the pieces one by one."""
    waiting = iter(pieces)
    return lambda _text: next(waiting, None)
