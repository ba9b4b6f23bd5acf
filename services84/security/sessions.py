"""Browser sessions: a ticket in a cookie that scripts cannot read, and the token against forgery.

The token (X-XSRF-TOKEN) is derived from the ticket, so that nothing more has to be kept: whoever
knows the ticket can make it, and whoever can only make a browser send the cookie cannot. Reading
and writing cookies is the front ends' matter.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

SESSION_COOKIE = "services84_session"
XSRF_COOKIE = "XSRF-TOKEN"
XSRF_HEADER = "X-XSRF-TOKEN"
XSRF_FIELD = "__RequestVerificationToken"  # the hidden input of forms, as the vendor names it
_PURPOSE = b"services84 xsrf token"


def xsrf_token(ticket: str) -> str:
    """The token that belongs to a session's ticket: HMAC-SHA256 under the ticket, URL-safe."""
    digest = hmac.new(ticket.encode("utf-8", "surrogatepass"), _PURPOSE, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode("ascii").rstrip("=")


def xsrf_matches(ticket: str, presented: str | None) -> bool:
    """Whether `presented` is the token of this session; in constant time."""
    given = (presented or "").encode("utf-8", "surrogatepass")
    return hmac.compare_digest(xsrf_token(ticket).encode("ascii"), given)
