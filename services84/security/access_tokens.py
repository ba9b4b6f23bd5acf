"""Access tokens and refresh tokens of applications, and the ids of clients: random texts.

An access token looks as the vendor's do (`8A:Cust12345.` and something opaque); the part before
the dot names the installation and proves nothing. 256 random bits follow, so that a plain SHA-256
can be kept of it (`tickets.hash_ticket`). A refresh token is nothing but random.
"""

from __future__ import annotations

import secrets

PREFIX = "8A:"
_RANDOM_BYTES = 32
_CLIENT_ID_BYTES = 16


def new_access_token(context: str) -> str:
    """A new access token of the installation `context`."""
    return f"{PREFIX}{context}.{secrets.token_urlsafe(_RANDOM_BYTES)}"


def new_refresh_token() -> str:
    return secrets.token_urlsafe(_RANDOM_BYTES)


def new_client_id() -> str:
    return secrets.token_hex(_CLIENT_ID_BYTES)


def is_access_token(text: str) -> bool:
    """Whether `text` has the form of an access token of ours; says nothing of its being valid."""
    return text.strip().startswith(PREFIX)
