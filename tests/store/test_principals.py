"""Associates, applications, tickets and the slow-down of logins."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from services84.errors import InvalidValue, NotFound, StoreError
from services84.store.tables import credentials
from services84.store.values import Application, Associate
from tests.store.conftest import Stores

SIX_HOURS = 6 * 3600


@pytest.mark.parametrize("name", ["", "  ", "x" * 256])
def test_a_name_that_cannot_be_one_is_refused(stores: Stores, name: str) -> None:
    with pytest.raises(InvalidValue, match="Name"):
        stores.principals.add_associate(name, "hash")


@pytest.mark.parametrize("other", ["Jörg", "JÖRG", " jörg ", "ｊörg", "Jo\u0308rg"])
def test_names_that_differ_by_case_only_are_one(stores: Stores, other: str) -> None:
    stores.principals.add_associate("Jörg", "hash")
    with pytest.raises(InvalidValue, match="another associate"):
        stores.principals.add_associate(other, "hash")


def test_one_of_many_that_ask_for_a_name_at_once_gets_it(stores: Stores) -> None:
    def add(number: int) -> bool:
        try:
            stores.principals.add_associate("anna", f"hash {number}")
        except InvalidValue:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(add, range(8))) == [False] * 7 + [True]


def test_an_associate_is_found_by_id_and_by_name(stores: Stores) -> None:
    added = stores.principals.add_associate("Anna", "hash", full_name="Anna A.", is_admin=True)
    assert added == Associate(added.associate_id, "Anna", "Anna A.", True)
    assert stores.principals.associate(added.associate_id) == added
    assert stores.principals.associate_by_name("aNNa") == added
    assert stores.principals.associates() == [added]
    assert stores.principals.associate(added.associate_id + 1) is None
    assert stores.principals.associate_by_name("Ann") is None
    assert stores.principals.associate_by_name("A%") is None


def test_a_password_hash_is_replaced(stores: Stores) -> None:
    anna = stores.principals.add_associate("Anna", "old")
    stores.principals.set_password_hash(anna.associate_id, "new")
    assert stores.principals.password_hash_of(anna.associate_id) == "new"
    assert stores.principals.password_hash_of(99) is None
    with pytest.raises(NotFound):
        stores.principals.set_password_hash(99, "new")


def test_an_application_is_found_by_its_tokens_hash(stores: Stores) -> None:
    added = stores.principals.add_application("CRM", "hash", email_agent=True)
    assert added == Application(added.application_id, "CRM", True)
    assert stores.principals.application_by_token_hash("hash") == added
    assert stores.principals.application_by_token_hash("Hash") is None
    with pytest.raises(InvalidValue, match="another application"):
        stores.principals.add_application("crm", "other", email_agent=False)


# Tickets ----------------------------------------------------------------------------------------


def test_a_ticket_slides_with_every_use_and_ends_without(stores: Stores) -> None:
    anna = stores.associate("Anna")
    stores.principals.add_ticket("hash", anna.associate_id, stores.now + timedelta(hours=6))
    for _ in range(3):
        now = stores.later(hours=5)
        used = stores.principals.use_ticket("hash", now, SIX_HOURS)
        assert used is not None
        assert (used.associate, used.expires) == (anna, now + timedelta(hours=6))
    last = stores.now
    assert stores.principals.use_ticket("hash", last + timedelta(hours=6), SIX_HOURS) is None
    assert stores.principals.use_ticket("unknown", last, SIX_HOURS) is None


def test_a_ticket_is_written_at_most_once_a_minute(stores: Stores) -> None:
    anna = stores.associate("Anna")
    end = stores.now + timedelta(hours=6)
    stores.principals.add_ticket("hash", anna.associate_id, end)
    for _ in range(59):
        used = stores.principals.use_ticket("hash", stores.later(seconds=1), SIX_HOURS)
        assert used is not None
        assert used.expires == end
    used = stores.principals.use_ticket("hash", stores.later(seconds=1), SIX_HOURS)
    assert used is not None
    assert used.expires == end + timedelta(minutes=1)


def test_a_short_lived_ticket_slides_in_smaller_steps(stores: Stores) -> None:
    anna = stores.associate("Anna")
    stores.principals.add_ticket("hash", anna.associate_id, stores.now + timedelta(seconds=60))
    for _ in range(20):
        assert stores.principals.use_ticket("hash", stores.later(seconds=50), 60) is not None


def test_revoked_tickets_are_refused_and_others_not(stores: Stores) -> None:
    anna = stores.associate("Anna")
    for name in ("one", "two"):
        stores.principals.add_ticket(name, anna.associate_id, stores.now + timedelta(hours=6))
    stores.principals.revoke_ticket("one")
    stores.principals.revoke_ticket("one")
    assert stores.principals.use_ticket("one", stores.now, SIX_HOURS) is None
    assert stores.principals.use_ticket("two", stores.now, SIX_HOURS) is not None


def test_expired_tickets_are_forgotten(stores: Stores) -> None:
    anna = stores.associate("Anna")
    for hours in (1, 2, 3):
        stores.principals.add_ticket(
            str(hours), anna.associate_id, stores.now + timedelta(hours=hours)
        )
    assert stores.principals.drop_expired_tickets(stores.later(hours=2)) == 2
    with stores.database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(credentials)).scalar() == 1


def test_a_ticket_needs_an_associate(stores: Stores) -> None:
    with pytest.raises(StoreError):
        stores.principals.add_ticket("hash", 99, stores.now)


# Roles ------------------------------------------------------------------------------------------


def test_roles_are_granted_and_taken_away(stores: Stores) -> None:
    one, other = stores.associate(), stores.associate()
    grant, revoke, roles = (
        stores.principals.grant_role,
        stores.principals.revoke_role,
        stores.principals.roles_of,
    )
    assert roles(one.associate_id) == frozenset()
    assert grant(one.associate_id, "EmailAccount-Edit")
    assert not grant(one.associate_id, "EmailAccount-Edit")
    assert grant(one.associate_id, "EmailAccount-Read")
    assert roles(one.associate_id) == {"EmailAccount-Edit", "EmailAccount-Read"}
    assert roles(other.associate_id) == frozenset()
    assert revoke(one.associate_id, "EmailAccount-Edit")
    assert not revoke(one.associate_id, "EmailAccount-Edit")
    assert roles(one.associate_id) == {"EmailAccount-Read"}


def test_nobody_unknown_has_a_role(stores: Stores) -> None:
    with pytest.raises(NotFound):
        stores.principals.grant_role(84, "EmailAccount-Read")
    assert stores.principals.roles_of(84) == frozenset()
