"""Access for applications: by their own secret, an associate's password, or a refresh token.

For the token endpoint of whatever front end; how requests and refusals look there is not known
here. Only hashes of what is given are kept.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from services84.agents.logins import begin
from services84.agents.services import Services
from services84.errors import AccessDenied
from services84.security.access_tokens import new_access_token, new_refresh_token
from services84.security.tickets import hash_ticket
from services84.store.values import Associate, HashedToken, OAuthClient

log = structlog.get_logger(__name__)

CLIENT_CREDENTIALS, PASSWORD, REFRESH_TOKEN = "client_credentials", "password", "refresh_token"
GRANTS = (CLIENT_CREDENTIALS, PASSWORD, REFRESH_TOKEN)
_NO_HASH = "0" * 64


@dataclass(frozen=True)
class Given:
    """Tokens as they go out, this once; `seconds` is the life of the access token."""

    access_token: str = field(repr=False)
    seconds: int
    refresh_token: str | None = field(default=None, repr=False)


def verified_client(
    services: Services, client_id: str, secret: str, remote_address: str
) -> OAuthClient | None:
    """The client of this id, when the secret is its application's token; None for a refusal.

    Refusals are slowed down as those of names and passwords are: raises TooManyAttempts, before
    anything is verified.
    """
    counters = begin(services, f"client {client_id}", remote_address, services.clock())
    client = services.clients.client(client_id)
    stored = services.clients.secret_hash_of(client.application.application_id) if client else None
    right = hmac.compare_digest(stored or _NO_HASH, hash_ticket(secret))
    if not right or client is None:
        return None
    services.attempts.succeeded(counters)
    return client


def acting_associate(services: Services, client: OAuthClient) -> Associate:
    """The associate that a client is with nothing but its own secret.

    Raises AccessDenied where the operator has named none.
    """
    found = services.principals.associate(client.acts_as) if client.acts_as else None
    if found is None:
        raise AccessDenied(
            "the application acts as nobody; services84 application grant --acts-as says as whom"
        )
    return found


def give(
    services: Services, client: OAuthClient, associate: Associate, *, renewable: bool
) -> Given:
    """Tokens of a new grant; a refresh token only where the client may use one."""
    now = services.clock()
    access, refresh, given = _new_tokens(services, now)
    renewable = renewable and REFRESH_TOKEN in client.grants
    services.tokens.issue(
        client.application.application_id,
        associate.associate_id,
        access,
        refresh if renewable else None,
    )
    if not renewable:
        given = Given(given.access_token, given.seconds)
    services.tokens.drop_expired(now)
    services.attempts.forget_old(now)
    return given


def renew(services: Services, client: OAuthClient, refresh_token: str) -> Given | None:
    """New tokens for a refresh token, which is worth nothing afterwards; None for a refusal.

    One that comes a second time ends everything that came of it. One of another client is
    refused, and stays what it is.
    """
    now, digest = services.clock(), hash_ticket(refresh_token)
    known = services.tokens.refresh(digest)
    if known is None or known.application_id != client.application.application_id:
        return None
    access, refresh, given = _new_tokens(services, now)
    if services.tokens.rotate(digest, access, refresh, now):
        return given
    log.warning(
        "oauth.refused_refresh_token",
        application=client.application.application_id,
        associate=known.associate.associate_id,
        used_before=known.rotated is not None,
    )
    return None


def revoke(services: Services, client: OAuthClient, token: str) -> None:
    """End a token of this client's: an access token alone, a refresh token with all that came of
    the same grant. Of one that is unknown or another's nothing is said (RFC 7009 section 2.2)."""
    digest, application_id = hash_ticket(token), client.application.application_id
    refresh = services.tokens.refresh(digest)
    if refresh is not None and refresh.application_id == application_id:
        services.tokens.end_grant(refresh.grant_id)
    access = services.tokens.access(digest, services.clock())
    if access is not None and access.application_id == application_id:
        services.tokens.revoke_access(digest)


def _new_tokens(services: Services, now: datetime) -> tuple[HashedToken, HashedToken, Given]:
    settings = services.settings
    access, refresh = new_access_token(settings.context), new_refresh_token()
    return (
        HashedToken(hash_ticket(access), now + timedelta(seconds=settings.access_token_seconds)),
        HashedToken(hash_ticket(refresh), now + timedelta(seconds=settings.refresh_token_seconds)),
        Given(access, settings.access_token_seconds, refresh),
    )
