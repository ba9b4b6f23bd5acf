"""HTTP requests of the service's own, to addresses that its operator has configured.

Goes through the outbound policy as mail does, verifies certificates, follows no redirection, and
takes no more time and bytes than allowed, however slowly the other end drips. What is asked for
and what answers mean is the callers' matter.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlencode, urlsplit

from services84 import __version__, mailtls
from services84.errors import ConnectionLost, MailServerError, MailServerRefused, MailServerTimeout
from services84.mailhost import MailHost, Transport

Dial = Callable[[str, int, float], socket.socket]
"""Connects to host and port within seconds; raises MailServerError."""

MOST_BYTES = 1024 * 1024  # of an answer; token answers and key sets have a few thousand
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True)
class HttpAnswer:
    """What a server answered; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


def url_problem(text: str) -> str | None:
    """Why nothing is sent to this address; None when it may be. Pure.

    Unprotected HTTP is for this very machine alone: what is sent and fetched are secrets and keys.
    """
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        return "is no URL"
    if url.scheme not in _PORTS or not url.hostname or port == 0:
        return "is no URL such as https://id.example.com/token"
    if url.scheme == "http" and url.hostname not in _LOOPBACK:
        return "is not protected; the address has to begin with https://"
    if url.username is not None or url.fragment or not text.isascii() or not text.isprintable():
        return "has a user name, a fragment or characters that do not belong there"
    return None


class HttpClient:
    """Sends requests, each over a connection of its own, and waits `seconds` for all of it."""

    def __init__(self, dial: Dial, *, ca_file: Path | None, seconds: float) -> None:
        self._dial = dial
        self._ca_file = ca_file
        self._seconds = seconds

    def get(self, url: str) -> HttpAnswer:
        """Fetch a JSON document; raises MailServerError, also for what is no HTTP."""
        return self._ask("GET", url, None, {})

    def post_form(
        self, url: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> HttpAnswer:
        """Post a form; raises as `get`."""
        body = urlencode(form).encode("ascii")
        return self._ask(
            "POST",
            url,
            body,
            {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})},
        )

    def _ask(
        self, method: str, address: str, body: bytes | None, headers: Mapping[str, str]
    ) -> HttpAnswer:
        url = urlsplit(address)
        host = _host_of(url)
        connection = http.client.HTTPConnection(host.host, host.port)
        with self._limited(host) as limit:
            opened = self._dial(host.host, host.port, self._seconds)
            limit.watch(opened)
            if host.transport is Transport.TLS:
                opened = mailtls.wrap(opened, host, self._ca_file, self._seconds)
                limit.watch(opened)
            connection.sock = opened
            with contextlib.closing(connection):
                connection.request(method, _target(url), body, {**_headers(url), **headers})
                answer = connection.getresponse()
                data = answer.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise MailServerRefused(f"{host} answered with too many bytes", host=host.host)
        named = {name.lower(): value for name, value in answer.getheaders()}
        return HttpAnswer(answer.status, named, data)

    @contextlib.contextmanager
    def _limited(self, host: MailHost) -> Iterator[_Limit]:
        """Everything that goes wrong below comes out as a MailServerError."""
        limit = _Limit(self._seconds)
        try:
            yield limit
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._failure(error, host, over=limit.over.is_set()) from error
        except MailServerError as error:
            if limit.over.is_set():
                raise self._failure(error, host, over=True) from error
            raise
        finally:
            limit.end()

    def _failure(self, error: Exception, host: MailHost, *, over: bool) -> MailServerError:
        if over or isinstance(error, TimeoutError):
            text = f"{host} did not answer within {self._seconds:g} seconds"
            return MailServerTimeout(text, host=host.host)
        if isinstance(error, OSError):
            why = f": {error.strerror}" if error.strerror else ""
            return ConnectionLost(f"the connection to {host} was lost{why}", host=host.host)
        return MailServerRefused(f"{host} does not speak HTTP", host=host.host)


class _Limit:
    """Breaks a connection when the time is over: a socket's own time-out begins anew with every
    byte."""

    def __init__(self, seconds: float) -> None:
        self.over = threading.Event()
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._break)
        self._timer.daemon = True
        self._timer.start()

    def watch(self, connection: socket.socket) -> None:
        """From now on this is the connection to break; raises TimeoutError when it is too late."""
        self._socket = connection
        if self.over.is_set():
            connection.close()
            raise TimeoutError

    def _break(self) -> None:
        self.over.set()
        if self._socket is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def end(self) -> None:
        self._timer.cancel()


def _host_of(url: SplitResult) -> MailHost:
    transport = Transport.TLS if url.scheme == "https" else Transport.PLAIN
    return MailHost(url.hostname or "", url.port or _PORTS[url.scheme], transport)


def _target(url: SplitResult) -> str:
    return (url.path or "/") + (f"?{url.query}" if url.query else "")


def _headers(url: SplitResult) -> dict[str, str]:
    return {
        "Host": url.netloc,
        "Accept": "application/json",
        "User-Agent": f"services84/{__version__}",
        "Connection": "close",
    }
