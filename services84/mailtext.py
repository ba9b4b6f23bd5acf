"""What mail servers say, made fit to be shown in ErrorReason and logs. Pure."""

from __future__ import annotations

import base64
import re

HIDDEN = b"***"
LONGEST = 200  # characters
_SHORTEST_SECRET = 3  # a shorter one would blot out half of the text, and hides nothing
_STRETCH = 10  # bytes of a secret that nobody says by chance
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{12,}={0,2}")
_URL_SAFE = re.compile(rb"[_-]")


def readable(raw: bytes, longest: int = LONGEST) -> str:
    """A server's text for people: on one line, without control characters, shortened."""
    text = raw[: longest * 8].decode("utf-8", "replace")
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= longest else text[: longest - 3] + "..."


def without(raw: bytes, secret: str) -> bytes:
    """A server's text without a secret that it may quote from what it was sent: whole, in base64
    with what stood beside it, and in stretches, where it was escaped or cut off."""
    hidden = secret.encode("utf-8")
    if len(hidden) < _SHORTEST_SECRET:
        return raw
    text = raw.replace(hidden, HIDDEN)
    text = _BASE64.sub(lambda word: HIDDEN if _says(word[0], hidden) else word[0], text)
    return _without_stretches(text, hidden)


def _says(word: bytes, hidden: bytes) -> bool:
    padded = word.rstrip(b"=")
    padded = padded[: -1 if len(padded) % 4 == 1 else None]  # of no length that base64 has
    padded += b"=" * (-len(padded) % 4)
    return hidden in base64.b64decode(padded, altchars=b"-_" if _URL_SAFE.search(word) else None)


def _without_stretches(text: bytes, hidden: bytes) -> bytes:
    pieces = {hidden[at : at + _STRETCH] for at in range(len(hidden) - _STRETCH + 1)}
    kept, at = bytearray(), 0
    while at < len(text):
        if text[at : at + _STRETCH] not in pieces:
            kept.append(text[at])
            at += 1
            continue
        kept += HIDDEN
        at += 1
        while text[at : at + _STRETCH] in pieces:
            at += 1
        at += _STRETCH - 1
    return bytes(kept)
