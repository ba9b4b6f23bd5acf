"""The four operations of SoPrincipal.svc: who are you, here is your ticket.

A refused login is an answer (AuthenticationSucceeded=false), not a failure. Repeated ones are
slowed down (`logins`), and then the call fails and says for how long.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from services84 import __version__
from services84.agents.call import Call
from services84.agents.logins import begin, verified
from services84.agents.registry import PRINCIPAL
from services84.carriers.base import Boolean, String, to_dict
from services84.carriers.principal import (
    AuthenticationGenericData,
    SoCredentials,
    SoPrincipalCarrier,
    SoSystemInfoCarrier,
)
from services84.errors import InvalidValue
from services84.security.tickets import hash_ticket, is_ticket, new_ticket
from services84.store.values import Associate

NEVER = datetime(9999, 12, 31, tzinfo=UTC)
REPLY = {
    "Response": SoPrincipalCarrier,
    "Credentials": SoCredentials,
    "AuthenticationSucceeded": Boolean,
}
GENERIC_KEYS = "UserName with Password, or Ticket"


@PRINCIPAL.operation(
    "GetSystemInfo", needs_ticket=False, returns={"SystemInfo": SoSystemInfoCarrier}
)
def get_system_info(call: Call) -> SoSystemInfoCarrier:
    """Describe the installation: its version and its database."""
    database = call.services.database
    return SoSystemInfoCarrier(
        Description="services84, a self-hosted Services84 e-mail service",
        BuildLabel=f"services84 {__version__}",
        BranchName="services84",
        AssemblyVersion=__version__,
        FileVersion=__version__,
        BuildType="Release",
        AccumulatedNextCheckDate=NEVER,
        DaysUntilNetServerExpiry=0,
        DatabaseVersion=0,
        DatabaseType=database.product,
        DatabaseMinor=database.revision,
        DatabaseName=database.name,
        IsUnicode=True,
        CompanyName="",
        CompanyId=0,
        IsOnTravel=False,
        IsSatellite=False,
    )


@PRINCIPAL.operation(
    "AuthenticateImplicit", needs_ticket=False, returns=REPLY, reply="AuthenticateResponse"
)
def authenticate_implicit(call: Call) -> Mapping[str, Any]:
    """Sign in as the user that the web server in front has authenticated, where it names one."""
    name = call.presented.remote_user
    associate = call.services.principals.associate_by_name(name) if name else None
    return _granted(call, associate) if associate else _refused()


@PRINCIPAL.operation(
    "AuthenticateUsernamePassword",
    needs_ticket=False,
    returns=REPLY,
    reply="AuthenticateResponse",
    UserName=String,
    Password=String,
)
def authenticate_username_password(
    call: Call, name: str | None, password: str | None
) -> Mapping[str, Any]:
    """Sign in by name and password; a ticket as the name, with no password, is renewed."""
    if not password and is_ticket(name or ""):
        return _by_ticket(call, name or "")
    return _by_password(call, name or "", password or "")


@PRINCIPAL.operation(
    "AuthenticateGeneric",
    needs_ticket=False,
    returns=REPLY,
    reply="AuthenticateResponse",
    AuthenticationData=AuthenticationGenericData,
)
def authenticate_generic(call: Call, data: AuthenticationGenericData | None) -> Mapping[str, Any]:
    """Sign in by what the keys say: UserName with Password, or Ticket."""
    given = {key.casefold(): value or "" for key, value in to_dict(data).items() if key}
    unknown = set(given) - {"username", "password", "ticket"}
    if unknown:
        raise InvalidValue(
            "AuthenticationData", ", ".join(sorted(unknown)), f"is not known; give {GENERIC_KEYS}"
        )
    if given.get("ticket"):
        return _by_ticket(call, given["ticket"])
    if "username" not in given:
        raise InvalidValue("AuthenticationData", "", f"names nobody; give {GENERIC_KEYS}")
    return authenticate_username_password(call, given["username"], given.get("password"))  # type: ignore[no-any-return]


def _by_password(call: Call, name: str, password: str) -> Mapping[str, Any]:
    associate = verified(call.services, name, password, call.presented.remote_address, call.arrived)
    return _granted(call, associate) if associate else _refused()


def _by_ticket(call: Call, ticket: str) -> Mapping[str, Any]:
    counters = begin(call.services, None, call.presented.remote_address, call.arrived)
    row = call.services.principals.use_ticket(
        hash_ticket(ticket.strip()), call.arrived, call.services.settings.ticket_seconds
    )
    if row is None:
        return _refused()
    call.services.attempts.succeeded(counters)
    return _reply(row.associate, ticket.strip(), call)


def _granted(call: Call, associate: Associate) -> Mapping[str, Any]:
    text, digest = new_ticket()
    now = call.services.clock()
    expires = now + timedelta(seconds=call.services.settings.ticket_seconds)
    call.services.principals.add_ticket(digest, associate.associate_id, expires)
    call.services.principals.drop_expired_tickets(now)
    call.services.attempts.forget_old(now)
    return _reply(associate, text, call)


def _reply(associate: Associate, ticket: str, call: Call) -> Mapping[str, Any]:
    return {
        "Response": SoPrincipalCarrier(
            UserType="InternalAssociate",
            Associate=associate.name,
            AssociateId=associate.associate_id,
            IsPerson=True,
            FullName=associate.full_name,
            EMailAddress=_address_of(call, associate),
            RoleName="Administrator" if associate.is_admin else "User",
            RoleType="Employee",
            FunctionRights=["admin-all"] if associate.is_admin else [],
            EjUserStatus="StatusNone",
        ),
        "Credentials": SoCredentials(Ticket=ticket),
        "AuthenticationSucceeded": True,
    }


def _address_of(call: Call, associate: Associate) -> str:
    current = call.services.accounts.current(associate.associate_id, secrets=False)
    return current.email_address if current else ""


def _refused() -> Mapping[str, Any]:
    return {"Response": None, "Credentials": None, "AuthenticationSucceeded": False}
