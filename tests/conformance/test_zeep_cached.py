"""zeep working with messages of the cache, in both versions; another client sees the effect."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.conformance.conftest import Customer
from tests.conformance.test_zeep import VERSIONS, client_of, sign_in
from tests.support.mailboxes import message

DRAFTS = "Entw&APw-rfe"  # the customer's mailbox has a folder of this usual name
ATTACHMENT = {"Filename": "ü.bin", "Stream": b"\0\1\2\xff", "Disposition": "attachment"}


class Client:
    """A customer's client; the customer's mailbox is a synced account."""

    def __init__(self, customer: Customer, version: str) -> None:
        self._headers = sign_in(customer, version)
        self._client = client_of(customer.server, "EMail", version)
        login = {"Username": customer.name, "Password": customer.mail_password}
        auth = {"Server": "127.0.0.1", "Port": customer.dovecot.port_plain, **login}
        account = {"EMailAddress": customer.address, "IncomingCredentials": auth}
        self.account = self.SaveEMailAccount(EMailAccount=account).EMailAccountId
        self.SyncEmailAccount(SyncUserAccount={"AccountId": self.account})
        self.folders = {
            folder.Name: folder.EmailFolderId for folder in self.CacheFolderList().EMailFolder
        }

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        return partial(self._call, operation)

    def _call(self, operation: str, **members: Any) -> Any:
        call = self._client.service[operation]
        reply = call(**members, _soapheaders=self._headers)
        assert reply.header.Succeeded, reply.header.ExceptionInfo
        return getattr(reply.body, "Response", None)


@pytest.fixture(params=VERSIONS)
def client(request: pytest.FixtureRequest, customer: Customer) -> Client:
    with customer.dovecot.client(customer.name) as mailbox:
        mailbox.create("Box")
    return Client(customer, request.param)


def seen(customer: Customer, folder: str = "Box") -> dict[bytes, bytes]:
    """Subjects and flags by another client."""
    found = {}
    with customer.dovecot.client(customer.name) as mailbox:
        if mailbox.select(folder, readonly=True)[0] != "OK":
            return {}
        _, data = mailbox.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        for part in data:
            if isinstance(part, tuple):
                found[part[1].strip().removeprefix(b"Subject: ")] = part[0]
    return found


def test_a_draft_is_saved_changed_filed_and_deleted(customer: Customer, client: Client) -> None:
    blank = client.CreateDefaultEMailEntity()
    blank.Subject, blank.PlainBody = "by zeep", "Grüße"
    blank.To = {"EMailAddress": [{"Address": "bob@example.com", "Name": "Bob"}]}
    blank.Attachments = {"EMailAttachment": [ATTACHMENT]}
    draft = client.SaveDraft(Entity=blank)
    assert draft.FolderName == "Entwürfe"
    assert b"\\Draft" in seen(customer, DRAFTS)[b"by zeep"]
    draft.Subject = "by zeep, again"
    draft = client.SaveDraft(Entity=draft)
    assert b"by zeep" not in seen(customer, DRAFTS)
    (attachment,) = draft.Attachments.EMailAttachment
    found = client.GetAttachmentFromId(MailItemId=draft.EmailItemId, AttachmentId=attachment.Id)
    assert (found.Filename, found.Stream) == ("ü.bin", ATTACHMENT["Stream"])
    draft.Flags, draft.FolderName = ["Flagged"], "Box"
    client.SaveToMailServer(Email=draft)
    assert b"\\Flagged" in seen(customer)[b"by zeep, again"]
    some = {"int": [draft.EmailItemId]}
    client.MarkEmailsAsRead(Ids=some, Read=True)
    assert b"\\Seen" in seen(customer)[b"by zeep, again"]
    client.MoveEmailsToFolder(FolderId=client.folders["INBOX"], EmailItemIds=some)
    assert b"by zeep, again" in seen(customer, "INBOX")
    client.MoveEmailsToTrash(Ids=some)
    assert list(seen(customer, "Trash")) == [b"by zeep, again"]
    client.DeleteEmails(Ids=some, MoveToFolder="Box")
    assert list(seen(customer)) == [b"by zeep, again"]
    client.DeleteEmails(Ids=some)
    assert not seen(customer)


def test_new_mail_is_fetched_read_and_answered(customer: Customer, client: Client) -> None:
    box = client.folders["Box"]
    assert not client.HasNewMail(MailItemId=0, FolderId=box)
    answer = message(700).replace(b"To:", b"In-Reply-To: <first@example.com>\r\nTo:", 1)
    customer.dovecot.deliver(customer.name, "Box", answer)
    (head,) = client.GetNewMail(Folders={"int": [box]}).EMailEnvelope
    assert head.MessageId == "<message-700@example.com>"
    assert client.HasNewMail(MailItemId=0, FolderId=box)
    latest = client.LatestItemIdByFolder(FolderId=box)
    assert not client.HasNewMail(MailItemId=latest, FolderId=box)
    read = client.GetEMail(Id=latest, IncludeAttachments=True)
    assert (read.FolderName, read.From.Address) == ("Box", "sender700@example.com")
    assert client.GetMailFromMessageId(MessageId=head.MessageId).EmailItemId == latest
    assert client.GetMailFromInReplyTo(MessageId="<first@example.com>").EmailItemId == latest
    client.SetRepliedAt(MessageId=head.MessageId)
    assert [b"\\Answered" in flags for flags in seen(customer).values()] == [True]
    read = client.GetEMail(Id=latest)
    assert read.RepliedAt is not None
    read.RepliedAt = read.RepliedAt.replace(year=2025)
    assert client.Save(Email=read).RepliedAt.year == 2025
