"""The keys of an OpenID Connect provider: fetched, kept, and fetched anew when they change.

A key id that is not known makes the set be fetched anew, but once a minute at most, whoever sends
what. A set that cannot be fetched anew is used for a day.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from services84.errors import ConfigurationError, MailServerError, ServerBusy
from services84.security.identity_tokens import usable
from services84.security.outbound_http import HttpClient, url_problem

log = structlog.get_logger(__name__)

KEPT_SECONDS = 3600.0
LONGEST_KEPT_SECONDS = 24 * 3600.0
LEAST_SECONDS = 60.0  # between two fetches
LEAST_SECONDS_WITHOUT = 10.0  # where there are no keys at all
DISCOVERY = "/.well-known/openid-configuration"


class IssuerKeys:
    """One issuer's keys, for all threads. `clock` counts seconds, from whenever."""

    def __init__(
        self, http: HttpClient, issuer: str, jwks_url: str, clock: Callable[[], float]
    ) -> None:
        for name, url in (("ISSUER", issuer), ("JWKS_URL", jwks_url or issuer)):
            problem = url_problem(url)
            if problem:
                # Not shown: where somebody wrote a password into it, it has one.
                raise ConfigurationError(f"SERVICES84_OIDC_{name} {problem}")
        self._http = http
        self._issuer = issuer
        self._jwks_url = jwks_url
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: list[Mapping[str, Any]] = []
        self._fetched: float | None = None
        self._tried: float | None = None

    def key(self, key_id: str | None) -> Mapping[str, Any] | None:
        """The key of this id; without one the only key that there is.

        Raises ServerBusy where there are no keys, and none can be fetched now.
        """
        with self._lock:
            age = self._age(self._fetched)
            if age is None or age > KEPT_SECONDS or self._find(key_id) is None:
                self._fetch()
            age = self._age(self._fetched)
            if age is None or age > LONGEST_KEPT_SECONDS:
                raise ServerBusy(
                    "the keys of the identity provider cannot be fetched now",
                    retry_after=LEAST_SECONDS_WITHOUT,
                )
            return self._find(key_id)

    def _find(self, key_id: str | None) -> Mapping[str, Any] | None:
        if key_id is None:
            return self._keys[0] if len(self._keys) == 1 else None
        return next((key for key in self._keys if key.get("kid") == key_id), None)

    def _age(self, moment: float | None) -> float | None:
        return None if moment is None else self._clock() - moment

    def _fetch(self) -> None:
        """Fetch the set, unless that was tried a moment ago."""
        least = LEAST_SECONDS_WITHOUT if self._fetched is None else LEAST_SECONDS
        since = self._age(self._tried)
        if since is not None and since < least:
            return
        self._tried = self._clock()
        try:
            found = self._document(self._jwks_url or self._discovered()).get("keys")
            if not isinstance(found, list):
                raise ValueError("there are no keys in it")
        except (MailServerError, ValueError) as error:
            log.warning("oidc.keys_not_fetched", issuer=self._issuer, reason=str(error))
            return
        self._keys = [key for key in found if isinstance(key, dict) and usable(key)]
        self._fetched = self._clock()
        log.info("oidc.keys_fetched", issuer=self._issuer, keys=len(self._keys))

    def _discovered(self) -> str:
        """Where the issuer says that its keys are (OpenID Connect Discovery 1.0, section 4)."""
        document = self._document(self._issuer.rstrip("/") + DISCOVERY)
        if document.get("issuer") != self._issuer:
            raise ValueError("the configuration is another issuer's")
        url = document.get("jwks_uri")
        problem = url_problem(url) if isinstance(url, str) else "is missing"
        if problem:
            raise ValueError(f"the jwks_uri of the configuration {problem}")
        return str(url)

    def _document(self, url: str) -> dict[str, Any]:
        answer = self._http.get(url)
        if answer.status != 200:
            raise ValueError(f"{url} answered HTTP {answer.status}")
        try:
            document = json.loads(answer.body)
        except RecursionError as error:
            raise ValueError(f"{url} is no JSON") from error
        if not isinstance(document, dict):
            raise ValueError(f"{url} is no JSON object")
        return document
