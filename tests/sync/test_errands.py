"""What an operation does on the server is in the cache when it is done."""

from __future__ import annotations

from typing import Any

import pytest

from services84.errors import FolderMissing, LoginRefused, MailServerBusy, NotFound
from services84.mailhost import Login
from services84.store.values import AccountStatus, ItemFlag
from services84.sync import errands as errands_module
from services84.sync.errands import Errands
from tests.support.mailboxes import append, message
from tests.sync.conftest import MAIL_PASSWORD, Scene
from tests.sync.test_movings import assert_equal, fill, folder_ids, ids


@pytest.fixture
def errands(scene: Scene) -> Errands:
    return scene.service.services.errands


@pytest.fixture
def filled(scene: Scene) -> Scene:
    with scene.client() as client:
        fill(client, "INBOX", "Work")
    scene.sync()
    return scene


def items(scene: Scene, folder: str) -> list[Any]:
    services = scene.service.services
    return services.items.list(folder_ids(scene)[folder], limit=100)


def test_an_account_that_does_not_exist_has_no_errands(errands: Errands) -> None:
    with pytest.raises(NotFound), errands.for_account(4711):
        pass


def test_an_account_without_a_server_has_none_either(scene: Scene, errands: Errands) -> None:
    saved = scene.service.call(
        "SaveEMailAccount", {"EMailAccount": {"EMailAddress": "x@y.example"}}, ticket=scene.ticket
    )
    with (
        pytest.raises(LoginRefused, match="no incoming mail server"),
        errands.for_account(int(saved.text("Response/EMailAccountId"))),
    ):
        pass


def test_what_fails_half_way_is_followed_as_far_as_it_went(filled: Scene, errands: Errands) -> None:
    def half_way() -> None:
        with errands.for_account(filled.account_id) as errand:
            errand.touch("INBOX")
            errand.connection.select("INBOX")
            errand.connection.store_flags([1], add=frozenset({"\\Flagged"}))
            errand.connection.move([2], "No such folder")

    with pytest.raises(FolderMissing):
        half_way()
    assert items(filled, "INBOX")[-1].flags & ItemFlag.FLAGGED
    assert_equal(filled)


def test_flags_and_moves_are_in_the_cache_at_once_and_the_next_sync_finds_nothing(
    filled: Scene, errands: Errands
) -> None:
    before = ids(filled)
    with errands.for_account(filled.account_id) as errand:
        errand.connection.select("INBOX")
        errand.connection.store_flags([1, 2], add=frozenset({"\\Flagged"}))
        moved = errand.connection.move([3], "Work")
        errand.moved("INBOX", "Work", moved.copied.uid_validity, moved.copied.uids)
    assert ids(filled) == before
    assert_equal(filled)
    extra = filled.sync()
    assert (extra["Sync.New"], extra["Sync.Changed"], extra["Sync.Removed"]) == ("0", "0", "0")


def test_a_message_without_a_message_id_keeps_its_id_where_the_server_tells_its_way(
    scene: Scene, errands: Errands
) -> None:
    with scene.client() as client:
        append(client, "INBOX", b"Subject: nameless\r\n\r\nhello\r\n")
        client.create("Work")
    scene.sync()
    (before,) = items(scene, "INBOX")
    with errands.for_account(scene.account_id) as errand:
        errand.connection.select("INBOX")
        moved = errand.connection.move([1], "Work")
        errand.moved("INBOX", "Work", moved.copied.uid_validity, moved.copied.uids)
    (after,) = items(scene, "Work")
    assert after.item_id == before.item_id
    assert_equal(scene)


def test_a_new_and_a_deleted_folder_are_in_the_cache_at_once(
    filled: Scene, errands: Errands
) -> None:
    with errands.for_account(filled.account_id) as errand:
        errand.connection.create_folder("Brandnew")
        errand.connection.delete_folder("Work")
        errand.touch("Brandnew", "Work")
    assert set(folder_ids(filled)) == {"INBOX", "Brandnew"}
    assert_equal(filled)


def test_other_folders_are_left_for_the_next_sync(filled: Scene, errands: Errands) -> None:
    with filled.client() as client:
        append(client, "Work", message(99))
    with errands.for_account(filled.account_id) as errand:
        errand.touch("INBOX")
    assert len(items(filled, "Work")) == 4
    assert filled.sync()["Sync.New"] == "1"


def test_an_errand_says_nothing_of_the_account_as_a_whole(filled: Scene, errands: Errands) -> None:
    accounts = filled.service.services.accounts
    before = accounts.get(filled.account_id)
    with errands.for_account(filled.account_id) as errand:
        errand.touch("INBOX")
    after = accounts.get(filled.account_id)
    assert after is not None
    assert before is not None
    assert (after.status, after.last_success) == (AccountStatus.OK, before.last_success)
    assert after.lease_until is None


def test_a_mailbox_without_an_account_is_changed_all_the_same(
    filled: Scene, errands: Errands
) -> None:
    host = filled.service.services.mail.where("127.0.0.1", filled.dovecot.port_plain)
    login = Login(filled.user, MAIL_PASSWORD)
    with errands.at(host, login, account_id=None) as errand:
        errand.connection.select("INBOX")
        errand.connection.store_flags([1], add=frozenset({"\\Flagged"}))
        errand.touch("INBOX")
        assert errands.refresh(errand, ["INBOX"]) is None
    assert filled.sync()["Sync.Changed"] == "1"


def test_while_another_syncs_the_account_the_server_is_changed_and_the_cache_lags(
    filled: Scene, errands: Errands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errands_module, "LEASE_SECONDS", 0.3)
    services = filled.service.services
    lease = services.accounts.take_lease(filled.account_id, "another", services.clock(), 600)
    assert lease is not None
    with errands.for_account(filled.account_id) as errand:
        errand.connection.select("INBOX")
        errand.connection.store_flags([1], add=frozenset({"\\Flagged"}))
        errand.touch("INBOX")
        with pytest.raises(MailServerBusy, match="is being synced"):
            errands.refresh(errand, [])
    assert not items(filled, "INBOX")[-1].flags & ItemFlag.FLAGGED
    with filled.client() as client:
        client.select("INBOX")
        assert b"\\Flagged" in client.uid("FETCH", "1", "(FLAGS)")[1][0]
