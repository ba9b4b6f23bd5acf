"""The SOAP headers of the contract: what a caller presents, and the four that every reply has.

Reading is strict in form only; whether a ticket or a token is worth anything is for
`agents.gate` to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from spyne import Unicode

from services84.agents.call import Presented, TimeZone
from services84.carriers.base import Boolean, from_dict
from services84.carriers.headers import (
    SoCredentials,
    SoExceptionInfo,
    SoExtraInfo,
    SoTimeZone,
)
from services84.namespaces import SERVICES84
from services84.soap.envelope import SoapMessage

# Any of them may come with any operation, also where the WSDL declares fewer.
REQUEST_HEADERS = {
    "ApplicationToken": Unicode,
    "Credentials": SoCredentials,
    "TimeZone": SoTimeZone,
}
REPLY_HEADERS = {
    "ExceptionInfo": SoExceptionInfo,
    "ExtraInfo": SoExtraInfo,
    "Succeeded": Boolean,
    "TimeZone": SoTimeZone,
}
UNDERSTOOD = frozenset(f"{{{SERVICES84}}}{name}" for name in REQUEST_HEADERS)
# Some Java clients begin the ticket with a byte order mark.
_AROUND_TOKENS = " \t\r\n\ufeff"


@dataclass(frozen=True)
class ReplyHeaders:
    """The values of the reply's headers; `exception` is None when the call succeeded."""

    exception: Any = None
    extra: Mapping[str, str] = field(default_factory=dict)
    time_zone: TimeZone | None = None


def read_presented(
    message: SoapMessage, protocol: Any, *, remote_address: str = "", remote_user: str = ""
) -> Presented:
    """What the caller presents. Raises InvalidMember for a header that is not of its type."""
    values = {}
    for name, kind in REQUEST_HEADERS.items():
        block = message.header(f"{{{SERVICES84}}}{name}")
        values[name] = None if block is None else protocol.from_element(None, kind, block)
    credentials, zone = values["Credentials"], values["TimeZone"]
    return Presented(
        ticket=_token(credentials.Ticket if credentials is not None else None),
        application_token=_token(values["ApplicationToken"]),
        time_zone=(
            TimeZone(zone.SoTimeZoneId or 0, zone.SoTimeZoneLocationCode)
            if zone is not None
            else None
        ),
        remote_address=remote_address,
        remote_user=remote_user,
    )


def write_headers(header: Any, headers: ReplyHeaders, protocol: Any) -> None:
    """Write the four blocks into the Header of a reply."""
    zone = headers.time_zone
    values = {
        "ExceptionInfo": headers.exception,
        "ExtraInfo": from_dict(SoExtraInfo, headers.extra) if headers.extra else None,
        "Succeeded": headers.exception is None,
        "TimeZone": zone
        and SoTimeZone(SoTimeZoneId=zone.zone_id, SoTimeZoneLocationCode=zone.code),
    }
    for name, kind in REPLY_HEADERS.items():
        protocol.to_parent(None, kind, values[name], header, SERVICES84, name)


def _token(text: str | None) -> str | None:
    return (text or "").strip(_AROUND_TOKENS) or None
