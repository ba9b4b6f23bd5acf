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
from services84.mailhost import Login, MailHost, split_server
from services84.sync.slots import Slot

PORTS = {"imap": (143, 993), "smtp": (25, 465)}  # without and with UseSSL
SLOT_SECONDS = 10.0  # how long a caller waits for a connection that the host may have
# The longest silence while a login is tried: a caller gives up after a minute (WCF's default),
# and shall hear the reason before that.
PATIENCE = 15.0


@operation("AuthenticateIncoming", returns=Boolean, ConnectionInfo=EMailConnectionInfo)
def authenticate_incoming(call: Call, info: EMailConnectionInfo | None) -> bool:
    """Say whether the IMAP server accepts these credentials."""
    host, login = _where(call, info, "imap")
    try:
        with _slot(call, host.host), call.services.mail.imap(host, login, patience=PATIENCE):
            return True
    except LoginRefused:
        return False


@operation("AuthenticateOutgoing", returns=Boolean, ConnectionInfo=EMailConnectionInfo)
def authenticate_outgoing(call: Call, info: EMailConnectionInfo | None) -> bool:
    """Say whether the SMTP server accepts these credentials."""
    host, login = _where(call, info, "smtp")
    try:
        with _slot(call, host.host):
            call.services.mail.check_smtp(host, login, patience=PATIENCE)
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
        with (
            _slot(call, account.incoming.server),
            call.services.mail.imap_of(account.incoming, patience=PATIENCE),
        ):
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
    try:
        server, port = split_server(info.ServerName or "", PORTS[protocol][use_ssl])
    except ValueError as error:
        name = (info.ServerName or "").strip()
        raise InvalidValue("ConnectionInfo/ServerName", name, str(error)) from error
    if not info.UserName:
        raise InvalidValue("ConnectionInfo/UserName", "", "is empty; a user name is required")
    for member in ("UserName", "Password"):
        text = getattr(info, member) or ""
        if any(character in text for character in "\x00\r\n"):
            raise InvalidValue(f"ConnectionInfo/{member}", "(not shown)", "has a NUL or line break")
    host = call.services.mail.where(server, port, use_ssl=use_ssl)
    return host, Login(info.UserName, info.Password or "")
