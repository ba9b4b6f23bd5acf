"""zeep working with messages on a mail server, in both versions; another client sees the effect."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.conformance.conftest import Customer
from tests.conformance.test_zeep import VERSIONS, client_of, sign_in
from tests.support.mailboxes import message

ATTACHMENT = {"Filename": "ü.bin", "Stream": b"\0\1\2\xff", "Disposition": "attachment"}


class Client:
    """A customer's client with the mailbox's folder Box open in its connection data."""

    def __init__(self, customer: Customer, version: str) -> None:
        self._headers = sign_in(customer, version)
        self._client = client_of(customer.server, "EMail", version)
        at = {"UserName": customer.name, "Password": customer.mail_password, "Folder": "Box"}
        port = customer.dovecot.port_plain
        self.info = {"ServerName": f"127.0.0.1:{port}", "UseSSL": False, **at}
        self.extended = {"Port": port, "ServerName": "127.0.0.1", "Protocol": "IMAP", **at}

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
        mailbox.create("Other")
    return Client(customer, request.param)


def seen(customer: Customer, folder: str = "Box") -> dict[bytes, bytes]:
    """Subjects and flags by another client."""
    found = {}
    with customer.dovecot.client(customer.name) as mailbox:
        mailbox.select(folder, readonly=True)
        _, data = mailbox.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        for part in data:
            if isinstance(part, tuple):
                found[part[1].strip().removeprefix(b"Subject: ")] = part[0]
    return found


def test_a_mail_is_saved_read_marked_moved_and_deleted(customer: Customer, client: Client) -> None:
    email = {
        "From": {"Address": customer.address, "Name": "Ännä"},
        "To": {"EMailAddress": [{"Address": "bob@example.com"}, {"Address": "c@example.com"}]},
        "Subject": "by zeep",
        "PlainBody": "Grüße",
        "Attachments": {"EMailAttachment": [ATTACHMENT]},
    }
    saved = client.SaveEMail(ConnectionInfo=client.info, Email=email)
    assert list(seen(customer)) == [b"by zeep"]
    at = {"ConnectionInfo": client.info, "MessageServerId": saved.ServerId}
    read = client.GetEMailFromId(**at, Flags=["Flagged"], IncludeAttachments=True)
    assert (read.From.Name, read.PlainBody.strip(), read.Flags) == ("Ännä", "Grüße", ["Flagged"])
    assert [each.Address for each in read.To.EMailAddress] == ["bob@example.com", "c@example.com"]
    (attachment,) = read.Attachments.EMailAttachment
    assert attachment.Stream == ATTACHMENT["Stream"]
    assert client.GetAttachment(**at, AttachmentId=attachment.Id).Filename == "ü.bin"
    assert b"Subject: by zeep\r\n" in client.GetEMailAsStream(**at, StripAttachments=True)
    some = {"ConnectionInfo": client.info, "MessageServerIds": {"int": [saved.ServerId]}}
    (head,) = client.GetEMailEnvelopes(**some).EMailEnvelope
    assert head.MessageId == saved.MessageID
    client.MarkAsRead(**some, Read=True)
    assert b"\\Flagged \\Seen" in seen(customer)[b"by zeep"]
    client.MoveToFolder(**some, TargetFolder="Other")
    assert (list(seen(customer)), list(seen(customer, "Other"))) == ([], [b"by zeep"])
    again = client.SaveEMail(ConnectionInfo=client.info, Email=email)
    client.Delete(ConnectionInfo=client.info, MessageServerIds={"int": [again.ServerId]})
    assert seen(customer) == {}


def test_mails_are_taken_by_their_message_ids(customer: Customer, client: Client) -> None:
    customer.dovecot.deliver(customer.name, "Box", message(1), message(2))
    ids = client.GetEmailMessageIds(ConnectionInfoExtended=client.extended).string
    assert ids == ["<message-1@example.com>", "<message-2@example.com>"]
    wanted = {"string": [ids[1], "<nobody@example.com>", ids[0]]}
    texts = client.GetEmailsAsString(
        ConnectionInfoExtended=client.extended, MessageIds=wanted
    ).string
    assert texts == [message(2).decode(), None, message(1).decode()]
    read = client.CreateEMailFromMimeMessage(MimeMessage=texts[0])
    assert read.Subject == "Message 2 – Grüße"
    client.DeleteExtended(ConnectionInfoExtended=client.extended, MessageIds={"string": [ids[0]]})
    assert len(seen(customer)) == 1
