"""Tokens of an OpenID Connect provider that say who a caller is: verified, never made.

RFC 7519, and RFC 8725 for what may go wrong: algorithms by an allow-list of asymmetric ones, the
key by its id, issuer, audience, expiry and begin always. Which associate a name is, the agents
say; where keys come from, `issuer_keys`.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from joserfc import jwk, jwt
from joserfc.errors import JoseError

LONGEST = 16_384
ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512"),
    *("EdDSA", "Ed25519"),
)
_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_NO_KEY_TYPES = ("oct", None)  # a secret that everybody knows signs nothing


class Keys(Protocol):
    """Where an issuer's keys are had from."""

    def key(self, key_id: str | None) -> Mapping[str, Any] | None: ...


@dataclass(frozen=True)
class Rules:
    """What a token has to be; `claim` names the caller. `leeway` in seconds, for clocks that
    differ."""

    issuer: str
    audience: str
    algorithms: Collection[str]
    claim: str
    leeway: int


class Refused(Exception):
    """A token that is not accepted; the text says why, and is for the log."""


def is_identity_token(text: str) -> bool:
    """Whether `text` has the form of a signed JWT; says nothing of its being valid."""
    return len(text) <= LONGEST and _FORM.fullmatch(text) is not None


def usable(key: Mapping[str, Any]) -> bool:
    """Whether a key of a key set (RFC 7517) may have signed a token."""
    return key.get("kty") not in _NO_KEY_TYPES and key.get("use", "sig") == "sig"


class IdentityTokens:
    """Says whose tokens are. `now` gives seconds since 1970."""

    def __init__(self, rules: Rules, keys: Keys, now: Callable[[], float]) -> None:
        self._rules = rules
        self._keys = keys
        self._now = now

    def name_in(self, text: str) -> str:
        """The name that a token gives its caller.

        Raises Refused, and ServerBusy while the issuer's keys cannot be had.
        """
        claims = self._verified(text)
        name = claims.get(self._rules.claim)
        if not isinstance(name, str) or not name.strip():
            raise Refused(f"it has no claim {self._rules.claim}")
        if self._rules.claim == "email" and claims.get("email_verified") in (False, "false"):
            raise Refused("its address was not verified")
        return name

    def _verified(self, text: str) -> Mapping[str, Any]:
        if not is_identity_token(text):
            raise Refused("it is no signed JWT")
        header = _header(text)
        algorithm, key_id = header.get("alg"), header.get("kid")
        if algorithm not in self._rules.algorithms or algorithm not in ALGORITHMS:
            raise Refused("its algorithm is not allowed")
        if key_id is not None and not isinstance(key_id, str):
            raise Refused("its key id is none")
        key = self._keys.key(key_id)
        if key is None:
            raise Refused("its key is not one of the issuer's")
        if key.get("alg", algorithm) != algorithm:
            raise Refused("its key is for another algorithm")
        try:
            token = jwt.decode(text, jwk.import_key(dict(key)), algorithms=[algorithm])
            self._claims().validate(token.claims)
        except JoseError as error:
            raise Refused(f"{error.error}") from error
        except (ValueError, TypeError, RecursionError) as error:
            raise Refused("it or its key is damaged") from error
        return token.claims

    def _claims(self) -> jwt.JWTClaimsRegistry:
        return jwt.JWTClaimsRegistry(
            now=lambda: int(self._now()),
            leeway=self._rules.leeway,
            iss={"essential": True, "value": self._rules.issuer},
            aud={"essential": True, "value": self._rules.audience},
            exp={"essential": True},
        )


def _header(text: str) -> dict[str, Any]:
    encoded = text.partition(".")[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise Refused("its header is no JSON") from error
    if not isinstance(header, dict):
        raise Refused("its header is no object")
    return header
