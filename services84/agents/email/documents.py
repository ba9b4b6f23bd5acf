"""Operations on the archive: mails as documents, and temporary documents on their way into it.

A temporary document is its owner's alone, for a day. It is archived when a DocumentEntity without
an id names it: no other operation of this contract says under what a document is filed. A
document may be seen by its owner and by administrators; to anybody else it does not exist.
The vendor leaves open what an EMailSOInfoId is; here it is the id of the document.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from services84.agents.access import associate_of, cached_folder, cached_item, may_act_for
from services84.agents.call import Call
from services84.agents.email.defaults import blank_so_info
from services84.agents.entities import entity_of_source, uid_of
from services84.agents.entity_drafts import sent_at, source_of
from services84.agents.registry import operation
from services84.agents.writers import own_address
from services84.carriers.base import Boolean, Int, String
from services84.carriers.document import DocumentEntity
from services84.carriers.message import EMailEntity, EMailEnvelope, EMailSOInfo
from services84.errors import InvalidValue, NotFound, StoreError
from services84.mime.parse import parse
from services84.mime.stripping import strip_attachments
from services84.store.crm_values import Document, DocumentDraft, DocumentLinks

TEMPORARY_FOR = timedelta(hours=24)


@operation("GetEMailFromDocumentId", returns=EMailEntity, DocumentId=Int)
def get_email_from_document_id(call: Call, document_id: int | None) -> EMailEntity:
    """Give an archived mail with its attachments."""
    return _archived(call, document_of(call, document_id), contents=True)


@operation("CreateEMailFromDocumentEntity", returns=EMailEntity, DocumentEntity=DocumentEntity)
def create_email_from_document_entity(call: Call, carrier: DocumentEntity | None) -> EMailEntity:
    """Give the mail that a document holds: the one of DocumentId, else of Name, else ExternalRef.

    Where Name is that of the caller's temporary document, the document is archived: under the
    title, the references and the contact, person, project and sale of the carrier.
    """
    if carrier is None:
        raise InvalidValue("DocumentEntity", "nil", "is required")
    return _archived(call, _document_meant(call, carrier), contents=True)


@operation("GetEMailFromTemp", returns=EMailEntity, FileName=String)
def get_email_from_temp(call: Call, name: str | None) -> EMailEntity:
    """Give the mail of a temporary document, by the file name under which it was saved."""
    if not name:
        raise InvalidValue("FileName", "", "is empty; a file name is required")
    entity = entity_of_source(_temporary(call, name))
    entity.EMailSOInfo = blank_so_info()
    return entity


@operation(
    "SaveEmailToTmpDocument",
    returns=String,
    Email=EMailEntity,
    FolderId=Int,
    StripAttachments=Boolean,
)
def save_email_to_tmp_document(
    call: Call, entity: EMailEntity | None, folder_id: int | None, strip: bool | None
) -> str:
    """Save a mail as a temporary document, ready to be archived; gives its file name.

    A message of the cache, by EmailItemId or by FolderId and ServerId, is saved as it came.
    """
    if entity is None:
        raise InvalidValue("Email", "nil", "is required")
    source = _cached_source(call, entity, folder_id)
    if source is None:
        source = source_of(entity, now=call.arrived, sender=own_address(call))
    return save_temporary(call, source, strip=bool(strip))


@operation("GetEMailFromDocumentIdWithoutAttachmentStream", returns=EMailEntity, DocumentId=Int)
def get_email_from_document_id_without_attachment_stream(
    call: Call, document_id: int | None
) -> EMailEntity:
    """Give an archived mail; its attachments are named, and come without their bytes."""
    return _archived(call, document_of(call, document_id), contents=False)


@operation("GetEMailSOInfo", returns=EMailSOInfo, EMailSOInfoId=Int)
def get_email_so_info(call: Call, so_info_id: int | None) -> EMailSOInfo:
    """Say what an archived mail is filed under, by the id of its document."""
    return so_info_of(document_of(call, so_info_id))


# For the operations that save, send and read mail -----------------------------------------------


def save_temporary(call: Call, source: bytes, *, strip: bool = False) -> str:
    """Keep a mail as the caller's temporary document, with `strip` without its attachments;
    gives its file name."""
    kept = strip_attachments(source) if strip else source
    expires = call.arrived + TEMPORARY_FOR
    return call.services.documents.save_temporary(call.caller.associate_id, kept, expires)


def archive_mail(
    call: Call, source: bytes, owner_id: int, links: DocumentLinks | None = None
) -> Document:
    """Archive a mail for an associate; the very same mail is not archived twice."""
    documents = call.services.documents
    known = documents.by_external_reference(owner_id, parse(source).message_id)
    if known is not None and documents.source(known.document_id) == source:
        return known
    draft = _draft(call, source, owner_id, name="", links=links or DocumentLinks())
    return documents.archive(draft, source)


def file_under(
    call: Call, associate_id: int, carriers: Iterable[EMailEntity | EMailEnvelope]
) -> None:
    """Write into messages of an associate's account what they are archived under, if they are."""
    ids = {id(each): (_message_id(each), each) for each in carriers}
    found = call.services.documents.by_external_references(
        associate_id, [message_id for message_id, _ in ids.values()]
    )
    for message_id, each in ids.values():
        document = found.get(message_id)
        each.EMailSOInfo = so_info_of(document) if document else blank_so_info()


def _message_id(carrier: EMailEntity | EMailEnvelope) -> str:
    if isinstance(carrier, EMailEntity):
        return carrier.MessageID or ""
    return carrier.MessageId or ""


def document_of(call: Call, document_id: int | None) -> Document:
    """The document of this id, when the caller may see it; raises NotFound."""
    document = call.services.documents.get(document_id) if document_id else None
    if document is None or not may_act_for(call, document.associate_id):
        raise NotFound(
            f"no document {document_id or 0}", parameters={"DocumentId": str(document_id or 0)}
        )
    return document


def so_info_of(document: Document) -> EMailSOInfo:
    """What an archived mail is filed under."""
    return EMailSOInfo(
        DocumentId=document.document_id,
        AppointmentId=document.links.appointment_id,
        ProjectId=document.links.project_id,
        SaleId=document.links.sale_id,
        Archived=True,
        ArchivedAt=document.archived_at,
        ArchivedBy=document.archived_by,
        ArchivedDisplayName=document.archived_by_name,
    )


# Finding and archiving --------------------------------------------------------------------------


def _archived(call: Call, document: Document, *, contents: bool) -> EMailEntity:
    source = call.services.documents.source(document.document_id)
    if source is None:
        raise StoreError(f"document {document.document_id} has no content")
    entity = entity_of_source(source, contents=contents)
    entity.EMailSOInfo = so_info_of(document)
    return entity


def _document_meant(call: Call, carrier: DocumentEntity) -> Document:
    if carrier.DocumentId:
        return document_of(call, carrier.DocumentId)
    owner = _owner(call, carrier)
    documents = call.services.documents
    name, reference = carrier.Name or "", carrier.ExternalRef or ""
    if not name and not reference:
        problem = "names no document, nor do Name and ExternalRef"
        raise InvalidValue("DocumentEntity/DocumentId", 0, problem)
    found = documents.by_name(owner, name) if name else None
    if found is None and name:
        found = _archive_temporary(call, carrier, owner)
    if found is None and reference:
        found = documents.by_external_reference(owner, reference)
    if found is None:
        member = "Name" if name else "ExternalRef"
        raise NotFound(f"no document {name or reference}", parameters={member: name or reference})
    return found


def _archive_temporary(call: Call, carrier: DocumentEntity, owner: int) -> Document | None:
    """Archive the caller's temporary document that the carrier names, if there is such a one."""
    name = carrier.Name or ""
    documents = call.services.documents
    source = documents.temporary(call.caller.associate_id, name, call.arrived)
    if source is None:
        return None
    draft = _draft(call, source, owner, name=name, links=_links(call, carrier), carrier=carrier)
    return documents.archive_temporary(name, draft, call.arrived)


def _draft(
    call: Call,
    source: bytes,
    owner: int,
    *,
    name: str,
    links: DocumentLinks,
    carrier: DocumentEntity | None = None,
) -> DocumentDraft:
    """A document of a mail, with what the carrier says; what it leaves open, the mail says."""
    message = parse(source)
    said = carrier if carrier is not None else DocumentEntity()
    date = said.Date and sent_at(EMailEntity(Sent=said.Date))
    return DocumentDraft(
        associate_id=owner,
        archived_by=call.caller.associate_id,
        name=name or f"{message.message_id.strip('<>') or 'mail'}.eml",
        header=said.Header or message.subject,
        date=date or message.sent_at or call.arrived,
        extref=said.ExternalRef or message.message_id,
        our_ref=said.OurRef or "",
        your_ref=said.YourRef or "",
        attention=said.Attention or "",
        description=said.Description or "",
        links=links,
    )


def _links(call: Call, carrier: DocumentEntity) -> DocumentLinks:
    """What the carrier files its document under; raises NotFound for nobody of the book."""
    contact = (carrier.Contact.ContactId or 0) if carrier.Contact is not None else 0
    person = (carrier.Person.PersonId or 0) if carrier.Person is not None else 0
    if contact and not call.services.contacts.contact_exists(contact):
        raise NotFound(f"no contact {contact}", parameters={"ContactId": str(contact)})
    if person and not call.services.contacts.person_exists(person):
        raise NotFound(f"no person {person}", parameters={"PersonId": str(person)})
    linked = {(each.EntityName or "").lower(): each.Id or 0 for each in carrier.Links or () if each}
    return DocumentLinks(
        contact_id=contact,
        person_id=person,
        appointment_id=linked.get("appointment", 0),
        project_id=(carrier.Project.ProjectId or 0) if carrier.Project is not None else 0,
        sale_id=(carrier.Sale.SaleId or 0) if carrier.Sale is not None else 0,
    )


def _owner(call: Call, carrier: DocumentEntity) -> int:
    """Whose document it is or shall be: the carrier's associate, else the caller."""
    named = carrier.Associate
    if named is None:
        return call.caller.associate_id
    return associate_of(call, named.AssociateId, named.Name).associate_id


# Temporary documents ----------------------------------------------------------------------------


def _temporary(call: Call, name: str) -> bytes:
    source = call.services.documents.temporary(call.caller.associate_id, name, call.arrived)
    if source is None:
        raise NotFound(
            "FileName: no temporary document of this name", parameters={"FileName": name}
        )
    return source


def _cached_source(call: Call, entity: EMailEntity, folder_id: int | None) -> bytes | None:
    """The bytes of the cached message that a carrier stands for; None where it is none."""
    items = call.services.items
    folder = cached_folder(call, folder_id) if folder_id else None
    if entity.EmailItemId:
        item, found_in = cached_item(call, entity.EmailItemId)
        if folder is not None and found_in.folder_id != folder.folder_id:
            problem = f"is not the folder of message {item.item_id}"
            raise InvalidValue("FolderId", folder_id, problem)
        return items.source(item.item_id)
    if folder is None or not entity.ServerId:
        return None
    uid = uid_of(entity.ServerId)
    state = items.states(folder.folder_id, folder.uid_validity or 0, [uid]).get(uid)
    if state is None:
        raise NotFound(
            f"folder {folder.folder_id} has no message {entity.ServerId}",
            parameters={"ServerId": str(entity.ServerId)},
        )
    return items.source(state.item_id)
