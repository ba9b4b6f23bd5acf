"""The calls about messages of the cache, each with something to find."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.boxes import ints
from tests.support.service import Reply, member_xml

Succeeds = Callable[[str, str], Reply]


def use_the_cache(succeeds: Succeeds) -> None:
    """Of the caller's current account, which is cached and has a message with an attachment."""
    folders = succeeds("CacheFolderList", "")
    inbox = folders.text("Response/EMailFolder/EmailFolderId")
    succeeds("GetNewMail", ints("Folders", [int(inbox or 0)]))
    latest = succeeds("LatestItemIdByFolder", member_xml({"FolderId": inbox})).text("Response")
    asked = member_xml({"MailItemId": latest, "FolderId": inbox})
    assert succeeds("HasNewMail", asked).text("Response") == "false"
    draft = {
        "To": {"EMailAddress": {"Name": "Bob", "Address": "bob@example.com"}},
        "Subject": "Grüße",
        "PlainBody": "Hello",
        "Attachments": {"EMailAttachment": {"Filename": "ü.bin", "Stream": "AAEC/w=="}},
        "InReplyTo": {"MessageId": "<conformance@example.com>"},
    }
    saved = succeeds("SaveDraft", member_xml({"Entity": draft}))
    item = int(saved.text("Response/EmailItemId") or 0)
    by_id = member_xml({"MessageId": saved.text("Response/MessageID")})
    assert succeeds("GetMailFromMessageId", by_id).text("Response/EmailItemId") == str(item)
    answered = member_xml({"MessageId": "conformance@example.com"})
    assert succeeds("GetMailFromInReplyTo", answered).text("Response/EmailItemId") == str(item)
    attachment = saved.text("Response/Attachments/EMailAttachment/Id")
    part = member_xml({"MailItemId": item, "AttachmentId": attachment})
    assert succeeds("GetAttachmentFromId", part).text("Response/Stream") == "AAEC/w=="
    succeeds("SetRepliedAt", by_id)
    read = succeeds("GetEMail", member_xml({"Id": item, "IncludeAttachments": True}))
    assert "Answered" in (read.text("Response/Flags") or "")
    succeeds("Save", member_xml({"Email": {"EmailItemId": item}}))
    flagged = {"Email": {"Flags": "Flagged", "EmailItemId": item}}
    succeeds("SaveToMailServer", member_xml(flagged))
    succeeds("MarkEmailsAsRead", ints("Ids", [item]) + member_xml({"Read": True}))
    moved = member_xml({"FolderId": inbox}) + ints("EmailItemIds", [item])
    succeeds("MoveEmailsToFolder", moved)
    succeeds("MoveEmailsToTrash", ints("Ids", [item]))
    succeeds("DeleteEmails", ints("Ids", [item]))
