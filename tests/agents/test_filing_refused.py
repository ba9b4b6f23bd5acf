"""What is not done to messages of the cache, and what is said instead: nothing changes then, or
what has changed is told."""

from __future__ import annotations

from typing import Any

import pytest

from services84.errors import ConnectionLost, MailServerRefused
from services84.imap.connection import ImapConnection
from tests.support.boxes import ints
from tests.support.dovecot import DovecotServer
from tests.support.live_mail import LiveMail, Office
from tests.support.mailboxes import message
from tests.support.service import member_xml

OPERATIONS = ["MarkEmailsAsRead", "DeleteEmails", "MoveEmailsToTrash", "MoveEmailsToFolder"]
CHANGING = {
    "MarkEmailsAsRead": "store_flags",
    "DeleteEmails": "delete",
    "MoveEmailsToTrash": "move",
    "MoveEmailsToFolder": "move",
}


@pytest.fixture
def mail(office: Office, dovecot: DovecotServer) -> LiveMail:
    mail = office.mailbox(dovecot)
    mail.deliver(*map(message, range(1, 5)))
    mail.deliver(message(9), folder="Work")
    mail.sync()
    return mail


def folder_id(mail: LiveMail, name: str = "Work") -> int:
    folders = mail.service.services.folders.list(mail.account_id)
    return next(one.folder_id for one in folders if one.name == name)


def member_of(operation: str) -> str:
    return "EmailItemIds" if operation == "MoveEmailsToFolder" else "Ids"


def members(mail: LiveMail, operation: str, ids: list[int]) -> str:
    """A call for messages, to be marked as read or moved to Work."""
    wanted = ints(member_of(operation), ids)
    if operation == "MoveEmailsToFolder":
        return member_xml({"FolderId": folder_id(mail)}) + wanted
    return wanted + (member_xml({"Read": True}) if operation == "MarkEmailsAsRead" else "")


def assert_unchanged(mail: LiveMail) -> None:
    assert mail.flags() == dict.fromkeys(range(1, 5), frozenset())
    assert len(mail.sources("Work")) == 1
    mail.assert_level()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_one_id_that_is_not_there_and_nothing_is_done(mail: LiveMail, operation: str) -> None:
    items = mail.items("INBOX")
    for missing in (999_999, 0, -5):
        wanted = members(mail, operation, [items[1], missing, items[2]])
        refusal = mail.refused("NotFound", operation, wanted)
        assert refusal["Message"] == f"{member_of(operation)}: no message {missing}"
    many = members(mail, operation, list(range(500_000, 500_020)))
    text = mail.refused("NotFound", operation, many)["Message"]
    assert text.endswith("500008, 500009 and 10 others")
    assert_unchanged(mail)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_messages_of_others_look_like_missing_ones(
    mail: LiveMail, office: Office, dovecot: DovecotServer, operation: str
) -> None:
    _, ticket = office.service.associate(f"thief {operation}")
    thief = Office(office.service, ticket).mailbox(dovecot)
    thief.deliver(message(1), folder="Work")
    thief.sync()
    item = mail.items("INBOX")[1]
    refusal = thief.refused("NotFound", operation, members(thief, operation, [item]))
    assert refusal["Message"] == f"{member_of(operation)}: no message {item}"
    assert_unchanged(mail)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_the_server_refuses_leaves_the_cache_as_it_was(
    mail: LiveMail, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    def refuse(self: Any, *arguments: Any, **options: Any) -> Any:
        raise MailServerRefused("127.0.0.1 refused: [NOPERM] not for you")

    wanted = members(mail, operation, list(mail.items("INBOX").values()))
    with monkeypatch.context() as patched:
        patched.setattr(ImapConnection, CHANGING[operation], refuse)
        refusal = mail.refused("MailServer", operation, wanted)
    assert "not for you" in refusal["Message"]
    assert_unchanged(mail)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_was_done_before_the_server_stopped_is_told(
    mail: LiveMail, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    monkeypatch.setattr("services84.agents.filed_messages.MESSAGES_A_STEP", 3)
    plain, times = getattr(ImapConnection, CHANGING[operation]), []

    def lose(self: Any, *arguments: Any, **options: Any) -> Any:
        times.append(1)
        if len(times) > 1:
            raise ConnectionLost("127.0.0.1 broke the connection")
        return plain(self, *arguments, **options)

    wanted = members(mail, operation, list(mail.items("INBOX").values()))
    with monkeypatch.context() as patched:
        patched.setattr(ImapConnection, CHANGING[operation], lose)
        refusal = mail.refused("MailServer", operation, wanted)
    text = "broke the connection; 3 of 4 messages were done before that"
    assert refusal["Message"].endswith(text)
    assert refusal["FriendlyText"].endswith(text)
    mail.assert_level()
    left = sum("\\Seen" not in flags for flags in mail.flags().values())
    assert left == 1


@pytest.mark.parametrize("operation", ["MarkEmailsAsRead", "MoveEmailsToTrash"])
def test_what_another_client_has_removed_is_named_and_leaves_the_cache(
    mail: LiveMail, operation: str
) -> None:
    items = mail.items("INBOX")
    with mail.client() as client:
        client.select("INBOX")
        client.uid("STORE", "2", "+FLAGS", "\\Deleted")
        client.expunge()
    wanted = members(mail, operation, list(items.values()))
    refusal = mail.refused("NotFound", operation, wanted)
    assert refusal["Message"] == f"Ids: no message {items[2]} on the mail server any more"
    assert set(mail.items("INBOX")) == {1, 3, 4}
    assert mail.flags() == dict.fromkeys([1, 3, 4], frozenset())
    mail.assert_level()


@pytest.mark.parametrize("operation", ["MarkEmailsAsRead", "DeleteEmails"])
def test_a_folder_that_another_client_has_removed_is_named_and_leaves_the_cache(
    mail: LiveMail, operation: str
) -> None:
    item = mail.items("Work")[1]
    with mail.client() as client:
        client.delete("Work")
    refusal = mail.refused("NotFound", operation, members(mail, operation, [item]))
    assert "there is no folder 'Work'" in refusal["Message"]
    mail.assert_level()


@pytest.mark.parametrize(
    ("name", "kind", "problem"),
    [
        ("Nowhere", "NotFound", "MoveToFolder: there is no folder 'Nowhere'"),
        ("  ", "Argument", "MoveToFolder: '  ' is empty"),
        ("Work//x", "Argument", "MoveToFolder: 'Work//x' has a level without a name"),
    ],
)
def test_deleted_messages_are_moved_only_to_a_folder_that_there_is(
    mail: LiveMail, name: str, kind: str, problem: str
) -> None:
    wanted = ints("Ids", mail.items("INBOX").values()) + member_xml({"MoveToFolder": name})
    assert mail.refused(kind, "DeleteEmails", wanted)["Message"].startswith(problem)
    assert_unchanged(mail)


def test_messages_go_to_a_folder_of_their_own_account(
    mail: LiveMail, office: Office, dovecot: DovecotServer
) -> None:
    other = office.mailbox(dovecot)
    other.deliver(message(1), folder="Work")
    other.sync()
    item = mail.items("INBOX")[1]
    wanted = member_xml({"FolderId": folder_id(other)}) + ints("EmailItemIds", [item])
    refusal = mail.refused("Argument", "MoveEmailsToFolder", wanted)
    problem = f"'{item}' is in another account than folder {folder_id(other)}"
    assert refusal["Message"] == f"EmailItemIds: {problem}"
    assert_unchanged(mail)


def test_messages_go_to_a_folder_that_there_is_and_that_holds_messages(mail: LiveMail) -> None:
    wanted = ints("EmailItemIds", mail.items("INBOX").values())
    nowhere = member_xml({"FolderId": 999_999}) + wanted
    assert mail.refused("NotFound", "MoveEmailsToFolder", nowhere)["Message"] == (
        "no mail folder 999999"
    )
    with mail.client() as client:
        client.create("Above/Below")
    mail.sync()
    above = member_xml({"FolderId": folder_id(mail, "Above")}) + wanted
    assert "holds no messages" in mail.refused("Argument", "MoveEmailsToFolder", above)["Message"]
    below = member_xml({"FolderId": folder_id(mail, "Above/Below")}) + wanted
    with mail.client() as client:
        client.delete("Above/Below")
    refusal = mail.refused("NotFound", "MoveEmailsToFolder", below)
    assert refusal["Message"] == "FolderId: there is no folder 'Above/Below'"
    mail.sync()
    assert_unchanged(mail)


def test_of_two_accounts_one_that_cannot_be_reached_stops_both(
    mail: LiveMail, office: Office, dovecot: DovecotServer
) -> None:
    other = office.mailbox(dovecot)
    other.deliver(message(20))
    other.sync()
    both = ints("Ids", [*mail.items("INBOX").values(), *other.items("INBOX").values()])
    dovecot.add_user(other.user, "another password")
    refusal = mail.refused("MailServer", "DeleteEmails", both)
    assert "login refused" in refusal["Message"]
    assert_unchanged(mail)


def test_a_folder_that_one_of_two_accounts_lacks_stops_both(
    mail: LiveMail, office: Office, dovecot: DovecotServer
) -> None:
    other = office.mailbox(dovecot)
    other.deliver(message(20))
    other.sync()
    both = ints("Ids", [*mail.items("INBOX").values(), *other.items("INBOX").values()])
    named = both + member_xml({"MoveToFolder": "Work"})
    refusal = mail.refused("NotFound", "DeleteEmails", named)
    assert refusal["Message"] == "MoveToFolder: there is no folder 'Work'"
    assert_unchanged(mail)


def test_ids_are_limited(mail: LiveMail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services84.agents.filed_messages.MOST_IDS", 3)
    wanted = ints("Ids", [1, 2, 3, 4])
    refusal = mail.refused("Argument", "DeleteEmails", wanted)
    assert refusal["Message"] == "Ids: '4' are more than 3 ids"


def test_an_answer_that_the_server_does_not_take_is_not_noted(
    mail: LiveMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail.deliver(message(1).replace(b"message-1@", b"refused-1@"))
    mail.sync()

    def refuse(self: Any, *arguments: Any, **options: Any) -> Any:
        raise MailServerRefused("127.0.0.1 refused: not for you")

    with monkeypatch.context() as patched:
        patched.setattr(ImapConnection, "store_flags", refuse)
        asked = member_xml({"MessageId": "refused-1@example.com"})
        mail.refused("MailServer", "SetRepliedAt", asked)
    item = mail.service.services.items.get(mail.items("INBOX")[5])
    assert item is not None
    assert item.replied_at is None
