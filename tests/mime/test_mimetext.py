"""Messages that came as text: the bytes that are read best."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services84.mime.mimetext import mime_bytes
from services84.mime.parse import parse, part_bytes


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("", b""),
        ("A: b\n\nHi\n", b"A: b\r\n\r\nHi\r\n"),
        ("A: b\r\n\r\nHi\r\n", b"A: b\r\n\r\nHi\r\n"),
        ("A: b\r\rHi", b"A: b\r\n\r\nHi"),
        ("\ufeff\n  A: b\n\nHi", b"A: b\r\n\r\nHi"),
        ("A: b\n\nH\u00f6he", b"A: b\r\n\r\nH\xc3\xb6he"),
        ("A: b\n\nH\u00c3\u00b6he", b"A: b\r\n\r\nH\xc3\xb6he"),  # bytes that are called letters
        ("A: b\n\nH\udcc3\udcb6he", b"A: b\r\n\r\nH\xc3\xb6he"),  # bytes that could not be read
        ("A: b\n\n\ud83d\ude00", "A: b\r\n\r\n😀".encode()),  # one character, in halves
        ("A: b\n\n→\ud83d", "A: b\r\n\r\n→\ufffd".encode()),
    ],
)
def test_text_becomes_bytes_again(text: str, source: bytes) -> None:
    assert mime_bytes(text) == source


@pytest.mark.parametrize(
    ("charset", "body"),
    [
        ("utf-8", "Höhe → 日本"),
        ("iso-8859-1", "Höhe"),
        ("us-ascii", "Höhe"),
        ("windows-1252", "€ Höhe"),
        ("koi8-r", "Привет"),
        ("gb2312", "你好"),
        ("iso-2022-jp", "日本語"),
        ("unknown-8bit", "Höhe"),
    ],
)
def test_a_body_is_read_as_it_was_whatever_charset_it_declares(charset: str, body: str) -> None:
    head = (
        f"Subject: x\nContent-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: 8bit"
    )

    assert parse(mime_bytes(f"{head}\n\n{body}")).plain_body == body


def test_every_part_gets_its_own_charset() -> None:
    text = (
        "Subject: Höhe\nContent-Type: multipart/alternative; boundary=b\n\n"
        "--b\nContent-Type: text/plain; charset=utf-8\n\nHöhe → 1\n"
        "--b\nContent-Type: text/html; charset=iso-8859-1\n\n<b>Höhe</b>\n"
        "--b--\n"
    )

    parsed = parse(mime_bytes(text))

    assert (parsed.subject, parsed.plain_body) == ("Höhe", "Höhe → 1")
    assert parsed.html_body == "<b>Höhe</b>"


def test_a_binary_part_keeps_its_bytes() -> None:
    text = (
        "Subject: →\nContent-Type: multipart/mixed; boundary=b\n\n"
        "--b\nContent-Type: image/gif\nContent-Transfer-Encoding: binary\n\nGIF\x89\xff\n--b--\n"
    )

    assert part_bytes(mime_bytes(text), "1") == b"GIF\x89\xff"


@given(st.text())
def test_any_text_gives_bytes(text: str) -> None:
    parse(mime_bytes(text))
    parse(mime_bytes(f"Content-Type: text/plain; charset=iso-8859-1\n\n{text}"))
