"""From readable names to the server's spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services84.imap import names
from services84.imap.naming import known_server_name, server_name_of
from services84.imap.values import ListedFolder, Namespace

COURIER = Namespace("INBOX.", ".", ("shared.",))
DOVECOT = Namespace("", "/")
FLAT = Namespace("", "")


def folder(server_name: str, delimiter: str = "/") -> ListedFolder:
    name = names.decode_name(server_name.encode("latin-1"))
    return ListedFolder(server_name, name, delimiter, frozenset(), subscribed=False)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "is no name"),
        ("  ", "is no name"),
        ("a\0b", "holds a control character"),
        ("a\rb", "holds a control character"),
        ("a\nb", "holds a control character"),
        ("a\tb", "holds a control character"),
        ("a\x7fb", "holds a control character"),
        ("a\x85b", "holds a control character"),
        ("a\u2028b", "holds a control character"),
        ("a\ud800b", "holds a control character"),
        ("/a", "has a level without a name"),
        ("a/", "has a level without a name"),
        ("a//b", "has a level without a name"),
        ("a/ /b", "has a level without a name"),
        ("x" * 4001, "has more than 4000 characters"),
    ],
)
def test_what_cannot_be_a_name_is_refused(name: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        server_name_of(name, [], DOVECOT)


@pytest.mark.parametrize(
    ("name", "space", "spelt"),
    [
        ("Work", DOVECOT, "Work"),
        ("Work/2026", DOVECOT, "Work/2026"),
        ("Work.2026", DOVECOT, "Work.2026"),
        ("Entwürfe/Größe & Co", DOVECOT, "Entw&APw-rfe/Gr&APYA3w-e &- Co"),
        ("inbox", DOVECOT, "INBOX"),
        ("Inbox/Work", DOVECOT, "INBOX/Work"),
        ("Work", COURIER, "INBOX.Work"),
        ("Work/2026", COURIER, "INBOX.Work.2026"),
        ("Work.2026", COURIER, "INBOX.Work.2026"),
        ("INBOX.Work", COURIER, "INBOX.Work"),
        ("inbox/Work", COURIER, "INBOX.Work"),
        ("INBOX", COURIER, "INBOX"),
        ("Inboxes", COURIER, "INBOX.Inboxes"),
        ("shared.team", COURIER, "shared.team"),
        ("日本語", COURIER, "INBOX.&ZeVnLIqe-"),
        ("a/b", FLAT, "a/b"),
    ],
)
def test_a_new_folder_is_spelt_as_its_server_has_it(
    name: str, space: Namespace, spelt: str
) -> None:
    assert server_name_of(name, [], space) == spelt


def test_a_folder_that_exists_is_taken_as_it_is() -> None:
    slash, dot = folder("a/b", "."), folder("a.b", ".")
    odd, raw = folder("R&D"), folder("Entw\xc3\xbcrfe")

    assert server_name_of("a/b", [dot, slash]) == "a/b"
    assert server_name_of("a/b", [dot]) == "a.b"
    assert server_name_of("a.b", [slash, dot]) == "a.b"
    assert server_name_of("R&D", [odd]) == "R&D"
    assert server_name_of("Entwürfe", [raw]) == "Entw\xc3\xbcrfe"
    assert server_name_of("iNbOx", [folder("Inbox")]) == "Inbox"
    assert server_name_of("inbox.Sub", [folder("INBOX.Sub", ".")]) == "INBOX.Sub"
    assert known_server_name("nowhere", [slash, dot, odd, raw]) is None


def test_the_delimiter_of_the_others_is_taken_where_no_namespace_is_known() -> None:
    assert server_name_of("a/b", [folder("INBOX", ".")]) == "a.b"


# Servers that speak UTF-8 -----------------------------------------------------------------------


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_a_folder_has_one_spelling_whichever_way_its_server_speaks(name: str) -> None:
    spelt = names.encode_name(name)

    assert names.from_utf8(name.encode()) == spelt
    assert names.to_utf8(spelt) == name.encode()


@pytest.mark.parametrize("name", [b"\xff", b"a\0b", b"a\r\nb"])
def test_what_is_no_name_in_utf_8_is_kept_as_it_stands(name: bytes) -> None:
    assert names.from_utf8(name) == name
    assert names.to_utf8(name) == name


@pytest.mark.parametrize("spelt", [b"R&D", b"&AAA-", b"&AA0-", b"Entw\xfcrfe", b"a&-b"])
def test_odd_spellings_can_be_sent(spelt: bytes) -> None:
    assert names.is_possible(names.to_utf8(spelt))


@pytest.mark.parametrize(
    ("value", "pieces"),
    [
        ("ü".encode(), ('"ü"'.encode(),)),
        ('"ü"'.encode(), ('"\\"ü\\""'.encode(),)),
        (b"\xff", (b"{1}", b"\xff")),
        ("ü\r".encode(), (b"{3}", "ü\r".encode())),
    ],
)
def test_utf_8_is_quoted_where_the_server_takes_it(value: bytes, pieces: tuple[bytes]) -> None:
    assert names.astring(value, utf8=True) == pieces


@pytest.mark.parametrize(
    ("pieces", "longest", "hasty"),
    [
        ((b"a",), 99, (b"a",)),
        ((b"a {2}", b"xy b {3}", b"123"), 2, (b"a {2+}\r\nxy b {3}", b"123")),
        ((b"a {2}", b"xy b {3}", b"123"), 3, (b"a {2+}\r\nxy b {3+}\r\n123",)),
        ((b"a {2}", b"xy"), 0, (b"a {2}", b"xy")),
        ((b"~{2}", b"xy"), 99, (b"~{2}", b"xy")),
        (
            (
                b"{5}",
                b"a {2}",
            ),
            99,
            (b"{5+}\r\na {2}",),
        ),
    ],
)
def test_short_literals_are_not_announced_where_the_server_takes_them(
    pieces: tuple[bytes, ...], longest: int, hasty: tuple[bytes, ...]
) -> None:
    assert names.unannounced(pieces, longest) == hasty
