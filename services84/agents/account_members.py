"""What members of a mail account may hold, whichever front end they come through. Pure.

Errors name the member as the front end calls it; what it makes of them is its own matter.
"""

from __future__ import annotations

import ipaddress
import re

from services84.agents.convert import PASSWORD_MASK
from services84.errors import InvalidValue
from services84.mailhost import AUTH_TYPES, mechanism_for
from services84.store import values

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# A name or an address literal; what it resolves to is judged when it is connected to.
_SERVER = re.compile(r"[^\s\x00-\x1f\x7f/@\\\"'<>()\[\],;?#%]{1,255}")
HIGHEST_PORT = 65535
LONGEST_ADDRESS = 254  # RFC 5321 section 4.5.3.1.3, less the brackets
LONGEST_TEXT = 255  # the vendor's columns
LONGEST_PASSWORD = 16_384  # tokens are long


def checked_address(text: str | None, member: str) -> str:
    """An e-mail address, trimmed; raises InvalidValue."""
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


def checked_server(server: str, member: str) -> str:
    """A host name or an address, without a port; raises InvalidValue."""
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
    return server


def checked_password(given: str | None, member: str) -> str | None:
    """None keeps the stored password; the store sees to it that it goes to no other server."""
    if not given or given == PASSWORD_MASK:
        return None
    if "\x00" in given or "\r" in given or "\n" in given:
        raise InvalidValue(member, "(not shown)", "has a NUL or a line break")
    if len(given) > LONGEST_PASSWORD:
        raise InvalidValue(member, "(not shown)", f"has more than {LONGEST_PASSWORD} characters")
    return given


def checked_text(text: str | None, member: str) -> str:
    """A text of one line, as long as the vendor's columns; raises InvalidValue."""
    if text and _CONTROL.search(text):
        raise InvalidValue(member, text, "has a control character or a line break")
    if text and len(text) > LONGEST_TEXT:
        raise InvalidValue(member, text, f"has more than {LONGEST_TEXT} characters")
    return text or ""


def checked_port(port: int | None, default: int, member: str) -> int:
    """A port, or the default where none is given; raises InvalidValue."""
    if not port:
        return default
    if not 1 <= port <= HIGHEST_PORT:
        raise InvalidValue(member, port, f"is no port; allowed are 1 to {HIGHEST_PORT}")
    return port


def checked_auth_type(text: str | None, member: str) -> str:
    """An AuthType that is known, or empty; raises InvalidValue."""
    if mechanism_for(text) is None:
        raise InvalidValue(member, text or "", f"is none of {AUTH_TYPES}, or empty")
    return text or ""


def differs(new: values.ServiceAuth | None, old: values.ServiceAuth | None) -> bool:
    """Whether a save brings other credentials; saving them clears Failing and Failed."""
    if new is None or old is None:
        return new is not old
    return bool(new.password) or (
        (new.server, new.port, new.auth_type, new.username, new.use_ssl)
        != (old.server, old.port, old.auth_type, old.username, old.use_ssl)
    )
