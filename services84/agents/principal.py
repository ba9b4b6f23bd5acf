"""The four operations of SoPrincipal.svc: who are you, here is your ticket.

A refused login is an answer (AuthenticationSucceeded=false), not a failure. Repeated ones are
slowed down by name and by address, and then the call fails and says for how long.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from services84 import __version__
from services84.agents.call import Call
from services84.agents.registry import PRINCIPAL
from services84.carriers.base import Boolean, String, to_dict
from services84.carriers.principal import (
    AuthenticationGenericData,
    SoCredentials,
    SoPrincipalCarrier,
    SoSystemInfoCarrier,
)
from services84.errors import InvalidValue, TooManyAttempts
from services84.security.passwords import hash_password, needs_rehash, verify_password
from services84.security.tickets import hash_ticket, is_ticket, new_ticket
from services84.store.attempts import Counter
from services84.store.values import Associate

NEVER = datetime(9999, 12, 31, tzinfo=UTC)
REPLY = {
    "Response": SoPrincipalCarrier,
    "Credentials": SoCredentials,
    "AuthenticationSucceeded": Boolean,
}
SHARED_CAP = 30.0  # seconds; the longest delay that others can cause
IPV6_CUSTOMER = 64  # bits of the network that one customer is given
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
    principals = call.services.principals
    counters = _begin(call, name)
    associate = principals.associate_by_name(name) if name else None
    stored = principals.password_hash_of(associate.associate_id) if associate else None
    # The password is verified against a decoy when there is nobody of this name, so that the
    # time taken does not tell.
    if not verify_password(stored, password) or associate is None:
        return _refused()
    call.services.attempts.succeeded(counters)
    if stored is not None and needs_rehash(stored):
        principals.set_password_hash(associate.associate_id, hash_password(password))
    return _granted(call, associate)


def _by_ticket(call: Call, ticket: str) -> Mapping[str, Any]:
    counters = _begin(call, None)
    row = call.services.principals.use_ticket(
        hash_ticket(ticket.strip()), call.arrived, call.services.settings.ticket_seconds
    )
    if row is None:
        return _refused()
    call.services.attempts.succeeded(counters)
    return _reply(row.associate, ticket.strip(), call)


def _begin(call: Call, name: str | None) -> list[Counter]:
    """Count this attempt, before anything is verified; raises TooManyAttempts."""
    counters = _counters(call, name)
    blocked = call.services.attempts.begin(counters, call.arrived)
    if blocked is not None:
        raise TooManyAttempts(max(1.0, (blocked - call.arrived).total_seconds()))
    return counters


def _counters(call: Call, name: str | None) -> list[Counter]:
    """What an attempt is counted under.

    A name from one address is slowed down strictly. A name from anywhere, and an address for
    whatever name, only for short: others have a part in those, and must not lock anybody out.
    """
    settings = call.services.settings
    source = _source(call.presented.remote_address)
    shared_cap = min(SHARED_CAP, settings.login_max_delay)
    free_anywhere = settings.login_free_attempts_address
    counters = [Counter(f"address:{source}", free_anywhere, shared_cap, shared=True)]
    if name is not None:
        strict = Counter(
            f"name:{name}|address:{source}", settings.login_free_attempts, settings.login_max_delay
        )
        anywhere = Counter(f"name:{name}", free_anywhere, shared_cap, shared=True)
        counters += [strict, anywhere]
    return counters


def _source(address: str) -> str:
    """An address as one caller has it: of IPv6 the network that one customer is given."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip, IPV6_CUSTOMER), strict=False))


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
