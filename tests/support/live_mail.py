"""A caller with a mailbox on a real server, who names it by connection data in every call.

Every reply is checked against the schema of the served WSDL.
"""

from __future__ import annotations

import contextlib
import imaplib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree

from tests.soap.contract_schema import check_reply, compile_schemas
from tests.support.courier import CourierServer
from tests.support.dovecot import DovecotServer
from tests.support.mailboxes import append, cache_view, quoted, save_account, server_view, sync
from tests.support.service import Reply, Service, envelope, member_xml, running_service

SECRET = "mail-secret-84"
UNCHANGED = {"Sync.New": "0", "Sync.Changed": "0", "Sync.Removed": "0"}
_numbers = iter(range(1, 1_000_000))


def values_of(reply: Reply) -> list[str | None]:
    """The items of an array of strings or numbers."""
    return [child.text for child in reply.body[0]]


@cache
def contract() -> etree.XMLSchema:
    """The schemas of EMail.svc, as its WSDL states them."""
    wsdl = Path(__file__).resolve().parents[2] / "schemas" / "EMail.wsdl"
    return compile_schemas(wsdl.read_bytes())


@dataclass
class LiveMail:
    """`account_id` is the cached account of the mailbox, 0 where there is none."""

    service: Service
    ticket: str
    port: int
    user: str
    account_id: int = 0
    server: DovecotServer | CourierServer | None = None

    # Calls --------------------------------------------------------------------------------------

    def info(self, folder: str | None = None, **other: Any) -> str:
        """ConnectionInfo as XML; `other` members replace those of the mailbox."""
        members = {
            "ServerName": f"127.0.0.1:{self.port}",
            "UserName": self.user,
            "Password": SECRET,
            "Folder": folder,
            "UseSSL": False,
        }
        return member_xml({"ConnectionInfo": members | other})

    def extended(self, folder: str | None = None, **other: Any) -> str:
        """ConnectionInfoExtended as XML, as `info`."""
        members = {
            "Port": self.port,
            "ServerName": "127.0.0.1",
            "Protocol": "IMAP",
            "UserName": self.user,
            "Password": SECRET,
            "UseSSL": False,
            "Folder": folder,
        }
        return member_xml({"ConnectionInfoExtended": members | other})

    def call(self, operation: str, *members: str) -> Reply:
        """Call with members as XML; the reply is as the contract wants it."""
        reply = self.service.post(envelope(operation, "".join(members), ticket=self.ticket))
        check_reply(contract(), reply.root)
        return reply

    def succeed(self, operation: str, *members: str) -> Reply:
        reply = self.call(operation, *members)
        assert reply.succeeded, reply.exception
        return reply

    def refused(self, kind: str, operation: str, *members: str) -> dict[str, str]:
        """What the refusal of a call says, which is of this kind: `NotFound`, `Argument`,
        `MailServer`; not a word of it is the password."""
        reply = self.call(operation, *members)
        assert reply.succeeded is False
        assert reply.exception["ExceptionType"] == f"So{kind}Exception", reply.exception
        assert SECRET.encode() not in etree.tostring(reply.root)
        return reply.exception

    # The mailbox --------------------------------------------------------------------------------

    def client(self) -> imaplib.IMAP4:
        """Another client of the mailbox; a context manager."""
        assert self.server is not None
        return self.server.client(self.user)

    def deliver(self, *messages: bytes, folder: str = "INBOX", flags: str = "") -> None:
        """Put messages into a folder, which is made if need be."""
        with self.client() as client:
            if folder != "INBOX":
                client.create(quoted(folder))
            for content in messages:
                append(client, folder, content, flags)

    def state(self, folder: str = "INBOX") -> dict[int, tuple[bytes, frozenset[str]]]:
        """What another client sees: UID → source and flags; \\Recent left out."""
        with self.client() as client:
            status, answer = client.select(quoted(folder), readonly=True)
            assert status == "OK", answer
            found = {}
            for part in client.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[])")[1]:
                if isinstance(part, tuple):
                    told = re.search(rb"UID (\d+) FLAGS \(([^)]*)\)", part[0])
                    assert told is not None, part[0]
                    flags = frozenset(told[2].decode().split()) - {"\\Recent"}
                    found[int(told[1])] = (part[1], flags)
            return found

    def flags(self, folder: str = "INBOX") -> dict[int, frozenset[str]]:
        return {uid: flags for uid, (_, flags) in self.state(folder).items()}

    def sources(self, folder: str = "INBOX") -> list[bytes]:
        return [source for source, _ in self.state(folder).values()]

    # The cache ----------------------------------------------------------------------------------

    def sync(self) -> dict[str, str]:
        return sync(self.service, self.ticket, self.account_id)

    def assert_level(self) -> None:
        """The cache has what the server has, and the next sync finds nothing to do."""
        with self.client() as client:
            assert cache_view(self.service, self.account_id) == server_view(client)
        extra = self.sync()
        assert {name: extra[name] for name in UNCHANGED} == UNCHANGED

    def items(self, folder: str) -> dict[int, int]:
        """UID → EmailItemId in a cached folder."""
        services = self.service.services
        for found in services.folders.list(self.account_id):
            if found.name == folder:
                items = services.items.list(found.folder_id, limit=100_000)
                return {item.uid: item.item_id for item in items}
        raise LookupError(folder)


@dataclass(frozen=True)
class Office:
    """A service and a caller, for many mailboxes: making an associate takes a while."""

    service: Service
    ticket: str

    def mailbox(self, server: DovecotServer | CourierServer, *, cached: bool = True) -> LiveMail:
        """A new mailbox; `cached` as an account of the caller."""
        user = server.add_user(f"live{next(_numbers)}", SECRET)
        port = server.port_plain if isinstance(server, DovecotServer) else server.port
        number = save_account(self.service, self.ticket, user, SECRET, port) if cached else 0
        return LiveMail(self.service, self.ticket, port, user, number, server)


@contextlib.contextmanager
def running_office(folder: Path) -> Iterator[Office]:
    with running_service(folder) as service:
        _, ticket = service.associate("anna")
        yield Office(service, ticket)
