"""`services84 application`: applications, and how they may ask for access tokens."""

from __future__ import annotations

import re

import pytest

from services84.application import Application
from services84.security.tickets import hash_ticket
from services84.store.values import HashedToken
from tests.cli.conftest import Run


@pytest.fixture
def crm(installed: Run) -> Run:
    """An installation with the associate anna and the application crm."""
    installed("associate", "add", "anna", "--password-stdin", stdin="long enough")
    assert installed("application", "add", "crm", "--email-agent").exit_code == 0
    return installed


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (["nobody"], 1, "no application nobody"),
        (["crm", "--grant", "implicit"], 2, "implicit"),
        (["crm", "--grant", "client_credentials"], 2, "--acts-as go together"),
        (["crm", "--grant", "password", "--acts-as", "anna"], 2, "--acts-as go together"),
        (["crm", "--grant", "client_credentials", "--acts-as", "bob"], 1, "no associate bob"),
    ],
)
def test_a_grant_that_makes_no_sense_is_refused(
    crm: Run, application: Application, arguments: list[str], code: int, problem: str
) -> None:
    result = crm("application", "grant", *arguments)
    assert result.exit_code == code
    assert problem in result.stderr
    assert [client for _, client in application.services.clients.applications()] == [None]


def test_a_client_is_registered_shown_and_forbidden(crm: Run, application: Application) -> None:
    options = ["--grant", "client_credentials", "--grant", "refresh_token", "--acts-as", "ANNA"]
    result = crm("application", "grant", "CRM", *options)
    assert result.exit_code == 0, result.stderr
    found = re.search(r"client id: ([0-9a-f]{32})$", result.stdout, re.MULTILINE)
    assert found
    client = application.services.clients.client(found[1])
    assert client is not None
    assert client.grants == {"client_credentials", "refresh_token"}
    listed = crm("application", "list").stdout
    expected = "1 crm: EMail agent, client_credentials, refresh_token, acts as anna, client id"
    assert listed == f"{expected} {found[1]}\n"
    result = crm("application", "grant", "crm")
    assert "no access tokens" in result.stdout
    assert crm("application", "list").stdout == "1 crm: EMail agent\n"


def give(application: Application) -> None:
    """Tokens of crm for anna."""
    services = application.services
    expires = services.clock().replace(year=9998)
    services.tokens.issue(1, 1, HashedToken("a", expires), HashedToken("r", expires))


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["application", "revoke", "crm"], "1 grants ended"),
        (["application", "secret", "crm"], "ApplicationToken, not shown again"),
        (["application", "remove", "crm"], "application crm removed"),
        (["associate", "revoke", "anna"], "0 tickets of anna ended, 1 applications signed out"),
        (["associate", "password", "anna", "--password-stdin"], "1 applications signed out"),
    ],
)
def test_tokens_end_with_what_they_were_given_by(
    crm: Run, application: Application, command: list[str], said: str
) -> None:
    give(application)
    result = crm(*command, stdin="another one")
    assert result.exit_code == 0, result.stderr
    assert said in result.stdout
    services = application.services
    assert services.tokens.access("a", services.clock()) is None
    assert services.tokens.refresh("r") is None


def test_another_secret_takes_the_place_of_the_old_one(crm: Run, application: Application) -> None:
    token = crm("application", "secret", "crm").stdout.split()[-1]
    assert application.services.clients.secret_hash_of(1) == hash_ticket(token)
    assert crm("application", "secret", "other").exit_code == 1
    crm("application", "remove", "crm")
    assert crm("application", "list").stdout == "no applications\n"
