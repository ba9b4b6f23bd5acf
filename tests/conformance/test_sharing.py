"""A hundred callers at once for one account, against gunicorn with two workers."""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lxml import etree

from tests.support.arrivals import await_requests_read
from tests.support.dovecot import DovecotServer
from tests.support.held import held_server
from tests.support.mailboxes import append, credentials, message
from tests.support.server import PASSWORD, ServerProcess, plain_session, running_server
from tests.support.service import TYPES, Reply, envelope, member_xml

CALLERS = 100
MESSAGES = 300
DEADLINE = 45.0  # seconds; a caller that waits longer is told that the sync is still running


def post(server: ServerProcess, operation: str, members: dict[str, object], ticket: str) -> Reply:
    with plain_session() as session:
        answer = session.post(
            f"{server.base}/EMail.svc",
            data=envelope(operation, member_xml(members), ticket=ticket),
            headers={"Content-Type": TYPES["1.1"]},
            timeout=90,
        )
    root = etree.fromstring(answer.content)
    return Reply(str(answer.status_code), answer.headers["Content-Type"], root)


def ticket_of(server: ServerProcess, name: str) -> str:
    with plain_session() as session:
        answer = session.post(
            f"{server.base}/SoPrincipal.svc",
            data=envelope(
                "AuthenticateUsernamePassword",
                member_xml({"UserName": name, "Password": PASSWORD}),
            ),
            headers={"Content-Type": TYPES["1.1"]},
            timeout=30,
        )
    return etree.fromstring(answer.content).findtext(".//{*}Ticket") or ""


def ask(port: int, body: bytes, sent: threading.Semaphore) -> Reply:
    """Post a request to EMail.svc, and say so once its last byte is sent."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=90)
    with contextlib.closing(connection):
        path = "/Remote/Services84/EMail.svc"
        connection.request("POST", path, body, {"Content-Type": TYPES["1.1"]})
        sent.release()
        answer = connection.getresponse()
        root = etree.fromstring(answer.read())
        return Reply(str(answer.status), answer.headers["Content-Type"], root)


def await_all_read(port: int, callers: int, sent: threading.Semaphore) -> None:
    """Come back when the service has read the requests of so many callers."""
    for _ in range(callers):
        assert sent.acquire(timeout=DEADLINE)
    await_requests_read(port, callers)


def test_a_hundred_calls_for_one_account_share_one_sync(
    tmp_path: Path, dovecot: DovecotServer
) -> None:
    dovecot.add_user("popular", "secret")
    with dovecot.client("popular") as client:
        for number in range(MESSAGES):
            append(client, "INBOX", message(number))
    with (
        held_server(dovecot.port_plain) as held,
        running_server(tmp_path, workers=2, threads=128) as server,
    ):
        server.add_associate("anna")
        ticket = ticket_of(server, "anna")
        account = {
            "EMailAccount": {
                "EMailAddress": "popular@example.com",
                "IncomingCredentials": credentials("popular", "secret", held.port),
            }
        }
        saved = post(server, "SaveEMailAccount", account, ticket)
        members = {"SyncUserAccount": {"AccountId": saved.text("Response/EMailAccountId")}}
        before = dovecot.logins("popular")
        body = envelope("SyncEmailAccount", member_xml(members), ticket=ticket)
        sent = threading.Semaphore(0)
        with ThreadPoolExecutor(CALLERS) as pool:
            coming = [pool.submit(ask, server.port, body, sent) for _ in range(CALLERS)]
            # The mail server holds the sync until all have asked; else those who are slow to
            # ask would come after it, and rightly get another.
            await_all_read(server.port, CALLERS, sent)
            held.release()
            replies = [one.result() for one in coming]
        logins = dovecot.logins("popular") - before
    assert [reply.exception for reply in replies if not reply.succeeded] == []
    states = Counter(reply.extra["Sync.State"] for reply in replies)
    assert states["completed"] + states["shared"] == CALLERS
    assert 1 <= states["completed"] <= 2
    assert 1 <= logins <= 2
    assert (
        sum(int(r.extra["Sync.New"]) for r in replies if r.extra["Sync.State"] == "completed")
        == MESSAGES
    )
