"""Refresh tokens of mail accounts, beside the access tokens that are passwords."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from services84.errors import NotFound, SecretUnreadable
from services84.security.vault import Vault
from services84.store.accounts import AccountStore
from services84.store.mail_tokens import MailTokenStore
from services84.store.sealed import SealedSecrets, SecretCount
from services84.store.tables import mail_token
from services84.store.values import (
    Account,
    AccountDraft,
    AccountStatus,
    MailToken,
    RunOutcome,
    ServiceAuth,
)
from tests.store.conftest import PlainVault, Stores

HOUR = timedelta(hours=1)


@pytest.fixture
def tokens(stores: Stores) -> MailTokenStore:
    return MailTokenStore(stores.database, PlainVault())


def oauth_draft(stores: Stores, **values: object) -> AccountDraft:
    side = ServiceAuth(0, "imap.example.com", 993, "XOAUTH2", "anna", "old")
    outgoing = replace(side, server="smtp.example.com", port=465)
    draft = AccountDraft(
        0, "a@example.com", stores.associate().associate_id, side, outgoing, reset_errors=True
    )
    return replace(draft, **values)  # type: ignore[arg-type]


def sides(account: Account) -> list[int]:
    return [auth.service_auth_id for auth in (account.incoming, account.outgoing) if auth]


def kept(stores: Stores, tokens: MailTokenStore) -> tuple[Account, MailToken]:
    """An account whose access token can be renewed."""
    account = stores.accounts.save(oauth_draft(stores))
    expires = stores.now + HOUR
    tokens.keep(
        account.account_id, "google", "refresh 1", "access 1", expires, sides(account), stores.now
    )
    found = tokens.of_account(account.account_id)
    assert found is not None
    return account, found


def passwords(stores: Stores, account: Account) -> list[str | None]:
    found = stores.accounts.get(account.account_id)
    assert found is not None
    return [auth.password for auth in (found.incoming, found.outgoing) if auth]


def test_an_account_without_a_token_has_none(stores: Stores, tokens: MailTokenStore) -> None:
    account = stores.account()
    assert tokens.of_account(account.account_id) is None
    assert tokens.of_side(sides(account)[0]) is None
    assert not tokens.forget(account.account_id)
    with pytest.raises(NotFound):
        tokens.keep(99, "google", "r", "a", None, [], stores.now)


def test_the_access_token_becomes_the_password_of_the_named_sides(
    stores: Stores, tokens: MailTokenStore
) -> None:
    account, found = kept(stores, tokens)
    assert (found.provider, found.refresh_token) == ("google", "refresh 1")
    assert found.expires == stores.now + HOUR
    assert passwords(stores, account) == ["access 1", "access 1"]
    assert [tokens.of_side(side) for side in sides(account)] == [found, found]
    assert tokens.password_of(sides(account)[1]) == "access 1"
    assert tokens.password_of(99) == ""


def test_nothing_secret_is_stored_in_clear(stores: Stores, tokens: MailTokenStore) -> None:
    account, found = kept(stores, tokens)
    with stores.database.reading() as connection:
        row = connection.execute(select(mail_token)).one()
    assert "refresh 1" not in str(row)
    assert row.refresh_token.startswith(f"sealed|mail_token|{account.account_id}|refresh_token|")
    assert "refresh 1" not in repr(found)


def test_a_renewal_replaces_both_tokens_at_once(stores: Stores, tokens: MailTokenStore) -> None:
    account, found = kept(stores, tokens)
    stores.later(hours=1)
    assert tokens.renew(found, "refresh 2", "access 2", None, sides(account), stores.now)
    renewed = tokens.of_account(account.account_id)
    assert renewed is not None
    assert (renewed.refresh_token, renewed.expires) == ("refresh 2", None)
    assert renewed.renewed == stores.now
    assert passwords(stores, account) == ["access 2", "access 2"]


def test_a_late_renewal_overwrites_nothing_newer(stores: Stores, tokens: MailTokenStore) -> None:
    account, found = kept(stores, tokens)
    assert tokens.renew(found, "refresh 2", "access 2", None, sides(account), stores.now)
    assert not tokens.renew(found, "refresh 3", "access 3", None, sides(account), stores.now)
    tokens.give_up(found, "too late")
    renewed = tokens.of_account(account.account_id)
    assert renewed is not None
    assert (renewed.refresh_token, renewed.problem) == ("refresh 2", "")
    assert passwords(stores, account) == ["access 2", "access 2"]


def test_a_token_that_was_removed_and_kept_anew_is_another(
    stores: Stores, tokens: MailTokenStore
) -> None:
    account, found = kept(stores, tokens)
    assert tokens.forget(account.account_id)
    tokens.keep(
        account.account_id, "google", "refresh 2", "access 2", None, sides(account), stores.now
    )
    assert not tokens.renew(found, "refresh 3", "access 3", None, sides(account), stores.now)


def test_a_problem_stays_until_another_token_is_kept(
    stores: Stores, tokens: MailTokenStore
) -> None:
    account, found = kept(stores, tokens)
    tokens.give_up(found, "consent was withdrawn")
    failed = tokens.of_account(account.account_id)
    assert failed is not None
    assert failed.problem == "consent was withdrawn"
    tokens.keep(
        account.account_id, "google", "refresh 2", "access 2", None, sides(account), stores.now
    )
    mended = tokens.of_account(account.account_id)
    assert mended is not None
    assert mended.problem == ""


@pytest.mark.parametrize("password", ["new", ""])
def test_saving_another_password_ends_the_renewals(
    stores: Stores, tokens: MailTokenStore, password: str
) -> None:
    account, _ = kept(stores, tokens)
    assert account.incoming is not None
    incoming = replace(account.incoming, server="imap.example.org", password=password)
    stores.accounts.save(
        oauth_draft(
            stores,
            account_id=account.account_id,
            associate_id=account.associate_id,
            incoming=incoming,
            outgoing=replace(incoming, password=None, server="smtp.example.com"),
        )
    )
    assert tokens.of_account(account.account_id) is None


def test_a_side_that_was_added_without_a_password_is_given_none(
    stores: Stores, tokens: MailTokenStore
) -> None:
    account = stores.accounts.save(oauth_draft(stores, outgoing=None))
    tokens.keep(
        account.account_id, "google", "refresh 1", "access 1", None, sides(account), stores.now
    )
    found = tokens.of_account(account.account_id)
    assert found is not None
    assert account.incoming is not None
    other = ServiceAuth(0, "smtp.attacker.example", 465, "XOAUTH2", "anna", None)
    account = stores.accounts.save(
        oauth_draft(
            stores,
            account_id=account.account_id,
            associate_id=account.associate_id,
            incoming=replace(account.incoming, password=None),
            outgoing=other,
        )
    )
    assert tokens.renew(found, "refresh 2", "access 2", None, sides(account), stores.now)
    assert passwords(stores, account) == ["access 2", None]


def test_a_deleted_account_takes_its_token_along(stores: Stores, tokens: MailTokenStore) -> None:
    account, _ = kept(stores, tokens)
    stores.accounts.delete(account.account_id)
    assert tokens.of_account(account.account_id) is None
    with pytest.raises(NotFound):
        tokens.keep(account.account_id, "google", "r", "a", None, [], stores.now)


def test_refresh_tokens_of_a_lost_key_are_counted_and_given_up(stores: Stores) -> None:
    vault, other = Vault.of_new_key(), Vault.of_new_key()
    account = AccountStore(stores.database, vault).save(oauth_draft(stores))
    tokens = MailTokenStore(stores.database, vault)
    tokens.keep(account.account_id, "google", "refresh", "access", None, sides(account), stores.now)
    with pytest.raises(SecretUnreadable):
        MailTokenStore(stores.database, other).of_account(account.account_id)
    assert SealedSecrets(stores.database, vault).count() == SecretCount(3, 0)
    lost = SealedSecrets(stores.database, other)
    assert lost.count() == SecretCount(3, 3)
    assert lost.forget_unreadable() == 3
    assert lost.count() == SecretCount(0, 0)


def test_new_tokens_clear_what_the_old_ones_had_done(
    stores: Stores, tokens: MailTokenStore
) -> None:
    account, _ = kept(stores, tokens)
    lease = stores.lease(account)
    outcome = RunOutcome(
        error_reason="refused",
        error_count=9,
        status=AccountStatus.FAILED,
        next_attempt=stores.now + HOUR,
        refused_count=9,
    )
    stores.accounts.finish_run(lease, outcome, stores.now)
    assert stores.accounts.ready(stores.now) == []
    tokens.keep(account.account_id, "google", "r", "a", None, sides(account), stores.now)
    assert [one.account_id for one in stores.accounts.ready(stores.now)] == [account.account_id]
