"""Who somebody is by name and password; repeated refusals are slowed down by name and by address.

For whatever asks for a password: the operation that gives a ticket, and front ends that take name
and password with every call. Makes no ticket.
"""

from __future__ import annotations

import ipaddress
from datetime import datetime

from services84.agents.services import Services
from services84.errors import TooManyAttempts
from services84.security.passwords import hash_password, needs_rehash
from services84.store.attempts import Counter
from services84.store.values import Associate

SHARED_CAP = 30.0  # seconds; the longest delay that others can cause
IPV6_CUSTOMER = 64  # bits of the network that one customer is given


def verified(
    services: Services, name: str, password: str, remote_address: str, now: datetime
) -> Associate | None:
    """The associate of this name, when the password is theirs; None for a refusal.

    Raises TooManyAttempts, before anything is verified. What was verified a moment ago is known,
    and costs no attempt as long as nothing counts against this name and this address.
    """
    associate = services.principals.associate_by_name(name) if name else None
    stored = services.principals.password_hash_of(associate.associate_id) if associate else None
    mark = services.passwords.mark(name, password, stored)

    def is_known() -> bool:
        counters = _counters(services, name, remote_address)
        return services.passwords.knows(mark) and services.attempts.none(counters)

    if is_known():
        return associate
    with services.passwords.turn(mark):
        if is_known():
            return associate
        return _verified(services, name, password, remote_address, now, (associate, stored, mark))


def _verified(
    services: Services,
    name: str,
    password: str,
    remote_address: str,
    now: datetime,
    found: tuple[Associate | None, str | None, bytes],
) -> Associate | None:
    associate, stored, mark = found
    counters = begin(services, name, remote_address, now)
    # The password is verified against a decoy when there is nobody of this name, so that the
    # time taken does not tell.
    if not services.passwords.verify(mark, stored, password) or associate is None:
        return None
    services.attempts.succeeded(counters)
    if stored is not None and needs_rehash(stored):
        services.principals.set_password_hash(associate.associate_id, hash_password(password))
    return associate


def begin(
    services: Services, name: str | None, remote_address: str, now: datetime
) -> list[Counter]:
    """Count this attempt, before anything is verified; raises TooManyAttempts.

    `services.attempts.succeeded` of what it gives takes the attempt back.
    """
    counters = _counters(services, name, remote_address)
    blocked = services.attempts.begin(counters, now)
    if blocked is not None:
        raise TooManyAttempts(max(1.0, (blocked - now).total_seconds()))
    return counters


def _counters(services: Services, name: str | None, remote_address: str) -> list[Counter]:
    """What an attempt is counted under.

    A name from one address is slowed down strictly. A name from anywhere, and an address for
    whatever name, only for short: others have a part in those, and must not lock anybody out.
    """
    settings = services.settings
    source = _source(remote_address)
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
