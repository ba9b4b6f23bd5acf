"""Connecting to hosts that callers name, without being led where they have no business.

A name is resolved once, every address judged, and the judged address itself connected to: a name
that resolves differently a moment later (DNS rebinding) gains nothing. What is said on the
connection is the protocols' matter.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import ipaddress
import queue
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from services84.errors import (
    ConnectionRefused,
    HostNotAllowed,
    InvalidValue,
    MailServerTimeout,
    MailServerUnreachable,
    UnknownHost,
)
from services84.mailhost import MailHost, Transport
from services84.security.addresses import judge

# What getaddrinfo gives of an address: its family and what connect() takes.
Found = tuple[socket.AddressFamily, tuple[Any, ...]]
Resolver = Callable[[str, int], Sequence[Found]]

MAX_HOST = 253  # characters of a name in the DNS
_NO_HOST = frozenset("/\\@?#<>\"'`{}|^ ")


def resolve(host: str, port: int) -> list[Found]:
    """The system's resolver, which also understands decimal, octal and hexadecimal IPv4."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, address) for family, _, _, _, address in found]


class Dialer:
    """Opens TCP connections under the policy of the installation.

    `online`: private and loopback addresses are refused as well. `timeout` in seconds, for name
    lookup and connection together.
    """

    def __init__(self, *, online: bool, timeout: float, resolver: Resolver = resolve) -> None:
        self._online = online
        self._timeout = timeout
        self._resolver = resolver

    def dial(self, host: str, port: int, timeout: float | None = None) -> socket.socket:
        """A connected socket, its time-out set to `timeout` seconds (the dialer's, if None).

        Raises InvalidValue for what is no host name or port, HostNotAllowed, UnknownHost,
        ConnectionRefused, MailServerTimeout, or MailServerUnreachable.
        """
        host = checked_host(host)
        if not 1 <= port <= 65535:
            raise InvalidValue("Port", port, "is no port number; 1 to 65535 is allowed")
        timeout = self._timeout if timeout is None else timeout
        where = str(MailHost(host, port, Transport.PLAIN))
        deadline = time.monotonic() + timeout
        allowed = self._allowed(self._look_up(host, port, where, timeout), where, host)
        return _connect(allowed, where, host, deadline, timeout)

    def _look_up(self, host: str, port: int, where: str, timeout: float) -> Sequence[Found]:
        """The host's addresses. The system's resolver knows no time-out: it gets a thread, unless
        it is given an address and asks nobody."""
        answers: queue.SimpleQueue[Sequence[Found] | Exception] = queue.SimpleQueue()

        def ask() -> None:
            try:
                answers.put(self._resolver(host, port))
            except Exception as error:
                answers.put(error)

        if _is_usual_address(host):
            ask()
        else:
            threading.Thread(target=ask, name="resolve", daemon=True).start()
        try:
            answer = answers.get(timeout=timeout)
        except queue.Empty:
            raise MailServerTimeout(
                f"{where}: looking up the name took longer than {timeout:g} s", host=host
            ) from None
        if isinstance(answer, socket.gaierror) and answer.errno == socket.EAI_AGAIN:
            raise UnknownHost(f"{where}: the name cannot be looked up now", host=host) from answer
        if isinstance(answer, (OSError, UnicodeError)):
            raise UnknownHost(f"{where}: there is no host of this name", host=host) from answer
        if isinstance(answer, Exception):
            raise answer
        if not answer:
            raise UnknownHost(f"{where}: the name has no address", host=host)
        return answer

    def _allowed(self, found: Sequence[Found], where: str, host: str) -> list[Found]:
        """Those that may be connected to, in the resolver's order and each once."""
        allowed: dict[Found, None] = {}
        refused = ""
        for family, address in found:
            reason = judge(str(address[0]), self._online)
            if reason is None:
                allowed[(family, address)] = None
            else:
                refused = refused or f"{address[0]} is {reason}"
        if not allowed:
            if self._online and not _is_address(host):
                # What a name stands for inside is nothing for those who ask from outside.
                refused = "the name stands for no address on the Internet"
            raise HostNotAllowed(
                f"{where}: {refused}; connections to those are not allowed here", host=host
            )
        return list(allowed)


def literal_refusal(host: str, *, online: bool) -> str | None:
    """Why a host given as an IP address would never be connected to; None for all else.

    For an early, clear answer; the decision is the dialer's.
    """
    try:
        reason = judge(_without_brackets(host.strip()), online)
    except ValueError:
        return None
    return None if reason is None else f"is {reason}; connections to those are not allowed here"


def _is_address(host: str) -> bool:
    if _is_usual_address(_without_brackets(host.strip())):
        return True
    # Decimal, octal and hexadecimal forms, which the system's resolver takes as well.
    with contextlib.suppress(OSError):
        return bool(socket.inet_aton(host.strip()))
    return False


@functools.lru_cache(maxsize=1024)
def _is_usual_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _without_brackets(host: str) -> str:
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def checked_host(host: str) -> str:
    """What is resolved of a host's name or address; raises InvalidValue for what is neither."""
    name = _without_brackets(host.strip())
    if not name or len(name) > MAX_HOST:
        raise InvalidValue("Server", host, "is no host name or IP address")
    if any(letter in _NO_HOST or not letter.isprintable() for letter in name):
        raise InvalidValue("Server", host, "has characters that no host name has")
    return name


def _connect(
    addresses: Sequence[Found], where: str, host: str, deadline: float, timeout: float
) -> socket.socket:
    """Connect to the first address that answers; the time left is shared by those not tried."""
    failures: list[OSError] = []
    for position, (family, address) in enumerate(addresses):
        left = deadline - time.monotonic()
        if left <= 0:
            failures.append(TimeoutError())
            break
        try:
            return _open(family, address, left / (len(addresses) - position), timeout)
        except OSError as error:
            failures.append(error)
    raise _failure(failures, where, host, timeout) from failures[-1]


def _open(
    family: socket.AddressFamily, address: tuple[Any, ...], wait: float, timeout: float
) -> socket.socket:
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(wait)
        connection.connect(address)
        connection.settimeout(timeout)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    except BaseException:
        connection.close()
        raise
    return connection


def _failure(
    failures: Sequence[OSError], where: str, host: str, timeout: float
) -> MailServerUnreachable:
    """One error of ours for all attempts; the one that tells most comes first."""
    if any(isinstance(failure, ConnectionRefusedError) for failure in failures):
        return ConnectionRefused(f"{where} refused the connection", host=host)
    if any(
        isinstance(failure, TimeoutError) or failure.errno == errno.ETIMEDOUT
        for failure in failures
    ):
        return MailServerTimeout(f"{where} did not answer within {timeout:g} s", host=host)
    reason = failures[-1].strerror or type(failures[-1]).__name__
    return MailServerUnreachable(f"{where} cannot be reached: {reason}", host=host)
