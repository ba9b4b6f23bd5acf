"""Carriers of documents: where archived messages are kept, and what they belong to."""

from services84.carriers.associate import Associate
from services84.carriers.base import (
    Boolean,
    Carrier,
    DateTime,
    Int,
    Short,
    String,
    StringDictionary,
    UtcDateTime,
    array_of,
    enumeration,
)
from services84.carriers.contact import Contact
from services84.carriers.person import Person
from services84.carriers.project import ActivityStatus, Project, Sale

DocTmplType = enumeration(
    "DocTmplType",
    "Unknown",
    "Appointment",
    "Document",
    "Email",
    "Fax",
    "Phone",
    "Todo",
    "MergeDraft",
    "MergeFinal",
    "SavedReport",
    actual_type="short",
)
DocTmplDirection = enumeration(
    "DocTmplDirection", "Unknown", "Incoming", "Outgoing", "SaintAll", actual_type="short"
)
DocTmplQuoteType = enumeration(
    "DocTmplQuoteType",
    "None",
    "MailBody",
    "MainDocument",
    "QuoteLines",
    "ConfirmationMailBody",
    "ConfirmationLines",
    actual_type="short",
)
AppointmentType = enumeration(
    "AppointmentType",
    "Unknown",
    "inDiary",
    "inChecklist",
    "Note",
    "Document",
    "SavedReport",
    "BookingForDiary",
    "BookingForChecklist",
    "MergeDraft",
    "MergeFinal",
    actual_type="short",
)
DocumentLockSemantics = enumeration("DocumentLockSemantics", "None", "Locking", "Versioning")
Visibility = enumeration("Visibility", "All", "Associate", "Group")


class DocumentTemplate(Carrier):
    """What a document was made from."""

    DocumentTemplateId = Int
    Name = String
    Tooltip = String
    SaveInDb = Short
    Filename = String
    DefaultOref = String
    RecordType = DocTmplType
    Deleted = Short
    Direction = DocTmplDirection
    AutoeventId = Int
    QuoteDocType = DocTmplQuoteType


class Link(Carrier):
    """Something that a document refers to."""

    EntityName = String
    Id = Int
    Description = String
    ExtraInfo = String
    LinkId = Int


class VisibleFor(Carrier):
    """Who may see a document."""

    VisibleId = Int
    Visibility = Visibility
    DisplayValue = String


ArrayOfLink = array_of(Link)
ArrayOfVisibleFor = array_of(VisibleFor)


class DocumentEntity(Carrier):
    """A document of the archive, with what it belongs to."""

    DocumentId = Int
    UpdatedBy = Associate
    CreatedBy = Associate
    Attention = String
    Header = String
    Name = String
    OurRef = String
    YourRef = String
    CreatedDate = UtcDateTime
    UpdatedDate = UtcDateTime
    Description = String
    DocumentTemplate = DocumentTemplate
    Person = Person
    Associate = Associate
    Contact = Contact
    Project = Project
    Date = DateTime
    ExternalRef = String
    Completed = ActivityStatus
    ActiveLinks = Int
    Type = AppointmentType
    Links = ArrayOfLink
    LockSemantics = DocumentLockSemantics
    Sale = Sale
    SuggestedDocumentId = Int
    UserDefinedFields = StringDictionary
    ExtraFields = StringDictionary
    PublishEventDate = DateTime
    PublishTo = DateTime
    PublishFrom = DateTime
    IsPublished = Boolean
    VisibleFor = ArrayOfVisibleFor
