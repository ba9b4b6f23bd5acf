"""Asking a provider of mailboxes for new tokens (RFC 6749 section 6).

One request and what its answer means; which account it is for, and what is stored, is not known
here.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from urllib.parse import quote_plus

from services84.errors import (
    MailServerBusy,
    MailServerError,
    MailServerRefused,
    MailServerUnreachable,
)
from services84.security.mail_providers import MailProvider
from services84.security.outbound_http import HttpAnswer, HttpClient
from services84.security.token_answers import GivenTokens, TokenError, read_answer

PERMANENT = "invalid_grant"  # RFC 6749 section 5.2: expired, revoked, or another client's
_LONGEST_WISH = 86_400  # seconds


def ask(http: HttpClient, provider: MailProvider, refresh_token: str) -> GivenTokens | TokenError:
    """New tokens for a refresh token, or why there are none. Where no refresh token comes with
    them, it stays the same one.

    Raises MailServerUnreachable, MailServerBusy for an endpoint that asks for patience or fails,
    and MailServerRefused for one whose answer is neither tokens nor a refusal.
    """
    form, headers = _request(provider, refresh_token)
    try:
        answer = http.post_form(provider.token_url, form, headers)
    except MailServerError as error:
        text = f"the access token cannot be renewed at {provider.name}: {error.message}"
        raise MailServerUnreachable(text, host=error.host) from error
    said = read_answer(answer.status, answer.body)
    if isinstance(said, GivenTokens):
        return replace(said, refresh_token=said.refresh_token or refresh_token)
    if answer.status == 429 or answer.status >= 500:
        raise _busy(provider, answer)
    if said is None:
        raise MailServerRefused(
            f"{provider.name} answered the request for an access token with HTTP "
            f"{answer.status} and no tokens"
        )
    words = said.description
    for secret in (refresh_token, provider.client_secret):
        words = words.replace(secret, "***") if secret else words
    return TokenError(said.code, words)


def _request(provider: MailProvider, refresh_token: str) -> tuple[dict[str, str], dict[str, str]]:
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    if provider.scopes:
        form["scope"] = " ".join(provider.scopes)
    if provider.authentication == "basic":
        # RFC 6749 section 2.3.1: both parts are form-encoded first.
        pair = f"{quote_plus(provider.client_id)}:{quote_plus(provider.client_secret)}"
        encoded = base64.b64encode(pair.encode("ascii")).decode("ascii")
        return form, {"Authorization": f"Basic {encoded}"}
    form["client_id"] = provider.client_id
    if provider.authentication == "post":
        form["client_secret"] = provider.client_secret
    return form, {}


def _busy(provider: MailProvider, answer: HttpAnswer) -> MailServerBusy:
    wish = answer.headers.get("retry-after", "")
    seconds = float(wish) if wish.isascii() and wish.isdigit() and len(wish) < 9 else None
    return MailServerBusy(
        f"{provider.name} gives no access token now (HTTP {answer.status})",
        retry_after=None if seconds is None else min(seconds, _LONGEST_WISH),
    )
