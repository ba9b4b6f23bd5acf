"""What mail servers say, made fit to be shown in ErrorReason and logs. Pure."""

from __future__ import annotations

LONGEST = 200  # characters
_SHORTEST_SECRET = 3  # a shorter one would blot out half of the text, and hides nothing


def readable(raw: bytes, longest: int = LONGEST) -> str:
    """A server's text for people: on one line, without control characters, shortened."""
    text = raw[: longest * 8].decode("utf-8", "replace")
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= longest else text[: longest - 3] + "..."


def without(raw: bytes, secret: str) -> bytes:
    """A server's text without a secret that it may quote from what it was sent."""
    hidden = secret.encode("utf-8")
    return raw.replace(hidden, b"***") if len(hidden) >= _SHORTEST_SECRET else raw
