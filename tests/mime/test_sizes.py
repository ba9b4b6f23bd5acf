"""The size of an attachment: that of its decoded bytes, told without decoding them."""

from __future__ import annotations

import base64
import random

import pytest

from services84.mime.parse import parse

NOISE = random.Random(8).randbytes(20_000)


def size_of(body: bytes, encoding: str = "base64") -> int:
    head = f"Content-Type: image/png\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    (attachment,) = parse(head.encode() + body).attachments
    return attachment.size


@pytest.mark.parametrize("size", [0, 1, 2, 3, 56, 57, 58, 113, 114, 115, 20_000])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r\r\n", b" \r\n", b""])
def test_it_is_that_of_the_decoded_bytes(size: int, line_end: bytes) -> None:
    content = NOISE[:size]
    body = base64.encodebytes(content).replace(b"\n", line_end)
    assert size_of(body) == size
    assert size_of(body + b"\r\n\r\n") == size
    assert size_of(body.rstrip()) == size


@pytest.mark.parametrize("width", [1, 4, 19, 76, 998])
def test_lines_may_be_of_any_width(width: int) -> None:
    letters = base64.b64encode(NOISE[:2000])
    lines = [letters[at : at + width] for at in range(0, len(letters), width)]
    assert size_of(b"\r\n".join(lines)) == 2000


def test_lines_may_differ_in_width() -> None:
    chance = random.Random(9)
    letters, lines = base64.b64encode(NOISE[:2000]), []
    while letters:
        step = chance.randrange(1, 100)
        lines.append(letters[:step])
        letters = letters[step:]
    assert size_of(b"\n".join(lines)) == 2000


def test_other_encodings_are_decoded() -> None:
    assert size_of(b"a=20b=\r\nc", "quoted-printable") == 4
    assert size_of(b"12345\r\n", "8bit") == 7
