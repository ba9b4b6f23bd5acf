"""What a provider's token endpoint answers, and what people hand over as a token; pure.

RFC 6749 sections 5.1 and 5.2. No text made here holds a token.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

LONGEST_TOKEN = 16_384
MOST_SECONDS = 365 * 24 * 3600
_TOKEN = re.compile(r"[\x21-\x7e]+")
_SHOWABLE = re.compile(r"[^\x20-\x7e]+")


@dataclass(frozen=True)
class GivenTokens:
    """Tokens for a mailbox; empty or None is what was not given. `seconds` is how long the access
    token lasts from when it was given."""

    access_token: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    seconds: int | None = None


@dataclass(frozen=True)
class TokenError:
    """A refusal: its code, as `invalid_grant`, and the provider's words where it has any."""

    code: str
    description: str = ""

    def __str__(self) -> str:
        return f"{self.code}: {self.description}" if self.description else self.code


def read_answer(status: int, body: bytes) -> GivenTokens | TokenError | None:
    """An answer of a token endpoint; None for what is neither tokens nor a refusal."""
    said = _object(body)
    if said is None:
        return None
    code = said.get("error")
    if isinstance(code, str) and code:
        # Some answer 200 to what they refuse.
        return TokenError(_shown(code, 60), _shown(said.get("error_description"), 200))
    if status != 200:
        return None
    try:
        given = _given(said)
    except ValueError:
        return None
    return given if given.access_token else None


def read_given(text: str) -> GivenTokens:
    """What a person hands over: the token endpoint's answer as it came (JSON), or a refresh token
    alone.

    Raises ValueError whose text says what is wrong, without the token.
    """
    text = text.strip()
    if text.startswith("{"):
        said = _object(text.encode("utf-8", "replace"))
        if said is None:
            raise ValueError("begins as JSON and is none")
        given = _given(said)
        if not given.access_token and not given.refresh_token:
            raise ValueError("has neither an access_token nor a refresh_token")
        return given
    return GivenTokens(refresh_token=_token(text, "it"))


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _given(said: dict[str, Any]) -> GivenTokens:
    access, refresh = said.get("access_token") or "", said.get("refresh_token") or ""
    return GivenTokens(
        _token(access, "access_token") if access else "",
        _token(refresh, "refresh_token") if refresh else "",
        _seconds(said.get("expires_in")),
    )


def is_token(value: Any) -> bool:
    """Whether it is of the form that a token has: printable ASCII without blanks."""
    return (
        isinstance(value, str)
        and _TOKEN.fullmatch(value) is not None
        and len(value) <= LONGEST_TOKEN
    )


def _token(value: Any, name: str) -> str:
    if not is_token(value):
        raise ValueError(f"{name} is no token; one is printable ASCII without blanks")
    return str(value)


def _seconds(value: Any) -> int | None:
    """Some give the number as a text."""
    try:
        seconds = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return min(seconds, MOST_SECONDS) if seconds > 0 else None


def _shown(value: Any, most: int) -> str:
    text = _SHOWABLE.sub(" ", value).strip() if isinstance(value, str) else ""
    return text if len(text) <= most else text[: most - 3] + "..."
