"""A caller whose every call is right but for one member; for tests of what that is answered.

`WrongCalls` has a cached mailbox on Dovecot and an outgoing side, a document and a temporary one;
there is another associate with the same. `sound` gives for every operation members that it would
fulfil.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conformance.bad_input import members_xml, with_member
from tests.support.dovecot import DovecotServer
from tests.support.mailboxes import View, server_view
from tests.support.service import Reply, envelope, member_xml
from tests.support.submission import SubmissionServer
from tests.support.submission_account import SECRET, Post, Sender, running_post

# What every call changes, whatever comes of it: tickets are renewed, connections counted.
_ALWAYS_MOVING = {"credentials", "host_slot", "host_turn", "host_slowdown", "sqlite_sequence"}
Rows = dict[str, list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Things:
    """Ids of what one associate has."""

    associate: int
    account: int
    folder: int
    item: int
    uid: int
    document: int
    temporary: str
    message_id: str


class WrongCalls:
    """See the module. `mine` is the caller's, `foreign` another's."""

    def __init__(self, sender: Sender, mine: Things, foreign: Things, database: Path) -> None:
        self.sender = sender
        self.mine = mine
        self.foreign = foreign
        self._database = database

    def call(self, operation: str, path: str, value: Any) -> Reply:
        """A sound call but for the member at `path`, which has this value."""
        members = with_member(self.sound(operation), path, value)
        body = envelope(operation, members_xml(members), ticket=self.sender.ticket)
        return self.sender.service.post(body)

    def state(self) -> tuple[Rows, View, int]:
        """All rows of the database, what another client sees, and how much was sent."""
        with self.sender.client() as client:
            view = server_view(client)
        return self._rows(), view, len(self.sender.received())

    def _rows(self) -> Rows:
        with closing(sqlite3.connect(self._database)) as connection:
            named = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            names = [name for (name,) in named if name not in _ALWAYS_MOVING]
            return {name: self._table(connection, name) for name in names}

    @staticmethod
    def _table(connection: sqlite3.Connection, name: str) -> list[tuple[Any, ...]]:
        return sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr)

    # Sound calls --------------------------------------------------------------------------------

    def info(self, folder: str = "Work") -> dict[str, Any]:
        """ConnectionInfo of the mailbox."""
        return {"ServerName": f"127.0.0.1:{self.sender.port}", "Folder": folder, **self._login()}

    def smtp(self) -> dict[str, Any]:
        return {"ServerName": f"127.0.0.1:{self._smtp_port}", **self._login()}

    @property
    def _smtp_port(self) -> int:
        assert self.sender.submission is not None
        return self.sender.submission.port_plain

    def extended(self, protocol: str = "IMAP") -> dict[str, Any]:
        port = self.sender.port if protocol == "IMAP" else self._smtp_port
        server = {"Port": port, "ServerName": "127.0.0.1", "Protocol": protocol}
        return {**server, "Folder": "Work", **self._login()}

    def _login(self) -> dict[str, Any]:
        return {"UserName": self.sender.user, "Password": SECRET, "UseSSL": False}

    def mail(self) -> dict[str, Any]:
        """An e-mail with a member of every kind."""
        friend = {"Name": "Bob", "Address": self.sender.to}
        return {
            "To": {"EMailAddress": friend},
            "Cc": {"EMailAddress": friend},
            "Bcc": {"EMailAddress": friend},
            "Subject": "Subject",
            "From": {"Name": "Anna", "Address": self.sender.address},
            "PlainBody": "text",
            "Attachments": {"EMailAttachment": {"Filename": "a.bin", "Stream": "AAEC"}},
            "CustomHeaderList": {
                "EMailCustomHeader": {"Name": "X-Own", "Values": {"string": "value"}}
            },
        }

    def account(self) -> dict[str, Any]:
        user = {"Username": self.sender.user, "Password": SECRET}
        return {
            "EMailAccountId": self.mine.account,
            "EMailAddress": self.sender.address,
            "IncomingCredentials": {"Server": "127.0.0.1", "Port": self.sender.port, **user},
            "OutgoingCredentials": {"Server": "127.0.0.1", "Port": self._smtp_port, **user},
        }

    def sound(self, operation: str) -> Mapping[str, Any]:
        """Members of a call that would succeed."""
        return self._by_ids().get(operation) or self._by_names()[operation]

    def _by_ids(self) -> dict[str, Mapping[str, Any]]:
        mine = self.mine
        one = {"int": mine.item}
        sync = {"SyncUserAccount": {"AccountId": mine.account}}
        return {
            "SaveEMailAccount": {"EMailAccount": self.account()},
            "DeleteEMailAccount": {"EMailAccountId": mine.account},
            "GetEMailAccount": {"EMailAccountId": mine.account},
            "GetEMailAddresses": {"EmailIds": {"int": 1}},
            "GetEMailFromDocumentId": {"DocumentId": mine.document},
            "CreateEMailFromDocumentEntity": {"DocumentEntity": {"DocumentId": mine.document}},
            "GetEMailFromDocumentIdWithoutAttachmentStream": {"DocumentId": mine.document},
            "GetEMailSOInfo": {"EMailSOInfoId": mine.document},
            "GetEMail": {"Id": mine.item, "IncludeAttachments": False},
            "GetAttachmentFromId": {"MailItemId": mine.item, "AttachmentId": "1"},
            "MarkEmailsAsRead": {"Ids": one, "Read": True},
            "DeleteEmails": {"Ids": one, "MoveToFolder": "Other"},
            "MoveEmailsToTrash": {"Ids": one},
            "MoveEmailsToFolder": {"FolderId": mine.folder, "EmailItemIds": one},
            "SyncEmailAccount": sync,
            "SyncEmailAccounts": {"SyncUserAccounts": sync},
            "ToggleSubscription": {"FolderId": mine.folder, "SubscriptionStatus": False},
            "HasNewMail": {"MailItemId": mine.item, "FolderId": mine.folder},
            "LatestItemIdByFolder": {"FolderId": mine.folder},
            "GetNewMail": {"Folders": {"int": mine.folder}},
            "Save": {"Email": {"EmailItemId": mine.item}},
            "SaveToMailServer": {"Email": {**self.mail(), "EmailItemId": mine.item}},
            "SaveDraft": {"Entity": self.mail()},
        }

    def _by_names(self) -> dict[str, Mapping[str, Any]]:
        mail, work = {"Email": self.mail()}, {"ConnectionInfo": self.info()}
        folders, some = {"Folders": {"string": "Work"}}, {"int": self.mine.uid}
        ids = {"MessageIds": {"string": self.mine.message_id}}
        extended = {"ConnectionInfoExtended": self.extended()}
        emails = {"Emails": {"EMailEntity": self.mail()}}
        return {
            "GetEMailAccountFromEMailAddress": {"FromAddress": self.sender.address},
            "GetPersonEntitiesFromEmailAddress": {"EmailAddress": "bob@example.com"},
            "FindAddress": {"Address": "bob@example.com"},
            "FindContactOrPersonByEmailName": {"Name": "Bob", "EmailAddress": "bob@example.com"},
            "AuthenticateIncoming": work,
            "AuthenticateOutgoing": {"ConnectionInfo": self.smtp()},
            "Authenticate": extended,
            "GetEMailFromTemp": {"FileName": self.mine.temporary},
            "SaveEmailToTmpDocument": {**mail, "FolderId": 0},
            "GetMailFromMessageId": {"MessageId": self.mine.message_id},
            "GetMailFromInReplyTo": {"MessageId": self.mine.message_id},
            "SetRepliedAt": {"MessageId": self.mine.message_id},
            "GetFolderList": work,
            "GetFolderEMailCount": work,
            "GetFolderInfo": {**work, **folders},
            "GetFolderHasNewEMail": work,
            "CreateFolder": {"ConnectionInfo": self.info("New")},
            "DeleteFolder": work,
            "EmptyFolder": {**work, "MoveToFolder": "Other"},
            "SetSubscription": {**work, "Folders": {"EMailFolder": {"Name": "Work"}}},
            "RefreshFolder": {**work, **folders},
            "RefreshFolderForAssociate": folders,
            "CreateForwardEmail": mail,
            "SaveEMail": {**work, **mail},
            "MarkAsRead": {**work, "MessageServerIds": some, "Read": True},
            "Delete": {**work, "MessageServerIds": some, "MoveToFolder": "Other"},
            "MoveToFolder": {**work, "MessageServerIds": some, "TargetFolder": "Other"},
            "DeleteExtended": {**extended, **ids},
            "GetEMailFromId": {**work, "MessageServerId": self.mine.uid, "Flags": "Seen"},
            "GetAttachment": {**work, "MessageServerId": self.mine.uid, "AttachmentId": "1"},
            "GetEMailAsStream": {**work, "MessageServerId": self.mine.uid},
            "GetEMailEnvelopes": {**work, "MessageServerIds": some},
            "CreateEMailFromMimeMessage": {"MimeMessage": "Subject: x\n\ntext"},
            "GetEmailMessageIds": extended,
            "GetEmailsAsString": {**extended, **ids},
            "RelayMessage": self._relay(),
            "SendEMails": {
                "OutgoingConnectionInfo": self.smtp(),
                **emails,
                "SentItemsConnectionInfo": self.info("Sent"),
            },
            "Send": emails,
            "SendAndSaveEmailToTmpDocument": mail,
        }

    def _relay(self) -> Mapping[str, Any]:
        return {
            "ConnectionInfoExtended": self.extended("SMTP"),
            "Rfc822": "Subject: x\n\ntext",
            "From": self.sender.address,
            "Recipients": {"string": self.sender.to},
        }


def _things(sender: Sender) -> Things:
    """Put some of everything into a mailbox and the archive."""
    mail = member_xml({"Email": {**sender.mail(), "From": {"Address": sender.address}}})
    with sender.client() as client:
        client.create("Work")
        client.create("Other")
    work = sender.info("Work")
    saved = sender.succeed("SaveEMail", work, mail)
    sender.sync()
    ((uid, item),) = sender.items("Work").items()
    folder = sender.service.services.items.get(item)
    assert folder is not None
    named = [sender.succeed("SaveEmailToTmpDocument", mail).text("Response") for _ in "12"]
    archived = {"DocumentEntity": {"Name": named[0], "Project": {"ProjectId": 7}}}
    made = sender.succeed("CreateEMailFromDocumentEntity", member_xml(archived))
    account = sender.service.services.accounts.get(sender.account_id, secrets=False)
    assert account is not None
    return Things(
        account.associate_id,
        sender.account_id,
        folder.folder_id,
        item,
        uid,
        int(made.text("Response/EMailSOInfo/DocumentId") or 0),
        named[1] or "",
        saved.text("Response/MessageID") or "",
    )


@contextmanager
def running_wrong_calls(
    folder: Path, dovecot: DovecotServer, submission: SubmissionServer
) -> Iterator[WrongCalls]:
    """Everything that a `WrongCalls` needs, in a service of its own."""
    with running_post(folder) as post:
        anna, other = (_sender(post, dovecot, submission) for _ in "12")
        mine, foreign = _things(anna), _things(other)
        yield WrongCalls(anna, mine, foreign, folder / "service.sqlite3")


def _sender(post: Post, dovecot: DovecotServer, submission: SubmissionServer) -> Sender:
    return post.sender(dovecot, submission)
