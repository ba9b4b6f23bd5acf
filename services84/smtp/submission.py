"""Submission servers: whether a login works there. The only file that knows smtplib.

Sends no mail. RFC 6409 (submission), RFC 3207 (STARTTLS), RFC 4954 (AUTH); TLS and cleartext
are ruled as for IMAP, by `mailtls`.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import smtplib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from services84 import mailtls, sasl
from services84.errors import (
    ConnectionLost,
    LoginRefused,
    MailServerBusy,
    MailServerError,
    MailServerRefused,
    MailServerTimeout,
)
from services84.mailhost import Login, MailHost, Mechanism, Transport
from services84.mailtext import readable, without

Dial = Callable[[str, int, float], socket.socket]
"""Connects to host and port within seconds; raises MailServerError."""

MOST_PATIENCE = 3  # times the read time-out: for a server that drips instead of being silent
MOST_CHALLENGES = 8
MOST_BYTES = 256 * 1024  # of everything that the server says
LONGEST_COMMAND = 500  # RFC 4954 section 4: a longer first message waits to be asked for

_GREETING, _READY_FOR_TLS, _CHALLENGE, _SIGNED_IN = 220, 220, 334, 235
# RFC 4954 section 6, RFC 3207: authentication refused, needed, too weak, or not this way.
_REFUSES_LOGIN = frozenset({525, 530, 534, 535, 538})


@dataclass(frozen=True)
class Timeouts:
    """In seconds: until connected, and the longest silence afterwards."""

    connect: float
    read: float


def check_login(
    host: MailHost,
    login: Login,
    *,
    dial: Dial,
    timeouts: Timeouts,
    ca_file: Path | None = None,
    allow_cleartext: bool = False,
) -> None:
    """Sign in and leave; whoever comes back without an error may submit mail.

    `dial(host, port, seconds)` gives a connected socket or raises MailServerError; `ca_file`
    (PEM) names authorities beside the system's; `allow_cleartext` lets a password go
    unprotected to hosts other than this machine.

    Raises LoginRefused for refused credentials and for a server without a usable mechanism,
    MailServerBusy for a temporary refusal, and the other kinds of MailServerError.
    """
    connection = dial(host.host, host.port, timeouts.connect)
    if host.transport is Transport.TLS:
        connection = mailtls.wrap(connection, host, ca_file, timeouts.connect)
    client = _client(connection, timeouts)
    with contextlib.closing(client), _mail_server_errors(host, client, timeouts):
        _greet(client, host)
        protected = host.transport is Transport.TLS or _start_tls(client, host, ca_file, timeouts)
        if not protected and not mailtls.may_go_in_clear(connection, allowed=allow_cleartext):
            raise mailtls.no_tls(host)
        _sign_in(client, host, login, protected)
        with contextlib.suppress(OSError):
            client.docmd("QUIT")


class _Client(smtplib.SMTP):
    """smtplib over a socket that is connected already, hearing a bounded number of bytes."""

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None:
            self.file = _Bounded(self.sock)
        return super().getreply()


class _Bounded:
    """The lines of a socket, until there are too many of them."""

    def __init__(self, connection: socket.socket | None) -> None:
        if connection is None:
            raise smtplib.SMTPServerDisconnected("not connected")
        self._lines = connection.makefile("rb")
        self._left = MOST_BYTES

    def readline(self, limit: int) -> bytes:
        line = self._lines.readline(limit)
        self._left -= len(line)
        if self._left < 0:
            raise ValueError("too much said")  # smtplib takes any OSError for the end
        return line

    def close(self) -> None:
        self._lines.close()


def _client(connection: socket.socket, timeouts: Timeouts) -> _Client:
    connection.settimeout(timeouts.read)
    # The name would be looked up in the DNS; the address is as good (RFC 5321 section 4.1.4).
    address = connection.getsockname()[0]
    name = f"[IPv6:{address}]" if ":" in address else f"[{address}]"
    client = _Client(local_hostname=name)
    client.sock = connection
    return client


@contextlib.contextmanager
def _mail_server_errors(host: MailHost, client: _Client, timeouts: Timeouts) -> Iterator[None]:
    """Everything that goes wrong below comes out as a MailServerError; nothing below lasts
    longer than MOST_PATIENCE times the time-out."""
    expired = threading.Event()

    def give_up() -> None:
        expired.set()
        if client.sock is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(client.sock, socket.SHUT_RDWR)

    watchdog = threading.Timer(MOST_PATIENCE * timeouts.read, give_up)
    watchdog.daemon = True
    watchdog.start()
    try:
        yield
    except (MailServerError, OSError, ValueError) as error:  # smtplib's are OSErrors too
        # What came last may have been cut by the watchdog, and means nothing then.
        if isinstance(error, MailServerError) and not expired.is_set():
            raise
        raise _broken(host, error, timeouts, expired.is_set()) from error
    finally:
        watchdog.cancel()
        watchdog.join()


def _broken(host: MailHost, error: Exception, timeouts: Timeouts, expired: bool) -> MailServerError:
    if expired or isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        seconds = MOST_PATIENCE * timeouts.read if expired else timeouts.read
        return MailServerTimeout(
            f"{host} did not answer within {seconds:g} seconds", host=host.host
        )
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return ConnectionLost(f"{host} closed the connection", host=host.host)
    if isinstance(error, smtplib.SMTPException | ValueError):
        return MailServerRefused(f"{host} does not speak SMTP", host=host.host)
    why = f": {error.strerror}" if isinstance(error, OSError) and error.strerror else ""
    return ConnectionLost(f"the connection to {host} was lost{why}", host=host.host)


def _greet(client: _Client, host: MailHost) -> None:
    code, text = client.getreply()
    if code != _GREETING:
        raise _refusal(host, "the connection", code, text)
    _ehlo(client, host)


def _ehlo(client: _Client, host: MailHost) -> None:
    code, text = client.ehlo()
    if not 200 <= code < 300:
        raise _refusal(host, "EHLO", code, text)


def _start_tls(client: _Client, host: MailHost, ca_file: Path | None, timeouts: Timeouts) -> bool:
    """Start TLS where it is offered; whether the connection is protected now."""
    if not client.has_extn("starttls") or client.sock is None:
        return False
    code, text = client.docmd("STARTTLS")
    if code != _READY_FOR_TLS:
        raise _refusal(host, "STARTTLS", code, text)
    # What was said before, and any byte read too far, may come from anybody.
    if client.file is not None:
        client.file.close()
        client.file = None
    client.esmtp_features = {}
    client.sock = mailtls.wrap(client.sock, host, ca_file, timeouts.connect)
    client.sock.settimeout(timeouts.read)
    _ehlo(client, host)
    return True


def _sign_in(client: _Client, host: MailHost, login: Login, protected: bool) -> None:
    offered = client.esmtp_features.get("auth", "").split()
    mechanism = sasl.choose(offered, login.mechanism, in_clear=not protected)
    if mechanism is None:
        raise _nothing_usable(host, login.mechanism, offered)
    try:
        exchange = sasl.exchange(mechanism, login, host)
    except ValueError as error:
        raise LoginRefused(f"login at {host} is not possible: {error}", host=host.host) from error
    code, text = _authenticate(client, exchange)
    if code != _SIGNED_IN:
        raise _login_refusal(host, code, without(text, login.secret))


def _authenticate(client: _Client, exchange: sasl.Exchange) -> tuple[int, bytes]:
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


def _login_refusal(host: MailHost, code: int, text: bytes) -> MailServerError:
    if code in _REFUSES_LOGIN:
        said = f"{code} {readable(text)}".strip()
        return LoginRefused(f"login refused by {host}: {said}", host=host.host)
    return _refusal(host, "the login", code, text)


def _refusal(host: MailHost, what: str, code: int, text: bytes) -> MailServerError:
    said = f"{code} {readable(text)}".strip()
    if 400 <= code < 500:
        return MailServerBusy(f"{host} asks for patience: {said}", host=host.host)
    if code < 0:
        return MailServerRefused(f"{host} does not speak SMTP: {readable(text)!r}", host=host.host)
    return MailServerRefused(f"{host} refused {what}: {said}", host=host.host)
