"""An account that is switched off is synced by nobody, and who asks is told why."""

from __future__ import annotations

import pytest

from tests.support.boxes import ints
from tests.support.dovecot import DovecotServer
from tests.support.live_mail import LiveMail, Office
from tests.support.mailboxes import message
from tests.support.options import set_options
from tests.support.service import member_xml


@pytest.fixture
def mail(office: Office, dovecot: DovecotServer) -> LiveMail:
    mail = office.mailbox(dovecot)
    mail.deliver(message(1))
    mail.sync()
    set_options(mail.service, mail.account_id, active=False)
    mail.deliver(message(2))
    return mail


def test_it_is_not_synced_and_the_reason_is_told(mail: LiveMail, dovecot: DovecotServer) -> None:
    before = dovecot.logins(mail.user)
    members = member_xml({"SyncUserAccount": {"AccountId": mail.account_id}})
    told = mail.refused("AccountInactive", "SyncEmailAccount", members)
    assert "is switched off and is not synced" in told["Message"]
    many = "<n:SyncUserAccounts><n:SyncUserAccount>"
    many += member_xml({"AccountId": mail.account_id})
    many += "</n:SyncUserAccount></n:SyncUserAccounts>"
    extra = mail.succeed("SyncEmailAccounts", many).extra
    assert extra["Sync.Refused"] == "1"
    assert "switched off" in extra[f"Sync.Refused.{mail.account_id}"]
    for operation in ("RefreshFolderForAssociate", "CacheFolderList"):
        mail.service.services.accounts.mark_current(mail.account_id)
        assert "switched off" in mail.refused("AccountInactive", operation)["Message"]
    ready = mail.succeed("GetReadySyncEmailAccounts")
    assert str(mail.account_id) not in [one.text for one in ready.body.iter("{*}AccountId")]
    assert set(mail.items("INBOX")) == {1}
    # The two operations that list folders do sign in; no sync does.
    assert dovecot.logins(mail.user) <= before + 2


def test_what_is_done_in_its_mailbox_is_followed_all_the_same(mail: LiveMail) -> None:
    [item_id] = mail.items("INBOX").values()
    mail.succeed("MarkEmailsAsRead", ints("Ids", [item_id]), member_xml({"Read": True}))
    assert mail.flags()[1] == {"\\Seen"}
    folder = mail.service.services.folders.list(mail.account_id)[0]
    # The change was followed, and what else was new in that folder with it.
    assert folder.unread == folder.total - 1


def test_it_is_synced_again_when_it_is_on(mail: LiveMail) -> None:
    set_options(mail.service, mail.account_id, active=True)
    mail.sync()
    assert set(mail.items("INBOX")) == {1, 2}
