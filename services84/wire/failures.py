"""What a caller may know of an error, whatever the front end.

Only errors that are meant for callers are told in their own words: of the database, the secrets
and what nobody expected, the caller learns that it failed and the log learns why. What becomes of
a failure on the wire is each front end's own matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from services84.errors import (
    BrokerUnavailable,
    CallError,
    KeyUnavailable,
    MailServerError,
    MessageError,
    SchemaMismatch,
    SecretError,
    ServerBusy,
    Services84Error,
    StoreError,
    StoreUnavailable,
    SyncInterrupted,
)

SOURCE = "services84"
# What callers write here is told to nobody, not even to them: replies end up in logs. Value stands
# beside a Key in every dictionary, that of AuthenticateGeneric among them.
SECRET_MEMBERS = ("Password", "Ticket", "ApplicationToken", "Value")
NOT_SHOWN = "(not shown)"
_SERVERS_OWN = "the service could not fulfil the call; its log says why"
_NOT_THE_CALLERS = MailServerError | ServerBusy | SyncInterrupted | BrokerUnavailable
# What a caller may know of errors whose own words are for the log.
_GUARDED: tuple[tuple[type[Services84Error], str], ...] = (
    (StoreUnavailable, "the database is not available; try again later"),
    (SchemaMismatch, "the database does not fit this version; the operator has to upgrade it"),
    (StoreError, "the database could not do what was asked; the service's log says why"),
    (KeyUnavailable, "the key of the mail passwords is not available to the service"),
    (SecretError, "a stored secret cannot be read; it has to be entered anew"),
)


@dataclass(frozen=True)
class Failure:
    """An error as a caller may see it; `callers_fault` tells Client from Server."""

    message: str
    friendly_text: str
    exception_type: str
    callers_fault: bool
    parameters: Mapping[str, str] = field(default_factory=dict)


def explain(error: BaseException) -> Failure:
    """What a caller may know of an error."""
    if isinstance(error, CallError | MessageError):
        return Failure(
            error.message,
            error.friendly_text,
            error.exception_type,
            not isinstance(error, _NOT_THE_CALLERS),
            error.parameters,
        )
    for kind, message in _GUARDED:
        if isinstance(error, kind):
            return Failure(message, message, kind.exception_type, False)
    return Failure(_SERVERS_OWN, _SERVERS_OWN, Services84Error.exception_type, False)
