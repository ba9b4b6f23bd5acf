"""A caller whose account has a mailbox on Dovecot and sends through the submission server."""

from __future__ import annotations

import email
import imaplib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default
from itertools import count
from pathlib import Path
from typing import Any

from services84.namespaces import SERVICES84
from tests.support.dovecot import DovecotServer
from tests.support.live_mail import LiveMail, running_office
from tests.support.mailboxes import credentials
from tests.support.service import Reply, Service, member_xml
from tests.support.submission import Received, SubmissionServer

SECRET = "mail-secret-84"
N = f"{{{SERVICES84}}}"
_numbers = count(1)


@dataclass
class Sender(LiveMail):
    """A `LiveMail` with an outgoing side; `to` is a recipient whom nobody else writes to."""

    submission: SubmissionServer | None = None
    to: str = ""

    @property
    def address(self) -> str:
        return f"{self.user}@example.com"

    def outgoing(self, port: int = 0, **other: Any) -> str:
        """OutgoingConnectionInfo as XML."""
        assert self.submission is not None
        members = {
            "ServerName": f"127.0.0.1:{port or self.submission.port_plain}",
            "UserName": self.user,
            "Password": SECRET,
        }
        return member_xml({"OutgoingConnectionInfo": members | other})

    def relay(self, protocol: str | None = "SMTP", **other: Any) -> str:
        """ConnectionInfoExtended of the submission server as XML."""
        assert self.submission is not None
        usual = {"Protocol": protocol, "Port": self.submission.port_plain}
        return self.extended(**usual | other)

    def sent_items(self, folder: str | None = None, **other: Any) -> str:
        return self.info(folder, **other).replace("ConnectionInfo>", "SentItemsConnectionInfo>")

    def mail(self, **members: Any) -> dict[str, Any]:
        """An e-mail to `to`; a member of None is left out."""
        usual = {
            "To": {"EMailAddress": {"Address": self.to}},
            "Subject": "Grüße",
            "PlainBody": "Hello – and good bye\n",
        }
        return {name: value for name, value in (usual | members).items() if value is not None}

    def received(self, to: str = "") -> list[Received]:
        assert self.submission is not None
        return self.submission.received(to or self.to)

    def sent(self, folder: str = "Sent") -> list[EmailMessage]:
        """What another client finds in the folder for sent mail."""
        return [read(source) for source in self.sources(folder)]

    def folders(self) -> list[str]:
        with self.client() as client:
            assert isinstance(client, imaplib.IMAP4)
            return [line.decode().rpartition('"/" ')[2] for line in client.list()[1]]


def read(source: bytes) -> EmailMessage:
    message = email.message_from_bytes(source, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def emails(*mails: dict[str, Any]) -> str:
    """ArrayOfEMailEntity as XML."""
    items = "".join(member_xml({"EMailEntity": mail}) for mail in mails)
    return f"<n:Emails>{items}</n:Emails>"


def parameters(reply: Reply) -> dict[str, str]:
    """Parameters of ExceptionInfo."""
    info = reply.header("ExceptionInfo")
    assert info is not None
    pairs = info.findall(f"{N}Parameters/*")
    return {pair[0].text or "": pair[1].text or "" for pair in pairs}


def fails(sender: Sender, operation: str, *members: str) -> tuple[Reply, dict[str, str]]:
    """A refusal with its parameters; not a word of it is the password."""
    reply = sender.call(operation, *members)
    assert reply.succeeded is False
    assert SECRET not in str(reply.exception)
    return reply, parameters(reply)


@dataclass(frozen=True)
class Post:
    """A service, and senders for it, each a new associate."""

    service: Service

    def sender(
        self,
        dovecot: DovecotServer,
        submission: SubmissionServer,
        *,
        smtp_port: int = 0,
        **settings: Any,
    ) -> Sender:
        number = next(_numbers)
        user = dovecot.add_user(f"sender{number}", SECRET)
        submission.add_user(user, SECRET)
        _, ticket = self.service.associate(user)
        members = {
            "EMailAddress": f"{user}@example.com",
            "IncomingCredentials": credentials(user, SECRET, dovecot.port_plain),
            "OutgoingCredentials": credentials(user, SECRET, smtp_port or submission.port_plain),
        } | settings
        members = {name: value for name, value in members.items() if value is not None}
        reply = self.service.call("SaveEMailAccount", {"EMailAccount": members}, ticket=ticket)
        assert reply.succeeded, reply.exception
        account_id = int(reply.text("Response/EMailAccountId") or 0)
        to = f"friend-of-{user}@example.org"
        return Sender(
            self.service, ticket, dovecot.port_plain, user, account_id, dovecot, submission, to
        )


@contextmanager
def running_post(folder: Path) -> Iterator[Post]:
    with running_office(folder) as office:
        yield Post(office.service)
