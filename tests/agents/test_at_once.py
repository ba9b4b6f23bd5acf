"""Several calls at once about the same messages, as of a caller who was impatient: nothing is
there twice afterwards, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from services84.agents.usual_folders import make_folder
from services84.errors import MailServerRefused
from services84.imap.connection import ImapConnection
from tests.support.boxes import ints
from tests.support.dovecot import DovecotServer
from tests.support.live_mail import LiveMail, Office
from tests.support.mailboxes import message
from tests.support.service import Reply, member_xml

CALLS = 3
MESSAGES = 30


@pytest.fixture
def mail(office: Office, dovecot: DovecotServer) -> LiveMail:
    mail = office.mailbox(dovecot)
    mail.deliver(*map(message, range(1, MESSAGES + 1)))
    mail.deliver(message(99), folder="Trash")
    mail.sync()
    return mail


def at_once(call: Callable[[], Reply]) -> list[Reply]:
    with ThreadPoolExecutor(CALLS) as pool:
        return [each.result() for each in [pool.submit(call) for _ in range(CALLS)]]


def assert_moved_once(mail: LiveMail, known: dict[int, int]) -> None:
    assert mail.flags() == {}
    assert len(mail.sources("Trash")) == MESSAGES + 1
    mail.sync()
    assert set(mail.items("Trash").values()) > set(known.values())
    mail.assert_level()


@pytest.mark.parametrize("hidden", [(), ("MOVE",), ("MOVE", "UIDPLUS")])
def test_cached_messages_are_moved_once(
    mail: LiveMail, monkeypatch: pytest.MonkeyPatch, hidden: tuple[str, ...]
) -> None:
    offered = property(lambda connection: connection._session.capabilities - set(hidden))
    monkeypatch.setattr(ImapConnection, "capabilities", offered)
    known = mail.items("INBOX")
    wanted = ints("Ids", known.values())
    replies = at_once(lambda: mail.call("MoveEmailsToTrash", wanted))
    # Where the messages are wanted is where they are by then.
    assert [reply.exception for reply in replies] == [{}] * CALLS
    assert_moved_once(mail, known)


@pytest.mark.parametrize(
    ("operation", "target"), [("MoveToFolder", "TargetFolder"), ("Delete", "MoveToFolder")]
)
def test_live_messages_are_moved_once(mail: LiveMail, operation: str, target: str) -> None:
    known = mail.items("INBOX")
    members = (mail.info("INBOX"), ints("MessageServerIds", known), member_xml({target: "Trash"}))
    replies = at_once(lambda: mail.call(operation, *members))
    assert sorted(bool(reply.succeeded) for reply in replies) == [False, False, True]
    kinds = {reply.exception.get("ExceptionType") for reply in replies}
    assert kinds == {None, "SoNotFoundException"}
    assert_moved_once(mail, known)


def test_a_folder_is_emptied_into_another_once(mail: LiveMail) -> None:
    known = mail.items("INBOX")
    members = (mail.info("INBOX"), member_xml({"MoveToFolder": "Trash"}))
    replies = at_once(lambda: mail.call("EmptyFolder", *members))
    assert all(reply.succeeded for reply in replies)
    assert_moved_once(mail, known)


def test_a_draft_that_is_saved_by_several_calls_is_there_once(mail: LiveMail) -> None:
    entity = {"Subject": "s", "PlainBody": "p", "AccountId": mail.account_id}
    saved = mail.succeed("SaveDraft", member_xml({"Entity": entity}))
    again = {"Subject": "t", "EmailItemId": saved.text("Response/EmailItemId")}
    replies = at_once(lambda: mail.call("SaveDraft", member_xml({"Entity": again})))
    assert all(reply.succeeded for reply in replies)
    (source,) = mail.sources("Drafts")
    assert b"Subject: t\r\n" in source
    mail.assert_level()


def test_a_message_that_is_changed_by_several_calls_is_there_once(mail: LiveMail) -> None:
    item = mail.items("INBOX")[1]
    changed = member_xml({"Email": {"Subject": "changed", "EmailItemId": item}})
    replies = at_once(lambda: mail.call("SaveToMailServer", changed))
    assert sum(bool(reply.succeeded) for reply in replies) == 1
    kinds = {reply.exception.get("ExceptionType") for reply in replies}
    assert kinds == {None, "SoNotFoundException"}
    assert sum(b"Subject: changed\r\n" in source for source in mail.sources()) == 1
    assert len(mail.sources()) == MESSAGES
    mail.assert_level()


def test_a_folder_that_another_call_has_just_made_is_no_error(mail: LiveMail) -> None:
    with mail.service.services.errands.for_account(mail.account_id) as errand:
        make_folder(errand.connection, "New")
        make_folder(errand.connection, "New")
        with pytest.raises(MailServerRefused):
            make_folder(errand.connection, "bad//name")
