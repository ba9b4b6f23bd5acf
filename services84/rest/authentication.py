"""What a request presents of its caller: a Flask request becomes `agents.call.Presented`.

Reads forms only; whether a name, a ticket or a token is worth anything is for `agents.gate` to
say. Schemes of Authorization, in any case of letters (RFC 9110 section 11.1):

- `Basic` (RFC 7617), on-site only: name and password, or a ticket as the name and no password;
- `SoTicket`: a ticket as SoPrincipal.svc gives it, or an access token;
- `Bearer` (RFC 6750): an access token of this service's, or a JWT of the identity provider's.

Without it, a browser's session: the cookie with its ticket, and the header X-XSRF-TOKEN with the
token that belongs to it, which whoever merely makes a browser send the cookie does not know.

What a browser keeps and adds by itself, the cookie and Basic, counts for nothing in requests that
another site's page has made it send.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import replace

from flask import Request

from services84.agents.call import Presented
from services84.errors import AccessDenied, NotAuthenticated
from services84.origins import is_foreign
from services84.proxies import address_of, client_address, remote_user
from services84.rest.timezones import read_time_zone
from services84.security.access_tokens import is_access_token
from services84.security.identity_tokens import is_identity_token
from services84.security.sessions import SESSION_COOKIE, XSRF_HEADER, xsrf_matches
from services84.security.tickets import is_ticket
from services84.settings import Settings

REALM = "services84"
APPLICATION_TOKEN = "SO-AppToken"
TIME_ZONE = "SO-TimeZone"

Reader = Callable[[Presented, str, Settings], Presented]


def presented_of(request: Request, settings: Settings) -> Presented:
    """What the request presents.

    Raises NotAuthenticated for an Authorization that is missing, of an unknown scheme, of one that
    is not for this installation, or not well-formed; AccessDenied for a session's cookie without
    the token against forgery, or for what another site has a browser send; InvalidValue for the
    time zone.
    """
    presented = Presented(
        application_token=(request.headers.get(APPLICATION_TOKEN) or "").strip() or None,
        time_zone=read_time_zone(request.headers.get(TIME_ZONE)).zone,
        remote_address=client_address(request.environ, settings),
        remote_user=remote_user(request.environ, settings),
    )
    authorization = (request.headers.get("Authorization") or "").strip()
    if not authorization:
        return _session(presented, request, settings)
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() == "basic":
        _check_origin(request, settings)
    reader = _READERS.get(scheme.lower())
    if reader is None:
        known = ", ".join(scheme for scheme, _ in _schemes(settings))
        raise NotAuthenticated(f"this scheme of Authorization is not known here; use {known}")
    return reader(presented, credentials.strip(), settings)


def _check_origin(request: Request, settings: Settings) -> None:
    fetch_site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if is_foreign(fetch_site, origin, address_of(request.environ, settings)):
        raise AccessDenied(
            "a page of another site has made a browser send this; sign in by an access token"
        )


def challenges(request: Request, settings: Settings, reason: str) -> list[str]:
    """The values of WWW-Authenticate that go with a 401, one for each scheme that is taken here
    (RFC 9110 section 11.6.1). A caller who came with a token hears what was wrong with it: `reason`
    (RFC 6750 section 3)."""
    told = dict(_schemes(settings))
    if _comes_with_token(request):
        told["Bearer"] += _bearers_error("invalid_token", reason)
    return list(told.values())


def scope_challenge(request: Request, reason: str) -> str | None:
    """The WWW-Authenticate of a 403 for who came with a token and has no right to what was asked
    for (RFC 6750 section 3.1); None for others."""
    if not _comes_with_token(request):
        return None
    return _BEARER + _bearers_error("insufficient_scope", reason)


def _comes_with_token(request: Request) -> bool:
    scheme = (request.headers.get("Authorization") or "").strip().partition(" ")[0]
    return scheme.lower() == "bearer"


def _bearers_error(code: str, reason: str) -> str:
    """In the characters that RFC 6750 section 3 allows."""
    return f', error="{code}", error_description="{_UNQUOTED.sub(" ", reason)}"'


_UNQUOTED = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]+")
_BEARER = f'Bearer realm="{REALM}"'


def _schemes(settings: Settings) -> list[tuple[str, str]]:
    schemes = [("SoTicket", f'SoTicket realm="{REALM}"'), ("Bearer", _BEARER)]
    if not settings.online:
        # RFC 7617 section 2.1: names and passwords in UTF-8.
        schemes.insert(0, ("Basic", f'Basic realm="{REALM}", charset="UTF-8"'))
    return schemes


def _basic(presented: Presented, credentials: str, settings: Settings) -> Presented:
    if settings.online:
        raise NotAuthenticated("names and passwords are for installations on site")
    try:
        text = _decoded(base64.b64decode(credentials, validate=True))
    except (binascii.Error, ValueError) as error:
        raise NotAuthenticated("the Basic credentials are no base64") from error
    if is_ticket(text.removesuffix(":")):  # which has a colon itself
        return replace(presented, ticket=text.removesuffix(":"))
    name, colon, password = text.partition(":")
    if not colon or not name:
        raise NotAuthenticated("the Basic credentials are not of the form name:password")
    return replace(presented, name=name, password=password)


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:  # RFC 7617 section 2.1: some user agents send ISO-8859-1
        return raw.decode("latin-1")


def _ticket(presented: Presented, credentials: str, _: Settings) -> Presented:
    if not credentials:
        raise NotAuthenticated("the SoTicket scheme was given without a ticket")
    return replace(presented, ticket=credentials)


def _bearer(presented: Presented, credentials: str, _: Settings) -> Presented:
    if is_access_token(credentials):
        return replace(presented, ticket=credentials)
    if not is_identity_token(credentials):
        raise NotAuthenticated("the Bearer scheme was given without an access token")
    return replace(presented, identity=credentials)


def _session(presented: Presented, request: Request, settings: Settings) -> Presented:
    """Looked at before the ticket is: what is wrong with one tells nothing of the other."""
    ticket = request.cookies.get(SESSION_COOKIE, "")
    if not ticket:
        raise NotAuthenticated("the request says not who sends it; give an Authorization header")
    _check_origin(request, settings)
    if not xsrf_matches(ticket, request.headers.get(XSRF_HEADER)):
        raise AccessDenied(f"{XSRF_HEADER} is missing or does not belong to this session")
    return replace(presented, ticket=ticket)


_READERS: dict[str, Reader] = {"basic": _basic, "soticket": _ticket, "bearer": _bearer}
