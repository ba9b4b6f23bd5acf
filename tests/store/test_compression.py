"""Messages as they are kept: any zlib reads them, whichever library wrote them."""

from __future__ import annotations

import base64
import random
import zlib

import pytest

from services84.store import compression


def by_standard_library(source: bytes) -> bytes:
    return compression._compress(source, compression._standard)


NOISE = random.Random(7).randbytes(300_000)


@pytest.mark.parametrize(
    "source",
    [b"", b"x", b"Subject: hello\r\n\r\n" * 900, base64.encodebytes(NOISE), NOISE],
    ids=["empty", "byte", "repetitive", "base64", "noise"],
)
@pytest.mark.parametrize("compress", [compression.compress, by_standard_library])
def test_any_zlib_reads_it_again(source: bytes, compress: object) -> None:
    assert zlib.decompress(compress(source)) == source  # type: ignore[operator]


def test_a_message_is_packed_once() -> None:
    packed = compression.pack(NOISE)
    assert compression.compress(packed) is packed.content
    assert zlib.decompress(packed.content) == NOISE
    assert len(packed) == len(NOISE)


def test_large_base64_loses_about_what_base64_added() -> None:
    source = base64.encodebytes(NOISE)
    for compress in (compression.compress, by_standard_library):
        assert len(compress(source)) < 0.8 * len(source)
