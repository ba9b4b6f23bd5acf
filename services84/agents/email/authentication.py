"""Operations that try a login at a mail server: true when it lets in, false when it refuses.

A server that cannot be asked is neither: those calls fail with what stood in the way.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from services84.agents.call import Call
from services84.agents.registry import operation
from services84.carriers.account import EMailConnectionInfo
from services84.carriers.base import Boolean
from services84.errors import InvalidValue, LoginRefused
from services84.mailhost import Login, MailHost
from services84.sync.slots import Slot

PORTS = {"imap": (143, 993), "smtp": (25, 465)}  # without and with UseSSL
HIGHEST_PORT = 65535
SLOT_SECONDS = 10.0  # how long a caller waits for a connection that the host may have


@operation("AuthenticateIncoming", returns=Boolean, ConnectionInfo=EMailConnectionInfo)
def authenticate_incoming(call: Call, info: EMailConnectionInfo | None) -> bool:
    """Say whether the IMAP server accepts these credentials."""
    host, login = _where(call, info, "imap")
    try:
        with _slot(call, host.host), call.services.mail.imap(host, login):
            return True
    except LoginRefused:
        return False


@operation("AuthenticateOutgoing", returns=Boolean, ConnectionInfo=EMailConnectionInfo)
def authenticate_outgoing(call: Call, info: EMailConnectionInfo | None) -> bool:
    """Say whether the SMTP server accepts these credentials."""
    host, login = _where(call, info, "smtp")
    try:
        with _slot(call, host.host):
            call.services.mail.check_smtp(host, login)
    except LoginRefused:
        return False
    return True


@operation("TestAuthenticate", returns=Boolean)
def test_authenticate(call: Call) -> bool:
    """Say whether the caller has a mail account that its incoming server lets in."""
    account = call.services.accounts.current(call.caller.associate_id)
    if account is None or account.incoming is None or not account.incoming.password:
        return False
    try:
        with _slot(call, account.incoming.server), call.services.mail.imap_of(account.incoming):
            return True
    except LoginRefused:
        return False


def _slot(call: Call, server: str) -> AbstractContextManager[Slot]:
    """One of the connections that may be open to a host; raises MailServerBusy."""
    return call.services.slots.held(server, SLOT_SECONDS)


def _where(call: Call, info: EMailConnectionInfo | None, protocol: str) -> tuple[MailHost, Login]:
    if info is None:
        raise InvalidValue("ConnectionInfo", "nil", "is required")
    use_ssl = bool(info.UseSSL)
    server, port = split_server(info.ServerName, PORTS[protocol][use_ssl])
    if not info.UserName:
        raise InvalidValue("ConnectionInfo/UserName", "", "is empty; a user name is required")
    for member in ("UserName", "Password"):
        text = getattr(info, member) or ""
        if any(character in text for character in "\x00\r\n"):
            raise InvalidValue(f"ConnectionInfo/{member}", "(not shown)", "has a NUL or line break")
    host = call.services.mail.where(server, port, use_ssl=use_ssl)
    return host, Login(info.UserName, info.Password or "")


def split_server(server_name: str | None, default_port: int) -> tuple[str, int]:
    """Host and port of a ServerName: `host`, `host:port`, `[address]:port` or a bare IPv6 address.

    Raises InvalidValue.
    """
    member = "ConnectionInfo/ServerName"
    text = (server_name or "").strip()
    if not text or any(c.isspace() or not c.isprintable() for c in text):
        raise InvalidValue(member, text, "is no mail server such as mail.example.com:993")
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise InvalidValue(member, text, "is no address of the form [address]:port")
        port_text = rest[1:] if rest else None
    elif text.count(":") == 1:
        host, _, port_text = text.partition(":")
    else:
        host, port_text = text, None
    if not host:
        raise InvalidValue(member, text, "names no host")
    if port_text is None:
        return host, default_port
    if not (port_text.isascii() and port_text.isdigit() and 1 <= int(port_text) <= HIGHEST_PORT):
        raise InvalidValue(member, text, f"has no port from 1 to {HIGHEST_PORT} after the colon")
    return host, int(port_text)
