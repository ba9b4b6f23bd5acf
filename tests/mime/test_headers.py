"""What header fields say, and where they end."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services84.mime import headers
from services84.mime.dates import read_date


def fields(source: bytes) -> headers.Headers:
    return headers.read_headers(source, 0, len(source))[0]


@pytest.mark.parametrize(
    ("source", "subject", "body"),
    [
        (b"Subject: a\r\n\r\nbody", "a", b"body"),
        (b"Subject: a\n\nbody", "a", b"body"),
        (b"Subject:a\r\n folded\r\n\tagain\r\n\r\nbody", "a folded again", b"body"),
        (b"From anna Mon Jan  1 00:00:00 2024\nSubject: a\n\nbody", "a", b"body"),
        (b"To: x\r\nquite wrong\r\nSubject: a\r\n\r\nbody", "a", b"body"),
        (b"Subject : a\r\n\r\nbody", "a", b"body"),
        (b"Subject: a\r\nno field at all\r\nand text\r\n", "a", b"no field at all\r\nand text\r\n"),
        (b"\r\nSubject: a\r\n", "", b"Subject: a\r\n"),
        (b"Subject: a", "a", b""),
        (b"", "", b""),
    ],
)
def test_the_body_begins_after_the_fields_however_broken(
    source: bytes, subject: str, body: bytes
) -> None:
    found, at = headers.read_headers(source, 0, len(source))

    assert found.text("subject") == subject
    assert source[at:] == body


def test_the_first_of_several_fields_counts() -> None:
    assert fields(b"Subject: first\r\nSUBJECT: second\r\n").text("subject") == "first"


def test_addresses_of_repeated_fields_are_all_there() -> None:
    assert fields(b"To: a@example.com\r\nTo: b@example.com\r\n").addresses("to") == (
        "a@example.com, b@example.com"
    )


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("=?utf-8?q?H=C3=A9llo?=", "Héllo"),
        ("=?UTF-8?B?SMOpbGxv?=", "Héllo"),
        ("=?iso-8859-1?q?a_b=80?=", "a b€"),
        ("a =?utf-8?q?b?= c", "a b c"),
        ("=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        ("=?utf-8?q?a?= x =?utf-8?q?b?=", "a x b"),
        ("=?utf-8?q?H=C3?= =?utf-8?q?=A9llo?=", "Héllo"),
        ("=?utf-8*en?q?b?=", "b"),
        ("=?utf-8?q?with a blank?=", "with a blank"),
        ("=?utf-8?q?why??=", "why?"),
        ("=?utf-8?b?SMOpbGxv", "=?utf-8?b?SMOpbGxv"),
        ("=?utf-8?b?SMOpbGx?=", "Héll"),
        ("=?nonsense?q?=E9?=", "é"),
        ("=?zlib?q?x?=", "x"),
        ("=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"),
        ("=?gb2312?B?xOO6ww==?=", "你好"),
        ("=?utf-8?x?x?=", "=?utf-8?x?x?="),
        ("=?=?=", "=?=?="),
        ("=?utf-8?b?YQ==?=", "a"),
        ("=?utf-8?q?a?b=?c?=", "=?utf-8?q?a?b=?c?="),
        ("=?utf-8?q?lost =?utf-8?q?found?=", "=?utf-8?q?lost found"),
        (f"=?utf-8?q?{'a' * 5000}?=", "a" * 5000),
    ],
)
def test_encoded_words(raw: str, text: str) -> None:
    assert headers.decode_words(raw) == text


def test_a_decoded_name_with_a_comma_is_quoted_in_an_address_list() -> None:
    found = fields(b"To: =?utf-8?q?Doe=2C_J=C3=B6hn?= <j@example.com>, b@example.com\r\n")

    assert found.addresses("to") == '"Doe, Jöhn" <j@example.com>, b@example.com'


def test_a_decoded_name_with_one_quote_is_quoted_in_an_address_list() -> None:
    found = fields(b"To: =?utf-8?q?=22A=2CB?= <a@example.com>\r\n")

    assert found.addresses("to") == '"\\"A,B" <a@example.com>'


def test_an_escaped_backslash_does_not_hide_the_end_of_quotes() -> None:
    found = fields(rb'To: "\\" <a@x.org>, =?utf-8?q?D=2C_A?= <b@x.org>' + b"\r\n")

    assert found.addresses("to") == r'"\\" <a@x.org>, "D, A" <b@x.org>'


def test_a_decoded_name_within_quotes_is_not_quoted_again() -> None:
    found = fields(b'To: "=?utf-8?q?Doe=2C_J?=" <j@example.com>\r\n')

    assert found.addresses("to") == '"Doe, J" <j@example.com>'


@pytest.mark.parametrize(
    ("raw", "text"),
    [("Höhe".encode(), "Höhe"), ("Höhe".encode("cp1252"), "Höhe"), (b"a\0b", "ab")],
)
def test_raw_8_bit_fields_are_read(raw: bytes, text: str) -> None:
    assert fields(b"Subject: " + raw + b"\r\n").text("subject") == text


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b'attachment; filename="a b.pdf"', "a b.pdf"),
        (b"attachment; filename=a b.pdf", "a b.pdf"),
        (b'attachment; filename="a\\"b.pdf"', 'a"b.pdf'),
        (b"attachment; filename*=utf-8''H%C3%B6he.txt", "Höhe.txt"),
        (b"attachment; filename*=iso-8859-1'de'H%F6he.txt", "Höhe.txt"),
        (b"a; filename*0*=utf-8''H%C3; filename*1*=%B6he; filename*2=.txt", "Höhe.txt"),
        (b"a; filename*1=b; filename*0=a", "ab"),
        (b'a; filename="=?utf-8?q?H=C3=B6he?=.txt"', "Höhe.txt"),
        (b"a; filename=", ""),
        (b"a; FileName=x", "x"),
        ("a; filename=Höhe".encode(), "Höhe"),
        (b'a; x="1;2"; filename=y', "y"),
    ],
)
def test_parameters(raw: bytes, name: str) -> None:
    assert headers.parametered(raw).parameters["filename"] == name


@pytest.mark.parametrize(
    ("raw", "when"),
    [
        (b"Mon, 6 Jun 2005 22:21:22 +0200", datetime(2005, 6, 6, 20, 21, 22, tzinfo=UTC)),
        (b"21 Nov 97 09:55:06 GMT", datetime(1997, 11, 21, 9, 55, 6, tzinfo=UTC)),
        (b"Wed, 17 Nov 2010 15:02:19 EST", datetime(2010, 11, 17, 20, 2, 19, tzinfo=UTC)),
        (b"Tue, 22 Jan 2002 14:35:28 UT (who)", datetime(2002, 1, 22, 14, 35, 28, tzinfo=UTC)),
        (b"Wed, 1 Jun 2005 22:21:60 -0000", datetime(2005, 6, 1, 22, 21, 59, tzinfo=UTC)),
        (b"Wed, Feb 9, 2011 at 11:54 AM", datetime(2011, 2, 9, 11, 54, tzinfo=UTC)),
        (b"May 8, 2005 1:17 PM", datetime(2005, 5, 8, 13, 17, tzinfo=UTC)),
        (b"2024-02-29T10:11:12+01:00", datetime(2024, 2, 29, 9, 11, 12, tzinfo=UTC)),
        (b"", None),
        (b"Thu,", None),
        (b"tomorrow", None),
        (b"Mon, 31 Feb 2005 22:21:22 +0200", None),
        (b"Fri, 31 Dec 9999 23:59:59 -1200", None),
        (b"Mon, 1 Jan 2001 00:00:00 +9999", datetime(2001, 1, 1, tzinfo=UTC)),
        (b"Mon, 1 Jan " + b"9" * 5000 + b" 00:00:00", None),
    ],
)
def test_dates_broken_and_whole(raw: bytes, when: datetime | None) -> None:
    assert read_date(raw) == when


@given(st.binary(max_size=300))
def test_no_bytes_make_a_field_unreadable(raw: bytes) -> None:
    found, at = headers.read_headers(raw, 0, len(raw))

    assert 0 <= at <= len(raw)
    for name, value in found.fields:
        found.addresses(name)
        headers.parametered(value)
        read_date(value)


@given(st.text(alphabet=" =?utf-8qQbB_ÄZ\"*'%;\\", max_size=80))
def test_no_text_makes_a_field_unreadable(text: str) -> None:
    headers.decode_words(text, quote=True)
    headers.parametered(text.encode())


PIECES = [b"a:", b"\r\n", b"\n", b" ", b"\t", b"b", b":", b"\r", b"From x", b"X-y: z\r\n", b"\n\n"]


@given(st.lists(st.sampled_from(PIECES), max_size=14).map(b"".join))
def test_fields_read_at_one_go_are_those_read_line_by_line(source: bytes) -> None:
    found, body = headers.read_headers(source, 0, len(source))
    slowly, at = headers._read_odd_headers(source, 0, len(source), [])
    assert (found.fields, body) == (slowly.fields, at)
