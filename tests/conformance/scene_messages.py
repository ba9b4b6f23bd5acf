"""Scenes about messages: on the server that a call names, in the cache, and sent."""

from __future__ import annotations

from email import message_from_bytes, policy
from typing import Any

from tests.conformance.scene import Scene
from tests.support.mailboxes import append, message

BINARY = b"\0\1\2\xff"
DRAFTS = "Entw&APw-rfe"  # Entwürfe, a usual name of the folder for drafts; it was emptied before


def read_and_file(scene: Scene) -> None:
    """A mail is saved, read, marked, moved and deleted on the server."""
    with scene.mailbox() as client:
        client.create("Box")
        client.create("Other")
    box = {"ConnectionInfo": scene.info("Box")}
    saved = scene("SaveEMail", **box, Email=scene.mail("live"))
    assert list(scene.seen("Box")) == ["live"]
    one = {**box, "MessageServerId": saved.ServerId}
    some = {**box, "MessageServerIds": {"int": [saved.ServerId]}}
    _read(scene, one)
    (head,) = scene("GetEMailEnvelopes", **some).EMailEnvelope
    assert head.MessageId == saved.MessageID
    scene("MarkAsRead", **some, Read=True)
    assert scene.seen("Box") == {"live": {"\\Flagged", "\\Seen"}}
    scene("MoveToFolder", **some, TargetFolder="Other")
    assert (scene.seen("Box"), list(scene.seen("Other"))) == ({}, ["live"])
    again = scene("SaveEMail", **box, Email=scene.mail("live again"))
    scene("Delete", **box, MessageServerIds={"int": [again.ServerId]})
    assert scene.seen("Box") == {}
    take_out_by_message_id(scene)


def _read(scene: Scene, one: dict[str, Any]) -> None:
    read = scene("GetEMailFromId", **one, Flags=["Flagged"], IncludeAttachments=True)
    assert (read.PlainBody.strip(), read.Flags) == ("Grüße", ["Flagged"])
    (attachment,) = read.Attachments.EMailAttachment
    assert scene("GetAttachment", **one, AttachmentId=attachment.Id).Stream == BINARY
    source = scene("GetEMailAsStream", **one, StripAttachments=True)
    assert message_from_bytes(source, policy=policy.default)["Subject"] == "live"


def take_out_by_message_id(scene: Scene) -> None:
    """Messages are listed, read and deleted by their Message-IDs."""
    with scene.mailbox() as client:
        append(client, "Box", message(1))
        append(client, "Box", message(2))
    box = {"ConnectionInfoExtended": scene.extended("Box")}
    ids = scene("GetEmailMessageIds", **box).string
    assert ids == ["<message-1@example.com>", "<message-2@example.com>"]
    wanted = {"string": [ids[1], "<nobody@example.com>"]}
    text, nothing = scene("GetEmailsAsString", **box, MessageIds=wanted).string
    assert (text, nothing) == (message(2).decode(), None)
    read = scene("CreateEMailFromMimeMessage", MimeMessage=text)
    assert read.Subject == "Message 2 – Grüße"
    scene("DeleteExtended", **box, MessageIds={"string": ids[:1]})
    assert len(scene.seen("Box")) == 1


def use_the_cache(scene: Scene) -> None:
    """A draft is saved, found by every id, changed, moved and deleted; the server follows."""
    folders = {folder.Name: folder.EmailFolderId for folder in scene("CacheFolderList").EMailFolder}
    reply_to = {"MessageId": "<asked@example.com>"}
    draft = scene("SaveDraft", Entity=scene.mail("kept", InReplyTo=reply_to))
    item = draft.EmailItemId
    assert scene.seen(DRAFTS) == {"kept": {"\\Draft", "\\Seen"}}
    found = [
        scene("GetEMail", Id=item, IncludeAttachments=True),
        scene("GetMailFromMessageId", MessageId=draft.MessageID),
        scene("GetMailFromInReplyTo", MessageId="asked@example.com"),
    ]
    assert {each.EmailItemId for each in found} == {item}
    part = found[0].Attachments.EMailAttachment[0].Id
    assert scene("GetAttachmentFromId", MailItemId=item, AttachmentId=part).Stream == BINARY
    scene("SetRepliedAt", MessageId=draft.MessageID)
    assert "\\Answered" in scene.seen(DRAFTS)["kept"]
    assert scene("Save", Email={"EmailItemId": item}).RepliedAt is not None
    scene("SaveToMailServer", Email={"Flags": ["Flagged"], "EmailItemId": item})
    assert scene.seen(DRAFTS) == {"kept": {"\\Flagged"}}
    _move_about(scene, item, folders["Work"])


def _move_about(scene: Scene, item: int, work: int) -> None:
    one = {"int": [item]}
    scene("MarkEmailsAsRead", Ids=one, Read=True)
    assert "\\Seen" in scene.seen(DRAFTS)["kept"]
    scene("MoveEmailsToFolder", FolderId=work, EmailItemIds=one)
    assert "kept" in scene.seen("Work")
    assert scene("LatestItemIdByFolder", FolderId=work) == item
    assert scene("HasNewMail", MailItemId=item, FolderId=work) is False
    with scene.mailbox() as client:
        append(client, "Work", message(80))
    (fresh,) = scene("GetNewMail", Folders={"int": [work]}).EMailEnvelope
    assert fresh.Subject == "Message 80 – Grüße"
    assert scene("HasNewMail", MailItemId=item, FolderId=work) is True
    scene("MoveEmailsToTrash", Ids=one)
    assert ("kept" in scene.seen("Work"), "kept" in scene.seen("Trash")) == (False, True)
    scene("DeleteEmails", Ids=one)
    assert "kept" not in scene.seen("Trash")


def send_mail(scene: Scene) -> None:
    """What is sent arrives, and a copy is among what was sent."""
    named = {"EMailEntity": [scene.mail("sent by name")]}
    (sent,) = scene("Send", Emails={"EMailEntity": [scene.mail("sent")]}).EMailEntity
    (other,) = scene(
        "SendEMails",
        OutgoingConnectionInfo=scene.smtp(),
        Emails=named,
        SentItemsConnectionInfo=scene.info(),
    ).EMailEntity
    name = scene("SendAndSaveEmailToTmpDocument", Email=scene.mail("sent and kept"))
    assert scene("GetEMailFromTemp", FileName=name).Subject == "sent and kept"
    assert set(scene.seen("Sent")) == {"sent", "sent by name", "sent and kept"}
    arrived = [message_from_bytes(one.source, policy=policy.default) for one in scene.arrived()]
    assert [mail["Subject"] for mail in arrived] == ["sent", "sent by name", "sent and kept"]
    assert [mail["Message-ID"] for mail in arrived[:2]] == [sent.MessageID, other.MessageID]
    _forward_and_relay(scene, sent)


def _forward_and_relay(scene: Scene, sent: Any) -> None:
    forward = scene("CreateForwardEmail", Email=sent)
    assert forward.Subject == "Fw: sent"
    scene(
        "RelayMessage",
        ConnectionInfoExtended=scene.extended(protocol="SMTP"),
        Rfc822="Subject: relayed\n\nHello\n",
        From=scene.customer.address,
        Recipients={"string": [scene.friend]},
    )
    relayed = scene.arrived()[-1]
    assert relayed.source.startswith(b"Subject: relayed")
    assert relayed.mail_from == scene.customer.address
