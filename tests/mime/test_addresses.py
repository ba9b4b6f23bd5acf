"""Addresses: whatever a field holds is read; what is sent to is checked."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services84.errors import InvalidValue
from services84.mime.addresses import Address, address_list, checked_address, domain_of
from services84.mime.fields import address_field
from services84.mime.headers import read_headers


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("<>", []),
        ("undisclosed-recipients:;", []),
        ("anna@x.org", [("", "anna@x.org")]),
        ("Anna <anna@x.org>", [("Anna", "anna@x.org")]),
        ('"Doe, Anna" <anna@x.org>, bert@x.org', [("Doe, Anna", "anna@x.org"), ("", "bert@x.org")]),
        ("anna@x.org; bert@x.org", [("", "anna@x.org"), ("", "bert@x.org")]),
        (
            "Friends: anna@x.org, Bert <bert@x.org>;, carla@x.org",
            [("", "anna@x.org"), ("Bert", "bert@x.org"), ("", "carla@x.org")],
        ),
        ("anna@x.org (Anna (the Great))", [("Anna (the Great)", "anna@x.org")]),
        ("anna(at home)@x.org", [("at home", "anna@x.org")]),
        (r'"Anna \"A\" \\" <anna@x.org>', [('Anna "A" \\', "anna@x.org")]),
        ('"a b"@x.org', [("", '"a b"@x.org')]),
        ("anna @ x.org", [("", "anna@x.org")]),
        ("Anna anna@x.org", [("Anna", "anna@x.org")]),
        ("<@a.org,@b.org:anna@x.org>", [("", "anna@x.org")]),
        ("mailto:anna@x.org", [("", "anna@x.org")]),
        ("<mailto:anna@x.org>", [("", "anna@x.org")]),
        ("'anna@x.org'", [("", "anna@x.org")]),
        ("anna@[IPv6:::1]", [("", "anna@[IPv6:::1]")]),
        ("=?utf-8?q?J=C3=B6rg=2C_A=2E?= <j@x.org>", [("Jörg, A.", "j@x.org")]),
        ("=?utf-8?q?Doe, Anna?= <a@x.org>", [("Doe, Anna", "a@x.org")]),
        ("=?utf-8?q?a?= =?utf-8?q?b?= <k@x.org>", [("ab", "k@x.org")]),
        # What people and programs get wrong.
        ("Doe, Anna <anna@x.org>", [("Doe, Anna", "anna@x.org")]),
        ("root, anna@x.org", [("root", ""), ("", "anna@x.org")]),
        ('"Anna <anna@x.org>, bert@x.org', [("Anna", "anna@x.org"), ("", "bert@x.org")]),
        ("Anna (home <anna@x.org>", [("Anna home", "anna@x.org")]),
        ("Anna <anna@x.org, bert@x.org", [("Anna", "anna@x.org"), ("", "bert@x.org")]),
        ("Anna anna@x.org>", [("Anna", "anna@x.org")]),
        ("anna@x.org <anna@x.org>", [("anna@x.org", "anna@x.org")]),
        (",;,", []),
        ("Anna", [("Anna", "")]),
    ],
)
def test_mailboxes_are_read_as_a_person_would(text: str, found: list[tuple[str, str]]) -> None:
    assert address_list(text) == found


@given(st.text(alphabet='ab@.,;:<>()[]"\\ =?\tö', max_size=60))
def test_any_text_gives_a_list(text: str) -> None:
    for name, address in address_list(text):
        assert name or address


@pytest.mark.parametrize("piece", ['"', "(", "<", '\\"', "(\\", "=?a?q?", "a,", "[", "@", "a@b<"])
def test_a_long_field_takes_time_by_its_length(piece: str) -> None:
    started = time.process_time()
    address_list(piece * 200_000)
    assert time.process_time() - started < 10


# Quotes around all of a name are taken off again.
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=80)
NAME = TEXT.filter(lambda text: not text.strip().endswith('"'))


@given(
    st.lists(
        st.tuples(
            NAME,
            st.sampled_from(["a@x.org", "o'neil+x@y.example", '"a,b <c>"@x.org']),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_what_is_written_is_read_again(mailboxes: list[tuple[str, str]]) -> None:
    written = address_field("To", [Address(*each) for each in mailboxes])

    assert written.isascii()
    assert all(len(line) <= 998 for line in written.split(b"\r\n"))
    headers, _ = read_headers(written, 0, len(written))
    read = address_list(headers.addresses("to"))
    assert [each.address for each in read] == [address for _, address in mailboxes]
    assert [each.name for each in read] == [" ".join(name.split()) for name, _ in mailboxes]


@pytest.mark.parametrize(
    ("address", "checked"),
    [
        ("anna@example.com", "anna@example.com"),
        (" anna@example.com ", "anna@example.com"),
        ("anna@bücher.example", "anna@xn--bcher-kva.example"),
        ("anna@straße.example", "anna@xn--strae-oqa.example"),
        ("jörg@bücher.example", "jörg@bücher.example"),
        ("anna@localhost", "anna@localhost"),
        ("anna@[127.0.0.1]", "anna@[127.0.0.1]"),
        ("anna@[IPv6:::1]", "anna@[IPv6:::1]"),
        ('"a b"@example.com', '"a b"@example.com'),
        ("a..b.@docomo.example", "a..b.@docomo.example"),
    ],
)
def test_addresses_are_given_as_servers_take_them(address: str, checked: str) -> None:
    assert checked_address(address, "To") == checked


@pytest.mark.parametrize(
    "address",
    [
        "",
        "anna",
        "@example.com",
        "anna@",
        "anna@-x.org",
        "anna@x..org",
        "anna@x_y.org",
        "anna@[x]",
        "an na@x.org",
        "anna@x.org\r\nBcc: eve@x.org",
        "anna\n@x.org",
        "anna\0@x.org",
        "anna@x.org>",
        "Anna <anna@x.org>",
        "anna@x.org,bert@x.org",
        "anna@bü\u202echer.example",
        "anna@" + "a" * 64 + ".org",
        "a" * 250 + "@x.org",
        "anna@\ud800.org",
    ],
)
def test_what_is_no_address_is_named(address: str) -> None:
    with pytest.raises(InvalidValue, match=r"^To\[3\]\.Address: "):
        checked_address(address, "To[3].Address")


def test_a_domain_is_found_for_any_address() -> None:
    assert domain_of("anna@bücher.example") == "xn--bcher-kva.example"
    assert domain_of("anna@ö ö") == "localhost"
    assert domain_of("anna@[::1]") == "localhost"
    assert domain_of("") == "localhost"
