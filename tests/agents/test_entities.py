"""From messages to carriers and back: nothing lost, nothing guessed, errors that name a member."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from services84.agents.entities import (
    attachment_by_id,
    entity_of_item,
    entity_of_source,
    envelope_of,
    envelope_of_source,
    flags_from,
    flags_of,
    folder_of,
    priority_of,
    server_id,
    uid_of,
)
from services84.agents.entity_drafts import draft_of, sent_at, source_of
from services84.carriers.address import EMailAddress
from services84.carriers.message import (
    EMailAttachment,
    EMailCustomHeader,
    EMailEntity,
    EMailEnvelope,
)
from services84.errors import InvalidValue
from services84.mime.addresses import Address
from services84.mime.parse import parse
from services84.store.values import (
    Folder,
    FolderAttribute,
    Item,
    ItemFlag,
    NewAttachment,
)

NOW = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
SOURCE = (
    b"Received: from a by b\r\n"
    b"From: =?utf-8?q?J=C3=B6rg?= <joerg@example.com>\r\n"
    b'To: "Berg, Anna" <anna@example.com>, bob@example.com\r\n'
    b"Cc: carl@example.com\r\n"
    b"Reply-To: desk@example.com\r\n"
    b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
    b"Date: Sun, 29 Mar 2026 03:30:00 +0200\r\n"
    b"Message-ID: <1@example.com>\r\n"
    b"In-Reply-To: <0@example.com>\r\n"
    b"References: <a@example.com> <0@example.com>\r\n"
    b"X-Priority: 1\r\n"
    b"X-Ticket: 7\r\n"
    b"X-Ticket: 8\r\n"
    b"MIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="m"\r\n\r\n'
    b'--m\r\nContent-Type: multipart/alternative; boundary="a"\r\n\r\n'
    b"--a\r\nContent-Type: text/plain\r\n\r\nplain\r\n"
    b"--a\r\nContent-Type: text/html\r\n\r\n<p>html</p>\r\n"
    b"--a\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\n"
    b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n--a--\r\n"
    b"--m\r\nContent-Type: image/png\r\nContent-ID: <pic@example.com>\r\n"
    b"Content-Disposition: inline; filename=pic.png\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    b"AAEC\r\n"
    b'--m\r\nContent-Type: application/pdf; name="a.pdf"\r\n'
    b"Content-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    b"UERG\r\n--m--\r\n"
)
PARSED = [
    *("message_id", "in_reply_to", "references", "subject", "sender", "reply_to"),
    *("to", "cc", "bcc", "sent_at", "priority"),
]


def item(**values: Any) -> Item:
    message = parse(SOURCE)
    given = {
        "item_id": 7,
        "folder_id": 3,
        "uid_validity": 1,
        "uid": 2**31 + 5,
        "flags": ItemFlag.SEEN | ItemFlag.ANSWERED,
        "keywords": "",
        "internal_date": NOW,
        "size": len(SOURCE),
        **{name: getattr(message, name) for name in PARSED},
        "parse_problem": "",
    }
    return Item(**{**given, **values})


def folder(attributes: FolderAttribute = FolderAttribute.SUBSCRIBED) -> Folder:
    return Folder(3, 2, "Inbox", "INBOX", "/", attributes, 1, 9, None, 10, 4, True)


def names(addresses: list[EMailAddress]) -> list[tuple[str, str]]:
    return [(each.Name, each.Address) for each in addresses]


def assert_shows_the_message(entity: EMailEntity) -> None:
    assert names(entity.To) == [
        ("Berg, Anna", "anna@example.com"),
        ("bob@example.com", "bob@example.com"),
    ]
    assert (entity.From.Name, entity.From.Address) == ("Jörg", "joerg@example.com")
    assert (entity.Subject, entity.Priority) == ("Grüße", "Highest")
    assert (entity.PlainBody.strip(), entity.HTMLBody.strip()) == ("plain", "<p>html</p>")
    assert (entity.MessageID, entity.InReplyTo.MessageId) == ("<1@example.com>", "<0@example.com>")
    assert entity.Sent == NOW
    headers = {each.Name: each.Values for each in entity.CustomHeaderList}
    assert headers["X-Ticket"] == ["7", "8"]
    assert headers["Reply-To"] == ["desk@example.com"]
    assert "Subject" not in headers
    assert [(a.Filename, a.Id, a.Disposition, a.Stream) for a in entity.Attachments[:2]] == [
        ("pic.png", "pic@example.com", "inline", b"\0\1\2"),
        ("a.pdf", "3", "attachment", b"PDF"),
    ]
    assert entity.Attachments[2].Type == "text/calendar"


# To carriers ------------------------------------------------------------------------------------


def test_a_message_of_no_shape_gives_an_empty_entity() -> None:
    for source in (b"", b"\0\xff\xfe", b"no message at all"):
        entity = entity_of_source(source)
        assert (entity.To, entity.From, entity.Attachments, entity.Sent) == ([], None, [], None)


def test_an_entity_of_bytes_shows_the_message() -> None:
    assert_shows_the_message(entity_of_source(SOURCE, uid=5, received=NOW))


def test_an_entity_of_a_stored_message_shows_the_same() -> None:
    message = parse(SOURCE)
    listed = [NewAttachment(**vars(each)) for each in message.attachments]
    entity = entity_of_item(item(), listed, folder(), SOURCE)
    assert_shows_the_message(entity)
    assert (entity.EmailItemId, entity.AccountId, entity.FolderName) == (7, 2, "Inbox")
    assert (entity.IsSent, entity.ServerId) == (True, 5 - 2**31)
    without = entity_of_item(item(), listed, folder(), SOURCE, contents=False)
    assert [a.Stream for a in without.Attachments] == [None, None, None]
    assert [a.Size for a in without.Attachments] == [a.Size for a in entity.Attachments]


def test_a_draft_is_not_sent_yet() -> None:
    assert not entity_of_source(SOURCE, flags=ItemFlag.DRAFT).IsSent
    assert not entity_of_item(item(), [], folder(FolderAttribute.DRAFTS)).IsSent


def test_the_message_that_is_answered_is_shown_where_it_is_known() -> None:
    parent = item(subject="first", message_id="<0@example.com>")
    assert entity_of_source(SOURCE, parent=parent).InReplyTo.Subject == "first"


def test_attachments_are_found_by_the_ids_that_they_have() -> None:
    for listed in entity_of_source(SOURCE).Attachments:
        found = attachment_by_id(SOURCE, listed.Id)
        assert found is not None
        assert (found.Filename, found.Stream) == (listed.Filename, listed.Stream)
    assert attachment_by_id(SOURCE, "nothing") is attachment_by_id(b"", "1") is None


def test_envelopes_of_stored_messages_and_of_headers_are_alike() -> None:
    header = SOURCE.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    stored = envelope_of(item())
    read = envelope_of_source(header, uid=2**31 + 5, flags=item().flags, size=len(SOURCE))
    for member in ("ServerId", "MessageId", "Subject", "Sent", "Priority", "Flags", "Size"):
        assert getattr(stored, member) == getattr(read, member)
    assert names(stored.To) == names(read.To)


def test_folders_name_their_attributes_as_the_vendor_does() -> None:
    carrier = folder_of(folder(FolderAttribute.SUBSCRIBED | FolderAttribute.HAS_NO_CHILDREN))
    assert carrier.Flags == "Subscribed HasNoChildren"
    assert (carrier.EmailFolderId, carrier.TotalItems, carrier.UnreadItems) == (3, 10, 4)


@pytest.mark.parametrize("uid", [0, 1, 2**31 - 1, 2**31, 2**32 - 1])
def test_every_uid_goes_through_an_xs_int(uid: int) -> None:
    assert -(2**31) <= server_id(uid) < 2**31
    assert uid_of(server_id(uid)) == uid


def test_flags_and_priorities_have_the_contracts_names() -> None:
    everything = ItemFlag(63)
    assert flags_of(everything) == ("Seen", "Deleted", "Recent", "Flagged", "Draft", "Answered")
    assert flags_from(flags_of(everything)) == everything
    assert flags_from(None) == ItemFlag.NONE
    assert [priority_of(n) for n in (0, 5, 6, -1)] == ["NoPriority", "Lowest", "Normal", "Normal"]


# From carriers ----------------------------------------------------------------------------------


def entity(**members: Any) -> EMailEntity:
    given = {
        "From": EMailAddress(Address="anna@example.com", Name="Anna"),
        "To": [EMailAddress(Address="bob@example.com")],
        "Subject": "Hello",
    }
    return EMailEntity(**{**given, **members})


ADDRESS = EMailAddress(Address="bob@example.com\r\nBcc: eve@example.com")
WRONG = [
    ({"From": None}, "Email/From/Address"),
    ({"From": EMailAddress(Address="  ")}, "Email/From/Address"),
    ({"To": [None]}, "Email/To/EMailAddress[1]/Address"),
    ({"To": [ADDRESS]}, "Email/To/EMailAddress[1]/Address"),
    ({"Bcc": [EMailAddress(Address="no address")]}, "Email/Bcc/EMailAddress[1]/Address"),
    ({"Cc": [EMailAddress(Address="a@b", Name="a\nb")]}, "Email/Cc/EMailAddress[1]/Name"),
    ({"Subject": "a\r\nBcc: eve@example.com"}, "Subject"),
    ({"MessageID": "<a@b>\n<c@d>"}, "MessageID"),
    ({"InReplyTo": EMailEnvelope(MessageId="a\nb")}, "InReplyTo/MessageId"),
    ({"CustomHeaderList": [None]}, "Email/CustomHeaderList/EMailCustomHeader[1]/Name"),
    (
        {"CustomHeaderList": [EMailCustomHeader(Name="X A", Values=["x"])]},
        "Email/CustomHeaderList/EMailCustomHeader[1]/Name",
    ),
    (
        {"CustomHeaderList": [EMailCustomHeader(Name="X-A", Values=["x\r\nB: c"])]},
        "Email/CustomHeaderList/EMailCustomHeader[1]/Values",
    ),
    ({"Attachments": [None]}, "Email/Attachments/EMailAttachment[1]"),
    (
        {"Attachments": [EMailAttachment(Filename="a", Id="9")]},
        "Email/Attachments/EMailAttachment[1]/Stream",
    ),
    (
        {"Attachments": [EMailAttachment(Filename="a\r\nb", Stream=b"")]},
        "Email/Attachments/EMailAttachment[1]/Filename",
    ),
    (
        {"Attachments": [EMailAttachment(Filename="a", Type="x\ny", Stream=b"")]},
        "Email/Attachments/EMailAttachment[1]/Type",
    ),
]


@pytest.mark.parametrize(("members", "named"), WRONG)
def test_what_cannot_be_sent_is_named(members: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        source_of(entity(**members), now=NOW)
    assert named in refused.value.member
    assert refused.value.member.startswith("Email/")


def test_no_carrier_at_all_is_named() -> None:
    with pytest.raises(InvalidValue, match="Emails"):
        draft_of(None, member="Emails/EMailEntity[1]")


def test_a_message_survives_the_way_to_a_carrier_and_back() -> None:
    read = entity_of_source(SOURCE)
    again = entity_of_source(source_of(read, now=NOW))
    assert_shows_the_message(replace_attachments(again, read))
    message = message_from_bytes(source_of(read, now=NOW), policy=policy.default)
    assert message["References"] == "<a@example.com> <0@example.com>"
    assert message["Received"] is None
    kinds = [part.get_content_type() for part in message.walk()]
    assert kinds.count("text/calendar") == 1
    assert kinds.index("text/calendar") > kinds.index("multipart/alternative")


def replace_attachments(carrier: EMailEntity, like: EMailEntity) -> EMailEntity:
    """Compare all but the numbers of parts, which a new message has new ones of."""
    streams = {a.Filename: a.Stream for a in carrier.Attachments}
    assert streams == {a.Filename: a.Stream for a in like.Attachments}
    carrier.Attachments = like.Attachments
    return carrier


def test_attachments_without_their_bytes_come_from_the_original() -> None:
    read = entity_of_source(SOURCE, contents=False)
    draft = draft_of(read, original=SOURCE)
    assert [each.data for each in draft.attachments] == [b"\0\1\2", b"PDF"]
    assert [each.content_id for each in draft.attachments] == ["pic@example.com", ""]
    assert draft.calendar.startswith("BEGIN:VCALENDAR")


def test_an_address_may_carry_its_name_and_the_sender_may_be_the_callers() -> None:
    to = [EMailAddress(Address="Bob B <bob@example.com>"), EMailAddress(Address="c@x", Name="c@x")]
    draft = draft_of(entity(To=to, From=None), sender=Address("Me", "me@example.com"))
    assert draft.to == (Address("Bob B", "bob@example.com"), Address("", "c@x"))
    assert draft.sender == Address("Me", "me@example.com")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (None, None),
        (datetime(1, 1, 1), None),
        (datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC)),
        (NOW, NOW),
    ],
)
def test_dates_without_a_zone_are_utc(given: datetime | None, meant: datetime | None) -> None:
    assert sent_at(entity(Sent=given)) == meant


def test_every_message_of_the_corpus_gives_an_entity(shared_folder: Path) -> None:
    for file in sorted((shared_folder / "corpus").rglob("*.eml")):
        read = entity_of_source(file.read_bytes(), contents=True)
        assert isinstance(read.Attachments, list), file.name
        ids = [each.Id for each in read.Attachments]
        assert len(set(ids)) == len(ids), file.name
        with suppress(InvalidValue):
            source_of(read, now=NOW)
