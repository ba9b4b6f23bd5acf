"""TLS towards mail servers: verified, and with errors that a reader of ErrorReason understands.

For IMAP and submission alike; knows neither protocol. Whether TLS is needed at all is decided
here too, so that both decide alike: a password goes unprotected only to this very machine, or
where the operator has allowed it.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from pathlib import Path

from services84.errors import ConnectionLost, MailServerError, MailServerTimeout, TlsFailed
from services84.mailhost import MailHost, Transport

# X509_V_ERR_... of OpenSSL's x509_vfy.h.
_PROBLEMS = {
    9: "is not valid yet",
    10: "has expired",
    62: "is for another name",
    64: "is for another address",
}
_REASONS = {
    "WRONG_VERSION_NUMBER": "the server does not speak TLS on this port",
    "HTTP_REQUEST": "the server does not speak TLS on this port",
    "UNSUPPORTED_PROTOCOL": "the server offers outdated versions of TLS only",
    "TLSV1_ALERT_PROTOCOL_VERSION": "the server offers outdated versions of TLS only",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "no cipher in common",
}


def wrap(
    connection: socket.socket, host: MailHost, ca_file: Path | None, timeout: float
) -> ssl.SSLSocket:
    """TLS over a connected socket, within `timeout` seconds; takes the socket over.

    The certificate has to be valid for `host.host` and signed by an authority of the system, or
    of `ca_file` (PEM). On failure the socket is closed.

    Raises TlsFailed, MailServerTimeout, ConnectionLost.
    """
    name = host.host.rstrip(".")
    try:
        connection.settimeout(timeout)
        name.encode("idna")  # wrap_socket finds a wrong name too late to close the socket
        return context(ca_file).wrap_socket(connection, server_hostname=name)
    except (OSError, ValueError) as error:
        connection.close()
        raise tls_error(error, host, timeout) from error


def context(ca_file: Path | None) -> ssl.SSLContext:
    """A client's context that verifies; raises TlsFailed when `ca_file` holds no certificate."""
    made = ssl.create_default_context()
    if ca_file is not None:
        try:
            made.load_verify_locations(ca_file)
        except OSError as error:
            raise TlsFailed(
                f"the file of certificate authorities cannot be read: {error}"
            ) from error
    return made


def tls_error(error: Exception, host: MailHost, timeout: float) -> MailServerError:
    """What a failed handshake means."""
    name = host.host
    if isinstance(error, MailServerError):
        return error
    if isinstance(error, ssl.SSLCertVerificationError):
        problem = _PROBLEMS.get(error.verify_code, f"is not trusted: {error.verify_message}")
        return TlsFailed(f"the certificate of {host} {problem}", host=name)
    if isinstance(error, TimeoutError):
        return MailServerTimeout(
            f"{host} did not finish the TLS handshake within {timeout:g} seconds", host=name
        )
    if isinstance(error, ssl.SSLEOFError | ConnectionError):
        return ConnectionLost(f"{host} broke the TLS handshake off", host=name)
    reason = getattr(error, "reason", None) or str(error)
    return TlsFailed(f"no TLS with {host}: {_REASONS.get(reason, reason)}", host=name)


def is_loopback(connection: socket.socket) -> bool:
    """Whether the other end is this very machine."""
    try:
        peer = connection.getpeername()
        address = ipaddress.ip_address(peer[0].split("%")[0]) if isinstance(peer, tuple) else None
    except (OSError, ValueError):
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped.is_loopback
    return address is not None and address.is_loopback


def may_go_in_clear(connection: socket.socket, host: MailHost, *, allowed: bool) -> bool:
    """Whether a secret may be said over this unprotected connection."""
    if host.transport is Transport.STARTTLS_ALWAYS:
        return False
    return allowed or is_loopback(connection)


def no_tls(host: MailHost) -> TlsFailed:
    """The server offers no TLS, and nothing may be said without it."""
    return TlsFailed(
        f"{host} offers no TLS, and a password is not sent unprotected", host=host.host
    )
