"""Who is let in to the web API, by which scheme, and what a refusal tells."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from services84.security.sessions import xsrf_token
from services84.store.values import Associate
from tests.rest.oauth_clients import DOOR, client_of, open_door, stopped_clock
from tests.rest.web import Answer, Web, basic
from tests.support.service import PASSWORD, Service, running_service

_numbers = count(1)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("authentication")
    with running_service(folder, login_free_attempts_address=10_000) as running:
        open_door(running)
        yield running


@pytest.fixture
def ingrid(service: Service) -> tuple[Associate, str]:
    """An associate with a ticket."""
    return service.associate(f"ingrid{next(_numbers)}")


def knock(service: Service, **headers: str) -> Answer:
    return Web(service).get(DOOR, **headers)


def refused(answer: Answer, words: str, status: int = 401) -> None:
    kind = "SoAuthenticationException" if status in (401, 429) else "SoAccessDeniedException"
    assert answer.problem[:2] == (status, kind)
    assert words in answer.problem[2]


# By no means ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("authorization", "words"),
    [
        ("", "says not who sends it"),
        ("Negotiate abc", "is not known here; use Basic, SoTicket, Bearer"),
        ("Digest username=x", "is not known here"),
        ("Basic ?", "no base64"),
        ("Basic YWJj", "not of the form name:password"),
        ("Basic OmFiYw==", "not of the form name:password"),
        ("SoTicket", "without a ticket"),
        ("SoTicket 7T:unknown", "ticket is not known or has expired"),
        ("Bearer", "without an access token"),
        ("Bearer 7T:unknown", "without an access token"),
        ("Bearer 8A:Default.unknown", "access token is not known or has expired"),
    ],
)
def test_a_refusal_names_the_schemes_that_are_allowed(
    service: Service, authorization: str, words: str
) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    answer = knock(service, **headers)
    refused(answer, words)
    error = ""
    if authorization.startswith("Bearer"):
        described = answer.problem[2]
        error = f', error="invalid_token", error_description="{described}"'
    assert answer.headers["www-authenticate"] == (
        'Basic realm="services84", charset="UTF-8", '
        f'SoTicket realm="services84", Bearer realm="services84"{error}'
    )


def test_a_token_without_the_right_is_told_so_by_the_code_of_the_rfc(
    service: Service, ingrid: tuple[Associate, str]
) -> None:
    """RFC 6750 section 3.1. Who came with a ticket hears nothing of tokens."""
    client = client_of(service, f"crm{next(_numbers)}", acts_as=ingrid[0])
    token = client.by_itself().json["access_token"]
    answer = Web(service).get("/api/crm/emailaccounts", Authorization=f"Bearer {token}")
    refused(answer, "EmailAccount-Read", 403)
    said = answer.headers["www-authenticate"]
    assert said.startswith('Bearer realm="services84", error="insufficient_scope", error_descr')
    answer = Web(service, ingrid[1]).get("/api/crm/emailaccounts")
    refused(answer, "EmailAccount-Read", 403)
    assert "www-authenticate" not in answer.headers


def test_a_refusal_in_another_language_describes_itself_in_ascii(service: Service) -> None:
    """What RFC 6750 section 3 allows in a description."""
    answer = knock(service, Authorization="Bearer 8A:Default.x", Accept_Language="sv")
    refused(answer, "är")
    assert answer.headers["www-authenticate"].isascii()


def test_an_unknown_name_is_refused_in_the_words_of_a_wrong_password(
    service: Service, ingrid: tuple[Associate, str]
) -> None:
    answers = [
        knock(service, Authorization=basic(name, "wrong"))
        for name in (ingrid[0].name, "nobody at all")
    ]
    assert answers[0].body == answers[1].body
    refused(answers[0], "the name or the password is wrong")


# Basic and SoTicket -----------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["Basic", "BASIC", "basic"])
def test_a_name_and_password_are_taken_with_every_call(
    service: Service, ingrid: tuple[Associate, str], scheme: str
) -> None:
    credentials = basic(ingrid[0].name.upper(), PASSWORD).partition(" ")[2]
    answer = knock(service, Authorization=f"{scheme} {credentials}")
    assert answer.json == {"associate": ingrid[0].name}


@pytest.mark.parametrize("scheme", ["SoTicket", "SOTicket", "SOTICKET", "soticket"])
def test_the_ticket_of_soap_is_taken_whatever_the_schemes_case(
    service: Service, ingrid: tuple[Associate, str], scheme: str
) -> None:
    assert knock(service, Authorization=f"{scheme} {ingrid[1]}").status == 200
    assert knock(service, Authorization=basic(ingrid[1], "")).status == 200


def test_wrong_passwords_are_slowed_down_as_those_of_soap_are(
    service: Service, ingrid: tuple[Associate, str]
) -> None:
    name = ingrid[0].name
    with stopped_clock(service):
        for _ in range(6):
            refused(knock(service, Authorization=basic(name, "guess")), "is wrong")
        answer = knock(service, Authorization=basic(name, PASSWORD))
        refused(answer, "too many failed attempts", 429)
        assert int(answer.headers["retry-after"]) >= 1
        reply = service.call(
            "AuthenticateUsernamePassword",
            {"Password": PASSWORD, "UserName": name},
            service="SoPrincipal",
        )
    assert "too many failed attempts" in reply.exception["Message"]


# A browser's session ----------------------------------------------------------------------------


def session(service: Service, ticket: str, token: str | None, method: str = "POST") -> Answer:
    headers = {"Cookie": f"other=1; services84_session={ticket}"}
    if token is not None:
        headers["X_XSRF_TOKEN"] = token
    return Web(service)(method, DOOR, **headers)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_session_is_taken_with_the_token_that_belongs_to_it(
    service: Service, ingrid: tuple[Associate, str], method: str
) -> None:
    answer = session(service, ingrid[1], xsrf_token(ingrid[1]), method)
    assert answer.json == {"associate": ingrid[0].name}


def test_a_session_without_the_token_or_with_anothers_is_forbidden(
    service: Service, ingrid: tuple[Associate, str]
) -> None:
    _, other = service.associate(f"other{next(_numbers)}")
    for token in (None, "", "x", xsrf_token(other), ingrid[1], xsrf_token(ingrid[1]) + "="):
        refused(session(service, ingrid[1], token), "X-XSRF-TOKEN is missing", 403)
    # Whether the ticket is any good is not told.
    refused(session(service, "7T:unknown", "x"), "X-XSRF-TOKEN is missing", 403)
    refused(session(service, "7T:unknown", xsrf_token("7T:unknown")), "not known or has expired")


def test_the_token_alone_is_nobody(service: Service, ingrid: tuple[Associate, str]) -> None:
    answer = Web(service).get(DOOR, X_XSRF_TOKEN=xsrf_token(ingrid[1]))
    refused(answer, "says not who sends it")


def test_an_authorization_counts_more_than_a_cookie(
    service: Service, ingrid: tuple[Associate, str]
) -> None:
    headers = {"Cookie": f"services84_session={ingrid[1]}", "Authorization": "SoTicket 7T:x"}
    refused(Web(service).get(DOOR, **headers), "ticket is not known")


# Online -----------------------------------------------------------------------------------------


def test_online_an_application_is_required_and_no_password_is_taken(tmp_path: Path) -> None:
    with running_service(tmp_path, installation="online") as service:
        open_door(service)
        associate, ticket = service.associate("ingrid")
        granted = service.application_token("granted", email_agent=True)
        other = service.application_token("other", email_agent=False)
        mine = f"SoTicket {ticket}"

        refused(knock(service, Authorization=mine), "application token is missing")
        answer = knock(service, Authorization="SoTicket 7T:x", SO_APPTOKEN="unknown")
        refused(answer, "application token is missing or not known")
        answer = knock(service, Authorization=mine, SO_APPTOKEN=other)
        refused(answer, "has not been granted", 403)
        assert knock(service, Authorization=mine, SO_APPTOKEN=granted).status == 200
        answer = knock(service, Authorization=basic("ingrid", PASSWORD), SO_APPTOKEN=granted)
        refused(answer, "on site")
        assert "Basic" not in answer.headers["www-authenticate"]

        crm = client_of(service, "crm", acts_as=associate)
        token = crm.by_itself().json["access_token"]
        bearer = f"Bearer {token}"
        assert knock(service, Authorization=bearer, SO_APPTOKEN=crm.secret).status == 200
        answer = knock(service, Authorization=bearer, SO_APPTOKEN=granted)
        refused(answer, "access token is not known or has expired")
        refused(knock(service, Authorization=bearer), "application token is missing")
        reply = service.call("GetCurrentAccountId", ticket=token, application_token=crm.secret)
        assert reply.succeeded, reply.exception
