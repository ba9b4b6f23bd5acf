"""Messages that are saved: in the cache, on the mail server, as drafts; what fails loses nothing."""

from __future__ import annotations

import base64
import email
import email.policy
from collections.abc import Callable
from typing import Any

import pytest
from lxml import etree

from services84.errors import MailServerRefused
from services84.imap.connection import ImapConnection
from services84.namespaces import SERVICES84
from services84.store.values import RunOutcome
from tests.support.dovecot import DovecotServer
from tests.support.live_mail import LiveMail, Office
from tests.support.mailboxes import message, quoted
from tests.support.service import Reply, member_xml

SPELT = "Entw&APw-rfe/2026"
PDF = b"%PDF-1.4" * 100
TO = {"EMailAddress": {"Name": "Bob", "Address": "bob@example.com"}}
DRAFT = {
    "To": TO,
    "Bcc": {"EMailAddress": {"Address": "hidden@example.com"}},
    "Subject": "Grüße",
    "PlainBody": "hello",
    "Attachments": {"EMailAttachment": {"Filename": "ü.bin", "Stream": "AAEC/w=="}},
}


@pytest.fixture
def mail(office: Office, dovecot: DovecotServer) -> LiveMail:
    mail = office.mailbox(dovecot)
    mail.deliver(message(1), message(2, attachment=PDF), flags="\\Flagged $Later")
    mail.deliver(message(9), folder=SPELT)
    mail.sync()
    return mail


def got(mail: LiveMail, item: int, *, contents: bool = False) -> etree._Element:
    """The carrier of a message, to be changed and given back."""
    members = member_xml({"Id": item, "IncludeAttachments": contents})
    return response(mail.succeed("GetEMail", members))


def response(reply: Reply) -> etree._Element:
    found = reply.body.find(f"{{{SERVICES84}}}Response")
    assert found is not None
    return found


def given(member: str, carrier: etree._Element, **changes: str) -> str:
    """A carrier as the member of a call, with other texts in some of its members."""
    for name, text in changes.items():
        found = carrier.find(f"{{{SERVICES84}}}{name}")
        assert found is not None, name
        found.attrib.clear()
        for child in list(found):
            found.remove(child)
        found.text = text
    inner = b"".join(etree.tostring(child) for child in carrier).decode()
    return f"<n:{member}>{inner}</n:{member}>"


def new(mail: LiveMail, member: str = "Entity", **changes: Any) -> str:
    """A new message of the mailbox's account; members in the order of the contract."""
    members = DRAFT | {"AccountId": mail.account_id} | changes
    order = ["To", "Bcc", "Subject", "From", "Sent", "Flags", "MessageID"]
    order += ["PlainBody", "Attachments", "CustomHeaderList", "FolderName", "EmailItemId"]
    order += ["AccountId", "ReceivedAt"]
    return member_xml({member: {name: members[name] for name in order if name in members}})


def parsed(source: bytes) -> Any:
    return email.message_from_bytes(source, policy=email.policy.default)


def item_of(reply: Reply) -> int:
    return int(reply.text("Response/EmailItemId") or 0)


# Drafts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("there", "used"), [(None, "Drafts"), ("Drafts", "Drafts"), ("Kladder", "Kladder")]
)
def test_a_draft_is_in_the_folder_for_drafts(mail: LiveMail, there: str | None, used: str) -> None:
    if there:
        with mail.client() as client:
            assert client.create(quoted(there))[0] == "OK"
        mail.sync()
    reply = mail.succeed("SaveDraft", new(mail))
    [(source, flags)] = mail.state(used).values()
    assert flags == {"\\Seen", "\\Draft"}
    saved = parsed(source)
    assert (saved["Subject"], saved["Bcc"]) == ("Grüße", "hidden@example.com")
    assert saved["From"].addresses[0].addr_spec == f"{mail.user}@example.com"
    assert [part.get_content() for part in saved.iter_attachments()] == [b"\x00\x01\x02\xff"]
    assert reply.text("Response/FolderName") == used
    assert reply.text("Response/MessageID") == saved["Message-ID"]
    assert reply.text("Response/IsSent") == "false"
    assert [one.text for one in reply.root.iter("{*}Filename")] == ["ü.bin"]
    assert mail.items(used) == {1: item_of(reply)}
    mail.assert_level()


def test_a_draft_that_is_saved_again_takes_the_place_of_the_earlier(mail: LiveMail) -> None:
    first = mail.succeed("SaveDraft", new(mail))
    again = mail.succeed("SaveDraft", given("Entity", response(first), PlainBody="howdy"))
    [source] = mail.sources("Drafts")
    saved = parsed(source)
    assert saved.get_body().get_content().strip() == "howdy"
    assert [part.get_content() for part in saved.iter_attachments()] == [b"\x00\x01\x02\xff"]
    assert saved["Bcc"] == "hidden@example.com"
    assert again.text("Response/MessageID") == first.text("Response/MessageID")
    assert mail.items("Drafts") == {2: item_of(again)}
    assert again.text("Response/PlainBody") == "howdy"
    mail.assert_level()


def test_an_earlier_draft_is_known_by_its_message_id_as_well(mail: LiveMail) -> None:
    mail.succeed("SaveDraft", new(mail, MessageID="<draft@example.com>"))
    mail.succeed("SaveDraft", new(mail, MessageID="draft@example.com", Subject="again"))
    assert [parsed(one)["Subject"] for one in mail.sources("Drafts")] == ["again"]
    mail.assert_level()


def test_versions_of_one_size_are_told_apart(mail: LiveMail) -> None:
    """Saved within a second of each other, they look alike to whoever compares dates."""
    reply = mail.succeed("SaveDraft", new(mail))
    for text in ("hallo", "howdy", "heyho"):
        reply = mail.succeed("SaveDraft", given("Entity", response(reply), PlainBody=text))
        assert got(mail, item_of(reply)).findtext("{*}PlainBody") == text
        mail.assert_level()


def test_what_is_made_from_another_message_leaves_that_alone(mail: LiveMail) -> None:
    received = mail.items("INBOX")[2]
    mail.succeed("SaveDraft", given("Entity", got(mail, received), Subject="Fwd", MessageID=""))
    [(source, flags)] = mail.state("Drafts").values()
    assert flags == {"\\Seen", "\\Draft", "\\Flagged"}
    assert [part.get_content() for part in parsed(source).iter_attachments()] == [PDF]
    assert len(mail.sources()) == 2
    mail.assert_level()


def test_a_draft_that_another_client_has_deleted_is_saved_all_the_same(mail: LiveMail) -> None:
    first = response(mail.succeed("SaveDraft", new(mail)))
    with mail.client() as client:
        client.select("Drafts")
        client.uid("STORE", "1", "+FLAGS", "\\Deleted")
        client.expunge()
    mail.succeed("SaveDraft", given("Entity", first, PlainBody="again"))
    assert len(mail.sources("Drafts")) == 1
    mail.assert_level()


def refuse_appends(self: Any, *arguments: Any, **options: Any) -> Any:
    raise MailServerRefused("127.0.0.1 refused APPEND: [OVERQUOTA] mailbox is full")


def refuse_deletions(self: Any, *arguments: Any, **options: Any) -> Any:
    raise MailServerRefused("127.0.0.1 refused UID: no")


def test_a_draft_that_is_not_taken_leaves_the_earlier_one(
    mail: LiveMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = mail.succeed("SaveDraft", new(mail))
    before = mail.state("Drafts")
    with monkeypatch.context() as patched:
        patched.setattr(ImapConnection, "append", refuse_appends)
        changed = given("Entity", response(first), PlainBody="again")
        refusal = mail.refused("MailServer", "SaveDraft", changed)
    assert "mailbox is full" in refusal["Message"]
    assert mail.state("Drafts") == before
    assert mail.items("Drafts") == {1: item_of(first)}
    mail.assert_level()


def test_an_earlier_draft_that_cannot_be_removed_is_told_and_nothing_is_lost(
    mail: LiveMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = mail.succeed("SaveDraft", new(mail))
    with monkeypatch.context() as patched:
        patched.setattr(ImapConnection, "delete", refuse_deletions)
        changed = given("Entity", response(first), PlainBody="again")
        second = mail.succeed("SaveDraft", changed)
    assert second.extra["Save.EarlierKept"] == "127.0.0.1 refused UID: no"
    assert len(mail.sources("Drafts")) == 2
    mail.assert_level()


@pytest.mark.parametrize("offered", ["all", "no UIDPLUS"])
def test_a_draft_is_found_on_a_server_that_does_not_tell_where_it_is(
    mail: LiveMail, monkeypatch: pytest.MonkeyPatch, offered: str
) -> None:
    plain = ImapConnection.append

    def silent(self: Any, *arguments: Any, **options: Any) -> Any:
        return type(plain(self, *arguments, **options))()

    monkeypatch.setattr(ImapConnection, "append", silent)
    if offered != "all":
        capabilities = property(lambda c: c._session.capabilities - {"UIDPLUS"})
        monkeypatch.setattr(ImapConnection, "capabilities", capabilities)
    first = mail.succeed("SaveDraft", new(mail))
    second = mail.succeed("SaveDraft", given("Entity", response(first), PlainBody="again"))
    assert mail.items("Drafts") == {2: item_of(second)}
    mail.assert_level()


def test_while_the_cache_lags_behind_drafts_are_saved_and_replaced(
    mail: LiveMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sync of the account is under way elsewhere, for longer than a call waits."""
    services = mail.service.services
    lease = services.accounts.take_lease(mail.account_id, "another", services.clock(), 600)
    assert lease is not None
    with monkeypatch.context() as patched:
        patched.setattr("services84.sync.errands.LEASE_SECONDS", 0.1)
        first = mail.succeed("SaveDraft", new(mail))
        assert (item_of(first), first.text("Response/FolderName")) == (0, "Drafts")
        mail.succeed("SaveDraft", given("Entity", response(first), PlainBody="again"))
    assert len(mail.sources("Drafts")) == 1
    services.accounts.finish_run(lease, RunOutcome(partial=True), services.clock())
    mail.sync()
    mail.assert_level()


def test_a_blank_message_of_the_service_makes_a_draft(mail: LiveMail) -> None:
    blank = response(mail.succeed("CreateDefaultEMailEntity"))
    mail.succeed("SaveDraft", given("Entity", blank, AccountId=str(mail.account_id)))
    assert len(mail.sources("Drafts")) == 1
    mail.assert_level()


# On the mail server -----------------------------------------------------------------------------


def test_a_new_message_is_put_into_the_folder_that_it_names(mail: LiveMail) -> None:
    changes = {"FolderName": "Entwürfe/2026", "Flags": "Seen Recent Flagged"}
    changes |= {"ReceivedAt": "2026-03-03T11:00:00Z"}
    reply = mail.succeed("SaveToMailServer", new(mail, "Email", **changes))
    source, flags = mail.state(SPELT)[2]
    assert flags == {"\\Seen", "\\Flagged"}
    assert parsed(source)["Subject"] == "Grüße"
    assert mail.items("Entwürfe/2026")[2] == item_of(reply)
    assert "2026-03-03" in (reply.text("Response/ReceivedAt") or "")
    mail.assert_level()


def test_changed_content_makes_a_new_message_in_the_same_place(mail: LiveMail) -> None:
    item = mail.items("INBOX")[2]
    before = got(mail, item)
    reply = mail.succeed("SaveToMailServer", given("Email", before, Subject="changed"))
    state = mail.state()
    assert sorted(state) == [1, 3]
    source, flags = state[3]
    assert flags == {"\\Flagged", "$Later"}
    saved = parsed(source)
    assert (saved["Subject"], saved["Message-ID"]) == ("changed", "<message-2@example.com>")
    assert [part.get_content() for part in saved.iter_attachments()] == [PDF]
    assert mail.items("INBOX")[3] == item_of(reply) != item
    assert reply.text("Response/ReceivedAt") == before.findtext("{*}ReceivedAt")
    mail.assert_level()
    mail.refused("NotFound", "GetEMail", member_xml({"Id": item}))


def test_only_flags_and_folder_change_and_the_message_stays_what_it_is(mail: LiveMail) -> None:
    item = mail.items("INBOX")[2]
    before = mail.sources()[1]
    carrier = got(mail, item, contents=True)
    changes = {"Flags": "Seen Answered", "FolderName": "Entwürfe/2026"}
    reply = mail.succeed("SaveToMailServer", given("Email", carrier, **changes))
    assert mail.state(SPELT)[2] == (before, {"\\Seen", "\\Answered", "$Later"})
    assert item_of(reply) == item
    assert reply.text("Response/FolderName") == "Entwürfe/2026"
    mail.assert_level()


def test_without_flags_a_message_has_none(mail: LiveMail) -> None:
    carrier = got(mail, mail.items("INBOX")[2])
    mail.succeed("SaveToMailServer", given("Email", carrier, Flags=""))
    assert mail.flags()[2] == {"$Later"}
    mail.assert_level()


def test_an_unchanged_message_is_left_alone(mail: LiveMail) -> None:
    before = mail.state()
    for item in mail.items("INBOX").values():
        for contents in (True, False):
            carrier = got(mail, item, contents=contents)
            reply = mail.succeed("SaveToMailServer", given("Email", carrier))
            assert item_of(reply) == item
    assert mail.state() == before


def test_other_bytes_of_an_attachment_are_a_change(mail: LiveMail) -> None:
    carrier = got(mail, mail.items("INBOX")[2], contents=True)
    stream = next(carrier.iter("{*}Stream"))
    stream.text = base64.b64encode(b"other").decode()
    mail.succeed("SaveToMailServer", given("Email", carrier))
    [part] = parsed(mail.sources()[-1]).iter_attachments()
    assert part.get_content() == b"other"
    mail.assert_level()


def test_members_that_are_left_out_stay(mail: LiveMail) -> None:
    item = mail.items("INBOX")[2]
    members = {"Email": {"Subject": "changed", "EmailItemId": item}}
    mail.succeed("SaveToMailServer", member_xml(members))
    saved = parsed(mail.sources()[-1])
    assert saved["To"] == "Ännä <anna@example.com>"
    assert [part.get_content() for part in saved.iter_attachments()] == [PDF]
    assert mail.flags()[3] == {"\\Flagged", "$Later"}
    mail.assert_level()


# In the cache -----------------------------------------------------------------------------------


def test_when_a_message_was_answered_is_saved_in_the_cache(mail: LiveMail) -> None:
    item = mail.items("INBOX")[2]
    carrier = got(mail, item)
    replied = carrier.find("{*}RepliedAt")
    if replied is None:
        replied = etree.SubElement(carrier, f"{{{SERVICES84}}}RepliedAt")
    reply = mail.succeed("Save", given("Email", carrier, RepliedAt="2026-03-05T12:00:00Z"))
    assert "2026-03-05" in (reply.text("Response/RepliedAt") or "")
    assert "2026-03-05" in (got(mail, item).findtext("{*}RepliedAt") or "")
    mail.assert_level()
    changed = given("Email", got(mail, item), Subject="changed")
    again = mail.succeed("SaveToMailServer", changed)
    assert "2026-03-05" in (again.text("Response/RepliedAt") or "")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Subject", "changed"),
        ("PlainBody", "changed"),
        ("Priority", "High"),
        ("MessageID", "<other@example.com>"),
        ("To", ""),
    ],
)
def test_content_is_not_saved_into_a_message_as_it_is(mail: LiveMail, name: str, text: str) -> None:
    carrier = got(mail, mail.items("INBOX")[2])
    refusal = mail.refused("Argument", "Save", given("Email", carrier, **{name: text}))
    assert refusal["Message"].startswith(f"Email/{name}: ")
    assert "SaveToMailServer" in refusal["Message"]
    mail.assert_level()


def test_flags_and_folder_are_saved_in_the_cache_and_on_the_server(mail: LiveMail) -> None:
    item = mail.items("INBOX")[2]
    changed = given("Email", got(mail, item), Flags="Seen Answered", FolderName="Entwürfe/2026")
    reply = mail.succeed("Save", changed)
    assert reply.text("Response/EmailItemId") == str(item)
    assert reply.text("Response/FolderName") == "Entwürfe/2026"
    assert set((reply.text("Response/Flags") or "").split()) == {"Seen", "Answered"}
    mail.assert_level()
    assert item in mail.items("Entwürfe/2026").values()
    assert item not in mail.items("INBOX").values()


# What all of them refuse ------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["Save", "SaveToMailServer", "SaveDraft"])
def test_what_is_wrong_is_named_and_changes_nothing(
    mail: LiveMail, office: Office, dovecot: DovecotServer, operation: str
) -> None:
    member = "Entity" if operation == "SaveDraft" else "Email"
    refused: Callable[..., dict[str, str]] = mail.refused
    assert refused("Argument", operation)["Message"] == f"{member}: 'nil' is required"
    missing = member_xml({member: {"EmailItemId": 999_999}})
    assert refused("NotFound", operation, missing)["Message"] == "no message 999999"
    item = mail.items("INBOX")[1]
    other = office.mailbox(dovecot)
    elsewhere = member_xml({member: {"EmailItemId": item, "AccountId": other.account_id}})
    message = refused("Argument", operation, elsewhere)["Message"]
    assert (
        message == f"{member}/AccountId: '{other.account_id}' is not the account of message {item}"
    )
    _, thief = office.service.associate(f"thief {operation}")
    stranger = LiveMail(office.service, thief, mail.port, mail.user)
    foreign = member_xml({member: {"EmailItemId": item, "Subject": "x"}})
    text = stranger.refused("NotFound", operation, foreign)["Message"]
    assert text == f"no message {item}"
    assert len(mail.sources()) == 2
    mail.assert_level()


@pytest.mark.parametrize("operation", ["SaveToMailServer", "SaveDraft"])
def test_wrong_members_of_a_new_message_are_named(mail: LiveMail, operation: str) -> None:
    member = "Entity" if operation == "SaveDraft" else "Email"
    wrong = new(mail, member, To={"EMailAddress": {"Address": "no address"}})
    refusal = mail.refused("Argument", operation, wrong)
    assert refusal["Message"].startswith(f"{member}/To/EMailAddress[1]/Address: ")
    nobody = new(mail, member, AccountId=999_999)
    assert "no mail account 999999" in mail.refused("NotFound", operation, nobody)["Message"]
    assert len(mail.sources()) == 2


@pytest.mark.parametrize(
    ("operation", "named", "date"),
    [
        ("SaveToMailServer", "ReceivedAt", "1500-01-01T00:00:00"),
        ("SaveToMailServer", "ReceivedAt", "9999-12-31T23:59:59"),
        ("SaveToMailServer", "Sent", "1500-01-01T00:00:00"),
        ("SaveDraft", "Sent", "1500-01-01T00:00:00"),
    ],
)
def test_dates_that_mail_servers_do_not_keep_are_refused(
    mail: LiveMail, operation: str, named: str, date: str
) -> None:
    member = "Entity" if operation == "SaveDraft" else "Email"
    said = mail.refused("Argument", operation, new(mail, member, **{named: date}))["Message"]
    assert said.startswith(f"{member}/{named}: ")
    assert "is not of the years" in said
    mail.assert_level()


def test_a_new_message_has_to_be_put_somewhere(mail: LiveMail) -> None:
    nowhere = new(mail, "Email", FolderName="Nowhere")
    refusal = mail.refused("NotFound", "SaveToMailServer", nowhere)
    assert refusal["Message"] == "Email/FolderName: there is no folder 'Nowhere'"
    refusal = mail.refused("Argument", "Save", new(mail, "Email"))
    assert refusal["Message"].startswith("Email/EmailItemId: '0' is no message of the cache")


def test_whoever_has_no_account_saves_nothing(office: Office, mail: LiveMail) -> None:
    _, ticket = office.service.associate("nobody")
    nobody = LiveMail(office.service, ticket, mail.port, mail.user)
    members = member_xml({"Entity": {"Subject": "x", "From": {"Address": "a@example.com"}}})
    assert "no mail account" in nobody.refused("NotFound", "SaveDraft", members)["Message"]
