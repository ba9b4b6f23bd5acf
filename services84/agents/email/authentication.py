"""Operations that try a login at a mail server: true when it lets in, false when it refuses.

A server that cannot be asked is neither: those calls fail with what stood in the way.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from services84.agents.call import Call
from services84.agents.mailboxes import IMAP, SMTP, ConnectionInfo, protocol_of, where
from services84.agents.registry import operation
from services84.carriers.account import EMailConnectionInfo, EMailConnectionInfoExtended
from services84.carriers.base import Boolean
from services84.errors import LoginRefused
from services84.sync.slots import Slot

SLOT_SECONDS = 10.0  # how long a caller waits for a connection that the host may have
# The longest silence while a login is tried: a caller gives up after a minute (WCF's default),
# and shall hear the reason before that.
PATIENCE = 15.0


@operation("AuthenticateIncoming", returns=Boolean, ConnectionInfo=EMailConnectionInfo)
def authenticate_incoming(call: Call, info: EMailConnectionInfo | None) -> bool:
    """Say whether the IMAP server accepts these credentials."""
    return _lets_in(call, info, IMAP, "ConnectionInfo")


@operation("AuthenticateOutgoing", returns=Boolean, ConnectionInfo=EMailConnectionInfo)
def authenticate_outgoing(call: Call, info: EMailConnectionInfo | None) -> bool:
    """Say whether the SMTP server accepts these credentials."""
    return _lets_in(call, info, SMTP, "ConnectionInfo")


@operation("Authenticate", returns=Boolean, ConnectionInfoExtended=EMailConnectionInfoExtended)
def authenticate(call: Call, info: EMailConnectionInfoExtended | None) -> bool:
    """Say whether the server accepts these credentials; Protocol is IMAP, which is usual, or
    SMTP."""
    return _lets_in(call, info, protocol_of(info, IMAP), "ConnectionInfoExtended")


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


def _lets_in(call: Call, info: ConnectionInfo | None, protocol: str, member: str) -> bool:
    host, login = where(call, info, protocol, member=member)
    mail = call.services.mail
    try:
        with _slot(call, host.host):
            if protocol == IMAP:
                mail.imap(host, login, patience=PATIENCE).close()
            else:
                mail.check_smtp(host, login, patience=PATIENCE)
    except LoginRefused:
        return False
    return True


def _slot(call: Call, server: str) -> AbstractContextManager[Slot]:
    """One of the connections that may be open to a host; raises MailServerBusy."""
    return call.services.slots.held(server, SLOT_SECONDS)
