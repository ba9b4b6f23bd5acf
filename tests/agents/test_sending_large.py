"""A mail with a file of 40 MB, through the service as it runs in production."""

from __future__ import annotations

import base64
import email
import hashlib
import random
import re
import subprocess
from email.message import Message
from pathlib import Path

from tests.support.dovecot import DovecotServer
from tests.support.mailboxes import credentials
from tests.support.server import ServerProcess, running_server
from tests.support.service import TYPES, Reply, envelope, member_xml
from tests.support.submission import SubmissionServer

SECRET = "mail-secret-84"
SIZE = 40 * 1024 * 1024
# A worker's peak while it sends, keeps and caches it: beside its 90 MB about six times the file.
MOST_MEMORY = 420 * 1024 * 1024
STREAM = "Attachments/EMailAttachment/Stream"


def peak_memory(server: ServerProcess) -> int:
    """The most bytes that a worker has had in memory."""
    listed = subprocess.run(
        ["ps", "--ppid", str(server.pid), "-o", "pid="], capture_output=True, text=True, check=True
    )
    peaks = []
    for pid in listed.stdout.split():
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        peaks.append(int(found[1]) * 1024 if found else 0)
    return max(peaks)


def file_of(source: bytes) -> str:
    """The digest of a message's second part."""
    part = email.message_from_bytes(source).get_payload()[1]
    assert isinstance(part, Message)
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return hashlib.sha256(content).hexdigest()


def test_a_large_file_is_sent_kept_and_read_back_within_bounds(
    tmp_path: Path, dovecot: DovecotServer, submission: SubmissionServer
) -> None:
    user = dovecot.add_user("large", SECRET)
    submission.add_user(user, SECRET)
    data = random.Random(84).randbytes(SIZE)
    digest = hashlib.sha256(data).hexdigest()
    with running_server(tmp_path, workers=1, threads=4) as server:
        server.add_associate(user)
        ticket = server.sign_in(user)

        def call(operation: str, members: str) -> Reply:
            reply = server.post(envelope(operation, members, ticket=ticket), TYPES["1.1"])
            assert reply.succeeded, reply.exception
            return reply

        account = {
            "EMailAddress": f"{user}@example.com",
            "IncomingCredentials": credentials(user, SECRET, dovecot.port_plain),
            "OutgoingCredentials": credentials(user, SECRET, submission.port_plain),
        }
        call("SaveEMailAccount", member_xml({"EMailAccount": account}))
        attachment = {"Filename": "large.bin", "Stream": base64.b64encode(data).decode()}
        mail = {
            "To": {"EMailAddress": {"Address": "friend-of-large@example.org"}},
            "Attachments": {"EMailAttachment": attachment},
        }
        sent = call("Send", f"<n:Emails>{member_xml({'EMailEntity': mail})}</n:Emails>")
        assert sent.text(f"Response/EMailEntity/{STREAM}") == attachment["Stream"]
        assert sent.extra == {}
        info = {
            "ServerName": f"127.0.0.1:{dovecot.port_plain}",
            "UserName": user,
            "Password": SECRET,
            "Folder": "Sent",
        }
        number = sent.text("Response/EMailEntity/ServerId")
        members = member_xml({"ConnectionInfo": info, "MessageServerId": number})
        kept = call("GetEMailAsStream", members).text("Response") or ""
        peak = peak_memory(server)
    [received] = submission.received("friend-of-large@example.org")
    assert file_of(received.source) == digest == file_of(base64.b64decode(kept))
    assert peak < MOST_MEMORY, f"{peak / 1e6:.0f} MB"
