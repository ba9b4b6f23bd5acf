"""Saving, reading and deleting mail accounts, as callers see it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from tests.support.service import Reply, Service, running_service

INCOMING: dict[str, Any] = {
    "Server": "imap.example.com",
    "Port": 993,
    "AuthType": "Password",
    "Username": "anna",
    "Password": "in-secret-84",
}
OUTGOING: dict[str, Any] = {**INCOMING, "Server": "smtp.example.com", "Port": 465}


def account(**changes: Any) -> dict[str, Any]:
    members: dict[str, Any] = {
        "EMailAccountId": 0,
        "EMailAddress": "anna@example.com",
        "IncomingCredentials": INCOMING,
        "OutgoingCredentials": OUTGOING,
    }
    return {"EMailAccount": {**members, **changes}}


def saved_id(reply: Reply) -> int:
    assert reply.succeeded, reply.exception
    return int(reply.text("Response/EMailAccountId") or 0)


@pytest.fixture
def annas(service: Service) -> str:
    return service.associate("anna")[1]


# Bad input --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "member", "problem"),
    [
        ({"EMailAddress": None}, "EMailAccount/EMailAddress", "is empty"),
        ({"EMailAddress": ""}, "EMailAccount/EMailAddress", "is empty"),
        ({"EMailAddress": "anna"}, "EMailAccount/EMailAddress", "is no e-mail address"),
        ({"EMailAddress": "an na@example.com"}, "EMailAccount/EMailAddress", "is no e-mail"),
        ({"EMailAddress": "a" * 250 + "@b.example"}, "EMailAccount/EMailAddress", "more than 254"),
        (
            {"IncomingCredentials": {**INCOMING, "Username": "u" * 256}},
            "EMailAccount/IncomingCredentials/Username",
            "more than 255",
        ),
        ({"EMailAddress": "a@b\nc"}, "EMailAccount/EMailAddress", "control character"),
        (
            {"IncomingCredentials": {**INCOMING, "Server": ""}},
            "EMailAccount/IncomingCredentials/Server",
            "is empty",
        ),
        (
            {"IncomingCredentials": {**INCOMING, "Server": "imap.example.com:993"}},
            "EMailAccount/IncomingCredentials/Server",
            "the port goes into Port",
        ),
        (
            {"IncomingCredentials": {**INCOMING, "Server": "http://example.com/"}},
            "EMailAccount/IncomingCredentials/Server",
            "is no host name",
        ),
        (
            {"IncomingCredentials": {**INCOMING, "Server": "169.254.169.254"}},
            "EMailAccount/IncomingCredentials/Server",
            "",
        ),
        (
            {"OutgoingCredentials": {**OUTGOING, "Port": 65536}},
            "EMailAccount/OutgoingCredentials/Port",
            "is no port",
        ),
        (
            {"OutgoingCredentials": {**OUTGOING, "Port": -1}},
            "EMailAccount/OutgoingCredentials/Port",
            "is no port",
        ),
        (
            {"IncomingCredentials": {**INCOMING, "AuthType": "NTLM"}},
            "EMailAccount/IncomingCredentials/AuthType",
            "is none of Password, Plain",
        ),
        (
            {"IncomingCredentials": {**INCOMING, "Username": None}},
            "EMailAccount/IncomingCredentials/Username",
            "is empty",
        ),
        ({"AssociateId": 99}, None, None),
    ],
)
def test_a_bad_member_is_named_and_nothing_is_saved(
    service: Service, annas: str, changes: dict[str, Any], member: str | None, problem: str | None
) -> None:
    reply = service.call("SaveEMailAccount", account(**changes), ticket=annas)
    assert reply.succeeded is False
    assert service.services.accounts.list_all() == []
    if member is not None:
        assert reply.exception["ExceptionType"] == "SoArgumentException"
        assert reply.exception["Message"].startswith(f"{member}: ")
        assert (problem or "") in reply.exception["Message"]
    assert INCOMING["Password"] not in str(reply.exception)


def test_a_missing_account_is_named(service: Service, annas: str) -> None:
    reply = service.call("SaveEMailAccount", {"EMailAccount": None}, ticket=annas)
    assert reply.exception["Message"].startswith("EMailAccount: ")


def test_only_an_administrator_saves_for_another(service: Service, annas: str) -> None:
    bert, _ = service.associate("bert")
    _, chief = service.associate("chief", admin=True)
    for other in (bert.associate_id, 4711):
        reply = service.call("SaveEMailAccount", account(AssociateId=other), ticket=annas)
        assert reply.exception["ExceptionType"] == "SoAccessDeniedException"
    reply = service.call("SaveEMailAccount", account(AssociateId=4711), ticket=chief)
    assert reply.exception["Message"].startswith("EMailAccount/AssociateId: ")
    reply = service.call("SaveEMailAccount", account(AssociateId=bert.associate_id), ticket=chief)
    assert reply.text("Response/AssociateId") == str(bert.associate_id)


# Saving and reading -----------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_a_saved_account_comes_back_with_its_ids_and_a_mask(
    service: Service, annas: str, version: str
) -> None:
    saved = service.call("SaveEMailAccount", account(), ticket=annas, version=version)
    number = saved_id(saved)
    got = service.call("GetEMailAccount", {"EMailAccountId": number}, ticket=annas, version=version)
    assert got.text("Response/EMailAddress") == "anna@example.com"
    assert got.text("Response/AccountStatus") == "0"
    assert got.text("Response/IncomingCredentials/Server") == "imap.example.com"
    assert got.text("Response/IncomingCredentials/Port") == "993"
    assert got.text("Response/IncomingCredentials/Password") == "********"
    assert int(got.text("Response/OutgoingCredentials/ServiceAuthId") or 0) > 0


def test_read_only_members_are_ignored(service: Service, annas: str) -> None:
    changes = {"AccountStatus": 3, "ErrorCount": 7, "ErrorReason": "made up"}
    saved = service.call("SaveEMailAccount", account(**changes), ticket=annas)
    assert saved.text("Response/AccountStatus") == "0"
    assert saved.text("Response/ErrorCount") == "0"
    assert not saved.text("Response/ErrorReason")


@pytest.mark.parametrize("password", ["********", None, ""])
def test_mask_nil_and_empty_keep_the_stored_password(
    service: Service, annas: str, password: str | None
) -> None:
    number = saved_id(service.call("SaveEMailAccount", account(), ticket=annas))
    changed = {**INCOMING, "Password": password, "Port": 143}
    again = account(EMailAccountId=number, IncomingCredentials=changed)
    assert saved_id(service.call("SaveEMailAccount", again, ticket=annas)) == number
    stored = service.services.accounts.get(number)
    assert stored is not None
    assert stored.incoming is not None
    assert stored.incoming.password == "in-secret-84"
    assert stored.incoming.port == 143


def test_a_kept_password_does_not_follow_to_another_server(service: Service, annas: str) -> None:
    number = saved_id(service.call("SaveEMailAccount", account(), ticket=annas))
    moved = {**INCOMING, "Server": "imap.attacker.example", "Password": "********"}
    reply = service.call(
        "SaveEMailAccount",
        account(EMailAccountId=number, IncomingCredentials=moved),
        ticket=annas,
    )
    assert reply.exception["Message"].startswith("EMailAccount/IncomingCredentials/Password: ")
    assert "required again when Server changes" in reply.exception["Message"]
    stored = service.services.accounts.get(number)
    assert stored is not None
    assert stored.incoming is not None
    assert stored.incoming.server == "imap.example.com"


def test_passwords_are_revealed_only_where_the_operator_wants_it(tmp_path: Path) -> None:
    with running_service(tmp_path, reveal_passwords=True) as service:
        _, annas = service.associate("anna")
        saved = service.call("SaveEMailAccount", account(), ticket=annas)
        assert saved.text("Response/IncomingCredentials/Password") == "in-secret-84"


def test_no_password_lies_open_in_the_database(service: Service, annas: str) -> None:
    saved_id(service.call("SaveEMailAccount", account(), ticket=annas))
    file = make_url(service.application.settings.database_url).database
    assert file is not None
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for path in Path(file).parent.glob("service.sqlite3*"):
        content = path.read_bytes()
        assert b"in-secret-84" not in content
        assert annas.encode() not in content


def test_credentials_that_are_all_empty_are_none(service: Service, annas: str) -> None:
    empty = {"ServiceAuthId": 0, "Server": None, "Port": 0, "Username": None, "Password": None}
    saved = service.call("SaveEMailAccount", account(OutgoingCredentials=empty), ticket=annas)
    assert saved_id(saved)
    assert saved.text("Response/OutgoingCredentials/Server") is None


def test_the_default_account_can_be_filled_in_and_saved(service: Service, annas: str) -> None:
    blank = service.call("CreateDefaultEMailAccount", ticket=annas)
    assert blank.text("Response/EMailAccountId") == "0"
    assert blank.text("Response/IncomingCredentials/Port") == "143"
    assert blank.text("Response/OutgoingCredentials/Port") == "25"
    assert service.services.accounts.list_all() == []


# Which account ----------------------------------------------------------------------------------


def test_without_an_account_current_is_none(service: Service, annas: str) -> None:
    assert service.call("GetCurrentAccountId", ticket=annas).text("Response") == "0"
    current = service.call("GetCurrentAccount", ticket=annas)
    assert current.succeeded
    assert current.text("Response/EMailAccountId") == "0"


def test_an_unknown_address_gives_an_empty_account(service: Service, annas: str) -> None:
    reply = service.call(
        "GetEMailAccountFromEMailAddress", {"FromAddress": "nobody@example.com"}, ticket=annas
    )
    assert reply.succeeded is True
    assert reply.text("Response/EMailAccountId") == "0"


@pytest.mark.parametrize("address", ["a@example.com\r\nb", "a@example.com\nb"])
def test_an_address_with_line_breaks_is_no_address(
    service: Service, annas: str, address: str
) -> None:
    asked = {"FromAddress": address}
    reply = service.call("GetEMailAccountFromEMailAddress", asked, ticket=annas)
    assert reply.exception["Message"].startswith("FromAddress: ")


def test_an_account_is_found_by_its_address_in_any_case(service: Service, annas: str) -> None:
    number = saved_id(service.call("SaveEMailAccount", account(), ticket=annas))
    reply = service.call(
        "GetEMailAccountFromEMailAddress", {"FromAddress": "Anna@Example.COM"}, ticket=annas
    )
    assert reply.text("Response/EMailAccountId") == str(number)
    _, berts = service.associate("bert")
    reply = service.call(
        "GetEMailAccountFromEMailAddress", {"FromAddress": "anna@example.com"}, ticket=berts
    )
    assert reply.text("Response/EMailAccountId") == "0"


def test_the_current_account_is_the_callers(service: Service, annas: str) -> None:
    number = saved_id(service.call("SaveEMailAccount", account(), ticket=annas))
    assert service.call("GetCurrentAccountId", ticket=annas).text("Response") == str(number)
    current = service.call("GetCurrentAccount", ticket=annas)
    assert current.text("Response/EMailAccountId") == str(number)


def test_a_deleted_account_is_gone(service: Service, annas: str) -> None:
    number = saved_id(service.call("SaveEMailAccount", account(), ticket=annas))
    deleted = service.call("DeleteEMailAccount", {"EMailAccountId": number}, ticket=annas)
    assert deleted.succeeded is True
    assert len(deleted.body) == 0
    again = service.call("GetEMailAccount", {"EMailAccountId": number}, ticket=annas)
    assert again.exception["ExceptionType"] == "SoNotFoundException"
    assert service.call("GetCurrentAccountId", ticket=annas).text("Response") == "0"


def test_ready_accounts_are_the_callers_own_and_an_administrators_all(service: Service) -> None:
    anna, annas = service.associate("anna")
    _, berts = service.associate("bert")
    _, chief = service.associate("chief", admin=True)
    number = saved_id(service.call("SaveEMailAccount", account(), ticket=annas))
    mine = service.call("GetReadySyncEmailAccounts", ticket=annas)
    assert mine.text("Response/SyncUserAccount/AccountId") == str(number)
    assert mine.text("Response/SyncUserAccount/AssociateName") == "anna"
    assert mine.text("Response/SyncUserAccount/AssociateId") == str(anna.associate_id)
    none = service.call("GetReadySyncEmailAccounts", ticket=berts)
    assert none.succeeded
    assert none.text("Response/SyncUserAccount/AccountId") is None
    all_of_them = service.call("GetReadySyncEmailAccounts", ticket=chief)
    assert all_of_them.text("Response/SyncUserAccount/AccountId") == str(number)


def test_an_account_without_a_password_is_not_ready(service: Service, annas: str) -> None:
    bare = {**INCOMING, "Password": None}
    saved_id(service.call("SaveEMailAccount", account(IncomingCredentials=bare), ticket=annas))
    ready = service.call("GetReadySyncEmailAccounts", ticket=annas)
    assert ready.text("Response/SyncUserAccount/AccountId") is None


def test_a_sync_of_contradicting_members_is_refused(service: Service, annas: str) -> None:
    bert, _ = service.associate("bert")
    number = saved_id(service.call("SaveEMailAccount", account(), ticket=annas))
    for other in ({"AssociateId": bert.associate_id}, {"AssociateName": "bert"}):
        members = {"SyncUserAccount": {"AccountId": number, **other}}
        reply = service.call("SyncEmailAccount", members, ticket=annas)
        assert "is not the owner of account" in reply.exception["Message"]


@pytest.mark.parametrize(
    "members", [{"SyncUserAccount": None}, {}, {"SyncUserAccount": {"AccountId": 0}}]
)
def test_a_sync_of_the_current_account_without_one_says_so(
    service: Service, annas: str, members: dict[str, Any]
) -> None:
    reply = service.call("SyncEmailAccount", members, ticket=annas)
    assert reply.exception["ExceptionType"] == "SoNotFoundException"
    assert reply.exception["Message"] == "associate anna has no mail account"


# A key that is gone -----------------------------------------------------------------------------


@pytest.fixture
def keyless(tmp_path: Path) -> Iterator[tuple[Service, str, int]]:
    """A service whose key was lost and made anew: its stored passwords cannot be opened."""
    with running_service(tmp_path) as service:
        _, annas = service.associate("anna")
        number = saved_id(service.call("SaveEMailAccount", account(), ticket=annas))
    (tmp_path / "test.key").unlink()
    with running_service(tmp_path) as service:
        yield service, annas, number


def test_without_the_key_an_account_can_be_seen_and_deleted(
    keyless: tuple[Service, str, int],
) -> None:
    service, annas, number = keyless
    got = service.call("GetEMailAccount", {"EMailAccountId": number}, ticket=annas)
    assert got.text("Response/IncomingCredentials/Password") == "********"
    assert service.call("GetCurrentAccountId", ticket=annas).text("Response") == str(number)
    deleted = service.call("DeleteEMailAccount", {"EMailAccountId": number}, ticket=annas)
    assert deleted.succeeded is True


def test_without_the_key_a_sync_fails_for_a_reason_that_the_account_shows(
    keyless: tuple[Service, str, int],
) -> None:
    service, annas, number = keyless
    members = {"SyncUserAccount": {"AccountId": number}}
    assert service.call("SyncEmailAccount", members, ticket=annas).succeeded is False
    got = service.call("GetEMailAccount", {"EMailAccountId": number}, ticket=annas)
    assert got.text("Response/AccountStatus") == "2"
    assert got.text("Response/ErrorReason")
    stored = service.services.accounts.get(number, secrets=False)
    assert stored is not None
    assert stored.lease_until is None


def test_without_the_key_a_stranger_learns_nothing(keyless: tuple[Service, str, int]) -> None:
    service, _, number = keyless
    _, thief = service.associate("thief")
    got = service.call("GetEMailAccount", {"EMailAccountId": number}, ticket=thief)
    assert got.exception["ExceptionType"] == "SoNotFoundException"
