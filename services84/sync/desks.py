"""Memory that two processes share: messages are put there, and taken from there read.

Through a pipe every byte of a mailbox would be copied six times instead of once each way. Whose
turn it is at a desk is agreed upon elsewhere. Used by both sides; imports little, as `reader`.
"""

from __future__ import annotations

import mmap
import os
import pickle
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

from services84.mime.parse import ParsedAttachment, ParsedMessage
from services84.store.compression import Packed

Read = tuple[ParsedMessage, Packed]
"""What a message says, and the message packed."""

MOST_BYTES = 8 * 1024 * 1024  # of the messages of one batch
_ROOM = 2 * MOST_BYTES  # for those and all that is said of them; what is not used takes no memory
_Told = int | bytes
"""Of an answer: its length at its place on the desk, or itself, where there was no room for it."""


class Desk:
    """One desk. The messages lie on it one after the other, each with some room; a packed message
    takes the place of the message, and what they say stands behind the last."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._memory = mmap.mmap(descriptor, _ROOM)
        self._sizes: Sequence[int] = ()

    @classmethod
    def new(cls) -> Desk:
        """An empty desk; nobody else's until its descriptor is passed on."""
        if hasattr(os, "memfd_create"):
            descriptor = os.memfd_create("services84")
        else:
            with tempfile.TemporaryFile() as file:
                descriptor = os.dup(file.fileno())
        os.truncate(descriptor, _ROOM)
        return cls(descriptor)

    def fileno(self) -> int:
        """The descriptor by which the other process has it."""
        return self._descriptor

    def close(self) -> None:
        """Give it up; it goes when the other process has done so too."""
        self._memory.close()
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    # The side that asks --------------------------------------------------------------------------

    def put(self, sources: Sequence[bytes]) -> list[int]:
        """Lay messages down, of MOST_BYTES in all at most; gives their sizes, for `read_all`."""
        at = 0
        for source in sources:
            self._memory[at : at + len(source)] = source
            at += _room(len(source))
        self._sizes = [len(source) for source in sources]
        return list(self._sizes)

    def taken(self, told: _Told) -> list[Read]:
        """What `read_all` found, by what it gave."""
        at = 0
        places = []
        for size in self._sizes:
            places.append(at)
            at += _room(size)
        if isinstance(told, int):
            with memoryview(self._memory) as memory, memory[at : at + told] as said:
                found = pickle.loads(said)
        else:
            found = pickle.loads(told)
        return [
            unflat(self._content(content, place), size, said)
            for place, size, (content, *said) in zip(places, self._sizes, found, strict=True)
        ]

    def _content(self, content: int | bytes, place: int) -> bytes:
        return self._memory[place : place + content] if isinstance(content, int) else content

    # The side that reads -------------------------------------------------------------------------

    def read_all(self, sizes: Sequence[int], read: Callable[[bytes], Read]) -> _Told:
        """Read the messages of these sizes; gives what `taken` has to be told."""
        at = 0
        found = []
        for size in sizes:
            parsed, packed = read(self._memory[at : at + size])
            content: int | bytes = packed.content
            if len(packed.content) <= _room(size):
                content = len(packed.content)
                self._memory[at : at + content] = packed.content
            found.append((content, *flat(parsed)))
            at += _room(size)
        said = pickle.dumps(found, pickle.HIGHEST_PROTOCOL)
        if at + len(said) > _ROOM:
            return said
        self._memory[at : at + len(said)] = said
        return len(said)


def _room(size: int) -> int:
    """For a message: what does not get smaller by packing gets a little larger."""
    return size + size // 256 + 64


def flat(parsed: ParsedMessage) -> tuple[Any, ...]:
    """`parsed` as plain values, which travel in a third of the time."""
    fields = vars(parsed) | {"attachments": [tuple(vars(a).values()) for a in parsed.attachments]}
    return tuple(fields.values())


def unflat(content: bytes, size: int, said: Sequence[Any]) -> Read:
    """What `flat` was given, with the packed message."""
    *fields, attachments, problem = said
    fields += [tuple(ParsedAttachment(*one) for one in attachments), problem]
    return ParsedMessage(*fields), Packed(content, size)
