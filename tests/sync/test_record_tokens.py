"""The access token of an EmailAccount record signs in by XOAUTH2, and is renewed as any other."""

from __future__ import annotations

import json
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


def test_the_providers_whole_answer_brings_the_means_to_renew_it(
    tmp_path: Path, token_server: TokenServer, token_dovecot: DovecotServer
) -> None:
    file = provider_file(tmp_path, token_server.url())
    file.write_text(file.read_text().replace("[example]", "[google]"))
    user = token_dovecot.add_user("answerbearer", "a password that is not used")
    answer = {
        "access_token": token_server.access(user),
        "refresh_token": token_server.consent(user),
        "expires_in": 3600,
    }
    with running_service(tmp_path, mail_oauth_file=file, backoff_cap=0.001) as service:
        _, ticket = service.associate("root", admin=True)
        made = Web(service, ticket).post(
            "/api/crm/emailaccounts",
            record(
                Id=...,
                IncomingServer="127.0.0.1",
                IncomingServerPort=token_dovecot.port_plain,
                IncomingServerUsername=user,
                OutgoingServer="127.0.0.1",
                GoogleAccessToken=json.dumps(answer),
            ),
        )
        assert made.status == 200, made.body
        mailbox = Mailbox(service, token_server, ticket, user, made.json["Value"]["Id"])
        assert service.services.mail_tokens.provider_of(mailbox.account_id) == "google"
        assert mailbox.token == answer["access_token"]
        mailbox.age(hours=2)
        mailbox.succeeds()
        assert mailbox.token != answer["access_token"]
        for text in ("{", "{}", '{"refresh_token": "r"}', '{"access_token": "a b"}'):
            refused = Web(service, ticket).post(
                "/api/crm/emailaccounts", record(Id=..., GoogleAccessToken=text)
            )
            assert refused.status == 400
            assert refused.json["Message"].startswith("GoogleAccessToken: ")


def test_a_token_that_nobody_renews_fails_and_the_account_says_so(mailbox: Mailbox) -> None:
    mailbox.provider.withdraw_access(mailbox.user)
    assert "login refused" in mailbox.fails()
    web = Web(mailbox.service, mailbox.ticket)
    told = web.get(f"/api/crm/emailaccounts/{mailbox.account_id}").json
    assert told["ErrorCount"] == 1
