"""Signing in at a submission server (RFC 4954)."""

from __future__ import annotations

import base64
import binascii

from services84 import sasl
from services84.errors import LoginRefused, MailServerError
from services84.mailhost import Login, MailHost, Mechanism
from services84.mailtext import readable, without
from services84.smtp.dialogue import Client, Dialogue, refusal

MOST_CHALLENGES = 8
LONGEST_COMMAND = 500  # RFC 4954 section 4: a longer first message waits to be asked for

_CHALLENGE, _SIGNED_IN = 334, 235
# RFC 4954 section 6, RFC 3207: authentication refused, needed, too weak, or not this way.
REFUSES_LOGIN = frozenset({525, 530, 534, 535, 538})


def sign_in(dialogue: Dialogue, login: Login) -> None:
    """Sign in by the best mechanism that server and login allow; raises MailServerError."""
    host, client = dialogue.host, dialogue.client
    offered = client.esmtp_features.get("auth", "").split()
    mechanism = sasl.choose(offered, login.mechanism, in_clear=not dialogue.protected)
    if mechanism is None:
        raise _nothing_usable(host, login.mechanism, offered)
    try:
        exchange = sasl.exchange(mechanism, login, host)
    except ValueError as error:
        raise LoginRefused(f"login at {host} is not possible: {error}", host=host.host) from error
    code, text = _authenticate(client, exchange)
    if code != _SIGNED_IN:
        raise login_refusal(host, code, without(text, login.secret))


def _authenticate(client: Client, exchange: sasl.Exchange) -> tuple[int, bytes]:
    command = f"AUTH {exchange.mechanism}"
    if exchange.initial is not None:
        first = base64.b64encode(exchange.initial).decode("ascii") or "="
        if len(command) + 1 + len(first) <= LONGEST_COMMAND:
            command = f"{command} {first}"
    code, text = client.docmd(command)
    for _ in range(MOST_CHALLENGES):
        if code != _CHALLENGE:
            return code, text
        try:
            answer = base64.b64encode(exchange.answer(base64.b64decode(text))).decode("ascii")
        except binascii.Error:
            answer = "*"  # cancels the exchange
        code, text = client.docmd(answer)
    return code, text


def _nothing_usable(host: MailHost, wanted: Mechanism, offered: list[str]) -> LoginRefused:
    if not offered:
        return LoginRefused(f"{host} offers no login (AUTH)", host=host.host)
    names = {Mechanism.CRAM_MD5: "CRAM-MD5", Mechanism.OAUTH: "OAUTHBEARER or XOAUTH2"}
    name = names.get(wanted, "login with a password")
    shown = readable(" ".join(offered).encode())
    return LoginRefused(f"{host} offers no {name}, but {shown}", host=host.host)


def login_refusal(host: MailHost, code: int, text: bytes) -> MailServerError:
    """What an answer means that does not let us in."""
    if code in REFUSES_LOGIN:
        said = f"{code} {readable(text)}".strip()
        return LoginRefused(f"login refused by {host}: {said}", host=host.host)
    return refusal(host, "the login", code, text)
