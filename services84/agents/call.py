"""Call: who calls, for whom and when, and what an operation may use to fulfil it.

A front end makes what was presented (`Presented`); `gate.admit` makes the Call. Operations read
it and write to `extra` only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services84.agents.services import Services
    from services84.store.values import Associate


@dataclass(frozen=True)
class TimeZone:
    """The caller's time zone header: SuperOffice's id and its location code."""

    zone_id: int = 0
    code: str | None = None


@dataclass(frozen=True)
class Presented:
    """What a caller presented with its request, unverified.

    `ticket` may be an access token as well. `name` and `password` stand for a ticket where a front
    end takes them with every call, and so does `identity`, a JWT of somebody else's that says who
    the caller is.
    `remote_address` is the caller's IP address, behind a trusted proxy the one it names.
    `remote_user` is the user that a trusted proxy has authenticated, for AuthenticateImplicit.
    """

    ticket: str | None = field(default=None, repr=False)
    application_token: str | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)  # people type passwords into it
    password: str | None = field(default=None, repr=False)
    identity: str | None = field(default=None, repr=False)
    time_zone: TimeZone | None = None
    remote_address: str = ""
    remote_user: str = ""


@dataclass
class Call:
    """One admitted call.

    `associate` is None only for operations that need no ticket. `arrived` is when the call was
    admitted. `extra` becomes the ExtraInfo header of the reply, in order of insertion. `zone` is
    the time zone in which the caller gives and gets dates.
    """

    services: Services
    presented: Presented
    arrived: datetime
    associate: Associate | None = None
    extra: dict[str, str] = field(default_factory=dict)
    zone: tzinfo = UTC

    @property
    def caller(self) -> Associate:
        """The associate of an operation that needs a ticket."""
        if self.associate is None:
            raise LookupError("an operation without a ticket has no caller")
        return self.associate
