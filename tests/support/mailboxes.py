"""Mail for tests, and the two views that have to agree: the server's and the cache's."""

from __future__ import annotations

import hashlib
import imaplib
import re
from collections.abc import Mapping
from email.message import EmailMessage
from pathlib import Path

from services84.store.values import ItemFlag
from tests.support.service import Service

FLAGS = {
    "\\Seen": ItemFlag.SEEN,
    "\\Deleted": ItemFlag.DELETED,
    "\\Flagged": ItemFlag.FLAGGED,
    "\\Draft": ItemFlag.DRAFT,
    "\\Answered": ItemFlag.ANSWERED,
}

# Folder names as the server spells them (modified UTF-7): Entwürfe, 日本語, a quote, nested ones.
FOLDERS = ["Work", "Work/2026", "Work/2026/Q&-A", "Entw&APw-rfe", "&ZeVnLIqe-", 'Say "hi"']

ODD = {
    "empty": b"",
    "no header end": b"Subject: half",
    "only a body": b"\r\njust text\r\n",
    "bare line feeds": b"Subject: unix\n\nline one\nline two\n",
    "8 bit": "Subject: Grüße\r\nFrom: Jürgen <j@example.com>\r\n\r\nÄÖÜ\r\n".encode("latin-1"),
    "unknown charset": (
        b"Subject: =?x-klingon?Q?nuqneH?=\r\n"
        b"Content-Type: text/plain; charset=x-klingon\r\n\r\nnuqneH\r\n"
    ),
    "broken multipart": (
        b"Subject: torn\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
        b"Content-Type: text/plain\r\n\r\nfirst\r\n--b\r\nContent-Ty"
    ),
    "long line": b"Subject: long\r\n\r\n" + b"x" * 100_000 + b"\r\n",
}

View = dict[str, dict[int, tuple[int, str]]]  # folder → UID → (flags, SHA-256 of the bytes)


def message(number: int, *, attachment: bytes | None = None) -> bytes:
    """A well-formed message; the same number gives the same bytes."""
    mail = EmailMessage()
    mail["From"] = f"Sender {number} <sender{number}@example.com>"
    mail["To"] = "Ännä <anna@example.com>"
    mail["Subject"] = f"Message {number} – Grüße"
    mail["Message-ID"] = f"<message-{number}@example.com>"
    mail["Date"] = "Fri, 06 Mar 2026 10:00:00 +0100"
    mail.set_content(f"Text of message {number}.\n" * 20)
    if attachment is not None:
        mail.add_attachment(attachment, maintype="application", subtype="pdf", filename="ü.pdf")
    return mail.as_bytes().replace(b"\n", b"\r\n")


def append(client: imaplib.IMAP4, folder: str, content: bytes, flags: str = "") -> None:
    """Store a message in a folder, named as the server spells it."""
    status, answer = client.append(quoted(folder), flags, None, content)
    assert status == "OK", answer


def quoted(folder: str) -> str:
    escaped = folder.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def fill(client: imaplib.IMAP4, corpus: Path | None = None) -> int:
    """A mailbox with nested and non-ASCII folders, flags, attachments and odd mail."""
    for folder in FOLDERS:
        assert client.create(quoted(folder))[0] == "OK"
        client.subscribe(quoted(folder))
    count = 0
    for folder in ["INBOX", *FOLDERS]:
        for _ in range(3):
            count += 1
            append(client, folder, message(count), ["", "\\Seen", "\\Flagged $Later"][count % 3])
    append(client, "INBOX", message(900, attachment=b"%PDF-1.4" * 5000), "\\Answered")
    odd = list(ODD.values())[1:]  # an empty message is no APPEND
    if corpus is not None:
        odd += [path.read_bytes() for path in sorted(corpus.glob("*.eml"))]
    for content in odd:
        append(client, "Work/2026", content)
    return count + 1 + len(odd)


def server_view(client: imaplib.IMAP4) -> View:
    """What another IMAP client sees."""
    status, lines = client.list()
    assert status == "OK"
    view: View = {}
    for folder, selectable in map(_listed, lines):
        view[folder] = {}
        if selectable:
            status, answer = client.select(quoted(folder), readonly=True)
            assert status == "OK", answer
            view[folder] = _messages(client)
    return view


def _listed(line: bytes | tuple[bytes, bytes]) -> tuple[str, bool]:
    if isinstance(line, tuple):  # the name came as a literal
        return line[1].decode("latin-1"), b"\\noselect" not in line[0].lower()
    match = re.fullmatch(rb'\(([^)]*)\) (?:"[^"]*"|NIL) (?:"(.*)"|(\S+))', line)
    assert match is not None, line
    name = (match[2] or match[3] or b"").replace(b'\\"', b'"').replace(b"\\\\", b"\\")
    return name.decode("latin-1"), b"\\noselect" not in match[1].lower()


def _messages(client: imaplib.IMAP4) -> dict[int, tuple[int, str]]:
    status, answer = client.uid("FETCH", "1:*", "(UID FLAGS BODY.PEEK[])")
    assert status == "OK"
    found = {}
    for part in answer:
        if isinstance(part, tuple):
            head = part[0].decode("latin-1")
            uid = int(re.search(r"UID (\d+)", head)[1])  # type: ignore[index]
            names = re.search(r"FLAGS \(([^)]*)\)", head)[1].split()  # type: ignore[index]
            found[uid] = (_bits(names), hashlib.sha256(part[1]).hexdigest())
    return found


def _bits(names: list[str]) -> int:
    return int(sum(FLAGS[name] for name in names if name in FLAGS))


def cache_view(service: Service, account_id: int) -> View:
    """What the database holds."""
    view: View = {}
    items = service.services.items
    for folder in service.services.folders.list(account_id):
        rows = items.list(folder.folder_id, limit=100_000)
        view[folder.server_name] = {
            row.uid: (int(row.flags), hashlib.sha256(items.source(row.item_id) or b"").hexdigest())
            for row in rows
        }
        assert len(view[folder.server_name]) == len(rows)
    return view


def credentials(
    user: str, password: str, port: int, host: str = "127.0.0.1"
) -> Mapping[str, object]:
    return {"Server": host, "Port": port, "Username": user, "Password": password}


def save_account(
    service: Service, ticket: str, user: str, password: str, port: int, host: str = "127.0.0.1"
) -> int:
    """Save an account through the SOAP operation; gives its id."""
    reply = service.call(
        "SaveEMailAccount",
        {
            "EMailAccount": {
                "EMailAddress": f"{user}@example.com",
                "IncomingCredentials": credentials(user, password, port, host),
            }
        },
        ticket=ticket,
    )
    assert reply.succeeded, reply.exception
    return int(reply.text("Response/EMailAccountId") or 0)


def sync(service: Service, ticket: str, account_id: int) -> dict[str, str]:
    """Sync through the SOAP operation; gives ExtraInfo."""
    members = {"SyncUserAccount": {"AccountId": account_id}}
    reply = service.call("SyncEmailAccount", members, ticket=ticket)
    assert reply.succeeded, reply.exception
    return reply.extra
