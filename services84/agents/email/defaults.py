"""Operations that give blank carriers, to be filled in and then saved or sent. They store nothing.

CreateDefaultEMailAccount is with the other operations on accounts. The vendor documents no values;
these are such that what is not touched means nothing to the operation that takes the carrier: ids
of 0, texts without content, arrays to append to. Points in time are left out, for there is none.
"""

from __future__ import annotations

from services84.agents.call import Call
from services84.agents.registry import operation
from services84.agents.writers import address_of
from services84.carriers.account import EMailConnectionInfo, EMailConnectionInfoExtended
from services84.carriers.address import EMailAddress
from services84.carriers.folder import EMailFolder
from services84.carriers.message import (
    EMailAttachment,
    EMailCustomHeader,
    EMailEntity,
    EMailEnvelope,
    EMailPriority,
    EMailSOInfo,
)
from services84.store.values import Account

INBOX = "INBOX"  # the one folder that every IMAP server has (RFC 3501 section 5.1)
DELIMITER = "/"
# Bytes of which nothing more is known (RFC 2046 section 4.5.1).
ATTACHMENT_TYPE = "application/octet-stream"


@operation("CreateDefaultEMailAddress", returns=EMailAddress)
def create_default_email_address(call: Call) -> EMailAddress:
    """Give a blank mail address that nobody is known by."""
    return blank_address()


@operation("CreateDefaultEMailAttachment", returns=EMailAttachment)
def create_default_email_attachment(call: Call) -> EMailAttachment:
    """Give an empty attachment of no particular type."""
    return EMailAttachment(
        Description="",
        Filename="",
        Size=0,
        Type=ATTACHMENT_TYPE,
        Encoding="base64",
        Id="",
        Disposition="attachment",
        Stream=b"",
    )


@operation("CreateDefaultEMailConnectionInfo", returns=EMailConnectionInfo)
def create_default_email_connection_info(call: Call) -> EMailConnectionInfo:
    """Give blank connection data for the INBOX of a server, with STARTTLS at the usual port."""
    return EMailConnectionInfo(ServerName="", UserName="", Password="", Folder=INBOX, UseSSL=False)


@operation("CreateDefaultEMailConnectionInfoExtended", returns=EMailConnectionInfoExtended)
def create_default_email_connection_info_extended(call: Call) -> EMailConnectionInfoExtended:
    """Give blank connection data with no port and no protocol: the usual ones where it is used."""
    return EMailConnectionInfoExtended(
        Port=0,
        ServerName="",
        Protocol="",
        UserName="",
        Password="",
        UseSSL=False,
        Folder=INBOX,
    )


@operation("CreateDefaultEMailCustomHeader", returns=EMailCustomHeader)
def create_default_email_custom_header(call: Call) -> EMailCustomHeader:
    """Give a header field without a name and without values."""
    return EMailCustomHeader(Name="", Values=[])


@operation("CreateDefaultEMailEntity", returns=EMailEntity)
def create_default_email_entity(call: Call) -> EMailEntity:
    """Give an empty message from the caller's current mail account, where there is one."""
    account = call.services.accounts.current(call.caller.associate_id, secrets=False)
    return EMailEntity(
        To=[],
        Cc=[],
        Bcc=[],
        Subject="",
        HTMLBody="",
        From=_own_address(call, account) if account else blank_address(),
        Size=0,
        Priority=EMailPriority.Normal,
        Flags=(),
        MessageID="",
        PlainBody="",
        IsSent=False,
        EMailSOInfo=blank_so_info(),
        ServerId=0,
        Attachments=[],
        CustomHeaderList=[],
        FolderName="",
        EmailItemId=0,
        AccountId=account.account_id if account else 0,
    )


@operation("CreateDefaultEMailEnvelope", returns=EMailEnvelope)
def create_default_email_envelope(call: Call) -> EMailEnvelope:
    """Give the head of a message that is not there yet."""
    return EMailEnvelope(
        ServerId=0,
        MessageId="",
        Subject="",
        From=blank_address(),
        To=[],
        Priority=EMailPriority.Normal,
        Flags=(),
        Size=0,
        EMailSOInfo=blank_so_info(),
    )


@operation("CreateDefaultEMailFolder", returns=EMailFolder)
def create_default_email_folder(call: Call) -> EMailFolder:
    """Give a folder without a name, to be subscribed to."""
    return EMailFolder(
        Name="",
        Delimiter=DELIMITER,
        Flags="",
        TotalItems=0,
        UnreadItems=0,
        Subscribed=True,
        EmailFolderId=0,
    )


@operation("CreateDefaultEMailSOInfo", returns=EMailSOInfo)
def create_default_email_so_info(call: Call) -> EMailSOInfo:
    """Say of a message that it is filed under nothing."""
    return blank_so_info()


def blank_address() -> EMailAddress:
    """No address, and nobody whom the address book knows by it."""
    return EMailAddress(
        ContactId=0,
        ContactName="",
        PersonId=0,
        PersonName="",
        AssociateId=0,
        Address="",
        EmailId=0,
        DuplicatePersonIds=[],
        Name="",
    )


def blank_so_info() -> EMailSOInfo:
    """Filed under nothing and not archived."""
    return EMailSOInfo(
        DocumentId=0,
        AppointmentId=0,
        ProjectId=0,
        SaleId=0,
        Archived=False,
        ArchivedBy=0,
        ArchivedDisplayName="",
    )


def _own_address(call: Call, account: Account) -> EMailAddress:
    found = blank_address()
    sender = address_of(call, account)
    found.Address, found.Name = sender.address, sender.name
    found.AssociateId = call.caller.associate_id
    return found
