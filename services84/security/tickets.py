"""Tickets and application tokens: random texts of which only a hash is kept.

A ticket looks as the vendor's do (`7T:` and base64), but names nobody and carries nothing: it is
256 random bits, so that a plain SHA-256 of it can neither be guessed nor turned around. Where
hashes are kept and for how long is the store's and the agents' matter.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets

PREFIX = "7T:"
_RANDOM_BYTES = 32
_FORM = re.compile(re.escape(PREFIX) + r"[A-Za-z0-9+/]{43}=")


def new_ticket() -> tuple[str, str]:
    """A new ticket and the hash under which it is kept."""
    text = PREFIX + base64.b64encode(secrets.token_bytes(_RANDOM_BYTES)).decode("ascii")
    return text, hash_ticket(text)


def hash_ticket(text: str) -> str:
    """The hash (SHA-256, hexadecimal) of a ticket or token, of whatever form."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def is_ticket(text: str) -> bool:
    """Whether `text` has the form of a ticket of ours; says nothing about its being valid."""
    return _FORM.fullmatch(text.strip()) is not None
