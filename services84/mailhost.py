"""Values that say where a mail server is and how to sign in; pure, known to every room.

Nothing here resolves, connects or stores. The rules are those of docs/accounts.md: a ServiceAuth
has no TLS flag, so the port decides, and AuthType is matched without regard to case.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field


class Transport(enum.Enum):
    """How a connection is protected."""

    TLS = "tls"  # TLS from the first byte (RFC 8314)
    STARTTLS = "starttls"  # upgraded before anything secret is said
    PLAIN = "plain"  # only to loopback, or where the operator has switched TLS off


class Mechanism(enum.Enum):
    """What a login's secret is, and how it may be shown to the server."""

    PASSWORD = "password"  # the best password mechanism that the server offers
    CRAM_MD5 = "cram-md5"
    OAUTH = "oauth"  # the secret is a bearer token: OAUTHBEARER or XOAUTH2


@dataclass(frozen=True)
class MailHost:
    """A mail server's address; `host` is a name or an IP address without brackets."""

    host: str
    port: int
    transport: Transport

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Login:
    """A user name with its secret; the secret stays out of every representation."""

    username: str
    secret: str = field(repr=False)
    mechanism: Mechanism = Mechanism.PASSWORD


IMPLICIT_TLS_PORTS = frozenset({993, 465})

_MECHANISMS = {
    "": Mechanism.PASSWORD,
    "password": Mechanism.PASSWORD,
    "plain": Mechanism.PASSWORD,
    "plain-text": Mechanism.PASSWORD,
    "login": Mechanism.PASSWORD,
    "cram-md5": Mechanism.CRAM_MD5,
    "oauth": Mechanism.OAUTH,
    "oauth2": Mechanism.OAUTH,
    "xoauth2": Mechanism.OAUTH,
    "oauthbearer": Mechanism.OAUTH,
}
AUTH_TYPES = "Password, Plain, plain-text, Login, CRAM-MD5, OAuth, OAuth2, XOAUTH2, OAUTHBEARER"


def mechanism_for(auth_type: str | None) -> Mechanism | None:
    """The mechanism that a ServiceAuth.AuthType names, or None when it names none."""
    return _MECHANISMS.get((auth_type or "").strip().lower())


def transport_for(port: int, *, tls_required: bool = True, use_ssl: bool = False) -> Transport:
    """TLS on the ports that are for it or where asked for, else STARTTLS.

    With `tls_required` false (SERVICES84_MAIL_TLS=off) STARTTLS is still tried by whoever
    connects; the transport says what is wanted, the connection decides what may go without.
    """
    if use_ssl or port in IMPLICIT_TLS_PORTS:
        return Transport.TLS
    return Transport.STARTTLS if tls_required else Transport.PLAIN
