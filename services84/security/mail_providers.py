"""Who gives access tokens for mailboxes: Google, Microsoft 365 and any other OAuth 2 provider.

Reads the operator's file; nothing here asks anybody. A file in TOML, a table for each provider::

    [google]
    client_id = "..."
    client_secret = "..."

    [example]
    token_url = "https://id.example.com/oauth2/token"
    client_id = "..."
    client_secret = "..."
    scopes = ["openid", "mail"]
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services84.errors import ConfigurationError
from services84.security.outbound_http import url_problem

SETTING = "SERVICES84_MAIL_OAUTH_FILE"
GOOGLE, OFFICE365 = "google", "office365"
AUTHENTICATIONS = ("post", "basic", "none")
_MOST_BYTES = 64 * 1024
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_TENANT = re.compile(r"[A-Za-z0-9.-]{1,253}")
_KEYS = ("token_url", "client_id", "client_secret", "scopes", "authentication", "tenant")


@dataclass(frozen=True)
class MailProvider:
    """Where and how an access token is renewed.

    `scopes` are asked for at every renewal, none where they are empty: a provider gives what was
    consented to then (RFC 6749 section 6). `authentication` is how the client's secret is shown:
    in the form (post), as HTTP Basic, or not at all.
    """

    name: str
    token_url: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    scopes: tuple[str, ...] = ()
    authentication: str = "post"


def read_providers(path: Path | None) -> dict[str, MailProvider]:
    """The providers of a file by their names; none without a file.

    Raises ConfigurationError for a file that is missing, open to others, or wrong.
    """
    if path is None:
        return {}
    try:
        tables = tomllib.loads(_read(path))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        # Not shown what it says: the line may be the one with the secret.
        raise ConfigurationError(f"{SETTING}: {path} is no TOML") from error
    return {name: _provider(name, table) for name, table in tables.items()}


def _read(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(f"{SETTING}: cannot read {path}: {error.strerror}") from error
    if mode & (stat.S_IWGRP | stat.S_IRWXO):
        raise ConfigurationError(
            f"{SETTING}: {path} is open to others (mode {mode & 0o777:04o}); chmod 600 {path}"
        )
    if len(data) > _MOST_BYTES:
        raise ConfigurationError(f"{SETTING}: {path} has more than {_MOST_BYTES} bytes")
    return data.decode("utf-8")


def _provider(name: str, table: Any) -> MailProvider:
    if not _NAME.fullmatch(name):
        raise _wrong(name, "is no name; small letters, digits, dots, dashes and underscores are")
    if not isinstance(table, dict):
        raise _wrong(name, "is no table")
    unknown = sorted(set(table) - set(_KEYS))
    if unknown:
        raise _wrong(name, f"{unknown[0]} is not known; {', '.join(_KEYS)} are")
    usual = _usual(name, table)
    authentication = _text(name, table, "authentication") or "post"
    if authentication not in AUTHENTICATIONS:
        raise _wrong(name, f"authentication is none of {', '.join(AUTHENTICATIONS)}")
    token_url = _text(name, table, "token_url") or usual.get("token_url", "")
    problem = url_problem(token_url)
    if problem:
        raise _wrong(name, f"token_url {problem}" if token_url else "has no token_url")
    client_id = _text(name, table, "client_id")
    if not client_id:
        raise _wrong(name, "has no client_id")
    secret = _text(name, table, "client_secret")
    if bool(secret) == (authentication == "none"):
        raise _wrong(name, 'needs a client_secret, or authentication = "none" without one')
    scopes = _scopes(name, table.get("scopes", usual.get("scopes", ())))
    return MailProvider(name, token_url, client_id, secret, scopes, authentication)


def _usual(name: str, table: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of the great providers."""
    tenant = _text(name, table, "tenant")
    if tenant and (name != OFFICE365 or not _TENANT.fullmatch(tenant)):
        raise _wrong(name, f"tenant is for {OFFICE365} alone, and a domain or an id")
    if name == GOOGLE:
        return {"token_url": "https://oauth2.googleapis.com/token"}
    if name == OFFICE365:
        tenant = tenant or "common"
        return {
            "token_url": f"https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
            "scopes": (
                "https://outlook.office.com/IMAP.AccessAsUser.All",
                "https://outlook.office.com/SMTP.Send",
                "offline_access",
            ),
        }
    return {}


def _text(name: str, table: Mapping[str, Any], key: str) -> str:
    value = table.get(key, "")
    if not isinstance(value, str) or not value.isprintable():
        raise _wrong(name, f"{key} is no text")
    return value


def _scopes(name: str, value: Any) -> tuple[str, ...]:
    wrong = not isinstance(value, list | tuple) or not all(
        isinstance(each, str) and each and each.isprintable() and " " not in each for each in value
    )
    if wrong:
        raise _wrong(name, "scopes are no list of texts without blanks")
    return tuple(value)


def _wrong(name: str, problem: str) -> ConfigurationError:
    shown = name if name.isprintable() else repr(name)
    return ConfigurationError(f"{SETTING}: [{shown[:60]}] {problem}")
