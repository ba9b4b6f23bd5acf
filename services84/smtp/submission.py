"""Submission servers: whether a login works there, and sending messages through them.

RFC 6409 (submission), and plain relays without a login. Composes nothing and stores nothing: what
is sent are bytes, and whom it goes to is said apart from them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from services84 import mailtls
from services84.mailhost import Login, MailHost, Transport
from services84.smtp.dialogue import Dial, Dialogue, Timeouts
from services84.smtp.login import sign_in
from services84.smtp.transfer import SendResult, transfer

__all__ = ["Dial", "SendResult", "Session", "Timeouts", "check_login", "send", "session"]


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
    dialogue = _dialogue(host, dial, timeouts, ca_file, allow_cleartext)
    with contextlib.closing(dialogue), dialogue.attempt():
        _open(dialogue, login, ca_file)
        dialogue.quit()


class Session:
    """A server that one is signed in at; sends any number of messages, one after the other."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue

    @property
    def takes_eight_bit(self) -> bool:
        """Whether messages may hold more than ASCII (8BITMIME, RFC 6152)."""
        return bool(self._dialogue.client.has_extn("8bitmime"))

    @property
    def takes_utf8(self) -> bool:
        """Whether addresses may hold more than ASCII (SMTPUTF8, RFC 6531)."""
        return bool(self._dialogue.client.has_extn("smtputf8"))

    @property
    def usable(self) -> bool:
        """False once the connection is lost or left in doubt; the next message needs another."""
        return not self._dialogue.broken

    def send(
        self, mail_from: str, recipients: Iterable[str], source: bytes, *, partially: bool = False
    ) -> SendResult:
        """Hand a message over, for all its recipients or none; with `partially` for those that
        are not refused. The bytes are sent as they are, apart from line ends, which become CRLF.

        Raises RecipientsRefused, MessageTooLarge, SevenBitOnly, LoginRefused (a login is needed),
        MailServerBusy, MailServerUnreachable, MailServerRefused: nothing was sent. Raises
        SendUncertain where it may have been sent. Raises InvalidValue for wrong addresses.
        """
        with self._dialogue.attempt():
            return transfer(self._dialogue, mail_from, recipients, source, partially=partially)


@contextlib.contextmanager
def session(
    host: MailHost,
    login: Login | None,
    *,
    dial: Dial,
    timeouts: Timeouts,
    ca_file: Path | None = None,
    allow_cleartext: bool = False,
) -> Iterator[Session]:
    """A session at a server, ended with the block; without a login where that is None or empty.

    Parameters and errors are those of `check_login`.
    """
    if login is not None and not (login.username or login.secret):
        login = None
    dialogue = _dialogue(host, dial, timeouts, ca_file, allow_cleartext)
    with contextlib.closing(dialogue):
        with dialogue.attempt():
            _open(dialogue, login, ca_file)
        yield Session(dialogue)
        with dialogue.attempt():
            dialogue.quit()


def send(
    host: MailHost,
    login: Login | None,
    mail_from: str,
    recipients: Iterable[str],
    source: bytes,
    *,
    dial: Dial,
    timeouts: Timeouts,
    ca_file: Path | None = None,
    allow_cleartext: bool = False,
    partially: bool = False,
) -> SendResult:
    """Send one message through a connection of its own; see `session` and `Session.send`."""
    with session(
        host,
        login,
        dial=dial,
        timeouts=timeouts,
        ca_file=ca_file,
        allow_cleartext=allow_cleartext,
    ) as opened:
        return opened.send(mail_from, recipients, source, partially=partially)


def _dialogue(
    host: MailHost, dial: Dial, timeouts: Timeouts, ca_file: Path | None, allow_cleartext: bool
) -> Dialogue:
    connection = dial(host.host, host.port, timeouts.connect)
    if host.transport is Transport.TLS:
        connection = mailtls.wrap(connection, host, ca_file, timeouts.connect)
    return Dialogue(connection, host, timeouts, allow_cleartext=allow_cleartext)


def _open(dialogue: Dialogue, login: Login | None, ca_file: Path | None) -> None:
    dialogue.greet()
    dialogue.protect(ca_file, has_secret=login is not None)
    if login is not None:
        sign_in(dialogue, login)
