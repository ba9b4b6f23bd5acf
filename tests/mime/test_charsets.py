"""Bytes become text, whatever their charset is called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services84.mime.charsets import decode


@pytest.mark.parametrize(
    ("raw", "charset", "text"),
    [
        (b"plain", None, "plain"),
        ("Höhe".encode(), "utf-8", "Höhe"),
        ("Höhe".encode(), None, "Höhe"),
        ("Höhe".encode("latin-1"), "utf-8", "Höhe"),
        ("Höhe".encode(), "no-such-charset", "Höhe"),
        ("“x”".encode("cp1252"), "iso-8859-1", "“x”"),
        ("привет".encode("koi8-r"), "KOI8-R", "привет"),
        ("привет".encode("cp1251"), '"windows-1251"', "привет"),
        ("日本".encode("iso-2022-jp"), "ISO-2022-JP", "日本"),
        ("日本".encode("cp932"), "Shift_JIS", "日本"),
        ("한국".encode("cp949"), "ks_c_5601-1987", "한국"),
        ("Höhe".encode("utf-16"), "utf-16", "Höhe"),
        (b"\xef\xbb\xbfx", "utf-8", "x"),
        (b"caf\xc3\xa9 \xff caf\xc3\xa9 caf\xc3\xa9 caf\xc3\xa9", "utf-8", "café � café café café"),
        (b"H\xf6he \x81", None, "Höhe �"),
        (b"aGk=", "base64", "aGk="),
        (b"aGk=\xf6", "base64", "aGk=ö"),
        (b"\xa1", "windows-874", "ก"),
        (b"\\x41", "unicode_escape", "\\x41"),
        (b"a\xff", "punycode", "aÿ"),
        (b"x", "a\0b", "x"),
    ],
)
def test_the_text_is_the_likeliest(raw: bytes, charset: str | None, text: str) -> None:
    assert decode(raw, charset) == text


@given(st.binary(max_size=60), st.text(max_size=12) | st.sampled_from(["utf-7", "hz", "utf-16"]))
def test_every_input_gives_a_text(raw: bytes, charset: str) -> None:
    assert isinstance(decode(raw, charset), str)
