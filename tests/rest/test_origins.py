"""Which requests a browser was made to send by another site's page, and what becomes of them."""

from __future__ import annotations

import pytest

from services84.origins import is_foreign
from services84.security.sessions import xsrf_token
from tests.rest.web import Web, basic
from tests.support.service import PASSWORD, Service

HERE = "http://mail.example.com:8084/api/v1"
NAME = "/api/v1/Agents/EMail/CreateDefaultEMailAccount"


@pytest.mark.parametrize(
    ("fetch_site", "origin", "foreign"),
    [
        (None, None, False),  # a program
        ("", "", False),
        ("same-origin", None, False),
        ("none", None, False),  # the user, at the address line
        ("same-origin", "http://behind.a.proxy", False),  # the browser knows better than we do
        ("cross-site", None, True),
        ("same-site", None, True),
        ("Cross-Site", "http://mail.example.com:8084", True),
        ("whatever comes next", None, True),
        (None, "http://mail.example.com:8084", False),
        (None, "HTTP://Mail.Example.COM:8084", False),
        (None, "http://mail.example.com", True),
        (None, "http://evil.example.com:8084", True),
        (None, "http://mail.example.com.evil.org:8084", True),
        (None, "http://mail.example.com:8084@evil.org", True),
        (None, "null", True),
        (None, "nonsense", True),
        (None, "http://[::1", True),
        (None, "http://mail.example.com:99999999", True),
        (None, "file://", True),
    ],
)
def test_another_sites_page_is_told_by_what_the_browser_says(
    fetch_site: str | None, origin: str | None, foreign: bool
) -> None:
    assert is_foreign(fetch_site, origin, HERE) is foreign


def test_a_proxy_that_ends_tls_need_not_say_so() -> None:
    assert not is_foreign(None, "https://mail.example.com", "http://mail.example.com/api")
    assert is_foreign(None, "https://mail.example.com:8443", "http://mail.example.com/api")


def test_what_is_no_address_is_foreign_even_to_what_is_none() -> None:
    assert is_foreign(None, "null", "nonsense")


FOREIGN = [
    {"Sec_Fetch_Site": "cross-site"},
    {"Sec_Fetch_Site": "same-site", "Origin": "http://localhost:8084"},
    {"Origin": "https://evil.example.com"},
    {"Origin": "null"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_kept_credentials_count_for_nothing_then(service: Service, headers: dict[str, str]) -> None:
    """Neither a name and password nor a session with its own token, and a form least of all."""
    _, ticket = service.associate("ingrid")
    kept = [
        {"Authorization": basic("ingrid", PASSWORD)},
        {"Authorization": basic(ticket, "")},
        {"Cookie": f"services84_session={ticket}", "X_XSRF_TOKEN": xsrf_token(ticket)},
    ]
    for credentials in kept:
        form = (b"", "application/x-www-form-urlencoded")
        answer = Web(service)("POST", NAME, *form, **credentials, **headers)
        assert answer.problem[:2] == (403, "SoAccessDeniedException")
        assert "a page of another site" in answer.problem[2]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_what_no_browser_adds_by_itself_counts_as_always(
    service: Service, headers: dict[str, str]
) -> None:
    _, ticket = service.associate("ingrid")
    assert Web(service, ticket)("POST", NAME, b"", **headers).status == 200
    assert Web(service)("POST", NAME, b"", **headers).status == 401  # nobody, as ever


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec_Fetch_Site": "same-origin", "Origin": "http://localhost:8084"},
        {"Sec_Fetch_Site": "none"},
        {"Origin": "http://localhost:8084"},
    ],
    ids=str,
)
def test_programs_and_own_pages_are_let_in(service: Service, headers: dict[str, str]) -> None:
    service.associate("ingrid")
    mine = {"Authorization": basic("ingrid", PASSWORD), "Host": "localhost:8084"}
    assert Web(service)("POST", NAME, b"", **mine, **headers).status == 200
