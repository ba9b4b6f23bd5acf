"""Bearer tokens of an OpenID Connect provider: real keys over HTTP, real signatures."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from joserfc import jwk, jwt

from services84.errors import ConfigurationError
from services84.security.identity_tokens import Rules
from services84.security.issuer_keys import IssuerKeys
from services84.security.outbound_http import HttpClient
from tests.rest.oauth_clients import DOOR, open_door
from tests.rest.web import Answer, Web
from tests.support.service import Service, running_service
from tests.support.token_server import TokenListener, TokenServer

AUDIENCE = "https://mail.example.com"
REFUSED = "the token is not one that is accepted here, or has expired"
RSA = jwk.RSAKey.generate_key(2048, {"kid": "rsa-1", "use": "sig"})
OTHER = jwk.RSAKey.generate_key(2048, {"kid": "rsa-2", "use": "sig"})
CURVE = jwk.ECKey.generate_key("P-256", {"kid": "ec-1"})


class Provider:
    """An issuer whose keys are those of the list; `serves` publishes them."""

    def __init__(self, server: TokenServer, service: Service) -> None:
        self.server, self.service = server, service
        self.issuer = server.url("/issuer")

    def serves(self, *keys: Any, issuer: str = "", more: dict[str, Any] | None = None) -> None:
        public = [key.as_dict(private=False) for key in keys] + ([more] if more else [])
        configuration = {"issuer": issuer or self.issuer, "jwks_uri": self.server.url("/jwks")}
        self.server.documents = {
            "/issuer/.well-known/openid-configuration": json.dumps(configuration).encode(),
            "/jwks": json.dumps({"keys": public}).encode(),
        }

    def token(
        self,
        key: Any = RSA,
        algorithm: str = "RS256",
        header: dict[str, Any] | None = None,
        **more: Any,
    ) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "exp": now + 300,
            "nbf": now - 5,
            "preferred_username": "Ingrid",
        } | more
        claims = {name: value for name, value in claims.items() if value is not None}
        for name in ("exp", "nbf"):  # small numbers are seconds from now
            if isinstance(claims.get(name), int) and abs(claims[name]) < 10_000:
                claims[name] += now
        named = {"alg": algorithm} | ({"kid": key.kid} if key.kid else {}) | (header or {})
        return jwt.encode(named, claims, key, algorithms=[algorithm])

    def ask(self, token: str) -> Answer:
        return Web(self.service).get(DOOR, Authorization=f"Bearer {token}")

    def lets_in(self, token: str) -> bool:
        answer = self.ask(token)
        if answer.status == 200:
            assert answer.json == {"associate": "ingrid"}
            return True
        assert answer.problem == (401, "SoAuthenticationException", REFUSED)
        return False

    def forget(self, **seconds: float) -> None:
        """Let time pass for what is kept of the keys."""
        keys: Any = self.service.services.identity._keys  # type: ignore[union-attr]
        keys._clock = lambda: time.monotonic() + seconds["seconds"]

    @property
    def fetched(self) -> int:
        return sum(path == "/jwks" for path, _, _ in self.server.requests)


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, token_listener: TokenListener
) -> Iterator[Service]:
    settings = {
        "oidc_issuer": f"http://127.0.0.1:{token_listener.port}/issuer",
        "oidc_audience": AUDIENCE,
    }
    with running_service(tmp_path_factory.mktemp("oidc"), **settings) as running:
        open_door(running)
        running.associate("ingrid")
        yield running


@pytest.fixture
def provider(service: Service, token_server: TokenServer) -> Provider:
    """A provider of which nothing has been fetched yet; it has two keys."""
    identity: Any = service.services.identity
    keys = identity._keys
    keys._keys, keys._fetched, keys._tried, keys._clock = [], None, None, time.monotonic
    made = Provider(token_server, service)
    made.serves(RSA, CURVE)
    return made


def unsigned(claims: dict[str, Any], header: dict[str, Any], signature: str = "AA") -> str:
    parts = (json.dumps(part).encode() for part in (header, claims))
    encoded = [base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, signature])


def test_whom_the_provider_names_is_let_in(provider: Provider) -> None:
    assert provider.lets_in(provider.token())
    assert provider.lets_in(provider.token(CURVE, "ES256"))
    assert provider.lets_in(provider.token(aud=["other", AUDIENCE]))
    assert provider.fetched == 1


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://somebody.else"},
        {"iss": None},
        {"aud": "other"},
        {"aud": ["other"]},
        {"aud": None},
        {"exp": None},
        {"exp": 10_001},
        {"exp": "never"},
        {"exp": -40},
        {"nbf": +3600},
        {"preferred_username": None},
        {"preferred_username": 7},
        {"preferred_username": " "},
        {"preferred_username": "nobody"},
    ],
    ids=str,
)
def test_a_token_that_says_something_else_is_refused_in_the_same_words(
    provider: Provider, claims: dict[str, Any]
) -> None:
    assert not provider.lets_in(provider.token(**claims))


def test_clocks_may_differ_a_little(provider: Provider) -> None:
    assert provider.lets_in(provider.token(exp=-10))
    assert provider.lets_in(provider.token(nbf=20))


def test_only_allowed_algorithms_and_the_issuers_keys_count(provider: Provider) -> None:
    good = provider.token()
    claims = json.loads(base64.urlsafe_b64decode(good.split(".")[1] + "=="))
    # The public key, which everybody has, as if it were a secret.
    signed = unsigned(claims, {"alg": "HS256", "kid": "rsa-1"}, "")[:-1]
    digest = hmac.digest(RSA.as_pem(private=False), signed.encode(), "sha256")
    confused = f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"
    tokens = [
        unsigned(claims, {"alg": "none"}),
        unsigned(claims, {"alg": "RS256", "kid": "rsa-1"}),
        unsigned(claims, {"kid": "rsa-1"}),
        unsigned(claims, {"alg": ["RS256"], "kid": "rsa-1"}),
        confused,
        provider.token(algorithm="RS512"),
        provider.token(OTHER),
        provider.token(OTHER, header={"kid": "rsa-1"}),
        provider.token(CURVE, "ES256", header={"kid": "rsa-1"}),
        unsigned(claims, {"alg": "RS256", "kid": 7}),
        good[:-4] + ("AAAA" if good[-4:] != "AAAA" else "BBBB"),
    ]
    assert [provider.lets_in(token) for token in tokens] == [False] * len(tokens)


def test_a_shared_secret_in_the_key_set_signs_nothing(provider: Provider) -> None:
    secret = jwk.OctKey.generate_key(256, {"kid": "oct-1"})
    provider.serves(RSA, more=secret.as_dict(private=True))
    claims = {"iss": provider.issuer, "aud": AUDIENCE, "exp": int(time.time()) + 60}
    token = jwt.encode({"alg": "HS256", "kid": "oct-1"}, claims, secret, algorithms=["HS256"])
    assert not provider.lets_in(token)


@pytest.mark.parametrize("text", ["a.b", "a.b.c.d", "x", "a..c", "ü.b.c", "a.b." + "c" * 16_384])
def test_what_is_no_jwt_is_told_apart(provider: Provider, text: str) -> None:
    answer = provider.ask(text)
    assert answer.problem[0] == 401
    assert "without an access token" in answer.problem[2]


@pytest.mark.parametrize("text", ["a.b.c", "bnVsbA.e30.AA", "e30.e30.AA", "W10.e30.AA"])
def test_what_only_looks_like_a_jwt_is_refused(provider: Provider, text: str) -> None:
    assert not provider.lets_in(text)
    assert provider.fetched == 0


def test_a_new_key_is_fetched_when_it_is_met_but_once_a_minute(provider: Provider) -> None:
    assert provider.lets_in(provider.token())
    provider.serves(OTHER)
    assert not provider.lets_in(provider.token(OTHER))  # just fetched
    provider.forget(seconds=61)
    assert provider.lets_in(provider.token(OTHER))
    assert not provider.lets_in(provider.token())  # the former key is no more
    for number in range(5):
        assert not provider.lets_in(provider.token(header={"kid": f"made up {number}"}))
    assert provider.fetched == 2


def test_a_single_key_needs_no_id(provider: Provider) -> None:
    provider.serves(RSA)
    key = RSA.as_dict(private=True)
    del key["kid"]
    nameless = jwk.RSAKey.import_key(key)
    assert provider.lets_in(provider.token(nameless))
    provider.serves(RSA, CURVE)
    provider.forget(seconds=3601)
    assert not provider.lets_in(provider.token(nameless))


def test_keys_that_cannot_be_fetched_anew_are_used_for_a_day(provider: Provider) -> None:
    assert provider.lets_in(provider.token())
    provider.server.answer = (500, b"")
    provider.forget(seconds=3700)
    assert provider.lets_in(provider.token())
    provider.forget(seconds=25 * 3600)
    answer = provider.ask(provider.token())
    assert answer.status == 503
    assert answer.headers["retry-after"] == "10"


@pytest.mark.parametrize(
    "answer", [(404, b"{}"), (200, b"<html>"), (200, b"[]"), (200, b"{}"), (200, b"[" * 50_000)]
)
def test_without_keys_nobody_is_let_in_and_all_are_told_to_come_again(
    provider: Provider, answer: tuple[int, bytes]
) -> None:
    provider.server.answer = answer
    assert provider.ask(provider.token()).status == 503
    provider.server.answer = None
    assert provider.ask(provider.token()).status == 503  # not tried again at once
    provider.forget(seconds=11)
    assert provider.lets_in(provider.token())


def test_another_issuers_configuration_is_not_believed(provider: Provider) -> None:
    provider.serves(RSA, issuer="https://somebody.else")
    assert provider.ask(provider.token()).status == 503
    assert provider.fetched == 0


def test_soap_takes_no_tokens_of_others(provider: Provider) -> None:
    reply = provider.service.call("GetCurrentAccountId", ticket=provider.token())
    assert reply.succeeded is False


@pytest.mark.parametrize("url", ["id.example.com", "http://id.example.com", "ftp://x"])
def test_a_wrong_issuer_is_named(url: str) -> None:
    client: HttpClient = None  # type: ignore[assignment]
    with pytest.raises(ConfigurationError, match="SERVICES84_OIDC_ISSUER"):
        IssuerKeys(client, url, "", time.monotonic)
    with pytest.raises(ConfigurationError, match="SERVICES84_OIDC_JWKS_URL"):
        IssuerKeys(client, "https://id.example.com", url, time.monotonic)


def test_an_address_counts_as_a_name_only_when_it_was_verified(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity: Any = provider.service.services.identity
    rules = identity._rules
    monkeypatch.setattr(
        identity,
        "_rules",
        Rules(rules.issuer, rules.audience, rules.algorithms, "email", rules.leeway),
    )
    assert not provider.lets_in(provider.token(email="ingrid", email_verified=False))
    assert provider.lets_in(provider.token(email="ingrid", email_verified=True))
