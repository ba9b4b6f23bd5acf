"""Authlib's authorization server over `agents.access_tokens`: grants, refusals, revocation.

RFC 6749 sections 4.3, 4.4, 5 and 6, RFC 7009. Authlib reads grants and writes refusals; who a
client or an associate is and what tokens there are is asked of the agents. Knows nothing of Flask.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from authlib.oauth2 import AuthorizationServer, OAuth2Error
from authlib.oauth2.rfc6749 import (
    InvalidClientError,
    InvalidGrantError,
    InvalidRequestError,
    OAuth2Request,
    UnauthorizedClientError,
    grants,
)
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7009 import RevocationEndpoint

from services84.agents import access_tokens
from services84.agents.access_tokens import Given
from services84.agents.logins import verified
from services84.agents.services import Services
from services84.errors import AccessDenied, TooManyAttempts
from services84.store.values import Associate, OAuthClient

AUTH_METHODS = ["client_secret_basic", "client_secret_post"]
REALM = "services84"
Answer = tuple[int, Any, list[tuple[str, str]]]

# It logs the tokens that it gives, at the level debug.
logging.getLogger("authlib").setLevel(logging.WARNING)


@dataclass(frozen=True)
class Asked:
    """A request to an endpoint of the server: its form, and who shows what in Authorization."""

    form: Mapping[str, list[str]]
    authorization: str
    remote_address: str


class SlowDown(OAuth2Error):  # type: ignore[misc]
    """Too many refusals; the code is that of RFC 8628, since RFC 6749 has none for it."""

    error = "slow_down"

    def __init__(self, attempts: TooManyAttempts) -> None:
        super().__init__(attempts.message, status_code=429)
        self._seconds = math.ceil(attempts.retry_after)

    def get_headers(self) -> list[tuple[str, str]]:
        return [*super().get_headers(), ("Retry-After", str(self._seconds))]


class RefusedClient(InvalidClientError):  # type: ignore[misc]
    """RFC 6749 section 5.2 wants the challenge for clients that tried HTTP Basic; others may have
    it as well."""

    def __init__(self, description: str) -> None:
        super().__init__(description, status_code=401)

    def get_headers(self) -> list[tuple[str, str]]:
        others = [each for each in super().get_headers() if each[0] != "WWW-Authenticate"]
        return [*others, ("WWW-Authenticate", f'Basic realm="{REALM}", charset="UTF-8"')]


class Client:
    """A client as Authlib asks about it (its ClientMixin)."""

    def __init__(self, client: OAuthClient) -> None:
        self.client = client

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in AUTH_METHODS

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.client.grants

    def get_allowed_scope(self, scope: str | None) -> str:
        return ""  # an associate's rights are what a token allows


class _ByItself(grants.ClientCredentialsGrant):  # type: ignore[misc]
    """The application as the associate that its operator has named."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS

    def create_token_response(self) -> Answer:
        server: TokenServer = self.server
        try:
            associate = access_tokens.acting_associate(server.services, self.client.client)
        except AccessDenied as error:
            raise UnauthorizedClientError(error.message) from error
        return self._given(server.give(self.client.client, associate, renewable=False))

    def _given(self, given: Given) -> Answer:
        return 200, _document(given), self.TOKEN_RESPONSE_HEADER


class _ByPassword(grants.ResourceOwnerPasswordCredentialsGrant):  # type: ignore[misc]
    """An associate whose name and password the application shows."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS

    def authenticate_user(self, username: str, password: str) -> Associate:
        server: TokenServer = self.server
        associate = server.associate(username, password)
        if associate is None:
            raise InvalidGrantError("the name or the password is wrong")
        return associate

    def create_token_response(self) -> Answer:
        given = self.server.give(self.client.client, self.request.user, renewable=True)
        return 200, _document(given), self.TOKEN_RESPONSE_HEADER


class _ByRefreshToken(grants.RefreshTokenGrant):  # type: ignore[misc]
    """Whoever a refresh token was given for; it is used up, and the answer has the next one."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS

    def validate_token_request(self) -> None:
        self.request.client = self._validate_request_client()
        if not self.request.form.get("refresh_token"):
            raise InvalidRequestError("refresh_token is missing")

    def create_token_response(self) -> Answer:
        server: TokenServer = self.server
        text = self.request.form["refresh_token"]
        given = access_tokens.renew(server.services, self.client.client, text)
        if given is None:
            raise InvalidGrantError("the refresh token is not known, has expired, or was used")
        return 200, _document(given), self.TOKEN_RESPONSE_HEADER


class _Revocation(RevocationEndpoint):  # type: ignore[misc]
    CLIENT_AUTH_METHODS = AUTH_METHODS

    def create_endpoint_request(self, request: OAuth2Request) -> OAuth2Request:
        return request

    def authenticate_token(self, request: OAuth2Request, client: Client) -> str:
        # A hint that is not known is passed over, and all kinds are looked through anyway.
        token = request.form.get("token")
        if not token:
            raise InvalidRequestError("token is missing")
        return str(token)

    def revoke_token(self, token: str, request: OAuth2Request) -> None:
        server: TokenServer = self.server
        access_tokens.revoke(server.services, request.client.client, token)


class TokenServer(AuthorizationServer):  # type: ignore[misc]
    """Answers one request to the token or the revocation endpoint; made anew for each."""

    def __init__(self, services: Services, asked: Asked) -> None:
        super().__init__()
        self.services = services
        self._asked = asked
        for grant in (_ByItself, _ByPassword, _ByRefreshToken):
            self.register_grant(grant)
        self.register_endpoint(_Revocation)

    def token(self) -> Answer:
        """Tokens, or why there are none."""
        return self._answered(self.create_token_response)

    def revocation(self) -> Answer:
        """That a token is worth nothing now, whatever it was before."""
        return self._answered(
            lambda: self.create_endpoint_response(_Revocation.ENDPOINT_NAME, self._request())
        )

    def _answered(self, respond: Callable[[], Answer]) -> Answer:
        try:
            repeated = [name for name, values in self._asked.form.items() if len(values) > 1]
            if repeated:  # RFC 6749 section 3.2
                raise InvalidRequestError("a parameter is repeated")
            return respond()
        except OAuth2Error as error:
            return self.handle_error_response(None, error)  # type: ignore[no-any-return]

    # What Authlib asks ---------------------------------------------------------------------------

    def create_oauth2_request(self, request: None) -> OAuth2Request:
        asked = self._request()
        grant_type = asked.payload.grant_type
        if not grant_type:
            raise InvalidRequestError("grant_type is missing")
        if grant_type not in access_tokens.GRANTS:
            allowed = ", ".join(access_tokens.GRANTS)
            raise OAuth2Error(f"allowed are {allowed}", error="unsupported_grant_type")
        return asked

    def _request(self) -> OAuth2Request:
        return _FormRequest({name: values[0] for name, values in self._asked.form.items()})

    def authenticate_client(
        self, request: OAuth2Request, methods: list[str], endpoint: str = "token"
    ) -> Client:
        shown = self._asked.authorization.strip()
        if shown and "client_secret" in request.form:
            raise InvalidRequestError("the client shows its secret in two ways")
        if shown and not shown.lower().startswith("basic "):
            raise RefusedClient("the client has to show its secret by Basic or in the form")
        client: Client | None
        client = self._by_basic() if shown else self._by_form(request)
        if client is None:
            raise RefusedClient("the client is not known, or its secret is wrong")
        return client

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        pass

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> Answer:
        payload = dict(body) if isinstance(body, list) else body
        return status, payload, headers

    # Who is who ----------------------------------------------------------------------------------

    def associate(self, name: str, password: str) -> Associate | None:
        """The associate of this name and password; raises SlowDown."""
        try:
            return verified(
                self.services, name, password, self._asked.remote_address, self.services.clock()
            )
        except TooManyAttempts as attempts:
            raise SlowDown(attempts) from attempts

    def give(self, client: OAuthClient, associate: Associate, *, renewable: bool) -> Given:
        return access_tokens.give(self.services, client, associate, renewable=renewable)

    def _by_form(self, request: OAuth2Request) -> Client | None:
        form = request.form
        if not form.get("client_id") or not form.get("client_secret"):
            return None
        return self._client(form["client_id"], form["client_secret"])

    def _by_basic(self) -> Client | None:
        """RFC 6749 section 2.3.1: both parts are form-encoded before they become Basic."""
        credentials = self._asked.authorization.strip().partition(" ")[2].strip()
        try:
            text = base64.b64decode(credentials, validate=True).decode("utf-8")
        except (binascii.Error, ValueError):
            return None
        client_id, colon, secret = text.partition(":")
        return self._client(unquote_plus(client_id), unquote_plus(secret)) if colon else None

    def _client(self, client_id: str, secret: str) -> Client | None:
        address = self._asked.remote_address
        try:
            found = access_tokens.verified_client(self.services, client_id, secret, address)
        except TooManyAttempts as attempts:
            raise SlowDown(attempts) from attempts
        return Client(found) if found is not None else None


class _FormRequest(OAuth2Request):  # type: ignore[misc]
    """What was asked for in a form's body; an address's query counts for nothing, since addresses
    are logged."""

    def __init__(self, form: dict[str, str]) -> None:
        # Whether a connection is protected is seen to by whoever runs the proxy in front.
        super().__init__("POST", "https://localhost/", headers={})
        self.payload = BasicOAuth2Payload(form)

    @property
    def form(self) -> dict[str, str]:
        data: dict[str, str] = self.payload.data
        return data


def _document(given: Given) -> dict[str, Any]:
    """RFC 6749 section 5.1."""
    document: dict[str, Any] = {
        "access_token": given.access_token,
        "token_type": "Bearer",
        "expires_in": given.seconds,
    }
    if given.refresh_token is not None:
        document["refresh_token"] = given.refresh_token
    return document


def as_json(payload: Any) -> bytes:
    return json.dumps(payload or {}).encode("ascii")
