"""Nobody gets in who should not: every operation against every way of having no right.

The cases are made from the tables of operations, so an operation that is added is tested too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from services84.agents import TABLES, Operation
from tests.support.service import Reply, Service, running_service

OPERATIONS = [operation for table in TABLES.values() for operation in table]
WITH_TICKET = [operation for operation in OPERATIONS if operation.needs_ticket]
VERSIONS = ["1.1", "1.2"]

CREDENTIALS = {"Server": "imap.example.com", "Port": 993, "Username": "u", "Password": "secret-84"}
# How each operation names an account; an operation with such a member has to be here.
FOREIGN: Mapping[str, Any] = {
    "SaveEMailAccount": lambda account, owner: {
        "EMailAccount": {
            "EMailAccountId": account,
            "EMailAddress": "thief@example.com",
            "IncomingCredentials": CREDENTIALS,
        }
    },
    "DeleteEMailAccount": lambda account, owner: {"EMailAccountId": account},
    "GetEMailAccount": lambda account, owner: {"EMailAccountId": account},
    "SyncEmailAccount": lambda account, owner: {"SyncUserAccount": {"AccountId": account}},
}
ACCOUNT_MEMBERS = {"EMailAccountId", "SyncUserAccount", "EMailAccount"}


def name_of(operation: Operation) -> str:
    return f"{operation.service}.{operation.name}"


@pytest.fixture(scope="module")
def onsite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running_service(tmp_path_factory.mktemp("onsite")) as running:
        running.associate("anna")
        yield running


@pytest.fixture(scope="module")
def online(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running_service(tmp_path_factory.mktemp("online"), installation="online") as running:
        running.associate("anna")
        yield running


def assert_refused(reply: Reply, operation: Operation, exception_type: str) -> None:
    """A refusal has all headers, a readable reason, and the operation's empty reply element."""
    assert reply.status.startswith("200")
    assert reply.succeeded is False
    assert reply.exception["ExceptionType"] == exception_type
    assert reply.exception["Message"]
    assert reply.exception["FriendlyText"]
    assert reply.body.tag.endswith("}" + operation.reply)
    assert len(reply.body) == 0
    for header in ("ExceptionInfo", "ExtraInfo", "Succeeded", "TimeZone"):
        assert reply.header(header) is not None


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("operation", WITH_TICKET, ids=name_of)
def test_without_a_ticket_nothing_is_done(
    onsite: Service, operation: Operation, version: str
) -> None:
    reply = onsite.call(operation.name, service=operation.service, version=version)
    assert_refused(reply, operation, "SoAuthenticationException")
    assert "ticket" in reply.exception["Message"]


@pytest.mark.parametrize("ticket", ["", "7T:AAAA", "anything", "7T:" + "A" * 44, "\u2603" * 20])
@pytest.mark.parametrize("operation", WITH_TICKET, ids=name_of)
def test_with_an_unknown_ticket_nothing_is_done(
    onsite: Service, operation: Operation, ticket: str
) -> None:
    reply = onsite.call(operation.name, service=operation.service, ticket=ticket)
    assert_refused(reply, operation, "SoAuthenticationException")


@pytest.mark.parametrize("operation", WITH_TICKET, ids=name_of)
def test_with_an_expired_ticket_nothing_is_done(onsite: Service, operation: Operation) -> None:
    anna = onsite.services.principals.associate_by_name("anna")
    assert anna is not None
    reply = onsite.call(
        operation.name, service=operation.service, ticket=onsite.ticket(anna, seconds=-1)
    )
    assert_refused(reply, operation, "SoAuthenticationException")
    assert "expired" in reply.exception["Message"]


@pytest.mark.parametrize("token", [None, "", "wrong", "7T:" + "A" * 44])
@pytest.mark.parametrize("operation", OPERATIONS, ids=name_of)
def test_online_a_wrong_application_token_stops_every_operation(
    online: Service, operation: Operation, token: str | None
) -> None:
    anna = online.services.principals.associate_by_name("anna")
    assert anna is not None
    reply = online.call(
        operation.name,
        service=operation.service,
        ticket=online.ticket(anna),
        application_token=token,
    )
    assert_refused(reply, operation, "SoAuthenticationException")
    assert "application token" in reply.exception["Message"]


@pytest.mark.parametrize("operation", WITH_TICKET, ids=name_of)
def test_online_an_application_without_the_email_agent_gets_none_of_it(
    online: Service, operation: Operation
) -> None:
    anna = online.services.principals.associate_by_name("anna")
    assert anna is not None
    token = online.application_token(f"plain for {operation.name}", email_agent=False)
    reply = online.call(
        operation.name,
        service=operation.service,
        ticket=online.ticket(anna),
        application_token=token,
    )
    assert_refused(reply, operation, "SoAccessDeniedException")


def test_online_a_granted_application_is_let_in(online: Service) -> None:
    anna = online.services.principals.associate_by_name("anna")
    assert anna is not None
    token = online.application_token("granted", email_agent=True)
    reply = online.call("GetCurrentAccountId", ticket=online.ticket(anna), application_token=token)
    assert reply.succeeded is True
    assert online.call("GetSystemInfo", service="SoPrincipal", application_token=token).succeeded


def test_onsite_an_application_token_is_not_looked_at(onsite: Service) -> None:
    anna = onsite.services.principals.associate_by_name("anna")
    assert anna is not None
    reply = onsite.call(
        "GetCurrentAccountId", ticket=onsite.ticket(anna), application_token="whatever"
    )
    assert reply.succeeded is True


def test_every_operation_that_names_an_account_is_tested_with_a_foreign_one() -> None:
    naming = {o.name for o in OPERATIONS if ACCOUNT_MEMBERS & set(o.parameters)}
    assert naming == set(FOREIGN)


@pytest.mark.parametrize("operation", sorted(FOREIGN))
def test_a_foreign_account_looks_like_one_that_does_not_exist(
    tmp_path: Path, operation: str
) -> None:
    with running_service(tmp_path) as service:
        anna, annas = service.associate("anna")
        _, thief = service.associate("thief")
        saved = service.call(
            "SaveEMailAccount",
            {
                "EMailAccount": {
                    "EMailAddress": "anna@example.com",
                    "IncomingCredentials": CREDENTIALS,
                }
            },
            ticket=annas,
        )
        account = int(saved.text("Response/EMailAccountId") or 0)
        assert account
        members = FOREIGN[operation]
        foreign = service.call(operation, members(account, anna.associate_id), ticket=thief)
        missing = service.call(operation, members(account + 1, anna.associate_id), ticket=thief)
        assert foreign.succeeded is False
        assert foreign.exception["ExceptionType"] == "SoNotFoundException"
        assert foreign.exception["Message"].replace(str(account), "N") == missing.exception[
            "Message"
        ].replace(str(account + 1), "N")
        kept = service.call("GetEMailAccount", {"EMailAccountId": account}, ticket=annas)
        assert kept.text("Response/EMailAddress") == "anna@example.com"


def test_many_syncs_refuse_foreign_and_missing_accounts_alike(tmp_path: Path) -> None:
    with running_service(tmp_path) as service:
        _, annas = service.associate("anna")
        _, thief = service.associate("thief")
        account = {"EMailAddress": "anna@example.com", "IncomingCredentials": CREDENTIALS}
        saved = service.call("SaveEMailAccount", {"EMailAccount": account}, ticket=annas)
        number = int(saved.text("Response/EMailAccountId") or 0)
        replies = [
            service.call(
                "SyncEmailAccounts",
                {"SyncUserAccounts": {"SyncUserAccount": {"AccountId": asked}}},
                ticket=thief,
            ).extra
            for asked in (number, number + 1)
        ]
        assert [reply["Sync.Refused"] for reply in replies] == ["1", "1"]
        assert replies[0][f"Sync.Refused.{number}"] == f"no mail account {number}"
        assert replies[1][f"Sync.Refused.{number + 1}"] == f"no mail account {number + 1}"


@pytest.mark.parametrize(
    "who", [{"AssociateName": "anna"}, {"AssociateId": 1}, {"AssociateId": 999}]
)
def test_a_sync_for_another_associate_is_refused_whether_it_exists_or_not(
    onsite: Service, who: dict[str, object]
) -> None:
    name = f"thief {who}"
    _, thief = onsite.associate(name)
    reply = onsite.call("SyncEmailAccount", {"SyncUserAccount": who}, ticket=thief)
    assert reply.exception["ExceptionType"] == "SoNotFoundException"
