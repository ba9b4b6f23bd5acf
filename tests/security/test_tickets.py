"""Tickets: the vendor's form, nothing but chance inside, and only a hash to keep."""

from __future__ import annotations

import base64
import hashlib

import pytest

from services84.security.tickets import hash_ticket, is_ticket, new_ticket


def test_a_ticket_has_the_vendors_form_and_256_random_bits() -> None:
    tickets = {new_ticket()[0] for _ in range(1000)}
    assert len(tickets) == 1000
    for ticket in tickets:
        assert ticket.startswith("7T:")
        assert len(base64.b64decode(ticket[3:], validate=True)) == 32


def test_the_hash_is_that_of_the_whole_text() -> None:
    ticket, digest = new_ticket()
    assert digest == hash_ticket(ticket) == hashlib.sha256(ticket.encode()).hexdigest()
    assert hash_ticket(ticket + " ") != digest
    assert hash_ticket("Ärger \ud800")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "anna",
        "7T:",
        "7t:" + "A" * 43 + "=",
        "7T:" + "A" * 42 + "==",
        "7T:" + "A" * 44,
        "7T:" + "A" * 42 + "-=",
        "7T:" + "A" * 43 + "=\n7T:",
        "8T:" + "A" * 43 + "=",
    ],
)
def test_what_is_no_ticket_is_not_taken_for_one(text: str) -> None:
    assert not is_ticket(text)


def test_blanks_around_a_ticket_do_not_matter() -> None:
    assert is_ticket(f" {new_ticket()[0]}\r\n")
