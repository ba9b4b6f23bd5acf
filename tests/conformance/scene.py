"""One customer who works with the service by zeep, beside another mail client; for scenarios.

A `Scene` remembers which operations were called. Every call has to succeed, and every reply has
to be as the served schemas and, where it is at hand, the vendor's schema want it.
"""

from __future__ import annotations

import imaplib
import re
from collections.abc import Mapping
from typing import Any

import zeep
from lxml import etree

from tests.conformance.conftest import Customer
from tests.conformance.test_zeep import client_of, sign_in
from tests.soap.contract_schema import check_reply
from tests.support.mailboxes import quoted
from tests.support.submission import Received, SubmissionServer

Seen = dict[str, frozenset[str]]  # subject → flags


class Inspector(zeep.Plugin):  # type: ignore[misc]
    """Checks every reply that a client gets against schemas."""

    def __init__(self, schemas: list[etree.XMLSchema]) -> None:
        self._schemas = schemas
        self.checked = 0

    def ingress(self, envelope: Any, http_headers: Any, operation: Any) -> tuple[Any, Any]:
        for schema in self._schemas:
            check_reply(schema, envelope)
            self.checked += 1
        return envelope, http_headers


class Scene:
    """`account_id` is set once the mailbox is a cached account."""

    def __init__(
        self,
        customer: Customer,
        submission: SubmissionServer,
        version: str,
        schemas: list[etree.XMLSchema],
    ) -> None:
        self.customer = customer
        self.submission = submission
        self.said: set[str] = set()
        self.account_id = 0
        self.friend = f"friend-of-{customer.name}@example.org"
        self._headers = sign_in(customer, version)
        self._client = client_of(customer.server, "EMail", version)
        self.inspector = Inspector(schemas)
        self._client.plugins.append(self.inspector)

    # Calls --------------------------------------------------------------------------------------

    def __call__(self, operation: str, **members: Any) -> Any:
        """The value of Response, of a call that succeeds."""
        reply = self._reply(operation, members)
        assert reply.header.Succeeded, (operation, reply.header.ExceptionInfo)
        self.said.add(operation)
        return getattr(reply.body, "Response", None)

    def refused(self, operation: str, **members: Any) -> str:
        """The type of the refusal of a call."""
        reply = self._reply(operation, members)
        assert reply.header.Succeeded is False
        return str(reply.header.ExceptionInfo.ExceptionType)

    def _reply(self, operation: str, members: Mapping[str, Any]) -> Any:
        return self._client.service[operation](**members, _soapheaders=self._headers)

    def info(self, folder: str | None = None) -> dict[str, Any]:
        """ConnectionInfo of the mailbox."""
        return {
            "ServerName": f"127.0.0.1:{self.customer.dovecot.port_plain}",
            "Folder": folder,
            **self._login(),
        }

    def smtp(self) -> dict[str, Any]:
        """ConnectionInfo of the submission server."""
        return {"ServerName": f"127.0.0.1:{self.submission.port_plain}", **self._login()}

    def extended(self, folder: str | None = None, protocol: str = "IMAP") -> dict[str, Any]:
        """ConnectionInfoExtended of the mailbox, or of the submission server."""
        imap, smtp = self.customer.dovecot.port_plain, self.submission.port_plain
        return {
            "Port": imap if protocol == "IMAP" else smtp,
            "ServerName": "127.0.0.1",
            "Protocol": protocol,
            "Folder": folder,
            **self._login(),
        }

    def _login(self) -> dict[str, Any]:
        return {
            "UserName": self.customer.name,
            "Password": self.customer.mail_password,
            "UseSSL": False,
        }

    def mail(self, subject: str, **members: Any) -> dict[str, Any]:
        """An e-mail to the friend."""
        return {
            "To": {"EMailAddress": [{"Name": "Bob Ø", "Address": self.friend}]},
            "From": {"Address": self.customer.address},
            "Subject": subject,
            "PlainBody": "Grüße\n",
            "Attachments": {"EMailAttachment": [{"Filename": "ü.bin", "Stream": b"\0\1\2\xff"}]},
        } | members

    # What others see ----------------------------------------------------------------------------

    def mailbox(self) -> imaplib.IMAP4:
        """Another client of the mailbox; a context manager."""
        return self.customer.dovecot.client(self.customer.name)

    def seen(self, folder: str) -> Seen:
        """What another client finds in a folder, which is named as the server spells it."""
        with self.mailbox() as client:
            status, answer = client.select(quoted(folder), readonly=True)
            assert status == "OK", answer
            _, data = client.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        found = {}
        for part in data:
            if isinstance(part, tuple):
                told = re.search(rb"FLAGS \(([^)]*)\)", part[0])
                assert told is not None, part[0]
                flags = frozenset(told[1].decode().split()) - {"\\Recent"}
                found[part[1].decode().strip().removeprefix("Subject: ")] = flags
        return found

    def arrived(self) -> list[Received]:
        """What the friend has got."""
        return self.submission.received(self.friend)
