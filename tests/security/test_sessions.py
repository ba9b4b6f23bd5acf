"""Browser sessions: the token against forgery belongs to one ticket and to no other."""

from __future__ import annotations

import re

import pytest

from services84.security.sessions import xsrf_matches, xsrf_token
from services84.security.tickets import new_ticket


def test_a_token_belongs_to_its_ticket_alone() -> None:
    ticket, other = new_ticket()[0], new_ticket()[0]
    assert xsrf_matches(ticket, xsrf_token(ticket))
    assert not xsrf_matches(other, xsrf_token(ticket))


@pytest.mark.parametrize("presented", [None, "", " ", "A" * 43, "ö", "\ud800"])
def test_what_is_no_token_is_refused(presented: str | None) -> None:
    assert not xsrf_matches(new_ticket()[0], presented)


def test_a_token_fits_a_cookie_and_does_not_hold_the_ticket() -> None:
    ticket = new_ticket()[0]
    token = xsrf_token(ticket)
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token)
    assert token not in ticket
    assert ticket[3:] not in token
