"""The OAuth 2 endpoints: tokens, revocation, and what this server offers (RFC 8414).

Addresses as the vendor's (`/login/common/oauth/tokens`). What is granted is `oauth_server`'s.
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from services84.agents.access_tokens import GRANTS
from services84.errors import UnsupportedMediaType
from services84.proxies import address_of, client_address
from services84.rest.answers import json_bytes
from services84.rest.context import services
from services84.rest.oauth_server import AUTH_METHODS, Answer, Asked, TokenServer, as_json

TOKENS = "/login/common/oauth/tokens"
REVOCATION = "/login/common/oauth/revoke"
METADATA = "/.well-known/oauth-authorization-server"
FORM = "application/x-www-form-urlencoded"
NOT_KEPT = {"Cache-Control": "no-store", "Pragma": "no-cache"}  # RFC 6749 section 5.1

oauth = Blueprint("oauth", __name__)


@oauth.post(TOKENS)
def tokens() -> Response:
    """Give access: the answer has the tokens, or an error by RFC 6749 section 5.2."""
    return _response(_server().token())


@oauth.post(REVOCATION)
def revocation() -> Response:
    """End a token (RFC 7009)."""
    return _response(_server().revocation())


@oauth.get(METADATA)
def metadata() -> Response:
    """What this server offers, for clients that find out by themselves."""
    here = address_of(request.environ, services().settings)
    issuer = here[: -len(METADATA)]
    document = {
        "issuer": issuer,
        "token_endpoint": issuer + TOKENS,
        "revocation_endpoint": issuer + REVOCATION,
        "grant_types_supported": list(GRANTS),
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": AUTH_METHODS,
        "revocation_endpoint_auth_methods_supported": AUTH_METHODS,
    }
    return Response(json_bytes(document), content_type="application/json")


def _server() -> TokenServer:
    """Raises UnsupportedMediaType for what is no form, RequestEntityTooLarge for a long one."""
    if request.mimetype != FORM:
        raise UnsupportedMediaType(f"the request has to be a form ({FORM})")
    asked = Asked(
        form=dict(request.form.lists()),
        authorization=request.headers.get("Authorization") or "",
        remote_address=client_address(request.environ, services().settings),
    )
    return TokenServer(services(), asked)


def _response(answer: Answer) -> Response:
    status, payload, headers = answer
    response = Response(as_json(payload), status, content_type="application/json")
    for name, value in headers:
        if name.lower() != "content-type":
            response.headers[name] = value
    response.headers.update(NOT_KEPT)
    return response
