"""Tickets: the vendor's form, nothing but chance inside, and only a hash to keep."""

from __future__ import annotations

import ast
import base64
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import services84
from services84.security.tickets import PREFIX, hash_ticket, is_ticket, new_ticket


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


# Time -------------------------------------------------------------------------------------------

SECRET = re.compile(r"(\w*_)?(secret|token|ticket|password|digest|xsrf|hash)")
# What is compared there was not said by a caller.
NOT_OF_CALLERS = {("sync/mail_tokens.py", "secret != refused")}


def _compared() -> Iterator[tuple[str, str]]:
    """Comparisons with == or != of what is called like a secret, outside the store."""
    package = Path(services84.__file__).parent
    for path in package.rglob("*.py"):
        where = path.relative_to(package).as_posix()
        if where.startswith("store/"):
            continue  # columns; the next test has what they are compared with
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
                names = {getattr(each, "attr", getattr(each, "id", ""))
                         for each in (node.left, *node.comparators)}  # fmt: skip
                if any(SECRET.fullmatch(name) for name in names):
                    yield where, ast.unparse(node)


def test_no_secret_of_a_caller_is_compared_byte_by_byte() -> None:
    """That takes the longer the more of it is right; `hmac.compare_digest` takes as long always."""
    assert set(_compared()) == NOT_OF_CALLERS


def test_tickets_are_looked_up_by_a_hash_that_nobody_can_come_near_to() -> None:
    """A database compares byte by byte as well; but of a ticket that is nearly right, the hash is as
    far off as that of any other."""
    text, digest = new_ticket()
    for at in range(len(PREFIX), len(text)):
        near = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
        assert hash_ticket(near)[:8] != digest[:8]
