"""The gate that every call passes: application token, then ticket, before anything is looked at.

One order and one set of messages for all operations and front ends, so that a refusal tells
nothing about what exists. What an admitted caller may touch is the operations' own matter
(`access`).
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

import structlog

from services84.agents.call import Call, Presented
from services84.agents.logins import verified
from services84.agents.registry import EMAIL, Operation
from services84.agents.services import Services
from services84.agents.zones import zone_of
from services84.errors import AccessDenied, NotAuthenticated
from services84.security.access_tokens import is_access_token
from services84.security.identity_tokens import Refused
from services84.security.tickets import hash_ticket
from services84.store.values import Application, Associate

log = structlog.get_logger(__name__)

HOW_TO_GET_ONE = "obtain one by AuthenticateUsernamePassword of SoPrincipal.svc"


def admit(services: Services, operation: Operation, presented: Presented) -> Call:
    """Let a call of an operation in; raises as `enter` does."""
    return enter(
        services,
        presented,
        needs_associate=operation.needs_ticket,
        needs_email_agent=operation.service == EMAIL.name,
    )


def enter(
    services: Services,
    presented: Presented,
    *,
    needs_associate: bool = True,
    needs_email_agent: bool = True,
) -> Call:
    """Let a call in, also one that is of no operation.

    Raises NotAuthenticated for a missing or unknown application token (online), and for a
    ticket, access token or password that is missing, unknown, revoked, expired or refused;
    TooManyAttempts for passwords that come too often; AccessDenied for an application to which
    the EMail agent has not been granted (online); InvalidValue for an unknown time zone;
    ServerBusy while the keys of the identity provider cannot be had.
    """
    call = Call(services, presented, arrived=services.clock())
    application = None
    if services.settings.online:
        application = _check_application(services, presented, needs_email_agent)
    if needs_associate:
        call.associate = _associate(call, application)
    call.zone = zone_of(presented.time_zone, ZoneInfo(services.settings.time_zone))
    return call


def _associate(call: Call, application: Application | None) -> Associate:
    if call.presented.name is not None:
        return _by_password(call, call.presented.name)
    if call.presented.identity is not None:
        return _by_identity(call, call.presented.identity)
    services = call.services
    ticket = (call.presented.ticket or "").strip()
    if not ticket:
        raise NotAuthenticated(f"no ticket was given; {HOW_TO_GET_ONE}")
    if is_access_token(ticket):
        return _by_access_token(call, ticket, application)
    row = services.principals.use_ticket(
        hash_ticket(ticket), call.arrived, services.settings.ticket_seconds
    )
    if row is None:
        raise NotAuthenticated(f"the ticket is not known or has expired; {HOW_TO_GET_ONE}")
    return row.associate


def _by_access_token(call: Call, text: str, application: Application | None) -> Associate:
    """Online a token serves the application that it was given to, and no other."""
    token = call.services.tokens.access(hash_ticket(text), call.arrived)
    foreign = (
        token is not None
        and application is not None
        and token.application_id != application.application_id
    )
    if token is None or foreign:
        raise NotAuthenticated("the access token is not known or has expired")
    return token.associate


def _by_identity(call: Call, text: str) -> Associate:
    """Whom the token of the identity provider names; the reasons of a refusal are for the log."""
    identity, found, reason = call.services.identity, None, "no identity provider is configured"
    if identity is not None:
        try:
            found = call.services.principals.associate_by_name(identity.name_in(text))
            reason = "it names no associate"
        except Refused as refusal:
            reason = str(refusal)
    if found is None:
        log.info("identity_token.refused", reason=reason)
        raise NotAuthenticated("the token is not one that is accepted here, or has expired")
    return found


def _by_password(call: Call, name: str) -> Associate:
    password, address = call.presented.password or "", call.presented.remote_address
    associate = verified(call.services, name, password, address, call.arrived)
    if associate is None:
        raise NotAuthenticated("the name or the password is wrong")
    return associate


def _check_application(
    services: Services, presented: Presented, needs_email_agent: bool
) -> Application:
    token = (presented.application_token or "").strip()
    application = (
        services.principals.application_by_token_hash(hash_ticket(token)) if token else None
    )
    if application is None:
        raise NotAuthenticated("the application token is missing or not known")
    if needs_email_agent and not application.email_agent:
        raise AccessDenied("the EMail agent has not been granted to this application")
    return application
