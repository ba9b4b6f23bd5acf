"""The access token of an EmailAccount record signs in by XOAUTH2, and is renewed as any other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agents.crm.samples import record
from tests.rest.web import Web
from tests.support.dovecot import DovecotServer
from tests.support.mailboxes import message
from tests.support.service import Service, running_service
from tests.support.token_server import TokenListener, TokenServer, provider_file
from tests.sync.test_mail_tokens import Mailbox


@pytest.fixture
def service(tmp_path: Path, token_listener: TokenListener) -> Iterator[Service]:
    file = provider_file(tmp_path, f"http://127.0.0.1:{token_listener.port}/token")
    with running_service(tmp_path, mail_oauth_file=file, backoff_cap=0.001) as service:
        yield service


@pytest.fixture
def mailbox(service: Service, token_server: TokenServer, token_dovecot: DovecotServer) -> Mailbox:
    """An account that was made by the resource, with an access token of Google's."""
    user = token_dovecot.add_user("recordbearer", "a password that is not used")
    _, ticket = service.associate("root", admin=True)
    web = Web(service, ticket)
    answer = web.post(
        "/api/crm/emailaccounts",
        record(
            Id=...,
            IncomingServer="127.0.0.1",
            IncomingServerPort=token_dovecot.port_plain,
            IncomingServerUsername=user,
            OutgoingServer="127.0.0.1",
            GoogleAccessToken=token_server.access(user),
        ),
    )
    assert answer.status == 200, answer.body
    return Mailbox(service, token_server, ticket, user, answer.json["Value"]["Id"])


def test_the_token_signs_in_and_is_renewed_once_refused(
    mailbox: Mailbox, token_dovecot: DovecotServer
) -> None:
    token_dovecot.deliver(mailbox.user, "INBOX", message(1))
    mailbox.succeeds()
    assert mailbox.service.services.items.newest(mailbox.account_id, 9)

    first = mailbox.token
    mailbox.keep(access=first)
    mailbox.provider.withdraw_access(mailbox.user)
    mailbox.age(seconds=120)
    mailbox.succeeds()
    assert mailbox.token != first
    web = Web(mailbox.service, mailbox.ticket)
    told = web.get(f"/api/crm/emailaccounts/{mailbox.account_id}").json
    assert told["GoogleAccessToken"] == "********"


def test_a_token_that_nobody_renews_fails_and_the_account_says_so(mailbox: Mailbox) -> None:
    mailbox.provider.withdraw_access(mailbox.user)
    assert "login refused" in mailbox.fails()
    web = Web(mailbox.service, mailbox.ticket)
    told = web.get(f"/api/crm/emailaccounts/{mailbox.account_id}").json
    assert told["ErrorCount"] == 1
