"""What strangers send costs effort in proportion to its size, whatever it is made of."""

from __future__ import annotations

import encodings
import time
from collections.abc import Callable

import pytest

from services84.mime.headers import parametered
from services84.mime.parse import parse
from services84.mime.structure import read_structure

STEEPEST = 8  # times the effort for four times the size; in proportion it is 4, squared 16
LITTLE = 0.02  # seconds of processor time below which nothing can be told


def effort(work: Callable[[], object]) -> float:
    """Seconds of this process's processor time; the least of some, others being disturbed."""
    spent = []
    for _ in range(3):
        begun = time.process_time()
        work()
        spent.append(time.process_time() - begun)
    return min(spent)


def check(message: Callable[[int], bytes], size: int, read: Callable[[bytes], object]) -> None:
    once, fourfold = message(size), message(4 * size)
    needed = effort(lambda: read(once))
    assert needed < 2, "so much effort for so little"
    assert effort(lambda: read(fourfold)) <= STEEPEST * max(needed, LITTLE)


@pytest.mark.parametrize(
    "unit",
    [
        b"=?a?q?b?= x ",
        b"=?a?q?b?= ",
        b"=?a?q?=FF?= ",
        b'"=?a?q?b?= x ',
        b"=?a?q? ",
        b"=?a?q?",
        b"=?",
        b"=?a?q?b?",
        b"=?a?q?=",
        b"=?utf-8?q?=FF?= =?koi8-r?q?=FF?= ",
        b"<a@b>, ",
        b"\r\n ",
        b"\r\n x",
        b"(",
        b'"',
        b"\\",
        b",;:",
        b"\xff",
        b"\x1b$B",
    ],
)
def test_of_an_address_field(unit: bytes) -> None:
    def message(size: int) -> bytes:
        return b"From: a@b\r\nTo: " + unit * (size // len(unit)) + b"\r\n\r\nbody"

    check(message, 30_000, parse)


@pytest.mark.parametrize(
    "unit",
    [
        b';a="',
        b';a="x";',
        b";a=b",
        b";a*1*=b",
        b";  ",
        b";a  ",
        b';a="\\',
        b"; a=\\",
        b";a=  ",
        b';a= "',
        b"a ",
    ],
)
def test_of_a_field_with_parameters(unit: bytes) -> None:
    check(lambda size: b"text/plain" + unit * (size // len(unit)), 30_000, parametered)


def test_of_many_continuations() -> None:
    def field(size: int) -> bytes:
        return b"text/plain" + b"".join(b";a*%d*=%s" % (n, b"x" * 500) for n in range(size))

    check(field, 250, parametered)


@pytest.mark.parametrize(
    "unit", [b"--ax\n", b"--a", b"\n", b"--a\n", b"x: y\n", b"From \n", b"x\n", b"x: y\nx\n"]
)
def test_of_a_multipart(unit: bytes) -> None:
    def message(size: int) -> bytes:
        return b"Content-Type: multipart/mixed; boundary=a\n\n--a\n" + unit * (size // len(unit))

    check(message, 30_000, parse)


def test_lines_like_a_boundary_are_not_looked_at_again_on_every_level() -> None:
    levels = b"".join(
        b"Content-Type: multipart/mixed; boundary=a%s\n\n--a%s\n" % ((b"b" * level,) * 2)
        for level in range(1, 60)
    )
    look_alikes = b"--a" + b"b" * 80 + b"\n"

    begun = time.process_time()
    found = read_structure(levels + look_alikes * 60_000)

    assert time.process_time() - begun < 2
    assert "too many lines" in "; ".join(found.problems)


def test_names_of_charsets_that_nobody_knows_are_not_remembered() -> None:
    known = len(encodings._cache)  # type: ignore[attr-defined]
    words = b" ".join(b"=?x-%d?q?=FF?=" % number for number in range(1000))

    assert parse(b"Subject: " + words + b"\r\n\r\n").subject == "ÿ" * 1000

    assert len(encodings._cache) < known + 10  # type: ignore[attr-defined]
