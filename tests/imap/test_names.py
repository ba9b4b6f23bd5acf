"""Mailbox names and arguments in IMAP's own spelling."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services84.imap import names

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("name", "encoded"),
    [
        ("INBOX", b"INBOX"),
        ("Entwürfe", b"Entw&APw-rfe"),
        ("~peter/mail/台北/日本語", b"~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
        ("Jack & Jill", b"Jack &- Jill"),
        ("&&", b"&-&-"),
        ("tab\there", b"tab&AAk-here"),
        ("😀", b"&2D3eAA-"),
        ("", b""),
    ],
)
def test_modified_utf_7_both_ways(name: str, encoded: bytes) -> None:
    assert names.encode_name(name) == encoded
    assert names.decode_name(encoded) == name


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"R&D", "R&D"),
        (b"a&b-c", "a&b-c"),
        (b"&AAA", "&AAA"),
        (b"&2D0-", "&2D0-"),
        (b"&APw", "&APw"),
        ("Entwürfe".encode(), "Entwürfe"),
        ("Entwürfe".encode("latin-1"), "Entwürfe"),
    ],
)
def test_a_name_that_is_not_encoded_properly_is_shown_as_it_stands(raw: bytes, shown: str) -> None:
    assert names.decode_name(raw) == shown


@given(TEXTS)
def test_every_name_survives(name: str) -> None:
    encoded = names.encode_name(name)

    assert re.fullmatch(rb"[\x20-\x7e]*", encoded)
    assert names.decode_name(encoded) == name


@given(st.binary())
def test_every_name_can_be_shown(raw: bytes) -> None:
    assert isinstance(names.decode_name(raw), str)


@pytest.mark.parametrize(
    ("value", "pieces"),
    [
        (b"INBOX", (b'"INBOX"',)),
        (b'a"b\\c', (b'"a\\"b\\\\c"',)),
        (b"", (b'""',)),
        ("ü".encode(), (b"{2}", "ü".encode())),
        (b"a\r\nb", (b"{4}", b"a\r\nb")),
    ],
)
def test_arguments_are_quoted_or_sent_as_literals(value: bytes, pieces: tuple[bytes, ...]) -> None:
    assert names.astring(value) == pieces


def test_a_nul_cannot_be_sent() -> None:
    with pytest.raises(ValueError, match="NUL"):
        names.astring(b"a\0b")


def test_what_follows_a_literal_is_sent_with_it() -> None:
    joined = names.joined(
        names.astring("ü".encode()), names.verbatim("(CONDSTORE)"), names.astring(b"\r")
    )

    assert joined == (b"{2}", b"\xc3\xbc (CONDSTORE) {1}", b"\r")
