"""Signing in: which way, and what the server's refusal means. No sockets, no imaplib2.

RFC 3501 sections 6.2.2 and 6.2.3, with SASL-IR (RFC 4959). The mechanisms' messages are `sasl`'s.
"""

from __future__ import annotations

import base64
import binascii

from services84 import sasl
from services84.errors import LoginRefused
from services84.imap import responses
from services84.imap.names import astring, joined, verbatim
from services84.imap.refusals import command_refusal, login_refusal
from services84.imap.session import Answer, Completion, Session
from services84.mailhost import Login, MailHost, Mechanism
from services84.mailtext import without

MOST_CHALLENGES = 8


def sign_in(session: Session, host: MailHost, login: Login, *, protected: bool) -> None:
    """Sign in by the best way that the server offers, and learn its capabilities afterwards.

    Raises LoginRefused, MailServerBusy, MailServerRefused, and what the session raises.
    """
    try:
        completion = _attempt(session, host, login, protected)
    except ValueError as error:
        raise LoginRefused(f"login at {host} is not possible: {error}", host=host.host) from error
    if not completion.ok:
        # A server may quote what it was sent.
        text = without(completion.text, login.secret)
        raise login_refusal(host, completion.status, text)
    session.signed_in(announced(completion) or _ask(session, host))


def _attempt(session: Session, host: MailHost, login: Login, protected: bool) -> Completion:
    offered = [name[5:] for name in session.capabilities if name.startswith("AUTH=")]
    mechanism = sasl.choose(offered, login.mechanism, in_clear=not protected)
    by_command = (
        login.mechanism is Mechanism.PASSWORD and "LOGINDISABLED" not in session.capabilities
    )
    if mechanism is None or (mechanism == "LOGIN" and by_command):
        if not by_command:
            raise _nothing_usable(session, host, login.mechanism)
        user, secret = login.username.encode("utf-8"), login.secret.encode("utf-8")
        return session.perform("LOGIN", joined(astring(user), astring(secret)))
    return _authenticate(session, sasl.exchange(mechanism, login, host))


def _authenticate(session: Session, exchange: sasl.Exchange) -> Completion:
    command = exchange.mechanism.encode("ascii")
    if exchange.initial is not None and "SASL-IR" in session.capabilities:
        command += b" " + (base64.b64encode(exchange.initial) or b"=")
    return session.perform("AUTHENTICATE", verbatim(command), answer=_answering(exchange))


def _answering(exchange: sasl.Exchange) -> Answer:
    challenges = 0

    def answer(challenge: bytes) -> bytes:
        nonlocal challenges
        challenges += 1
        try:
            said = base64.b64decode(challenge)
        except binascii.Error:
            said = None
        if said is None or challenges > MOST_CHALLENGES:
            return b"*"  # cancels the exchange
        return base64.b64encode(exchange.answer(said))

    return answer


def _nothing_usable(session: Session, host: MailHost, wanted: Mechanism) -> LoginRefused:
    if wanted is Mechanism.PASSWORD:
        problem = "allows no login with a password on this connection"
    else:
        name = "CRAM-MD5" if wanted is Mechanism.CRAM_MD5 else "OAUTHBEARER or XOAUTH2"
        problem = f"offers no {name}"
    if "LOGINDISABLED" in session.capabilities:
        problem += " (LOGINDISABLED)"
    return LoginRefused(f"{host} {problem}", host=host.host)


def announced(completion: Completion) -> frozenset[str] | None:
    """The capabilities that came with a completion, as a response or as a code; or None."""
    found = None
    texts = [completion.text]
    for response in completion.responses:
        said = responses.untagged(response)
        if said and said.kind == "CAPABILITY":
            found = responses.capabilities(said.rest)
        elif said and said.kind == "OK":
            texts.append(said.rest)
    for text in texts:
        status = responses.status_text(text)
        if status.code == "CAPABILITY":
            found = found or responses.capabilities(status.argument.encode("latin-1"))
    return found or None


def _ask(session: Session, host: MailHost) -> frozenset[str]:
    completion = session.perform("CAPABILITY")
    if not completion.ok:
        raise command_refusal(host, "CAPABILITY", completion.text)
    return announced(completion) or session.capabilities
