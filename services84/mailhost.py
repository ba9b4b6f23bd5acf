"""Values that say where a mail server is and how to sign in; pure, known to every room.

Nothing here resolves, connects or stores. The rules are those of docs/accounts.md: a ServiceAuth
has no TLS flag, so the port decides, and AuthType is matched without regard to case.
"""

from __future__ import annotations

import enum
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field


class Transport(enum.Enum):
    """How a connection is protected."""

    TLS = "tls"  # TLS from the first byte (RFC 8314)
    STARTTLS = "starttls"  # upgraded before anything secret is said
    STARTTLS_ALWAYS = "starttls always"  # the same, to this very machine and with TLS off as well
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
    """A user name with its secret; the secret stays out of every representation.

    `renewed` gives another login after this one was refused, where there is a way to one; it
    raises MailServerError when that fails.
    """

    username: str
    secret: str = field(repr=False)
    mechanism: Mechanism = Mechanism.PASSWORD
    renewed: Callable[[], Login] | None = field(default=None, repr=False, compare=False)


HIGHEST_PORT = 65535


def split_server(text: str, default_port: int) -> tuple[str, int]:
    """Host and port of `host`, `host:port`, `[address]:port` or a bare IPv6 address.

    Raises ValueError whose text goes on after the value: "'h:0' has no port from 1 to 65535 ...".
    """
    text = text.strip()
    if not text or any(c.isspace() or not c.isprintable() for c in text):
        raise ValueError("is no server such as mail.example.com:993")
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")) or not _is_ipv6(host):
            raise ValueError("is no address of the form [address]:port")
        port = rest[1:] if rest else None
    elif text.count(":") > 1:
        if not _is_ipv6(text):
            raise ValueError("is neither host:port nor an IPv6 address")
        host, port = text, None
    else:
        host, colon, after = text.partition(":")
        port = after if colon else None
    if not host:
        raise ValueError("names no host")
    return host, default_port if port is None else port_of(port)


def port_of(text: str) -> int:
    """The port that digits after a colon name; raises ValueError as `split_server` does."""
    digits = text.isascii() and text.isdigit() and len(text) <= len(str(HIGHEST_PORT))
    if not digits or not 1 <= int(text) <= HIGHEST_PORT:
        raise ValueError(f"has no port from 1 to {HIGHEST_PORT} after the colon")
    return int(text)


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


IMPLICIT_TLS_PORTS = frozenset({993, 465})
STARTTLS_PORTS = frozenset(
    {143, 25, 587}
)  # the ports that servers upgrade on (RFC 9051, 3207, 6409)

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


def transport_of(port: int, ssl: bool | None, *, tls_required: bool = True) -> Transport:
    """How an account's connection is protected, by its flag and its port.

    None: the port decides, as in `transport_for`. True: TLS, whatever the operator allows; from
    the first byte, but by STARTTLS on the ports that are for it. False: STARTTLS, as on any port
    that is not for TLS.
    """
    if ssl is None:
        return transport_for(port, tls_required=tls_required)
    if ssl:
        return Transport.STARTTLS_ALWAYS if port in STARTTLS_PORTS else Transport.TLS
    return Transport.STARTTLS if tls_required else Transport.PLAIN


def shown_ssl(port: int, ssl: bool | None) -> bool:
    """An account's flag for those who know no None; saved again, it changes no transport."""
    return port in IMPLICIT_TLS_PORTS if ssl is None else ssl
