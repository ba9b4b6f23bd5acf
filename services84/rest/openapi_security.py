"""The ways of signing in as the OpenAPI document describes them. Pure.

What they are worth is decided by `authentication` and the gate behind it.
"""

from __future__ import annotations

from typing import Any

from services84.rest.oauth import TOKENS
from services84.security.sessions import SESSION_COOKIE, XSRF_HEADER

_NO_SCOPES: list[str] = []
# Any one of these is enough. An installation online wants the application's token besides.
_ALONE = (["SoTicket"], ["Bearer"], ["IdentityToken"], ["OAuth2"], ["Session", "XsrfToken"])
_SETS = (["Basic"], *_ALONE, *([*names, "AppToken"] for names in _ALONE))
REQUIREMENTS: list[dict[str, list[str]]] = [dict.fromkeys(names, _NO_SCOPES) for names in _SETS]


def security_schemes(server: str) -> dict[str, Any]:
    """The schemes by name; `server` is the address of the installation, without a path."""
    return {
        "Basic": {
            "type": "http",
            "scheme": "basic",
            "description": "Name and password of an associate, in UTF-8 (RFC 7617); for "
            "installations on site. A ticket may stand for the name, with no password.",
        },
        "SoTicket": _key(
            "header",
            "Authorization",
            "`SoTicket` and a ticket as SoPrincipal.svc gives it: `SoTicket 7T:...`; an access "
            "token may stand for the ticket.",
        ),
        "Bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "An access token of this service: `Bearer 8A:...` (RFC 6750).",
        },
        "IdentityToken": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "A signed token of the OpenID Connect provider that the installation "
            "names; its audience is this service.",
        },
        "OAuth2": {
            "type": "oauth2",
            "description": "How an application gets an access token for `Bearer`. An associate's "
            "rights are what a token allows: there are no scopes.",
            "flows": {
                "clientCredentials": {"tokenUrl": f"{server}{TOKENS}", "scopes": {}},
                "password": {
                    "tokenUrl": f"{server}{TOKENS}",
                    "refreshUrl": f"{server}{TOKENS}",
                    "scopes": {},
                },
            },
        },
        "Session": _key(
            "cookie",
            SESSION_COOKIE,
            "The session of whoever signed in to the service's own pages; along with XsrfToken.",
        ),
        "XsrfToken": _key(
            "header",
            XSRF_HEADER,
            "The token that belongs to the session, from the cookie XSRF-TOKEN. Without it, or "
            "with another's: 403.",
        ),
        "AppToken": _key(
            "header",
            "SO-AppToken",
            "The token of the application; needed by installations online.",
        ),
    }


def _key(place: str, name: str, description: str) -> dict[str, str]:
    return {"type": "apiKey", "in": place, "name": name, "description": description}
