"""Messages broken at random, the same way for the same seed: what strangers may send.

Pure. `sources` are whole messages, such as those of the corpus.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

SEED = 84
MOST_BYTES = 30_000  # of a message that is mutated, for the sake of the time


def mutated(source: bytes, chance: random.Random) -> bytes:
    """The message cut off, with bytes flipped, header fields dropped, lines dropped, or a piece
    of it inserted elsewhere. Never empty."""
    raw = bytearray(source)
    match chance.randrange(5):
        case 0:
            del raw[chance.randrange(1, len(raw) + 1) :]
        case 1:
            for _ in range(chance.randint(1, 20)):
                raw[chance.randrange(len(raw))] = chance.randrange(256)
        case 2:
            raw = bytearray(_without_fields(source, chance))
        case 3:
            raw = bytearray(_without_lines(source, chance))
        case _:
            at, piece = chance.randrange(len(raw) + 1), chance.randrange(len(raw) + 1)
            raw[at:at] = raw[piece : piece + chance.randrange(300)]
    return bytes(raw) or b"\n"


def mutations(sources: Sequence[bytes], count: int, seed: int = SEED) -> Iterator[bytes]:
    """`count` mutations of messages that are drawn from `sources`; long ones are left out."""
    chance = random.Random(seed)
    short = [source for source in sources if 0 < len(source) <= MOST_BYTES]
    for _ in range(count):
        yield mutated(chance.choice(short), chance)


def _without_fields(source: bytes, chance: random.Random) -> bytes:
    """Fields of the first header are gone, with the lines that go on with them or without."""
    lines = source.split(b"\n")
    end = next((at for at, line in enumerate(lines) if not line.strip()), len(lines))
    for _ in range(chance.randint(1, 4)):
        if end > 0:
            del lines[chance.randrange(end)]
            end -= 1
    return b"\n".join(lines)


def _without_lines(source: bytes, chance: random.Random) -> bytes:
    lines = source.split(b"\n")
    for _ in range(chance.randint(1, 5)):
        if len(lines) > 1:
            del lines[chance.randrange(len(lines))]
    return b"\n".join(lines)
