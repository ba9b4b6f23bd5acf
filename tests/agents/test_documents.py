"""Documents and temporary documents: whose they are, what is in them, how one becomes the other."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest

from services84.agents.call import Call, Presented
from services84.agents.email.documents import archive_mail, file_under, save_temporary
from services84.agents.entities import entity_of_source
from services84.namespaces import SERVICES84
from services84.store.book_import import import_book
from services84.store.crm_values import DocumentLinks, PersonDraft
from services84.store.values import (
    Associate,
    Cursor,
    FolderAttribute,
    FolderBatch,
    FolderChanges,
    FolderDraft,
    ItemFlag,
    NewItem,
)
from tests.support.service import Reply, Service

N = f"{{{SERVICES84}}}"
MAIL = (
    b"From: Anna <anna@example.com>\r\nTo: bob@example.com\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
    b"Message-ID: <1@example.com>\r\nDate: Mon, 2 Mar 2026 10:00:00 +0100\r\n"
    b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="m"\r\n\r\n'
    b"--m\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
    b'--m\r\nContent-Type: application/pdf; name="a.pdf"\r\nContent-Disposition: attachment\r\n'
    b"Content-Transfer-Encoding: base64\r\n\r\nUERG\r\n--m--\r\n"
)
EMAIL = {
    "To": {"EMailAddress": {"Address": "bob@example.com"}},
    "Subject": "Composed",
    "From": {"Address": "anna@example.com"},
    "PlainBody": "text",
}


class Office:
    """Two associates and an administrator, with calls of theirs."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.anna, self.annas = service.associate("anna")
        self.thief, self.thiefs = service.associate("thief")
        self.root, self.roots = service.associate("root", admin=True)

    def call_of(self, associate: Associate) -> Call:
        services = self.service.services
        return Call(services, Presented(), services.clock(), associate)

    def archived(self, **links: int) -> int:
        call = self.call_of(self.anna)
        return archive_mail(call, MAIL, self.anna.associate_id, DocumentLinks(**links)).document_id

    def temporary(self, source: bytes = MAIL) -> str:
        return save_temporary(self.call_of(self.anna), source)

    def cached(self, source: bytes = MAIL) -> tuple[int, int]:
        """A message in anna's cache, with a UID above 2^31: the ids of its folder and itself."""
        services = self.service.services
        credentials = {"Server": "imap.example.com", "Username": "u", "Password": "p"}
        saved = self.service.call(
            "SaveEMailAccount",
            {
                "EMailAccount": {
                    "EMailAddress": "anna@example.com",
                    "IncomingCredentials": credentials,
                }
            },
            ticket=self.annas,
        )
        account = int(saved.text("Response/EMailAccountId") or 0)
        lease = services.accounts.take_lease(account, "test", services.clock(), 60)
        assert lease is not None
        draft = FolderDraft("INBOX", "INBOX", "/", FolderAttribute.INBOX)
        services.folders.reconcile(lease, FolderChanges(added=[draft]))
        (folder,) = services.folders.list(account)
        item = NewItem(2**31 + 9, ItemFlag.SEEN, "", services.clock(), len(source), source)
        cursor = Cursor(5, None, None, complete=True)
        batch = FolderBatch(uid_validity=5, added=[item], cursor=cursor)
        services.folders.apply(lease, folder.folder_id, batch)
        (stored,) = services.items.list(folder.folder_id, limit=2)
        return folder.folder_id, stored.item_id


@pytest.fixture
def office(service: Service) -> Office:
    return Office(service)


def refused(reply: Reply) -> str:
    assert reply.succeeded is False
    return reply.exception["ExceptionType"]


def stream(reply: Reply) -> bytes | None:
    text = reply.text("Response/Attachments/EMailAttachment/Stream")
    return None if text is None else base64.b64decode(text)


READERS = [
    ("GetEMailFromDocumentId", "DocumentId"),
    ("GetEMailFromDocumentIdWithoutAttachmentStream", "DocumentId"),
    ("GetEMailSOInfo", "EMailSOInfoId"),
    ("CreateEMailFromDocumentEntity", "DocumentEntity"),
]


def naming(member: str, document_id: int) -> dict[str, Any]:
    return {member: {"DocumentId": document_id} if member == "DocumentEntity" else document_id}


# Refusals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("operation", "member"), READERS)
def test_a_foreign_document_looks_like_one_that_does_not_exist(
    office: Office, operation: str, member: str
) -> None:
    number = office.archived()
    foreign = office.service.call(operation, naming(member, number), ticket=office.thiefs)
    missing = office.service.call(operation, naming(member, number + 1), ticket=office.thiefs)
    assert refused(foreign) == refused(missing) == "SoNotFoundException"
    assert foreign.exception["Message"].replace(str(number), "N") == missing.exception[
        "Message"
    ].replace(str(number + 1), "N")
    assert office.service.call(operation, naming(member, number), ticket=office.roots).succeeded


def test_a_temporary_document_is_for_its_owner_alone(office: Office) -> None:
    given = {"FileName": office.temporary()}
    assert office.service.call("GetEMailFromTemp", given, ticket=office.annas).succeeded
    for ticket in (office.thiefs, office.roots):
        reply = office.service.call("GetEMailFromTemp", given, ticket=ticket)
        assert refused(reply) == "SoNotFoundException"
        named = {"DocumentEntity": {"Name": given["FileName"]}}
        reply = office.service.call("CreateEMailFromDocumentEntity", named, ticket=ticket)
        assert refused(reply) == "SoNotFoundException"
    empty = office.service.call("GetEMailFromTemp", {"FileName": ""}, ticket=office.annas)
    assert refused(empty) == "SoArgumentException"


def test_a_temporary_document_is_gone_after_its_day(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services84.agents.email.documents.TEMPORARY_FOR", timedelta(seconds=-1))
    reply = office.service.call(
        "GetEMailFromTemp", {"FileName": office.temporary()}, ticket=office.annas
    )
    assert refused(reply) == "SoNotFoundException"


WRONG_MAILS = [
    ({"Email": None}, "Email:"),
    ({"Email": {}}, "Email/From/Address"),
    ({"Email": {**EMAIL, "Subject": "a\nBcc: eve@example.com"}}, "Email/Subject"),
    (
        {"Email": {"Attachments": {"EMailAttachment": {"Filename": "a"}}, "From": EMAIL["From"]}},
        "Email/Attachments/EMailAttachment[1]/Stream",
    ),
]


@pytest.mark.parametrize(("given", "named"), WRONG_MAILS)
def test_a_mail_that_cannot_be_written_is_not_saved(
    office: Office, given: dict[str, Any], named: str
) -> None:
    if given["Email"] and "Attachments" in given["Email"]:  # in the contract's order
        given = {"Email": dict(reversed(list(given["Email"].items())))}
    reply = office.service.call("SaveEmailToTmpDocument", given, ticket=office.annas)
    assert refused(reply) == "SoArgumentException"
    assert reply.exception["Message"].startswith(named)


def test_foreign_folders_and_messages_are_not_saved(office: Office) -> None:
    folder, item = office.cached()
    for given in (
        {"Email": EMAIL, "FolderId": folder},
        {"Email": {**EMAIL, "EmailItemId": item}},
    ):
        reply = office.service.call("SaveEmailToTmpDocument", given, ticket=office.thiefs)
        assert refused(reply) == "SoNotFoundException"
    for given in (
        {"Email": EMAIL, "FolderId": folder + 1},
        {"Email": {**EMAIL, "EmailItemId": item + 1}},
        {"Email": {**EMAIL, "ServerId": 4}, "FolderId": folder},
    ):
        reply = office.service.call("SaveEmailToTmpDocument", given, ticket=office.annas)
        assert refused(reply) == "SoNotFoundException"


UNARCHIVABLE = [
    (None, "SoArgumentException", "DocumentEntity"),
    ({}, "SoArgumentException", "DocumentEntity/DocumentId"),
    ({"Name": "nothing.eml"}, "SoNotFoundException", "nothing.eml"),
    ({"ExternalRef": "<no@x>"}, "SoNotFoundException", "<no@x>"),
    ({"Person": {"PersonId": 99}}, "SoNotFoundException", "person 99"),
    ({"Contact": {"ContactId": 99}}, "SoNotFoundException", "contact 99"),
    ({"Associate": {"Name": "thief"}}, "SoNotFoundException", "thief"),
]


@pytest.mark.parametrize(("carrier", "kind", "told"), UNARCHIVABLE)
def test_what_cannot_be_archived_is_named_and_stays_temporary(
    office: Office, carrier: dict[str, Any] | None, kind: str, told: str
) -> None:
    name = office.temporary()
    if carrier and ({"Person", "Contact", "Associate"} & set(carrier)):
        carrier = {"Name": name, **carrier}
    reply = office.service.call(
        "CreateEMailFromDocumentEntity", {"DocumentEntity": carrier}, ticket=office.annas
    )
    assert refused(reply) == kind
    assert told in reply.exception["Message"]
    assert office.service.call(
        "GetEMailFromTemp", {"FileName": name}, ticket=office.annas
    ).succeeded


# Effects ----------------------------------------------------------------------------------------


def test_an_archived_mail_is_given_with_what_it_is_filed_under(office: Office) -> None:
    number = office.archived(project_id=6, sale_id=7)
    reply = office.service.call(
        "GetEMailFromDocumentId", {"DocumentId": number}, ticket=office.annas
    )
    assert reply.text("Response/Subject") == "Grüße"
    assert stream(reply) == b"PDF"
    assert reply.text("Response/EMailSOInfo/ProjectId") == "6"
    assert reply.text("Response/EMailSOInfo/Archived") == "true"


def test_without_its_streams_an_archived_mail_still_names_its_attachments(office: Office) -> None:
    reply = office.service.call(
        "GetEMailFromDocumentIdWithoutAttachmentStream",
        {"DocumentId": office.archived()},
        ticket=office.annas,
    )
    assert reply.text("Response/Attachments/EMailAttachment/Filename") == "a.pdf"
    assert stream(reply) is None


def test_a_document_is_what_its_mail_is_filed_under(office: Office) -> None:
    number = office.archived(appointment_id=5, project_id=6, sale_id=7)
    reply = office.service.call("GetEMailSOInfo", {"EMailSOInfoId": number}, ticket=office.annas)
    found = {child.tag.removeprefix(N): child.text for child in reply.body[0]}
    at = found.pop("ArchivedAt")
    assert at is not None
    assert found == {
        "DocumentId": str(number),
        "AppointmentId": "5",
        "ProjectId": "6",
        "SaleId": "7",
        "Archived": "true",
        "ArchivedBy": str(office.anna.associate_id),
        "ArchivedDisplayName": "Anna",
    }


@pytest.mark.parametrize("strip", [False, True])
def test_a_composed_mail_is_saved_as_a_temporary_document(office: Office, strip: bool) -> None:
    attachment = {"Filename": "a.bin", "Stream": base64.b64encode(b"\0\xff").decode()}
    given = {
        "Email": {**EMAIL, "Attachments": {"EMailAttachment": attachment}},
        "FolderId": 0,
        "StripAttachments": strip,
    }
    saved = office.service.call("SaveEmailToTmpDocument", given, ticket=office.annas)
    assert saved.succeeded, saved.exception
    read = office.service.call(
        "GetEMailFromTemp", {"FileName": saved.text("Response")}, ticket=office.annas
    )
    assert read.text("Response/Subject") == "Composed"
    assert read.text("Response/To/EMailAddress/Address") == "bob@example.com"
    assert read.text("Response/EMailSOInfo/Archived") == "false"
    assert stream(read) == (None if strip else b"\0\xff")


def test_a_cached_message_is_saved_as_it_came(office: Office) -> None:
    odd = MAIL.replace(b"hello", b"h\xe9llo, not \xff composed")
    folder, item = office.cached(odd)
    for given in (
        {"Email": {"EmailItemId": item}},
        {"Email": {"EmailItemId": item}, "FolderId": folder},
        {"Email": {"ServerId": 9 - 2**31}, "FolderId": folder},
    ):
        saved = office.service.call("SaveEmailToTmpDocument", given, ticket=office.annas)
        name = saved.text("Response") or ""
        documents = office.service.services.documents
        kept = documents.temporary(office.anna.associate_id, name, office.service.services.clock())
        assert kept == odd


def test_a_document_entity_archives_the_temporary_document_that_it_names(office: Office) -> None:
    services = office.service.services
    import_book(services.database, [PersonDraft("Bob")])
    name = office.temporary()
    carrier = {
        "Header": "A title",
        "Name": name,
        "OurRef": "ours",
        "Person": {"PersonId": 1},
        "Project": {"ProjectId": 6},
        "Links": {"Link": {"EntityName": "Appointment", "Id": 5}},
        "Sale": {"SaleId": 7},
    }
    call = {"DocumentEntity": carrier}
    made = office.service.call("CreateEMailFromDocumentEntity", call, ticket=office.annas)
    assert made.succeeded, made.exception
    assert made.text("Response/Subject") == "Grüße"
    document = services.documents.get(int(made.text("Response/EMailSOInfo/DocumentId") or 0))
    assert document is not None
    assert (document.header, document.extref) == ("A title", "<1@example.com>")
    assert document.links == DocumentLinks(0, 1, 5, 6, 7)
    assert services.documents.source(document.document_id) == MAIL
    gone = office.service.call("GetEMailFromTemp", {"FileName": name}, ticket=office.annas)
    assert refused(gone) == "SoNotFoundException"
    again = office.service.call("CreateEMailFromDocumentEntity", call, ticket=office.annas)
    assert again.text("Response/EMailSOInfo/DocumentId") == str(document.document_id)


def test_a_document_is_found_by_its_reference_and_may_be_archived_for_another(
    office: Office,
) -> None:
    carrier = {
        "Name": save_temporary(office.call_of(office.root), MAIL),
        "Associate": {"Name": "anna"},
    }
    made = office.service.call(
        "CreateEMailFromDocumentEntity", {"DocumentEntity": carrier}, ticket=office.roots
    )
    assert made.text("Response/EMailSOInfo/ArchivedDisplayName") == "Root"
    found = office.service.call(
        "CreateEMailFromDocumentEntity",
        {"DocumentEntity": {"ExternalRef": "<1@example.com>"}},
        ticket=office.annas,
    )
    assert found.text("Response/EMailSOInfo/DocumentId") == made.text(
        "Response/EMailSOInfo/DocumentId"
    )


def test_the_same_mail_is_archived_once_and_another_of_its_id_again(office: Office) -> None:
    call, owner = office.call_of(office.anna), office.anna.associate_id
    first = archive_mail(call, MAIL, owner)
    assert archive_mail(call, MAIL, owner) == first
    assert archive_mail(call, MAIL + b"forged", owner) != first
    assert archive_mail(call, MAIL, office.thief.associate_id) != first


def test_messages_learn_what_they_are_archived_under(office: Office) -> None:
    number = office.archived(sale_id=7)
    mail, other = entity_of_source(MAIL), entity_of_source(b"Subject: x\r\n\r\n")
    file_under(office.call_of(office.anna), office.anna.associate_id, [mail, other])
    assert (mail.EMailSOInfo.DocumentId, mail.EMailSOInfo.SaleId) == (number, 7)
    assert (other.EMailSOInfo.Archived, other.EMailSOInfo.DocumentId) == (False, 0)
    file_under(office.call_of(office.thief), office.thief.associate_id, [mail])
    assert mail.EMailSOInfo.Archived is False
