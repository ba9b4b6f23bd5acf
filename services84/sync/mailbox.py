"""From a stored ServiceAuth to a signed-in connection: which host, which transport, which login.

Opens connections on behalf of the engine and of operations; what is done with them is theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TypeVar

from services84.errors import LoginRefused
from services84.imap.connection import ImapConnection, Timeouts, connect
from services84.mailhost import Login, MailHost, transport_for, transport_of
from services84.security.outbound import Dialer
from services84.settings import Settings
from services84.smtp import submission
from services84.store.values import ServiceAuth
from services84.sync.mail_tokens import MailTokens, plain_login

Opened = TypeVar("Opened")

Tracing = Callable[[str, MailHost], Callable[[str], None]]
"""Given a user name and a server, gives who is to be told of that conversation's lines."""


class MailServers:
    """Opens connections to mail servers under the settings' time-outs and the outbound policy."""

    def __init__(
        self, dialer: Dialer, settings: Settings, tokens: MailTokens | None = None
    ) -> None:
        self._dialer = dialer
        self._tokens = tokens
        self._connect_timeout = settings.mail_connect_timeout
        self._read_timeout = settings.mail_read_timeout
        self._ca_file = settings.mail_ca_file
        self._cleartext = settings.mail_tls == "off"
        self._tracing: Tracing | None = None

    def trace_to(self, tracing: Tracing | None) -> None:
        """Tell of IMAP conversations that begin from now on, without secrets and contents."""
        self._tracing = tracing

    def where(self, server: str, port: int, *, use_ssl: bool = False) -> MailHost:
        """The host with the transport that its port and the settings call for."""
        transport = transport_for(port, tls_required=not self._cleartext, use_ssl=use_ssl)
        return MailHost(server, port, transport)

    def where_of(self, auth: ServiceAuth) -> MailHost:
        """The host of an account's side, with the transport that its flag and port call for."""
        transport = transport_of(auth.port, auth.use_ssl, tls_required=not self._cleartext)
        return MailHost(auth.server, auth.port, transport)

    def imap(
        self, host: MailHost, login: Login, *, patience: float | None = None
    ) -> ImapConnection:
        """A signed-in IMAP connection; raises MailServerError.

        `patience` is the longest silence in seconds where that is to be less than the settings'.
        """
        return _signed_in(
            login,
            lambda login: connect(
                host,
                login,
                dial=self._dialer.dial,
                timeouts=Timeouts(self._connect_timeout, self._read(patience)),
                ca_file=self._ca_file,
                allow_cleartext=self._cleartext,
                trace=self._tracing(login.username, host) if self._tracing else None,
            ),
        )

    def imap_of(self, auth: ServiceAuth, *, patience: float | None = None) -> ImapConnection:
        """A signed-in IMAP connection for an account's incoming side; raises MailServerError."""
        host = self.where_of(auth)
        return self.imap(host, self.login_of(auth), patience=patience)

    def login_of(self, auth: ServiceAuth) -> Login:
        """The login of a side of an account, its access token renewed if need be.

        Raises InvalidValue for an unknown AuthType, MailServerError where a renewal fails.
        """
        return self._tokens.login_of(auth) if self._tokens is not None else plain_login(auth)

    def _read(self, patience: float | None) -> float:
        return self._read_timeout if patience is None else min(patience, self._read_timeout)

    def check_smtp(self, host: MailHost, login: Login, *, patience: float | None = None) -> None:
        """Sign in at a submission server and leave; raises MailServerError."""
        timeouts = submission.Timeouts(self._connect_timeout, self._read(patience))
        _signed_in(
            login,
            lambda login: submission.check_login(
                host,
                login,
                dial=self._dialer.dial,
                timeouts=timeouts,
                ca_file=self._ca_file,
                allow_cleartext=self._cleartext,
            ),
        )

    @contextmanager
    def smtp(
        self, host: MailHost, login: Login, *, patience: float, verdict: float
    ) -> Iterator[submission.Session]:
        """A session at a submission server, signed in unless the login is empty, and ended with
        its block; raises MailServerError.

        `patience` is as for `imap`; `verdict` the longest wait in seconds for the answer to a
        message that has been handed over whole.
        """
        timeouts = submission.Timeouts(self._connect_timeout, self._read(patience), verdict)
        with ExitStack() as stack:
            yield _signed_in(
                login,
                lambda login: stack.enter_context(
                    submission.session(
                        host,
                        login,
                        dial=self._dialer.dial,
                        timeouts=timeouts,
                        ca_file=self._ca_file,
                        allow_cleartext=self._cleartext,
                    )
                ),
            )


def _signed_in(login: Login, attempt: Callable[[Login], Opened]) -> Opened:
    """What the attempt opens; a refused login that can be renewed is tried once more with that."""
    try:
        return attempt(login)
    except LoginRefused as refusal:
        if login.renewed is None:
            raise
        try:
            renewed = login.renewed()
        except LoginRefused as failure:
            text = f"{refusal.message}; {failure.message}"
            raise LoginRefused(text, host=refusal.host) from failure
    try:
        return attempt(renewed)
    except LoginRefused as refusal:
        text = f"{refusal.message}; the access token had just been renewed"
        raise LoginRefused(text, host=refusal.host) from refusal
