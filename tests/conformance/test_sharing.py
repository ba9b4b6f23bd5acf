"""A hundred callers at once for one account, against gunicorn with two workers."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lxml import etree

from tests.support.dovecot import DovecotServer
from tests.support.mailboxes import append, credentials, message
from tests.support.server import PASSWORD, ServerProcess, plain_session, running_server
from tests.support.service import TYPES, Reply, envelope, member_xml

CALLERS = 100
MESSAGES = 300


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


def test_a_hundred_calls_for_one_account_share_one_sync(
    tmp_path: Path, dovecot: DovecotServer
) -> None:
    dovecot.add_user("popular", "secret")
    with dovecot.client("popular") as client:
        for number in range(MESSAGES):
            append(client, "INBOX", message(number))
    with running_server(tmp_path, workers=2, threads=128) as server:
        server.add_associate("anna")
        ticket = ticket_of(server, "anna")
        account = {
            "EMailAccount": {
                "EMailAddress": "popular@example.com",
                "IncomingCredentials": credentials("popular", "secret", dovecot.port_plain),
            }
        }
        saved = post(server, "SaveEMailAccount", account, ticket)
        members = {"SyncUserAccount": {"AccountId": saved.text("Response/EMailAccountId")}}
        before = dovecot.logins("popular")
        gate = threading.Barrier(CALLERS)

        def call(_: int) -> Reply:
            gate.wait(30)
            return post(server, "SyncEmailAccount", members, ticket)

        with ThreadPoolExecutor(CALLERS) as pool:
            replies = list(pool.map(call, range(CALLERS)))
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
