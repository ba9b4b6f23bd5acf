"""A mailbox on a real server, and an associate who calls operations on it; for tests of these."""

from __future__ import annotations

import imaplib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any
from xml.sax.saxutils import escape

import pytest

from services84.namespaces import ARRAYS, SERVICES84
from services84.store.values import Folder
from tests.support.courier import CourierServer
from tests.support.dovecot import DovecotServer
from tests.support.mailboxes import cache_view, quoted, save_account, server_view, sync
from tests.support.service import TYPES, Reply, Service, envelope, member_xml

MAIL_PASSWORD = "mail-secret-84"
N = f"{{{SERVICES84}}}"
_numbers = count(1)


@dataclass
class Box:
    """Anna's mailbox; `prefix` and `delimiter` are those of her folders on the server."""

    service: Service
    ticket: str
    server: DovecotServer | CourierServer
    user: str
    prefix: str = ""
    delimiter: str = "/"
    account_id: int = 0

    @property
    def port(self) -> int:
        return self.server.port if isinstance(self.server, CourierServer) else self._plain

    @property
    def _plain(self) -> int:
        assert isinstance(self.server, DovecotServer)
        return self.server.port_plain

    def client(self) -> imaplib.IMAP4:
        """Another IMAP client of the mailbox; a context manager."""
        return self.server.client(self.user)

    def spelt(self, name: str) -> str:
        """The server's spelling of a folder that is called `name`, in ASCII with slashes."""
        if name.upper() == "INBOX":
            return "INBOX"
        return self.prefix + name.replace("/", self.delimiter)

    # Calls --------------------------------------------------------------------------------------

    def info(self, folder: str | None = None, **changes: Any) -> dict[str, Any]:
        """ConnectionInfo of the mailbox."""
        members = {
            "ServerName": f"127.0.0.1:{self.port}",
            "UserName": self.user,
            "Password": MAIL_PASSWORD,
            "Folder": folder,
        }
        return {"ConnectionInfo": members | changes}

    def call(
        self,
        operation: str,
        members: Mapping[str, Any] | None = None,
        more: str = "",
        *,
        ticket: str | None = None,
        version: str = "1.1",
    ) -> Reply:
        """A call of Anna's; `more` is the XML of further members."""
        xml = member_xml(members or {}) + more
        body = envelope(operation, xml, ticket=ticket or self.ticket, version=version)
        return self.service.post(body, content_type=TYPES[version])

    def does(
        self, operation: str, members: Mapping[str, Any] | None = None, more: str = ""
    ) -> Reply:
        """The same, and it succeeds."""
        reply = self.call(operation, members, more)
        assert reply.succeeded, reply.exception
        return reply

    # The cache ----------------------------------------------------------------------------------

    def cache(self) -> None:
        """Make the mailbox an account, and sync it."""
        self.account_id = save_account(
            self.service, self.ticket, self.user, MAIL_PASSWORD, self.port
        )
        self.sync()

    def sync(self) -> dict[str, str]:
        return sync(self.service, self.ticket, self.account_id)

    def cached(self) -> dict[str, Folder]:
        """The cached folders by their server names."""
        found = self.service.services.folders.list(self.account_id)
        return {folder.server_name: folder for folder in found}

    def assert_level(self) -> None:
        """The cache is as the server, and a sync finds nothing to do."""
        with self.client() as client:
            assert cache_view(self.service, self.account_id) == server_view(client)
        extra = self.sync()
        assert (extra["Sync.New"], extra["Sync.Changed"], extra["Sync.Removed"]) == ("0", "0", "0")


def strings(member: str, values: Iterable[str | None]) -> str:
    """An array of strings; None is nil."""
    nil = '<a:string i:nil="true"/>'
    items = (nil if one is None else f"<a:string>{escape(one)}</a:string>" for one in values)
    return f'<n:{member} xmlns:a="{ARRAYS}">{"".join(items)}</n:{member}>'


def ints(member: str, values: Iterable[int]) -> str:
    """An array of ints."""
    items = "".join(f"<a:int>{one}</a:int>" for one in values)
    return f'<n:{member} xmlns:a="{ARRAYS}">{items}</n:{member}>'


def texts(reply: Reply) -> list[str]:
    """The strings of a reply's array."""
    return [one.text or "" for one in reply.body.find(f"{N}Response")]  # type: ignore[union-attr]


def carriers(reply: Reply) -> list[dict[str, str]]:
    """The carriers of a reply's array, by their members' names."""
    return [
        {child.tag.removeprefix(N): child.text or "" for child in one}
        for one in reply.body.find(f"{N}Response")  # type: ignore[union-attr]
    ]


def uids_in(client: imaplib.IMAP4, folder: str) -> list[int]:
    """The UIDs of a folder, by its server name."""
    status, answer = client.select(quoted(folder), readonly=True)
    assert status == "OK", answer
    return [int(uid) for uid in client.uid("SEARCH", "ALL")[1][0].split()]


def listed(client: imaplib.IMAP4, how: str = "LIST") -> set[str]:
    """The folders that the server lists, or with LSUB those subscribed, by their server names."""
    lines = (client.list if how == "LIST" else client.lsub)()[1]
    found = set()
    for line in lines:
        match = re.fullmatch(rb'\([^)]*\) (?:"[^"]*"|NIL) (?:"(.*)"|(\S+))', line or b"")
        if match:
            name = (match[1] or match[2]).replace(b'\\"', b'"').replace(b"\\\\", b"\\")
            found.add(name.decode("latin-1"))
    return found


def dovecot_box(service: Service, dovecot: DovecotServer) -> Box:
    """A new associate's new mailbox on Dovecot."""
    user = dovecot.add_user(f"boxed{next(_numbers)}", MAIL_PASSWORD)
    return Box(service, service.associate(user)[1], dovecot, user)


def courier_box(service: Service, courier: CourierServer) -> Box:
    """The same on Courier, where every folder is below INBOX."""
    user = courier.add_user(f"boxed{next(_numbers)}", MAIL_PASSWORD)
    return Box(service, service.associate(user)[1], courier, user, "INBOX.", ".")


def box_on(request: pytest.FixtureRequest, service: Service) -> Box:
    """The same on the server that a fixture's parameter names."""
    server = request.getfixturevalue(request.param)
    return {"dovecot": dovecot_box, "courier": courier_box}[request.param](service, server)
