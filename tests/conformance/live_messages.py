"""The calls about messages on the mail server, each with something to find; leaves all as it was."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.boxes import ints, strings
from tests.support.live_mail import values_of
from tests.support.service import Reply, member_xml

Succeeds = Callable[[str, str], Reply]
MAIL = {
    "To": {"EMailAddress": {"Name": "Bob", "Address": "bob@example.com"}},
    "Subject": "Grüße",
    "From": {"Address": "anna@example.com"},
    "Flags": "Flagged",
    "PlainBody": "text",
    "Attachments": {"EMailAttachment": {"Filename": "a.bin", "Stream": "AAEC"}},
}


def read_and_file(succeeds: Succeeds, info: str) -> None:
    """In a mailbox with the folder Work, which `info` (the XML of ConnectionInfo) opens."""
    work = _in(info, "Work")
    saved = succeeds("SaveEMail", work + member_xml({"Email": MAIL}))
    uid = int(saved.text("Response/ServerId") or 0)
    one, some = member_xml({"MessageServerId": uid}), ints("MessageServerIds", [uid])
    wanted = {"LookupAddresses": True, "Flags": "Answered", "IncludeAttachments": True}
    read = succeeds("GetEMailFromId", work + one + member_xml(wanted))
    assert read.text("Response/Flags") == "Flagged Answered"
    part = read.text("Response/Attachments/EMailAttachment/Id")
    attachment = succeeds("GetAttachment", work + one + member_xml({"AttachmentId": part}))
    assert attachment.text("Response/Stream") == "AAEC"
    assert succeeds("GetEMailAsStream", work + one).text("Response")
    heads = succeeds("GetEMailEnvelopes", work + some)
    assert heads.text("Response/EMailEnvelope/Subject") == "Grüße"
    succeeds("MarkAsRead", work + some + member_xml({"Read": True}))
    succeeds("MoveToFolder", work + some + member_xml({"TargetFolder": "INBOX"}))
    _take_out(succeeds, info, saved.text("Response/MessageID"))
    again = succeeds("SaveEMail", work + member_xml({"Email": MAIL}))
    gone = ints("MessageServerIds", [int(again.text("Response/ServerId") or 0)])
    succeeds("Delete", work + gone)


def _take_out(succeeds: Succeeds, info: str, message_id: str | None) -> None:
    """Read one message of INBOX by its Message-ID, and delete it."""
    extended = _in(info, "INBOX").replace("ConnectionInfo>", "ConnectionInfoExtended>")
    assert message_id in values_of(succeeds("GetEmailMessageIds", extended))
    ids = strings("MessageIds", [message_id, "<nobody@example.com>"])
    text, nothing = values_of(succeeds("GetEmailsAsString", extended + ids))
    assert nothing is None
    read = succeeds("CreateEMailFromMimeMessage", member_xml({"MimeMessage": text}))
    assert read.text("Response/MessageID") == message_id
    succeeds("DeleteExtended", extended + strings("MessageIds", [message_id]))


def _in(info: str, folder: str) -> str:
    return info.replace("</n:ConnectionInfo>", f"<n:Folder>{folder}</n:Folder></n:ConnectionInfo>")
