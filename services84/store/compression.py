"""How a message's bytes are kept: as a zlib stream (RFC 1950), which any zlib reads again.

With the package isal it is made by Intel's library, in a sixth of the time and a little smaller;
without it by the standard library, which leaves large messages less thoroughly compressed.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

# Larger messages are mostly attachments in Base64, in which nothing repeats: searching for it
# costs four times as much as shortening its six-bit letters, and saves 2 % of a mailbox more.
_REPETITIVE = 32 * 1024
_LEVEL = 1  # level 6 takes three times as long and saves 4 % more


class Packed(bytes):
    """A message's bytes as they are kept; packing them again changes nothing."""


def _by_standard_library(source: bytes) -> bytes:
    strategy = zlib.Z_DEFAULT_STRATEGY if len(source) <= _REPETITIVE else zlib.Z_HUFFMAN_ONLY
    stream = zlib.compressobj(_LEVEL, strategy=strategy)
    return stream.compress(source) + stream.flush()


def _compressor() -> Callable[[bytes], bytes]:
    try:
        from isal import isal_zlib  # noqa: PLC0415 (it need not be there)
    except ImportError:
        return _by_standard_library
    return lambda source: bytes(isal_zlib.compress(source, _LEVEL))


_compress = _compressor()


def compress(source: bytes) -> Packed:
    """A message's bytes as they are kept."""
    return source if isinstance(source, Packed) else Packed(_compress(source))
