"""Carriers of messages: whole ones, their heads, their attachments, what they are filed under."""

from services84.carriers.address import ArrayOfEMailAddress, EMailAddress
from services84.carriers.base import (
    ArrayOfString,
    Binary,
    Boolean,
    Carrier,
    DateTime,
    Int,
    String,
    array_of,
    enumeration,
)

EMailPriority = enumeration(
    "EMailPriority", "NoPriority", "Highest", "High", "Normal", "Low", "Lowest", actual_type="short"
)
EMailFlags = enumeration(
    "EMailFlags",
    "Seen",
    "Deleted",
    "Recent",
    "Flagged",
    "Draft",
    "Answered",
    flags=True,
    actual_type="short",
)


class EMailAttachment(Carrier):
    """A part of a message that is no body; Id is its Content-ID, or its number among the parts."""

    Description = String
    Filename = String
    Size = Int
    Type = String
    Encoding = String
    Id = String
    Disposition = String
    Stream = Binary


class EMailCustomHeader(Carrier):
    """A header field that has no member of its own, and its values."""

    Name = String
    Values = ArrayOfString


ArrayOfEMailAttachment = array_of(EMailAttachment)
ArrayOfEMailCustomHeader = array_of(EMailCustomHeader)


class EMailSOInfo(Carrier):
    """What a message is filed under: document, appointment, project, sale."""

    DocumentId = Int
    AppointmentId = Int
    ProjectId = Int
    SaleId = Int
    Archived = Boolean
    ArchivedAt = DateTime
    ArchivedBy = Int
    ArchivedDisplayName = String


class EMailEnvelope(Carrier):
    """The head of a message, as lists show it."""

    ServerId = Int
    MessageId = String
    Subject = String
    From = EMailAddress
    To = ArrayOfEMailAddress
    Sent = DateTime
    Priority = EMailPriority
    Flags = EMailFlags
    Size = Int
    EMailSOInfo = EMailSOInfo


class EMailEntity(Carrier):
    """A whole message. InReplyTo is the message that it answers."""

    To = ArrayOfEMailAddress
    Cc = ArrayOfEMailAddress
    Bcc = ArrayOfEMailAddress
    Subject = String
    HTMLBody = String
    From = EMailAddress
    Sent = DateTime
    Size = Int
    Priority = EMailPriority
    Flags = EMailFlags
    MessageID = String
    PlainBody = String
    IsSent = Boolean
    EMailSOInfo = EMailSOInfo
    ServerId = Int
    Attachments = ArrayOfEMailAttachment
    CustomHeaderList = ArrayOfEMailCustomHeader
    FolderName = String
    EmailItemId = Int
    AccountId = Int
    ReceivedAt = DateTime
    InReplyTo = EMailEnvelope
    RepliedAt = DateTime


ArrayOfEMailEnvelope = array_of(EMailEnvelope)
ArrayOfEMailEntity = array_of(EMailEntity)
