"""The token endpoint: who is given access, who is refused and how, and how access ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from urllib.parse import quote_plus

import pytest
from sqlalchemy import select

from services84.agents.access_tokens import GRANTS
from services84.security.tickets import hash_ticket
from services84.store.tables import access_token, refresh_token
from services84.store.values import Associate
from tests.rest.oauth_clients import (
    REVOKE,
    TOKENS,
    OAuthClient,
    client_of,
    open_door,
    stopped_clock,
)
from tests.rest.web import Answer, Web, basic
from tests.support.service import PASSWORD, Service, running_service

_numbers = count(1)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One for all: every test has an associate and an application of its own."""
    folder = tmp_path_factory.mktemp("oauth")
    settings = {"context": "Cust12345", "login_free_attempts_address": 10_000}
    with running_service(folder, **settings) as running:
        open_door(running)
        yield running


@pytest.fixture
def ingrid(service: Service) -> Associate:
    associate, _ = service.associate(f"ingrid{next(_numbers)}")
    return associate


@pytest.fixture
def client(service: Service, ingrid: Associate) -> OAuthClient:
    """An application that may ask in every way, and acts as ingrid."""
    return client_of(service, f"crm{next(_numbers)}", acts_as=ingrid)


def refused(answer: Answer, status: int, error: str) -> str:
    """The description of a refusal, which is one by RFC 6749 section 5.2."""
    assert (answer.status, answer.json["error"]) == (status, error), answer
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert set(answer.json) <= {"error", "error_description"}
    description = answer.json.get("error_description", "")
    assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]*", description)
    return str(description)


# What is no request -----------------------------------------------------------------------------


def test_other_methods_and_types_are_refused(client: OAuthClient) -> None:
    web = Web(client.service)
    assert web.get(TOKENS).status == 405
    assert web.post(TOKENS, {"grant_type": "client_credentials"}).status == 415
    assert web("POST", TOKENS).status == 415


@pytest.mark.parametrize(
    ("form", "status", "error", "words"),
    [
        ("", 400, "invalid_request", "grant_type is missing"),
        ("grant_type=", 400, "invalid_request", "grant_type is missing"),
        ("grant_type=implicit", 400, "unsupported_grant_type", "client_credentials"),
        ("grant_type=%C3%A9%22%0D%0A", 400, "unsupported_grant_type", "client_credentials"),
        ("grant_type=password&grant_type=password", 400, "invalid_request", "repeated"),
        ("grant_type=client_credentials", 401, "invalid_client", "not known"),
        ("grant_type=client_credentials&client_id=x", 401, "invalid_client", "not known"),
        ("grant_type=password&client_id=%FF&client_secret=%00", 401, "invalid_client", ""),
    ],
)
def test_a_malformed_request_is_told_by_the_codes_of_the_rfc(
    client: OAuthClient, form: str, status: int, error: str, words: str
) -> None:
    answer = client.post(TOKENS, form)
    assert words in refused(answer, status, error)
    challenge = answer.headers.get("www-authenticate")
    assert challenge == ('Basic realm="services84", charset="UTF-8"' if status == 401 else None)


def test_parameters_in_the_address_count_for_nothing(client: OAuthClient) -> None:
    query = f"grant_type=client_credentials&client_id={client.client_id}"
    answer = client.post(f"{TOKENS}?{query}&client_secret={client.secret}", "")
    refused(answer, 400, "invalid_request")


def test_a_form_that_is_too_long_is_refused(client: OAuthClient) -> None:
    assert client.post(TOKENS, "x=" + "y" * 70_000).status == 413


# Clients ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "authorization",
    ["Basic", "Basic ====", "Basic /w==", "Basic YWJj", "Bearer x", "Digest x=y"],
)
def test_credentials_that_are_none_are_refused(client: OAuthClient, authorization: str) -> None:
    answer = client.post(TOKENS, "grant_type=client_credentials", Authorization=authorization)
    refused(answer, 401, "invalid_client")


def test_a_wrong_secret_looks_like_an_unknown_client(client: OAuthClient) -> None:
    answers = [
        client.post(
            TOKENS, "grant_type=client_credentials", Authorization=basic(client_id, "wrong")
        )
        for client_id in (client.client_id, "nobody", "crm")
    ]
    assert len({(a.status, a.body, a.headers["www-authenticate"]) for a in answers}) == 1


def test_a_client_shows_its_secret_in_one_way(client: OAuthClient) -> None:
    form = f"grant_type=client_credentials&client_secret={client.secret}"
    shown = client.basic
    assert "two ways" in refused(
        client.post(TOKENS, form, Authorization=shown), 400, "invalid_request"
    )
    answer = client.post(TOKENS, "grant_type=client_credentials", Authorization=shown)
    assert answer.status == 200


def test_wrong_secrets_are_slowed_down_and_so_is_the_right_one_then(client: OAuthClient) -> None:
    guess = replace(client, secret="guess")
    with stopped_clock(client.service):
        for _ in range(6):
            refused(guess.by_itself(), 401, "invalid_client")
        answer = client.by_itself()
    assert "try again in" in refused(answer, 429, "slow_down")
    assert int(answer.headers["retry-after"]) >= 1


def test_wrong_passwords_are_slowed_down_together_with_those_of_soap(client: OAuthClient) -> None:
    with stopped_clock(client.service):
        for _ in range(3):
            refused(client.by_password(password="guess"), 400, "invalid_grant")
        for _ in range(3):
            client.service.call(
                "AuthenticateUsernamePassword",
                {"Password": "guess", "UserName": client.associate},
                service="SoPrincipal",
            )
        assert "try again in" in refused(client.by_password(), 429, "slow_down")


@pytest.mark.parametrize("missing", GRANTS)
def test_an_application_asks_only_in_the_ways_that_it_was_granted(
    service: Service, ingrid: Associate, missing: str
) -> None:
    client = client_of(service, f"without {missing}", set(GRANTS) - {missing}, acts_as=ingrid)
    answers = {
        "client_credentials": client.by_itself(),
        "password": client.by_password(),
        "refresh_token": client.by_refresh("unknown"),
    }
    refused(answers.pop(missing), 400, "unauthorized_client")
    for name, answer in answers.items():
        assert answer.status == (400 if name == "refresh_token" else 200)
        assert ("refresh_token" in answer.json) == (
            name == "password" and missing != "refresh_token"
        )


def test_an_application_that_acts_as_nobody_is_told_so(service: Service) -> None:
    client = client_of(service, "acts as nobody")
    words = refused(client.by_itself(), 400, "unauthorized_client")
    assert "acts as nobody" in words
    assert "--acts-as" in words


# What is given ----------------------------------------------------------------------------------


def test_an_answer_is_that_of_the_rfc_and_the_token_looks_like_the_vendors(
    client: OAuthClient,
) -> None:
    body = (
        f"grant_type=client_credentials&client_id={client.client_id}"
        f"&client_secret={quote_plus(client.secret)}&scope=openid"
    )
    answer = client.post("/LOGIN/Common/OAuth/Tokens", body)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    assert set(answer.json) == {"access_token", "token_type", "expires_in"}
    assert (answer.json["token_type"], answer.json["expires_in"]) == ("Bearer", 3600)
    assert re.fullmatch(r"8A:Cust12345\.[A-Za-z0-9_-]{43}", answer.json["access_token"])


def test_a_token_opens_the_web_api_and_soap(client: OAuthClient) -> None:
    token = client.by_password().json["access_token"]
    assert client.works(token)
    assert client.works(token, "bearer")
    assert client.works(token, "SoTicket")
    assert not client.works(token[:-1] + ("a" if token[-1] != "a" else "b"))
    reply = client.service.call("GetCurrentAccountId", ticket=token)
    assert reply.succeeded, reply.exception
    reply = client.service.call("GetCurrentAccountId", ticket="8A:Cust12345.nothing")
    assert "access token is not known or has expired" in reply.exception["Message"]


def test_tokens_are_stored_as_hashes_only(client: OAuthClient) -> None:
    given = client.by_password().json
    with client.service.services.database.reading() as connection:
        rows = [
            *connection.execute(select(access_token)).all(),
            *connection.execute(select(refresh_token)).all(),
        ]
    assert len(rows) >= 2
    opaque = given["access_token"].partition(".")[2]
    assert not any(secret in str(rows) for secret in (opaque, given["refresh_token"]))


def test_nothing_secret_is_logged(
    client: OAuthClient, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    given = client.by_password().json
    renewed = client.by_refresh(given["refresh_token"]).json
    client.revoke(renewed["access_token"])
    said = caplog.text + "".join(capsys.readouterr())
    assert "oauth" in said
    for secret in (client.secret, PASSWORD, *map(str, given.values()), *map(str, renewed.values())):
        assert secret in ("Bearer", "3600") or secret not in said


# How it ends ------------------------------------------------------------------------------------


def test_a_refresh_token_is_used_up(client: OAuthClient) -> None:
    first = client.by_password().json
    second = client.by_refresh(first["refresh_token"])
    assert second.status == 200
    assert second.json["refresh_token"] != first["refresh_token"]
    assert client.works(second.json["access_token"])
    third = client.by_refresh(second.json["refresh_token"])
    assert third.status == 200


def test_a_refresh_token_that_comes_again_ends_everything(client: OAuthClient) -> None:
    first = client.by_password().json
    other = client.by_password().json
    second = client.by_refresh(first["refresh_token"]).json
    refused(client.by_refresh(first["refresh_token"]), 400, "invalid_grant")
    assert not client.works(first["access_token"])
    assert not client.works(second["access_token"])
    refused(client.by_refresh(second["refresh_token"]), 400, "invalid_grant")
    assert client.works(other["access_token"])


def test_of_many_that_refresh_at_once_at_most_one_is_given_tokens(client: OAuthClient) -> None:
    token = client.by_password().json["refresh_token"]
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(client.by_refresh, [token] * 4))
    assert sorted(answer.status for answer in answers) == [200, 400, 400, 400]


def test_a_refresh_token_is_worth_nothing_to_another_client(client: OAuthClient) -> None:
    token = client.by_password().json["refresh_token"]
    other = client_of(client.service, "another")
    refused(other.by_refresh(token), 400, "invalid_grant")
    assert other.revoke(token).status == 200
    assert client.by_refresh(token).status == 200


@pytest.mark.parametrize(
    "form", ["grant_type=refresh_token", "grant_type=refresh_token&refresh_token="]
)
def test_a_refresh_token_is_required(client: OAuthClient, form: str) -> None:
    answer = client.post(TOKENS, form, Authorization=client.basic)
    assert "refresh_token is missing" in refused(answer, 400, "invalid_request")


def test_an_access_token_ends_by_the_clock(client: OAuthClient) -> None:
    services = client.service.services
    given = client.by_password().json
    token = given["access_token"]
    with services.database.transaction() as connection:
        digest = hash_ticket(token)
        connection.execute(
            access_token.update()
            .where(access_token.c.token_hash == digest)
            .values(expires=services.clock())
        )
    assert not client.works(token)
    assert client.by_refresh(given["refresh_token"]).status == 200


def test_revoking_ends_an_access_token_alone_and_a_refresh_token_with_all(
    client: OAuthClient,
) -> None:
    given = client.by_password().json
    answer = client.revoke(given["access_token"])
    assert (answer.status, answer.json) == (200, {})
    assert not client.works(given["access_token"])
    renewed = client.by_refresh(given["refresh_token"]).json
    assert client.works(renewed["access_token"])
    assert client.revoke(renewed["refresh_token"], token_type_hint="something").status == 200
    assert not client.works(renewed["access_token"])
    refused(client.by_refresh(renewed["refresh_token"]), 400, "invalid_grant")


def test_revoking_says_nothing_of_tokens_and_asks_who_the_client_is(client: OAuthClient) -> None:
    assert client.revoke("unknown").json == {}
    refused(client.post(REVOKE, "token=x"), 401, "invalid_client")
    answer = client.post(REVOKE, "token=", Authorization=client.basic)
    assert "token is missing" in refused(answer, 400, "invalid_request")


# What is offered --------------------------------------------------------------------------------


@pytest.mark.parametrize("tenant", ["", "/Cust12345"])
def test_the_metadata_names_the_endpoints_by_this_servers_address(
    service: Service, tenant: str
) -> None:
    answer = Web(service).get(f"{tenant}/.well-known/oauth-authorization-server")
    issuer = f"http://localhost:8084{tenant}"
    assert answer.status == 200
    assert answer.json == {
        "issuer": issuer,
        "token_endpoint": f"{issuer}/login/common/oauth/tokens",
        "revocation_endpoint": f"{issuer}/login/common/oauth/revoke",
        "grant_types_supported": ["client_credentials", "password", "refresh_token"],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "revocation_endpoint_auth_methods_supported": [
            "client_secret_basic",
            "client_secret_post",
        ],
    }
