"""What a caller may save as a mail account: checks its members and makes the store's draft.

Pure but for the outbound policy's verdict on literal addresses; rights are `accounts`' matter.
"""

from __future__ import annotations

from typing import Any

from services84.agents.account_members import (
    checked_address,
    checked_auth_type,
    checked_password,
    checked_port,
    checked_server,
    checked_text,
    differs,
)
from services84.agents.convert import DEFAULT_IMAP_PORT, DEFAULT_SMTP_PORT
from services84.carriers.account import EMailAccount
from services84.errors import InvalidValue
from services84.store import values


def draft_of(
    carrier: EMailAccount, stored: values.Account | None, associate_id: int
) -> values.AccountDraft:
    """The draft that saves `carrier` over `stored` (None: a new account).

    Raises InvalidValue naming the member. Status, error count and reason of the carrier are
    read-only and not looked at. An address or AuthType that is stored already is not judged anew:
    an account that has come from elsewhere with it can still be changed in its other members.
    """
    incoming = _auth(
        carrier.IncomingCredentials,
        stored.incoming if stored else None,
        "EMailAccount/IncomingCredentials",
        DEFAULT_IMAP_PORT,
    )
    outgoing = _auth(
        carrier.OutgoingCredentials,
        stored.outgoing if stored else None,
        "EMailAccount/OutgoingCredentials",
        DEFAULT_SMTP_PORT,
    )
    return values.AccountDraft(
        account_id=stored.account_id if stored else 0,
        email_address=_address(carrier.EMailAddress, stored),
        associate_id=associate_id,
        incoming=incoming,
        outgoing=outgoing,
        reset_errors=stored is None or differs(incoming, stored.incoming),
    )


def _address(text: str | None, stored: values.Account | None) -> str:
    if stored is not None and text and text.strip() == stored.email_address:
        return stored.email_address
    return checked_address(text, "EMailAccount/EMailAddress")


def _auth(
    carrier: Any, stored: values.ServiceAuth | None, member: str, default_port: int
) -> values.ServiceAuth | None:
    """Check a ServiceAuth (None, or with neither server nor user name: no credentials)."""
    if carrier is None:
        return None
    server = checked_text(carrier.Server, f"{member}/Server").strip()
    username = checked_text(carrier.Username, f"{member}/Username")
    if not server and not username:
        return None
    port = checked_port(carrier.Port, default_port, f"{member}/Port")
    auth_type = carrier.AuthType or ""
    if stored is None or auth_type != stored.auth_type:
        checked_auth_type(auth_type, f"{member}/AuthType")
    checked_server(server, f"{member}/Server")
    if not username:
        raise InvalidValue(f"{member}/Username", "", "is empty; a user name is required")
    return values.ServiceAuth(
        service_auth_id=stored.service_auth_id if stored else 0,
        server=server,
        port=port,
        auth_type=auth_type,
        username=username,
        password=checked_password(carrier.Password, f"{member}/Password"),
        use_ssl=_kept_flag(stored, server, port),
    )


def _kept_flag(stored: values.ServiceAuth | None, server: str, port: int) -> bool | None:
    """The carrier has no flag for TLS: a stored one stays for the door that it was given for."""
    if stored is None or (stored.server.casefold(), stored.port) != (server.casefold(), port):
        return None
    return stored.use_ssl
