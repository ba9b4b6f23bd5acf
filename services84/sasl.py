"""SASL: what a client says to prove who it is; pure, for IMAP and submission alike.

Chooses a mechanism and computes its messages. Base64, commands and sockets are the protocols'.
Mechanisms: PLAIN (RFC 4616), LOGIN (draft-murchison-sasl-login), CRAM-MD5 (RFC 2195),
OAUTHBEARER (RFC 7628), XOAUTH2 (Google's and Microsoft's documentation of it).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from services84.mailhost import Login, MailHost, Mechanism

_PASSWORD = ("PLAIN", "LOGIN", "CRAM-MD5")
_PASSWORD_IN_CLEAR = ("CRAM-MD5", "PLAIN", "LOGIN")
_CHOICES = {
    Mechanism.CRAM_MD5: ("CRAM-MD5",),
    Mechanism.OAUTH: ("OAUTHBEARER", "XOAUTH2"),
}


@dataclass(frozen=True)
class Exchange:
    """One authentication: the mechanism's name, its first message where the client speaks first,
    and the answer to each challenge. None of it may be logged or shown."""

    mechanism: str
    initial: bytes | None = field(repr=False)
    answer: Callable[[bytes], bytes] = field(repr=False)


def choose(offered: Iterable[str], wanted: Mechanism, *, in_clear: bool = False) -> str | None:
    """The best of the `offered` mechanisms for `wanted`, or None.

    Over an unprotected connection (`in_clear`) a mechanism that hides the password comes first;
    otherwise one that lets the server keep its passwords hashed.
    """
    names = {name.upper() for name in offered}
    choices = _CHOICES.get(wanted, _PASSWORD_IN_CLEAR if in_clear else _PASSWORD)
    return next((name for name in choices if name in names), None)


def exchange(mechanism: str, login: Login, host: MailHost) -> Exchange:
    """The messages of `mechanism` for `login`.

    Raises ValueError when the user name or the secret holds a character that the mechanism
    cannot carry; its text shows neither of them.
    """
    if "\0" in login.username or "\0" in login.secret or "\x01" in login.username + login.secret:
        raise ValueError("the user name or password holds a control character")
    user, secret = login.username.encode("utf-8"), login.secret.encode("utf-8")
    return _EXCHANGES[mechanism](user, secret, host)


def _plain(user: bytes, secret: bytes, host: MailHost) -> Exchange:
    message = b"\0" + user + b"\0" + secret
    return Exchange("PLAIN", message, lambda _challenge: message)


def _login(user: bytes, secret: bytes, host: MailHost) -> Exchange:
    # The prompts' texts differ from server to server; their order does not.
    answers = iter((user, secret))
    return Exchange("LOGIN", None, lambda _challenge: next(answers, b""))


def _cram_md5(user: bytes, secret: bytes, host: MailHost) -> Exchange:
    def answer(challenge: bytes) -> bytes:
        return user + b" " + hmac.new(secret, challenge, "md5").hexdigest().encode("ascii")

    return Exchange("CRAM-MD5", None, answer)


def _oauthbearer(user: bytes, secret: bytes, host: MailHost) -> Exchange:
    # In the GS2 header "=" and "," are escaped (RFC 5801 section 4).
    name = user.replace(b"=", b"=3D").replace(b",", b"=2C")
    where = b"host=%s\x01port=%d\x01" % (host.host.encode("utf-8"), host.port)
    message = b"n,a=" + name + b",\x01" + where + b"auth=Bearer " + secret + b"\x01\x01"
    # A challenge after the token is the error's description; a lone 0x01 ends the exchange.
    return Exchange("OAUTHBEARER", message, _first_then(message, b"\x01"))


def _xoauth2(user: bytes, secret: bytes, host: MailHost) -> Exchange:
    message = b"user=" + user + b"\x01auth=Bearer " + secret + b"\x01\x01"
    return Exchange("XOAUTH2", message, _first_then(message, b""))


def _first_then(message: bytes, afterwards: bytes) -> Callable[[bytes], bytes]:
    """Answers an empty challenge by `message` once; whatever comes then by `afterwards`."""
    unsaid = [message]

    def answer(challenge: bytes) -> bytes:
        return unsaid.pop() if unsaid and not challenge else afterwards

    return answer


_EXCHANGES: dict[str, Callable[[bytes, bytes, MailHost], Exchange]] = {
    "PLAIN": _plain,
    "LOGIN": _login,
    "CRAM-MD5": _cram_md5,
    "OAUTHBEARER": _oauthbearer,
    "XOAUTH2": _xoauth2,
}
