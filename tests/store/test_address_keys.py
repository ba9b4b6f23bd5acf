"""Spellings of one address have one key, and different addresses have different ones."""

from __future__ import annotations

import pytest

from services84.store.address_keys import account_keys, address_key
from services84.store.sql import folded

SAME = [
    ("Anna@Example.COM", "anna@example.com"),
    (" anna@example.com ", "anna@example.com"),
    ("anna@example.com.", "anna@example.com"),
    ("anna@MÜNCHEN.example", "anna@xn--mnchen-3ya.example"),
    ("anna@XN--MNCHEN-3YA.example", "anna@münchen.example"),
    ("anna@mu\u0308nchen.example", "anna@münchen.example"),
    ("anna@example\u3002com", "anna@example.com"),
    ("\uff41nna@example.com", "anna@example.com"),
    ("JÖRG@example.com", "jörg@example.com"),
]
DIFFERENT = [
    ("anna@straße.example", "anna@strasse.example"),
    ("anna@example.com", "anna@example.org"),
    ("anna+x@example.com", "anna@example.com"),
    ("a.nna@example.com", "anna@example.com"),
    ("anna", "anna@"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_spellings_of_an_address_have_one_key(one: str, other: str) -> None:
    assert address_key(one) == address_key(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_addresses_have_different_keys(one: str, other: str) -> None:
    assert address_key(one) != address_key(other)


@pytest.mark.parametrize(
    "odd", ["", "@", "a@xn--", "a@xn--\u00e4", "a@xn--999999999", "\ud800@x", "a@b@c"]
)
def test_what_is_no_address_has_a_key_too(odd: str) -> None:
    assert isinstance(address_key(odd), str)
    account_keys(odd)


def test_an_account_is_found_under_either_form_of_its_domain() -> None:
    for stored in ("Anna@münchen.example", "Anna@xn--mnchen-3ya.example"):
        for asked in ("anna@MÜNCHEN.example", "anna@xn--mnchen-3ya.EXAMPLE"):
            assert folded(stored) in account_keys(asked)
