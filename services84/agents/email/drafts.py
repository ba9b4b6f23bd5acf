"""What a caller may save as a mail account: checks its members and makes the store's draft.

Pure but for the outbound policy's verdict on literal addresses; rights are `accounts`' matter.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from services84.agents.convert import DEFAULT_IMAP_PORT, DEFAULT_SMTP_PORT, PASSWORD_MASK
from services84.carriers.account import EMailAccount
from services84.errors import InvalidValue
from services84.mailhost import AUTH_TYPES, mechanism_for
from services84.store import values

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# A name or an address literal; what it resolves to is judged when it is connected to.
_SERVER = re.compile(r"[^\s/@\\\"'<>()\[\],;?#%]{1,255}")
HIGHEST_PORT = 65535
LONGEST_ADDRESS = 254  # RFC 5321 section 4.5.3.1.3, less the brackets
LONGEST_TEXT = 255  # the vendor's columns
LONGEST_PASSWORD = 16_384  # tokens are long


def draft_of(
    carrier: EMailAccount, stored: values.Account | None, associate_id: int
) -> values.AccountDraft:
    """The draft that saves `carrier` over `stored` (None: a new account).

    Raises InvalidValue naming the member. Status, error count and reason of the carrier are
    read-only and not looked at.
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
        email_address=_address(carrier.EMailAddress),
        associate_id=associate_id,
        incoming=incoming,
        outgoing=outgoing,
        reset_errors=stored is None or _differs(incoming, stored.incoming),
    )


def _address(text: str | None) -> str:
    member = "EMailAccount/EMailAddress"
    address = (text or "").strip()
    if not address:
        raise InvalidValue(member, "", "is empty; an e-mail address is required")
    if _CONTROL.search(address):
        raise InvalidValue(member, address, "has a control character or a line break")
    if len(address) > LONGEST_ADDRESS:
        raise InvalidValue(member, address, f"has more than {LONGEST_ADDRESS} characters")
    local, at, domain = address.rpartition("@")
    if not (at and local and domain) or re.search(r"\s", address):
        raise InvalidValue(member, address, "is no e-mail address such as name@example.com")
    return address


def _auth(
    carrier: Any, stored: values.ServiceAuth | None, member: str, default_port: int
) -> values.ServiceAuth | None:
    """Check a ServiceAuth (None, or with neither server nor user name: no credentials)."""
    if carrier is None:
        return None
    server = _text(carrier.Server, f"{member}/Server").strip()
    username = _text(carrier.Username, f"{member}/Username")
    if not server and not username:
        return None
    port = _port(carrier.Port, default_port, f"{member}/Port")
    auth_type = _auth_type(carrier.AuthType, f"{member}/AuthType")
    _check_server(server, f"{member}/Server")
    if not username:
        raise InvalidValue(f"{member}/Username", "", "is empty; a user name is required")
    return values.ServiceAuth(
        service_auth_id=stored.service_auth_id if stored else 0,
        server=server,
        port=port,
        auth_type=auth_type,
        username=username,
        password=_password(carrier.Password, f"{member}/Password"),
        use_ssl=_kept_flag(stored, server, port),
    )


def _kept_flag(stored: values.ServiceAuth | None, server: str, port: int) -> bool | None:
    """The carrier has no flag for TLS: a stored one stays for the door that it was given for."""
    if stored is None or (stored.server.casefold(), stored.port) != (server.casefold(), port):
        return None
    return stored.use_ssl


def _check_server(server: str, member: str) -> None:
    if not server:
        raise InvalidValue(member, "", "is empty; a mail server is required")
    if not _SERVER.fullmatch(server):
        raise InvalidValue(member, server, "is no host name or address")
    if ":" in server:
        try:
            ipaddress.IPv6Address(server)
        except ValueError as error:
            problem = "is no host name or address; the port goes into Port"
            raise InvalidValue(member, server, problem) from error


def _password(given: str | None, member: str) -> str | None:
    """None keeps the stored password; the store sees to it that it goes to no other server."""
    if not given or given == PASSWORD_MASK:
        return None
    if "\x00" in given or "\r" in given or "\n" in given:
        raise InvalidValue(member, "(not shown)", "has a NUL or a line break")
    if len(given) > LONGEST_PASSWORD:
        raise InvalidValue(member, "(not shown)", f"has more than {LONGEST_PASSWORD} characters")
    return given


def _text(text: str | None, member: str) -> str:
    if text and _CONTROL.search(text):
        raise InvalidValue(member, text, "has a control character or a line break")
    if text and len(text) > LONGEST_TEXT:
        raise InvalidValue(member, text, f"has more than {LONGEST_TEXT} characters")
    return text or ""


def _port(port: int | None, default: int, member: str) -> int:
    if not port:
        return default
    if not 1 <= port <= HIGHEST_PORT:
        raise InvalidValue(member, port, f"is no port; allowed are 1 to {HIGHEST_PORT}")
    return port


def _auth_type(text: str | None, member: str) -> str:
    if mechanism_for(text) is None:
        raise InvalidValue(member, text or "", f"is none of {AUTH_TYPES}, or empty")
    return text or ""


def _differs(new: values.ServiceAuth | None, old: values.ServiceAuth | None) -> bool:
    """Whether a save brings other credentials; saving them clears Failing and Failed."""
    if new is None or old is None:
        return new is not old
    return bool(new.password) or (
        (new.server, new.port, new.auth_type, new.username)
        != (old.server, old.port, old.auth_type, old.username)
    )
