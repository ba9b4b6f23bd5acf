"""A connection to a submission server: its time-outs, its limits, its failures as our errors.

RFC 5321, RFC 3207 (STARTTLS); TLS and cleartext are ruled as for IMAP, by `mailtls`. Says nothing
of its own beyond the greeting: signing in is `login`'s, mail is `transfer`'s.
"""

from __future__ import annotations

import contextlib
import smtplib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from services84 import mailtls
from services84.errors import (
    ConnectionLost,
    MailServerBusy,
    MailServerError,
    MailServerRefused,
    MailServerTimeout,
    SendUncertain,
    TlsFailed,
)
from services84.mailhost import MailHost, Transport
from services84.mailtext import readable

Dial = Callable[[str, int, float], socket.socket]
"""Connects to host and port within seconds; raises MailServerError."""

MOST_PATIENCE = 3  # times the read time-out: for a server that drips instead of being silent
MOST_BYTES = 256 * 1024  # of one answer

_GREETING, _READY_FOR_TLS = 220, 220


@dataclass(frozen=True)
class Timeouts:
    """In seconds: until connected, the longest silence afterwards, and the longest wait for the
    verdict on a message that has been handed over whole.

    Whoever gives up before the verdict does not know whether the message is on its way, so it is
    worth waiting for (RFC 5321 section 4.5.3.2.6 asks for ten minutes).
    """

    connect: float
    read: float
    verdict: float = 300.0


class Client(smtplib.SMTP):
    """smtplib over a socket that is connected already, hearing a bounded number of bytes."""

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None:
            self.file = _Bounded(self.sock)
        self.file.begin()
        return super().getreply()


class _Bounded:
    """The lines of a socket, until there are too many of them in one answer."""

    def __init__(self, connection: socket.socket | None) -> None:
        if connection is None:
            raise smtplib.SMTPServerDisconnected("not connected")
        self._lines = connection.makefile("rb")
        self._left = MOST_BYTES

    def begin(self) -> None:
        self._left = MOST_BYTES

    def readline(self, limit: int) -> bytes:
        line = self._lines.readline(limit)
        self._left -= len(line)
        if self._left < 0:
            raise ValueError("too much said")  # smtplib takes any OSError for the end
        # A line that the end has cut says nothing: "250" may have been "2500".
        return line if line.endswith(b"\n") or len(line) >= limit else b""

    def close(self) -> None:
        self._lines.close()


class Patience:
    """Ends a conversation that lasts too long, however much is said in it; renewed by progress."""

    def __init__(self, seconds: float, give_up: Callable[[], None]) -> None:
        self.seconds = seconds
        self.expired = False
        self._give_up = give_up
        self._over = False
        self._condition = threading.Condition()
        self._deadline = time.monotonic() + seconds
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def renew(self, seconds: float) -> None:
        """Be patient for so many seconds from now."""
        with self._condition:
            self.seconds = seconds
            before, self._deadline = self._deadline, time.monotonic() + seconds
            if self._deadline < before:
                self._condition.notify()

    def _watch(self) -> None:
        with self._condition:
            while not self._over:
                left = self._deadline - time.monotonic()
                if left <= 0:
                    self.expired = True
                    break
                self._condition.wait(left)
        if self.expired:
            self._give_up()

    def stop(self) -> None:
        with self._condition:
            self._over = True
            self._condition.notify()
        self._thread.join()


class Dialogue:
    """A connected server; `protected` when nobody on the way can read what is said."""

    def __init__(
        self,
        connection: socket.socket,
        host: MailHost,
        timeouts: Timeouts,
        *,
        allow_cleartext: bool,
    ) -> None:
        self.host = host
        self.timeouts = timeouts
        # Asked now: of a connection that has broken nobody knows where it went.
        self._may_go_in_clear = mailtls.may_go_in_clear(connection, host, allowed=allow_cleartext)
        self.protected = host.transport is Transport.TLS
        self.broken = False  # then there is nothing more to be said
        self._patience: Patience | None = None
        self._silence = timeouts.read  # the longest that is put up with now
        connection.settimeout(timeouts.read)
        with contextlib.suppress(OSError):  # a last dot must not wait for what is on its way
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # The name would be looked up in the DNS; the address is as good (RFC 5321 section 4.1.4).
        address = connection.getsockname()[0]
        name = f"[IPv6:{address}]" if ":" in address else f"[{address}]"
        self.client = Client(local_hostname=name)
        self.client.sock = connection

    @contextlib.contextmanager
    def attempt(self) -> Iterator[None]:
        """Everything that goes wrong below comes out as a MailServerError; nothing below lasts
        longer than MOST_PATIENCE times the read time-out, unless `progress` is made."""
        patience = Patience(MOST_PATIENCE * self.timeouts.read, self._hang_up)
        self._patience = patience
        try:
            yield
        except SendUncertain:
            self.broken = True
            raise
        except (MailServerError, OSError, ValueError) as error:  # smtplib's are OSErrors too
            # What came last may have been cut by the end of patience, and means nothing then.
            if isinstance(error, MailServerError) and not patience.expired:
                raise
            self.broken = True
            raise self._failure(error) from error
        finally:
            patience.stop()

    def progress(self, seconds: float | None = None) -> None:
        """Begin the next step, which may take so many seconds."""
        if self._patience is not None:
            self._patience.renew(MOST_PATIENCE * self.timeouts.read if seconds is None else seconds)

    def put_up_with(self, seconds: float) -> None:
        """From now on, wait so many seconds for the server to say something."""
        self._silence = seconds
        if self.client.sock is not None:
            self.client.sock.settimeout(seconds)

    def _hang_up(self) -> None:
        if self.client.sock is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self.client.sock, socket.SHUT_RDWR)

    def _failure(self, error: Exception) -> MailServerError:
        host = self.host
        late = isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError)
        expired = self._patience is not None and self._patience.expired
        if late or expired:
            seconds = self._silence
            if expired and self._patience is not None:
                seconds = self._patience.seconds
            return MailServerTimeout(
                f"{host} did not answer within {seconds:g} seconds", host=host.host
            )
        if isinstance(error, smtplib.SMTPServerDisconnected):
            return ConnectionLost(f"{host} closed the connection", host=host.host)
        if isinstance(error, smtplib.SMTPException | ValueError):
            return MailServerRefused(f"{host} does not speak SMTP", host=host.host)
        why = f": {error.strerror}" if isinstance(error, OSError) and error.strerror else ""
        return ConnectionLost(f"the connection to {host} was lost{why}", host=host.host)

    def why(self, error: Exception) -> str:
        """A failure of the connection in words."""
        return self._failure(error).message

    def quit(self) -> None:
        """Say goodbye where somebody may hear it."""
        if not self.broken:
            with contextlib.suppress(OSError, ValueError):
                self.client.docmd("QUIT")

    def close(self) -> None:
        """Leave at once."""
        self.client.close()

    # The beginning ------------------------------------------------------------------------------

    def greet(self) -> None:
        """Hear the greeting, and say who we are."""
        code, text = self.client.getreply()
        if code != _GREETING:
            raise refusal(self.host, "the connection", code, text)
        self._ehlo()

    def _ehlo(self) -> None:
        code, text = self.client.ehlo()
        if not 200 <= code < 300:
            raise refusal(self.host, "EHLO", code, text)

    def protect(self, ca_file: Path | None, *, has_secret: bool) -> None:
        """Start TLS where it is offered; raises TlsFailed where it is not and has to be."""
        client = self.client
        if self.protected or client.sock is None:
            return
        if client.has_extn("starttls"):
            self._start_tls(ca_file)
        elif not self._may_go_in_clear:
            if has_secret:
                raise mailtls.no_tls(self.host)
            raise TlsFailed(
                f"{self.host} offers no TLS, and mail is not sent unprotected", host=self.host.host
            )

    def _start_tls(self, ca_file: Path | None) -> None:
        client = self.client
        code, text = client.docmd("STARTTLS")
        if code != _READY_FOR_TLS or client.sock is None:
            raise refusal(self.host, "STARTTLS", code, text)
        # What was said before, and any byte read too far, may come from anybody.
        if client.file is not None:
            client.file.close()
            client.file = None
        client.esmtp_features = {}
        client.sock = mailtls.wrap(client.sock, self.host, ca_file, self.timeouts.connect)
        client.sock.settimeout(self.timeouts.read)
        self._ehlo()
        self.protected = True


def refusal(host: MailHost, what: str, code: int, text: bytes) -> MailServerError:
    """What a server's answer means that is not the one hoped for; `what` it refuses."""
    said = f"{code} {readable(text)}".strip()
    if 400 <= code < 500:
        return MailServerBusy(f"{host} asks for patience: {said}", host=host.host)
    if code < 0:
        return MailServerRefused(f"{host} does not speak SMTP: {readable(text)!r}", host=host.host)
    return MailServerRefused(f"{host} refused {what}: {said}", host=host.host)
