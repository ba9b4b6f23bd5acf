"""Signing in to the web API as it runs in production: gunicorn with two workers, over sockets.

Each request has a connection of its own, so that whichever worker is free takes it: what one has
given, renewed or ended, counts at once for the other.
"""

from __future__ import annotations

import json
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from joserfc import jwk, jwt

from services84.security.access_tokens import new_client_id
from services84.security.passwords import hash_password
from services84.security.sessions import xsrf_token
from services84.security.tickets import hash_ticket
from services84.store.clients import ClientStore
from services84.store.database import Database
from services84.store.principals import PrincipalStore
from tests.rest.web import AGENT, basic
from tests.support.server import PASSWORD, ServerProcess, plain_session, running_server
from tests.support.token_server import TokenListener, TokenServer

NAME = f"{AGENT}/CreateDefaultEMailAccount"
RECORDS = "/api/crm/emailaccounts"
TOKENS, REVOKE = "/login/common/oauth/tokens", "/login/common/oauth/revoke"
AUDIENCE = "https://mail.example.com"
FIRST = jwk.RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
SECOND = jwk.RSAKey.generate_key(2048, {"kid": "second", "use": "sig"})
ROUNDS = 4  # how often something is asked, so that each worker answers
DEADLINE = 60.0
# The least time between two looks at an issuer's keys is a minute; here it is a second.
SERVE = (
    sys.executable,
    "-c",
    "from services84.security import issuer_keys; issuer_keys.LEAST_SECONDS = 1.0\n"
    "from services84.cli import main; main(['serve'])",
)


class Door:
    """A running service as callers see it, and its database as its operator does."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self.root = server.base.partition("/Remote")[0]
        self.database = Database(server.database_url, pool_size=2)
        self.principals = PrincipalStore(self.database)

    def __call__(self, method: str, path: str, **request: Any) -> requests.Response:
        with plain_session() as session:
            return session.request(method, self.root + path, timeout=60, **request)

    def ask(self, authorization: str = "", **headers: str) -> requests.Response:
        """A call of an operation that needs somebody and changes nothing."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if authorization:
            named["Authorization"] = authorization
        return self("POST", NAME, headers=named)

    def asked(self, authorization: str = "", **headers: str) -> set[int]:
        """The statuses of several such calls."""
        return {self.ask(authorization, **headers).status_code for _ in range(ROUNDS)}

    def tokens(self, client: tuple[str, str], **form: str) -> requests.Response:
        return self("POST", TOKENS, data=form, auth=client)

    def application(self, name: str, *grants: str) -> tuple[str, str]:
        """Client id and secret of a new application that acts as ingrid; without grants its id is
        of no use."""
        secret = secrets.token_urlsafe(32)  # as the operator's command makes it
        acts_as = self.principals.associate_by_name("ingrid")
        assert acts_as is not None
        added = self.principals.add_application(name, hash_ticket(secret), email_agent=bool(grants))
        client = ClientStore(self.database).register(
            added.application_id, new_client_id(), grants, acts_as.associate_id
        )
        return client.client_id, secret

    def id_of(self, name: str) -> int:
        found = self.principals.associate_by_name(name)
        assert found is not None
        return found.associate_id


def challenges(answer: requests.Response) -> list[str]:
    """Its WWW-Authenticate, a field for each scheme."""
    return list(answer.raw.headers.getlist("WWW-Authenticate"))


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory, token_listener: TokenListener) -> Iterator[Door]:
    settings = {
        "oidc_issuer": f"http://127.0.0.1:{token_listener.port}/issuer",
        "oidc_audience": AUDIENCE,
        "workers": 2,
        "sync_interval": 0,
        "login_free_attempts": 10_000,
        "login_free_attempts_address": 10_000,
    }
    with running_server(tmp_path_factory.mktemp("door"), SERVE, **settings) as server:
        server.add_associate("ingrid", admin=True)
        server.add_associate("Åse Øvergård")
        server.add_associate("bert")
        yield Door(server)


@pytest.fixture(scope="module")
def client(door: Door) -> tuple[str, str]:
    return door.application("crm", "client_credentials", "password", "refresh_token")


# Without, and with what is worth nothing ---------------------------------------------------------


def test_nobody_is_asked_by_a_field_for_each_scheme(door: Door) -> None:
    """RFC 9110 section 11.6.1; RFC 7617 section 2.1 for the charset."""
    answer = door.ask()
    assert answer.status_code == 401
    assert challenges(answer) == [
        'Basic realm="services84", charset="UTF-8"',
        'SoTicket realm="services84"',
        'Bearer realm="services84"',
    ]


@pytest.mark.parametrize("token", ["8A:Default.unknown", "7T:unknown", "x"])
def test_a_token_that_is_worth_nothing_is_an_invalid_token(door: Door, token: str) -> None:
    """RFC 6750 section 3.1."""
    answer = door.ask(f"Bearer {token}")
    assert answer.status_code == 401
    told = challenges(answer)[2]
    described = answer.json()["ErrorMessage"]
    assert told == (
        f'Bearer realm="services84", error="invalid_token", error_description="{described}"'
    )


# Schemes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ingrid", "INGRID", "Åse Øvergård"])
def test_basic(door: Door, name: str) -> None:
    assert door.asked(basic(name, PASSWORD)) == {200}
    answer = door.ask(basic(name, "wrong"))
    assert answer.status_code == 401
    assert "error=" not in "".join(challenges(answer))


def test_a_changed_password_counts_at_once_in_every_worker(door: Door) -> None:
    assert door.asked(basic("bert", PASSWORD)) == {200}
    changed = hash_password("another horse 85")
    door.principals.set_password_hash(door.id_of("bert"), changed)
    assert door.asked(basic("bert", PASSWORD)) == {401}
    assert door.asked(basic("bert", "another horse 85")) == {200}


def test_a_ticket_of_soap(door: Door) -> None:
    ticket = door.server.sign_in("ingrid")
    assert door.asked(f"SoTicket {ticket}") == {200}
    assert door.asked(basic(ticket, "")) == {200}
    door.principals.revoke_tickets(door.id_of("ingrid"))
    assert door.asked(f"SoTicket {ticket}") == {401}


def test_a_browsers_session_with_its_token_against_forgery(door: Door) -> None:
    ticket, other = door.server.sign_in("ingrid"), door.server.sign_in("ingrid")
    mine = {"Cookie": f"services84_session={ticket}; XSRF-TOKEN={xsrf_token(ticket)}"}
    assert door.asked(X_XSRF_TOKEN=xsrf_token(ticket), **mine) == {200}
    for wrong in ({}, {"X_XSRF_TOKEN": ""}, {"X_XSRF_TOKEN": xsrf_token(other)}):
        answer = door.ask(**wrong, **mine)
        assert answer.status_code == 403
        assert "X-XSRF-TOKEN is missing" in answer.json()["ErrorMessage"]
        assert not challenges(answer)
    foreign = {"Sec_Fetch_Site": "cross-site", "X_XSRF_TOKEN": xsrf_token(ticket)}
    assert door.asked(**foreign, **mine) == {403}


def test_what_another_site_has_a_browser_send_counts_for_nothing(door: Door) -> None:
    mine = basic("ingrid", PASSWORD)
    assert door.asked(mine, Sec_Fetch_Site="cross-site") == {403}
    assert door.asked(mine, Origin="https://evil.example.com") == {403}
    assert door.asked(mine, Origin=door.root) == {200}
    assert door.asked(mine, Sec_Fetch_Site="same-origin") == {200}


# Tokens of this service -------------------------------------------------------------------------


@pytest.mark.parametrize("grant", ["client_credentials", "password"])
def test_a_grant_gives_a_token_that_every_worker_takes(
    door: Door, client: tuple[str, str], grant: str
) -> None:
    form = {"grant_type": grant, "username": "ingrid", "password": PASSWORD}
    given = door.tokens(client, **form)
    assert given.status_code == 200, given.text
    assert given.headers["Cache-Control"] == "no-store"
    told = given.json()
    assert (told["token_type"], told["expires_in"]) == ("Bearer", 3600)
    assert told["access_token"].startswith("8A:Default.")
    assert ("refresh_token" in told) == (grant == "password")
    assert door.asked(f"Bearer {told['access_token']}") == {200}
    assert door.asked(f"SoTicket {told['access_token']}") == {200}


def test_refresh_tokens_rotate_and_one_that_comes_again_ends_all(
    door: Door, client: tuple[str, str]
) -> None:
    form = {"grant_type": "password", "username": "ingrid", "password": PASSWORD}
    first = door.tokens(client, **form).json()
    chain = [first]
    for _ in range(ROUNDS):
        form = {"grant_type": "refresh_token", "refresh_token": chain[-1]["refresh_token"]}
        answer = door.tokens(client, **form)
        assert answer.status_code == 200, answer.text
        chain.append(answer.json())
    assert len({each["refresh_token"] for each in chain}) == ROUNDS + 1
    assert door.asked(f"Bearer {chain[-1]['access_token']}") == {200}

    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    answer = door.tokens(client, **form)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    for each in chain:
        assert door.ask(f"Bearer {each['access_token']}").status_code == 401
    form = {"grant_type": "refresh_token", "refresh_token": chain[-1]["refresh_token"]}
    assert door.tokens(client, **form).json()["error"] == "invalid_grant"


def test_a_revoked_token_is_worth_nothing_to_every_worker(
    door: Door, client: tuple[str, str]
) -> None:
    form = {"grant_type": "password", "username": "ingrid", "password": PASSWORD}
    given = door.tokens(client, **form).json()
    assert door.asked(f"Bearer {given['access_token']}") == {200}
    answer = door("POST", REVOKE, data={"token": given["access_token"]}, auth=client)
    assert (answer.status_code, answer.json()) == (200, {})
    assert door.asked(f"Bearer {given['access_token']}") == {401}
    form = {"grant_type": "refresh_token", "refresh_token": given["refresh_token"]}
    renewed = door.tokens(client, **form).json()
    answer = door("POST", REVOKE, data={"token": renewed["refresh_token"]}, auth=client)
    assert answer.status_code == 200
    assert door.asked(f"Bearer {renewed['access_token']}") == {401}


def test_who_is_no_client_is_asked_by_basic(door: Door) -> None:
    answer = door.tokens(("crm", "wrong"), grant_type="client_credentials")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert challenges(answer) == ['Basic realm="services84", charset="UTF-8"']


def test_a_token_without_the_role_is_told_of_its_scope(door: Door, client: tuple[str, str]) -> None:
    form = {"grant_type": "password", "username": "Åse Øvergård", "password": PASSWORD}
    bearer = f"Bearer {door.tokens(client, **form).json()['access_token']}"
    answer = door("GET", RECORDS, headers={"Authorization": bearer})
    assert answer.status_code == 403
    (told,) = challenges(answer)
    assert told.startswith('Bearer realm="services84", error="insufficient_scope", ')
    door.principals.grant_role(door.id_of("Åse Øvergård"), "EmailAccount-Read")
    answer = door("GET", RECORDS, headers={"Authorization": bearer})
    assert answer.status_code == 200


# Tokens of somebody else ------------------------------------------------------------------------


class Issuer:
    def __init__(self, server: TokenServer) -> None:
        self.server, self.name = server, server.url("/issuer")

    def serves(self, *keys: jwk.RSAKey) -> None:
        told = {"issuer": self.name, "jwks_uri": self.server.url("/jwks")}
        public = [key.as_dict(private=False) for key in keys]
        self.server.documents = {
            "/issuer/.well-known/openid-configuration": json.dumps(told).encode(),
            "/jwks": json.dumps({"keys": public}).encode(),
        }

    def token(self, key: jwk.RSAKey, **more: Any) -> str:
        now = int(time.time())
        claims = {"iss": self.name, "aud": AUDIENCE, "exp": now + 300, "preferred_username": "bert"}
        return jwt.encode({"alg": "RS256", "kid": key.kid}, claims | more, key)


def until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not what():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


def test_an_issuers_tokens_through_a_change_of_its_keys(
    door: Door, token_server: TokenServer
) -> None:
    issuer = Issuer(token_server)
    issuer.serves(FIRST)
    first, second = (f"Bearer {issuer.token(key)}" for key in (FIRST, SECOND))
    until(lambda: door.asked(first) == {200})
    assert door.asked(second) == {401}  # it is nobody's key
    issuer.serves(FIRST, SECOND)
    until(lambda: door.asked(second) == {200})
    assert door.asked(first) == {200}
    issuer.serves(SECOND)
    # Until the set is fetched anew, which a key id that nobody knows has it be.
    third = jwk.RSAKey.generate_key(2048, {"kid": "third"})
    until(
        lambda: door.asked(f"Bearer {issuer.token(third)}") == {401} and door.asked(first) == {401}
    )
    assert door.asked(second) == {200}


@pytest.mark.parametrize(
    "claims",
    [{"aud": "https://somebody.else"}, {"iss": "http://127.0.0.1:9/x"}, {"exp": 1}, {"exp": None}],
    ids=str,
)
def test_an_issuers_token_for_somebody_else_or_of_yesterday(
    door: Door, token_server: TokenServer, claims: dict[str, Any]
) -> None:
    issuer = Issuer(token_server)
    issuer.serves(SECOND)
    until(lambda: door.asked(f"Bearer {issuer.token(SECOND)}") == {200})
    token = issuer.token(SECOND, **claims) if claims != {"exp": None} else _without_end(issuer)
    answer = door.ask(f"Bearer {token}")
    assert answer.status_code == 401
    assert 'error="invalid_token"' in challenges(answer)[2]


def _without_end(issuer: Issuer) -> str:
    claims = {"iss": issuer.name, "aud": AUDIENCE, "preferred_username": "bert"}
    return jwt.encode({"alg": "RS256", "kid": SECOND.kid}, claims, SECOND)


def test_nothing_secret_is_logged(door: Door, client: tuple[str, str]) -> None:
    log = door.server.log()
    assert "oidc.keys_fetched" in log
    for secret in (PASSWORD, client[1], "8A:Default.", "eyJ", basic("ingrid", PASSWORD)[6:]):
        assert secret not in log
    assert "Traceback" not in log


# Online -----------------------------------------------------------------------------------------


def test_online_the_application_is_asked_for(tmp_path: Path) -> None:
    with running_server(tmp_path, workers=2, sync_interval=0, installation="online") as server:
        server.add_associate("ingrid")
        door = Door(server)
        client = door.application("crm", "client_credentials", "password")
        _, stranger = door.application("other")
        given = door.tokens(client, grant_type="client_credentials")
        assert given.status_code == 200, given.text
        bearer = f"Bearer {given.json()['access_token']}"
        assert door.asked(bearer, SO_AppToken=client[1]) == {200}
        assert door.asked(bearer) == {401}
        assert door.asked(bearer, SO_AppToken="unknown") == {401}
        assert door.asked(bearer, SO_AppToken=stranger) == {403}
        answer = door.ask(basic("ingrid", PASSWORD), SO_AppToken=client[1])
        assert answer.status_code == 401
        assert [told.partition(" ")[0] for told in challenges(answer)] == ["SoTicket", "Bearer"]
