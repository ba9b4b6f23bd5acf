"""Accounts: saving, finding, who is current, who is ready, deleting."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from services84.errors import InvalidValue, LeaseLost, NotFound, SecretUnreadable
from services84.store import accounts as accounts_module
from services84.store.accounts import AccountStore, Destination
from services84.store.tables import email_account, metadata, service_auth
from services84.store.values import (
    Account,
    AccountDraft,
    AccountStatus,
    Cursor,
    FolderBatch,
    RunOutcome,
    RunState,
)
from tests.store.conftest import START, PlainVault, Stores, auth, draft
from tests.store.test_batches import message


def _count(stores: Stores, table: str) -> int:
    with stores.database.reading() as connection:
        return int(
            connection.execute(
                select(func.count()).select_from(metadata.tables[table])
            ).scalar_one()
        )


def test_a_saved_account_comes_back_whole(stores: Stores) -> None:
    anna = stores.associate("Anna")
    smtp = replace(auth("other", "smtp.example.com"), port=465, auth_type="OAuth", username="")
    saved = stores.accounts.save(
        AccountDraft(0, "Anna@Example.com", anna.associate_id, auth(), smtp)
    )
    assert saved.incoming is not None
    assert saved.outgoing is not None
    assert replace(saved.incoming, service_auth_id=0) == replace(auth(), has_password=True)
    assert saved.incoming.password == "secret"
    assert replace(saved.outgoing, service_auth_id=0) == replace(smtp, has_password=True)
    closed = stores.accounts.get(saved.account_id, secrets=False)
    assert closed is not None
    assert closed.incoming == replace(saved.incoming, password=None)
    assert (saved.associate_name, saved.status) == ("Anna", AccountStatus.UNKNOWN)
    assert (saved.error_count, saved.error_reason, saved.last_success) == (0, "", None)
    assert (saved.registered, saved.updated) == (START, START)
    assert stores.accounts.get(saved.account_id) == saved


def test_a_password_is_sealed_for_its_own_row(stores: Stores) -> None:
    saved = stores.account()
    assert saved.incoming is not None
    with stores.database.reading() as connection:
        stored = connection.execute(select(service_auth.c.password)).scalar_one()
    assert stored == f"sealed|service_auth|{saved.incoming.service_auth_id}|password|terces"


def test_a_password_of_none_keeps_the_stored_one_and_an_empty_one_clears_it(stores: Stores) -> None:
    anna = stores.associate("Anna")
    saved = stores.account(anna)
    moved = replace(auth(None), port=143)
    change = replace(draft(anna, "new@example.com", saved.account_id), incoming=moved)
    kept = stores.accounts.save(change)
    assert kept.incoming is not None
    assert (kept.incoming.port, kept.incoming.password) == (143, "secret")
    assert kept.incoming.service_auth_id == saved.incoming.service_auth_id  # type: ignore[union-attr]
    assert kept.email_address == "new@example.com"
    cleared = stores.accounts.save(replace(change, incoming=auth("")))
    assert cleared.incoming is not None
    assert cleared.incoming.password is None


def test_a_direction_that_is_cleared_leaves_no_secret_behind(stores: Stores) -> None:
    anna = stores.associate("Anna")
    saved = stores.account(anna)
    cleared = stores.accounts.save(
        AccountDraft(saved.account_id, "a@b", anna.associate_id, None, auth())
    )
    assert cleared.incoming is None
    assert cleared.outgoing is not None
    assert _count(stores, "service_auth") == 1


def test_unknown_accounts_and_associates_are_not_found_and_nothing_is_written(
    stores: Stores,
) -> None:
    anna = stores.associate("Anna")
    with pytest.raises(NotFound, match="account 99"):
        stores.accounts.save(draft(anna, account_id=99))
    with pytest.raises(NotFound, match="associate 98"):
        stores.accounts.save(AccountDraft(0, "a@b", 98, auth(), None))
    with pytest.raises(NotFound):
        stores.accounts.delete(99)
    with pytest.raises(NotFound):
        stores.accounts.mark_current(99)
    assert stores.accounts.get(99) is None
    assert _count(stores, "service_auth") == 0


def test_a_password_stays_sealed_until_it_is_needed(stores: Stores) -> None:
    saved = stores.account()
    now = stores.database.clock()
    begun = AccountStore(stores.database, _LostKey()).begin_run(saved.account_id, "a", now, 60)
    assert begun is not None
    lease, lost = begun
    assert lost.account == stores.accounts.get(saved.account_id, secrets=False)
    assert lost.account.lease_until == lease.until
    with pytest.raises(SecretUnreadable):
        lost.incoming()
    assert stores.accounts.begin_run(saved.account_id, "b", now, 60) is None
    stores.accounts.finish_run(lease, RunOutcome(), now)
    again = stores.accounts.begin_run(saved.account_id, "b", now, 60)
    assert again is not None
    assert again[1].incoming() == saved.incoming
    assert not again[1].has_news
    stores.accounts.delete(saved.account_id)
    assert stores.accounts.begin_run(saved.account_id, "b", now, 60) is None


def test_a_destination_is_a_server_and_the_newest_run(stores: Stores) -> None:
    saved, other = stores.account(), stores.account(address="b@example.com")
    account = stores.accounts.get(saved.account_id, secrets=False)
    found = stores.accounts.admission(saved.account_id)
    assert found == (account, Destination("imap.example.com", None))
    for _ in range(2):
        lease = stores.lease(saved)
        stores.accounts.finish_run(lease, RunOutcome(), stores.now)
    stores.lease(other)
    found = stores.accounts.admission(saved.account_id)
    assert found is not None
    assert found[1] == Destination("imap.example.com", lease.run_id)
    serverless = replace(draft(stores.associate()), incoming=None)
    nowhere = stores.accounts.save(serverless).account_id
    found = stores.accounts.admission(nowhere)
    assert found is not None
    assert found[1] == Destination("", None)
    stores.accounts.delete(saved.account_id)
    assert stores.accounts.admission(saved.account_id) is None


class _LostKey(PlainVault):
    def open(self, sealed: str, *, table: str, row: int, column: str) -> str:
        raise SecretUnreadable("the key is gone")


def test_a_secret_that_cannot_be_opened_hides_no_account_and_can_be_replaced(
    stores: Stores,
) -> None:
    anna = stores.associate("Anna")
    saved = stores.account(anna)
    lost = AccountStore(stores.database, _LostKey())
    with pytest.raises(SecretUnreadable):
        lost.get(saved.account_id)
    found = lost.get(saved.account_id, secrets=False)
    assert found is not None
    assert found.incoming is not None
    assert found.incoming.password is None
    assert lost.list_all() == lost.of_associate(anna.associate_id) == lost.ready(START) == [found]
    with pytest.raises(SecretUnreadable):
        lost.save(replace(draft(anna, "x@y", saved.account_id), incoming=auth(None)))
    assert lost.list_all() == [found]
    lost.delete(saved.account_id)


def test_an_account_is_found_by_its_address_whatever_its_case(stores: Stores) -> None:
    anna, bert = stores.associate("Anna"), stores.associate("Bert")
    first = stores.account(anna, " Grüße@Example.COM")
    stores.account(anna, "grüße@example.com")
    stores.account(bert, "other@example.com")
    assert stores.accounts.by_address(anna.associate_id, "GRÜSSE@example.com") == first
    assert stores.accounts.by_address(bert.associate_id, "grüße@example.com") is None
    assert stores.accounts.by_address(anna.associate_id, "") is None


def test_an_address_of_any_length_is_kept(stores: Stores) -> None:
    anna = stores.associate("Anna")
    long = "x" * 10_000 + "@example.com"
    saved = stores.account(anna, long)
    assert saved.email_address == long
    assert stores.accounts.by_address(anna.associate_id, long.upper()) == saved


def test_the_current_account_is_the_one_marked_last_else_the_oldest(stores: Stores) -> None:
    anna = stores.associate("Anna")
    assert stores.accounts.current(anna.associate_id) is None
    one, two, three = (stores.account(anna) for _ in range(3))
    stores.account(stores.associate("Bert"))

    def current() -> Account | None:
        return stores.accounts.current(anna.associate_id)

    assert current() == one
    stores.accounts.mark_current(three.account_id)
    stores.accounts.mark_current(two.account_id)
    stores.accounts.mark_current(two.account_id)
    assert current() == two
    stores.accounts.delete(two.account_id)
    assert current() == three
    stores.accounts.mark_current(one.account_id)
    assert current() == one


def _ids(stores: Stores, associate_id: int | None = None) -> list[int]:
    return [account.account_id for account in stores.accounts.ready(stores.now, associate_id)]


@pytest.mark.parametrize("field", ["server", "username", "password"])
def test_an_account_without_credentials_is_not_ready(stores: Stores, field: str) -> None:
    anna = stores.associate("Anna")
    incomplete = replace(auth(), **{field: ""})  # type: ignore[arg-type]
    stores.accounts.save(AccountDraft(0, "a@b", anna.associate_id, incomplete, auth()))
    stores.accounts.save(AccountDraft(0, "a@b", anna.associate_id, None, auth()))
    assert _ids(stores) == []


def test_ready_accounts_come_longest_without_success_first(stores: Stores) -> None:
    anna, bert = stores.associate("Anna"), stores.associate("Bert")
    one, two, three = stores.account(anna), stores.account(bert), stores.account(anna)
    for account in (two, one):
        stores.accounts.finish_run(stores.lease(account), RunOutcome(), stores.later(minutes=1))
    assert _ids(stores) == [three.account_id, two.account_id, one.account_id]
    assert _ids(stores, bert.associate_id) == [two.account_id]


def test_an_account_that_rests_is_synced_or_has_failed_is_not_ready(stores: Stores) -> None:
    account = stores.account()
    lease = stores.lease(account)
    assert _ids(stores) == []
    resting = RunOutcome(
        error_reason="no", error_count=1, status=AccountStatus.FAILING,
        next_attempt=stores.now + timedelta(seconds=30),
    )  # fmt: skip
    stores.accounts.finish_run(lease, resting, stores.now)
    assert _ids(stores) == []
    stores.later(seconds=30)
    assert _ids(stores) == [account.account_id]
    failed = replace(resting, status=AccountStatus.FAILED, next_attempt=None)
    stores.accounts.finish_run(stores.lease(account), failed, stores.now)
    assert _ids(stores) == []
    draft = AccountDraft(account.account_id, "a@b", account.associate_id, auth(), None, True)
    stores.accounts.save(draft)
    assert _ids(stores) == [account.account_id]


def test_a_save_clears_the_errors_only_when_it_is_told_to(stores: Stores) -> None:
    account = stores.account()
    failing = RunOutcome(
        error_reason="Anmeldung abgelehnt", error_count=3, status=AccountStatus.FAILING,
        next_attempt=stores.now,
    )  # fmt: skip
    stores.accounts.finish_run(stores.lease(account), failing, stores.now)
    draft = AccountDraft(account.account_id, "a@b", account.associate_id, auth(), None)
    kept = stores.accounts.save(draft)
    assert (kept.status, kept.error_count, kept.error_reason, kept.next_attempt) == (
        AccountStatus.FAILING, 3, "Anmeldung abgelehnt", stores.now,
    )  # fmt: skip
    clean = stores.accounts.save(replace(draft, reset_errors=True))
    assert (clean.status, clean.error_count, clean.error_reason, clean.next_attempt) == (
        AccountStatus.UNKNOWN, 0, "", None,
    )  # fmt: skip


def test_a_deleted_account_takes_everything_with_it(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts_module, "DELETED_AT_ONCE", 3)
    kept = stores.account(stores.associate("Bert"))
    kept_folder = stores.folder(stores.lease(kept))
    account = stores.account(stores.associate("Anna"))
    lease = stores.lease(account)
    batch = FolderBatch(1, added=[message(uid) for uid in range(10)], refused={99: "no"})
    stores.folders.apply(lease, stores.folder(lease).folder_id, batch)
    stores.accounts.delete(account.account_id)
    assert stores.accounts.get(account.account_id) is None
    assert stores.accounts.list_all() == [stores.accounts.get(kept.account_id, secrets=False)]
    assert stores.folders.list(kept.account_id) == [kept_folder]
    for table in ("email_item", "email_source", "email_attachment", "email_problem"):
        assert _count(stores, table) == 0, table
    assert _count(stores, "service_auth") == _count(stores, "email_account") == 1
    assert _count(stores, "sync_run") == _count(stores, "email_folder") == 1


def test_a_sync_that_runs_while_its_account_is_deleted_loses_its_lease(stores: Stores) -> None:
    account = stores.account()
    lease = stores.lease(account)
    folder = stores.folder(lease)
    stores.accounts.delete(account.account_id)
    with pytest.raises(LeaseLost):
        stores.folders.apply(lease, folder.folder_id, FolderBatch(1, added=[message(1)]))
    with pytest.raises(LeaseLost):
        stores.accounts.renew_lease(lease, stores.now, 60)
    with pytest.raises(LeaseLost):
        stores.accounts.finish_run(lease, RunOutcome(), stores.now)
    assert stores.accounts.take_lease(account.account_id, "me", stores.now, 60) is None


def test_a_deletion_that_was_cut_short_is_invisible_and_completed_later(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = stores.associate("Anna")
    account = stores.account(anna)
    lease = stores.lease(account)
    folder = stores.folder(lease)
    stores.folders.apply(lease, folder.folder_id, FolderBatch(1, added=[message(1)]))

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(AccountStore, "_drop_cache", die)
    with pytest.raises(KeyboardInterrupt):
        stores.accounts.delete(account.account_id)
    monkeypatch.undo()
    assert stores.accounts.get(account.account_id) is None
    assert stores.accounts.list_all() == stores.accounts.ready(stores.now) == []
    assert stores.accounts.current(anna.associate_id) is None
    assert stores.accounts.by_address(anna.associate_id, "a@example.com") is None
    assert stores.accounts.take_lease(account.account_id, "me", stores.now, 60) is None
    assert _count(stores, "service_auth") == 0
    run = stores.accounts.run(lease.run_id)
    assert run is not None
    assert run.state is RunState.LOST
    assert stores.accounts.finish_deletions() == 1
    assert _count(stores, "email_account") == _count(stores, "email_item") == 0
    assert stores.accounts.finish_deletions() == 0


def test_ids_are_not_given_again(stores: Stores) -> None:
    anna = stores.associate("Anna")
    first = stores.account(anna)
    stores.accounts.delete(first.account_id)
    second = stores.account(anna)
    assert second.account_id > first.account_id
    assert second.incoming.service_auth_id > first.incoming.service_auth_id  # type: ignore[union-attr]


def test_accounts_saved_at_once_are_all_kept(stores: Stores) -> None:
    anna = stores.associate("Anna")
    with ThreadPoolExecutor(10) as threads:
        saved = list(threads.map(lambda n: stores.account(anna, f"{n}@b.c"), range(30)))
    assert len({account.account_id for account in saved}) == 30
    assert stores.accounts.by_address(anna.associate_id, "7@b.c") is not None


def test_lookups_use_their_indexes(stores: Stores) -> None:
    if stores.database.product != "PostgreSQL":
        return
    with stores.database.reading() as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan = connection.execute(
            text(
                "EXPLAIN SELECT 1 FROM email_account WHERE address_key = 'a' AND address_key <> ''"
            )
        ).scalars()
        assert email_account.name in "".join(plan)


def test_a_cursor_written_by_a_lost_lease_is_not_kept(stores: Stores) -> None:
    account = stores.account()
    lease = stores.lease(account)
    folder = stores.folder(lease)
    stores.later(seconds=61)
    assert stores.lease(account).run_id != lease.run_id
    with pytest.raises(LeaseLost):
        stores.folders.apply(lease, folder.folder_id, FolderBatch(1, cursor=Cursor(1, 2, 3, True)))
    assert stores.folders.get(folder.folder_id) == folder


def test_a_kept_password_goes_to_no_other_server_whatever_was_read_before(stores: Stores) -> None:
    """Two saves at once: what one read of the account is no longer true when it writes."""
    account = stores.account()
    read = AccountDraft(
        account.account_id, "a@example.com", account.associate_id, auth(None, "evil.example"), None
    )
    with pytest.raises(InvalidValue, match="required again when Server changes"):
        stores.accounts.save(read)
    kept = stores.accounts.get(account.account_id)
    assert kept is not None
    assert kept.incoming is not None
    assert (kept.incoming.server, kept.incoming.password) == ("imap.example.com", "secret")
