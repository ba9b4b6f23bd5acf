"""The first words with an IMAP server: greeting, and TLS where it is wanted. Sockets, no imaplib2.

Ends before anything secret is said: the result is a connected socket, protected as the
MailHost's transport and the rules of `mailtls` ask, with what the server has said so far.
STARTTLS is done here, before any thread reads from the socket (RFC 3501 section 6.2.1).
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from services84 import mailtls
from services84.errors import ConnectionLost, MailServerError, MailServerRefused, MailServerTimeout
from services84.imap import responses
from services84.imap.framing import Framer, LimitReached, Limits, Response
from services84.imap.refusals import farewell
from services84.imap.tracing import Tracer
from services84.mailhost import MailHost, Transport
from services84.mailtext import readable

Dial = Callable[[str, int, float], socket.socket]
"""Connects to host and port within seconds; raises MailServerError."""

_LIMITS = Limits(line=65536, literal=65536)
_RECEIVE = 4096
_T = TypeVar("_T")


@dataclass(frozen=True)
class Timeouts:
    """In seconds: until connected, and the longest silence afterwards."""

    connect: float
    read: float


@dataclass(frozen=True)
class Opened:
    """A connection that was greeted. `pending` are bytes that came after what was read here."""

    socket: socket.socket
    greeting: Response
    capabilities: frozenset[str] | None
    protected: bool
    pending: bytes = b""


def open_connection(
    host: MailHost,
    *,
    dial: Dial,
    timeouts: Timeouts,
    ca_file: Path | None,
    allow_cleartext: bool,
    tracer: Tracer | None = None,
) -> Opened:
    """Connect, read the greeting, and start TLS.

    Raises MailServerError: TlsFailed, MailServerTimeout, ConnectionLost, MailServerBusy,
    MailServerRefused, and whatever `dial` raises.
    """
    connection = dial(host.host, host.port, timeouts.connect)
    if host.transport is Transport.TLS:
        connection = mailtls.wrap(connection, host, ca_file, timeouts.connect)
    try:
        talk = _Talk(connection, host, timeouts.read, tracer)
        return _greet(talk, connection, host, timeouts, ca_file, allow_cleartext)
    except BaseException:
        connection.close()
        raise


def _greet(
    talk: _Talk,
    connection: socket.socket,
    host: MailHost,
    timeouts: Timeouts,
    ca_file: Path | None,
    allow_cleartext: bool,
) -> Opened:
    greeting = talk.response()
    _check_greeting(greeting, host)
    known = announced(greeting)
    if host.transport is Transport.TLS:
        return Opened(connection, greeting, known, True, talk.pending)
    known = known or talk.capabilities()
    if "STARTTLS" in known:
        talk.start_tls()
        protected = mailtls.wrap(connection, host, ca_file, timeouts.connect)
        # What was said before TLS may come from anybody: the capabilities are asked for again.
        return Opened(protected, greeting, None, True)
    if not mailtls.may_go_in_clear(connection, host, allowed=allow_cleartext):
        raise mailtls.no_tls(host)
    return Opened(connection, greeting, known, False, talk.pending)


def _check_greeting(greeting: Response, host: MailHost) -> None:
    said = responses.untagged(greeting)
    kind = said.kind if said else ""
    if kind == "OK":
        return
    if said and kind == "BYE":
        raise farewell(host, said.rest)
    if kind == "PREAUTH":
        # Signed in as whom? The account's login would never be checked.
        raise MailServerRefused(
            f"{host} greets as already signed in, without asking who it is", host=host.host
        )
    raise MailServerRefused(
        f"{host} does not speak IMAP: {readable(greeting.text, 80)!r}", host=host.host
    )


def announced(greeting: Response) -> frozenset[str] | None:
    """The capabilities that a greeting or a tagged OK tells by itself, or None."""
    words = greeting.text.split(b" ", 2)
    status = responses.status_text(words[2] if len(words) > 2 else b"")
    if status.code != "CAPABILITY":
        return None
    return responses.capabilities(status.argument.encode("latin-1"))


class _Talk:
    """A few lines back and forth, within one deadline of `seconds`, however slowly they drip."""

    def __init__(
        self, connection: socket.socket, host: MailHost, seconds: float, tracer: Tracer | None
    ) -> None:
        self._socket = connection
        self._tracer = tracer
        self._host = host
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds
        self.pending = b""

    def response(self) -> Response:
        """The next response."""
        framer = Framer(_LIMITS)
        try:
            while True:
                line, newline, rest = self.pending.partition(b"\n")
                self.pending = rest
                complete = next(framer.feed(line + newline), None)
                if complete:
                    if self._tracer:
                        self._tracer.heard(complete)
                    return complete
                if not self.pending:
                    self.pending = self._receive()
        except LimitReached as error:
            raise MailServerRefused(f"{self._host} {error}", host=self._host.host) from error

    def capabilities(self) -> frozenset[str]:
        """Ask for the capabilities."""
        found: frozenset[str] = frozenset()
        for response in self._command(b"CAPABILITY"):
            said = responses.untagged(response)
            if said and said.kind == "CAPABILITY":
                found = responses.capabilities(said.rest)
        return found

    def start_tls(self) -> None:
        """Ask for STARTTLS; the next byte of the server is TLS's."""
        self._command(b"STARTTLS")
        if self.pending:
            # Commands or answers slipped in before the handshake would count as protected.
            raise MailServerRefused(
                f"{self._host} said more than it may before TLS", host=self._host.host
            )

    def _command(self, command: bytes) -> list[Response]:
        tag = b"s%d" % len(command)
        if self._tracer:
            self._tracer.command(command.decode("ascii"), ())
        self._try(lambda: self._socket.sendall(tag + b" " + command + b"\r\n"))
        untagged: list[Response] = []
        while len(untagged) < 100:  # a few are usual
            response = self.response()
            words = response.text.split(b" ", 2)
            if words[0] != tag:
                untagged.append(response)
                self._check_bye(response)
            elif words[1:2] and words[1].upper() == b"OK":
                return untagged
            else:
                break
        text = readable(response.text)
        name = command.decode("ascii")
        raise MailServerRefused(f"{self._host} refused {name}: {text}", host=self._host.host)

    def _check_bye(self, response: Response) -> None:
        said = responses.untagged(response)
        if said and said.kind == "BYE":
            raise farewell(self._host, said.rest)

    def _receive(self) -> bytes:
        received = self._try(lambda: self._socket.recv(_RECEIVE))
        if not received:
            raise ConnectionLost(f"{self._host} closed the connection", host=self._host.host)
        return received

    def _try(self, act: Callable[[], _T]) -> _T:
        remaining = self._deadline - time.monotonic()
        try:
            if remaining <= 0:
                raise TimeoutError
            self._socket.settimeout(remaining)
            return act()
        except TimeoutError as error:
            raise no_answer(self._host, self._seconds) from error
        except OSError as error:
            raise connection_lost(self._host, error) from error


def no_answer(host: MailHost, seconds: float) -> MailServerTimeout:
    """Silence for longer than allowed."""
    return MailServerTimeout(f"{host} did not answer within {seconds:g} seconds", host=host.host)


def connection_lost(host: MailHost, error: OSError | None = None) -> MailServerError:
    """The connection broke; why, where the system knows."""
    why = f": {error.strerror}" if error is not None and error.strerror else ""
    return ConnectionLost(f"the connection to {host} was lost{why}", host=host.host)
