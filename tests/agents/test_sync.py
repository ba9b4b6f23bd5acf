"""The two operations that sync, as callers see them; the engine has tests of its own."""

from __future__ import annotations

import time

from tests.support.dovecot import DovecotServer
from tests.support.live_mail import LiveMail, Office
from tests.support.mailboxes import cache_view, message, server_view
from tests.support.service import member_xml

DEADLINE = 30.0  # seconds


def one(mail: LiveMail) -> str:
    return member_xml({"SyncUserAccount": {"AccountId": mail.account_id}})


def is_level(mail: LiveMail) -> bool:
    with mail.client() as client:
        return cache_view(mail.service, mail.account_id) == server_view(client)


def test_a_sync_brings_the_cache_level_with_the_server(
    office: Office, dovecot: DovecotServer
) -> None:
    mail = office.mailbox(dovecot)
    mail.deliver(*map(message, range(1, 4)))
    mail.deliver(message(9), folder="Work")
    told = mail.succeed("SyncEmailAccount", one(mail)).extra
    assert (told["Sync.State"], told["Sync.New"]) == ("completed", "4")
    assert is_level(mail)
    with mail.client() as client:
        client.select("INBOX")
        client.store("1", "+FLAGS", "(\\Seen)")
        client.store("2", "+FLAGS", "(\\Deleted)")
        client.expunge()
    told = mail.succeed("SyncEmailAccount", one(mail)).extra
    assert (told["Sync.New"], told["Sync.Changed"], told["Sync.Removed"]) == ("0", "1", "1")
    assert is_level(mail)


def test_several_accounts_are_synced_while_nobody_waits(
    office: Office, dovecot: DovecotServer
) -> None:
    mails = [office.mailbox(dovecot) for _ in range(2)]
    for mail in mails:
        mail.deliver(message(1), message(2))
    wanted = "".join(map(one, mails))
    told = mails[0].succeed(
        "SyncEmailAccounts", f"<n:SyncUserAccounts>{wanted}</n:SyncUserAccounts>"
    )
    assert told.extra["Sync.Started"] == "2"
    deadline = time.monotonic() + DEADLINE
    while not all(map(is_level, mails)):
        assert time.monotonic() < deadline, "the accounts were not synced"
        time.sleep(0.05)
