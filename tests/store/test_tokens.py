"""Access tokens and refresh tokens of applications."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from services84.errors import NotFound
from services84.store.clients import ClientStore
from services84.store.tables import access_token, oauth_grant, refresh_token
from services84.store.tokens import TokenStore
from services84.store.values import Application, Associate, HashedToken
from tests.store.conftest import Stores


class Tokens(TokenStore):
    """The store, with an application and an associate who has allowed it something."""

    def __init__(self, stores: Stores) -> None:
        super().__init__(stores.database)
        self.stores = stores
        self.clients = ClientStore(stores.database)
        self.anna: Associate = stores.associate("anna")
        self.crm: Application = stores.principals.add_application(
            "crm", "secret hash", email_agent=True
        )

    def until(self, name: str, **delta: float) -> HashedToken:
        return HashedToken(name, self.stores.now + timedelta(**delta))

    def give(self, access: str, refresh: str | None = None) -> None:
        self.issue(
            self.crm.application_id,
            self.anna.associate_id,
            self.until(access, hours=1),
            self.until(refresh, days=30) if refresh else None,
        )

    def turn(self, old: str, access: str, refresh: str) -> bool:
        return self.rotate(
            old, self.until(access, hours=1), self.until(refresh, days=30), self.stores.now
        )

    def works(self, access: str) -> bool:
        return self.access(access, self.stores.now) is not None

    def rows(self) -> list[int]:
        with self.stores.database.reading() as connection:
            return [
                connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in (oauth_grant, access_token, refresh_token)
            ]


@pytest.fixture
def tokens(stores: Stores) -> Tokens:
    return Tokens(stores)


def test_an_unknown_token_is_nobody(tokens: Tokens) -> None:
    tokens.give("a1", "r1")
    assert tokens.access("a2", tokens.stores.now) is None
    assert tokens.access("r1", tokens.stores.now) is None
    assert tokens.refresh("a1") is None


def test_an_access_token_ends_after_its_time_however_often_it_is_used(tokens: Tokens) -> None:
    tokens.give("a1")
    tokens.stores.later(minutes=59)
    found = tokens.access("a1", tokens.stores.now)
    assert found is not None
    assert (found.associate, found.application_id) == (tokens.anna, tokens.crm.application_id)
    tokens.stores.later(minutes=1)
    assert not tokens.works("a1")


def test_a_refresh_token_makes_new_tokens_once(tokens: Tokens) -> None:
    tokens.give("a1", "r1")
    assert tokens.turn("r1", "a2", "r2")
    found = tokens.refresh("r2")
    assert found is not None
    assert found.rotated is None
    assert tokens.works("a1")
    assert tokens.works("a2")


def test_a_refresh_token_that_is_used_again_ends_all_tokens_of_its_grant(tokens: Tokens) -> None:
    tokens.give("a1", "r1")
    tokens.give("other", "other r")
    assert tokens.turn("r1", "a2", "r2")
    assert tokens.turn("r2", "a3", "r3")
    assert not tokens.turn("r1", "a4", "r4")
    assert not any(map(tokens.works, ("a1", "a2", "a3", "a4")))
    assert tokens.refresh("r3") is None
    assert not tokens.turn("r3", "a5", "r5")
    assert tokens.works("other")


def test_an_expired_refresh_token_is_worth_nothing_and_ends_nothing(tokens: Tokens) -> None:
    tokens.give("a1", "r1")
    tokens.stores.later(days=30)
    assert not tokens.turn("r1", "a2", "r2")
    assert not tokens.works("a2")
    assert tokens.rows() == [1, 1, 1]


def test_of_many_that_use_a_refresh_token_at_once_one_gets_tokens_and_none_keeps_them(
    tokens: Tokens,
) -> None:
    for turn in "abcdefghijklmnopqrst":  # often enough for whoever waits for one another to do so

        def use(number: int, turn: str = turn) -> bool:
            return tokens.turn(f"r{turn}", f"a{turn}{number}", f"r{turn}{number}")

        tokens.give(f"a{turn}", f"r{turn}")
        with ThreadPoolExecutor(6) as threads:
            got = list(threads.map(use, range(6)))
        assert sorted(got) == [False] * 5 + [True]
        assert tokens.rows() == [0, 0, 0]


def test_an_access_token_is_revoked_alone_and_a_grant_with_all(tokens: Tokens) -> None:
    tokens.give("a1", "r1")
    assert tokens.turn("r1", "a2", "r2")
    tokens.revoke_access("a2")
    tokens.revoke_access("unknown")
    assert [tokens.works("a1"), tokens.works("a2")] == [True, False]
    found = tokens.refresh("r2")
    assert found is not None
    tokens.end_grant(found.grant_id)
    assert tokens.rows() == [0, 0, 0]


def test_the_grants_of_an_associate_and_of_an_application_are_ended(tokens: Tokens) -> None:
    tokens.give("a1", "r1")
    tokens.give("a2", "r2")
    assert tokens.count(tokens.anna.associate_id) == 2
    assert tokens.end_grants_of(associate_id=tokens.anna.associate_id + 1) == 0
    assert tokens.end_grants_of(associate_id=tokens.anna.associate_id) == 2
    tokens.give("a3", "r3")
    assert tokens.end_grants_of(application_id=tokens.crm.application_id) == 1
    assert tokens.rows() == [0, 0, 0]
    with pytest.raises(ValueError, match="whose"):
        tokens.end_grants_of()


def test_what_nobody_can_use_any_more_is_dropped(tokens: Tokens) -> None:
    tokens.give("a1")
    tokens.give("a2", "r2")
    tokens.drop_expired(tokens.stores.later(hours=1))
    assert tokens.rows() == [1, 0, 1]
    assert tokens.turn("r2", "a3", "r3")
    tokens.drop_expired(tokens.stores.later(days=30) - timedelta(seconds=1))
    # The used one has to be known for as long as it could come back.
    assert tokens.rows() == [1, 0, 1]
    tokens.drop_expired(tokens.stores.later(seconds=1))
    assert tokens.rows() == [0, 0, 0]


def test_only_a_registered_application_is_a_client(tokens: Tokens) -> None:
    clients = tokens.clients
    assert clients.client("c1") is None
    assert clients.applications() == [(tokens.crm, None)]
    with pytest.raises(NotFound):
        clients.register(99, "c9", ["password"], None)
    made = clients.register(tokens.crm.application_id, "c1", ["refresh_token", "password"], None)
    assert made.grants == {"password", "refresh_token"}
    assert clients.client("c1") == made
    assert clients.client("C1") is None
    assert clients.applications() == [(tokens.crm, made)]
    assert clients.application_by_name("CRM") == tokens.crm
    assert clients.application_by_name("cr%") is None


def test_a_client_keeps_its_id_when_it_is_registered_anew(tokens: Tokens) -> None:
    crm, clients = tokens.crm.application_id, tokens.clients
    clients.register(crm, "c1", ["password"], None)
    again = clients.register(crm, "c2", ["client_credentials"], tokens.anna.associate_id)
    assert (again.client_id, again.acts_as) == ("c1", tokens.anna.associate_id)
    assert again.grants == {"client_credentials"}


def test_another_secret_ends_what_was_given_for_the_old_one(tokens: Tokens) -> None:
    tokens.give("a1", "r1")
    tokens.clients.set_secret_hash(tokens.crm.application_id, "new hash")
    assert tokens.clients.secret_hash_of(tokens.crm.application_id) == "new hash"
    assert tokens.rows() == [0, 0, 0]
    with pytest.raises(NotFound):
        tokens.clients.set_secret_hash(99, "hash")


def test_a_removed_application_leaves_nothing_behind(tokens: Tokens) -> None:
    tokens.clients.register(tokens.crm.application_id, "c1", ["password"], None)
    tokens.give("a1", "r1")
    tokens.clients.remove_application(tokens.crm.application_id)
    assert tokens.clients.client("c1") is None
    assert tokens.clients.secret_hash_of(tokens.crm.application_id) is None
    assert tokens.rows() == [0, 0, 0]
    with pytest.raises(NotFound):
        tokens.clients.remove_application(tokens.crm.application_id)
