"""What a record means for the account that is saved: kept, changed, or refused as a whole."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from services84.agents.crm.drafting import draft_of
from services84.agents.crm.reading import read_record
from services84.agents.crm.records import record_of
from services84.store.account_options import AccountOptions, DeletionPolicy
from services84.store.values import Account, AccountDraft
from tests.agents.crm.samples import account, auth, record


def draft(stored: Account | None = None, /, **changes: Any) -> AccountDraft:
    read = read_record(record(**changes), needs_id=stored is not None)
    made = draft_of(read, stored, 3, online=False)
    assert made is not None, read.problems
    return made


def problems(stored: Account | None = None, /, **changes: Any) -> dict[str, str]:
    read = read_record(record(**changes), needs_id=stored is not None)
    assert draft_of(read, stored, 3, online=False) is None
    return {one.name: one.message for one in read.problems}


def test_a_new_account_has_what_the_record_says_and_is_active() -> None:
    made = draft(None, IncomingServerPassword="in", OutgoingServerPassword="out")
    assert made.account_id == 0
    assert made.email_address == "anna@example.com"
    assert made.incoming == auth("imap.example.com", 993, password="in", has_password=False)
    assert made.outgoing == auth("smtp.example.com", 465, password="out", has_password=False)
    assert made.options == AccountOptions("Ännä", 84)
    assert made.reset_errors


def test_what_is_left_out_stays_as_it_is() -> None:
    made = draft(account())
    assert made.incoming is not None
    assert made.incoming.password is None
    assert made.incoming.service_auth_id == 11
    assert made.options == AccountOptions(
        "Ännä", 84, True, "r@example.com", True, "n@example.com", DeletionPolicy(3)
    )
    assert not made.reset_errors


@pytest.mark.parametrize("secret", [None, "", "********"])
def test_a_record_that_was_read_can_be_saved_and_changes_nothing(secret: str | None) -> None:
    stored = account()
    given = record_of(stored)
    if secret != "********":
        given["IncomingServerPassword"] = given["OutgoingServerPassword"] = secret
    made = draft_of(read_record(given, needs_id=True), stored, 3, online=False)
    assert made is not None
    assert made.options == stored.options
    assert made.incoming == replace(stored.incoming, has_password=False, use_ssl=True)  # type: ignore[type-var]
    assert made.email_address == stored.email_address


def test_null_and_empty_clear_addresses() -> None:
    made = draft(account(), ReplyToEmail=None, SendNotificationOnNewMessages=False)
    assert made.options is not None
    assert made.options.reply_to == ""
    cleared = draft(
        account(), NotificationEmailAddress="", SendNotificationOnNewMessages=False
    ).options
    assert cleared is not None
    assert cleared.notification_email == ""


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"EmailAddress": "anna"}, {"EmailAddress": "is no e-mail address"}),
        ({"ReplyToEmail": "a b@c"}, {"ReplyToEmail": "is no e-mail address"}),
        ({"NotificationEmailAddress": "x"}, {"NotificationEmailAddress": "is no e-mail address"}),
        ({"IncomingServer": "http://x"}, {"IncomingServer": "is no host name"}),
        ({"IncomingServer": "169.254.169.254"}, {"IncomingServer": ""}),
        ({"GoogleAccessToken": "two words"}, {"GoogleAccessToken": "is no token"}),
        ({"Office365AccessToken": "tökén"}, {"Office365AccessToken": "is no token"}),
        ({"IncomingServerPassword": "a\ud800"}, {"IncomingServerPassword": "surrogate"}),
        ({"DisplayName": "a\udfff"}, {"DisplayName": "surrogate"}),
        ({"IncomingServer": "imap\x00.example.com"}, {"IncomingServer": "is no host name"}),
        ({"OutgoingServer": "smtp.example.com\x7f"}, {"OutgoingServer": "is no host name"}),
        ({"OutgoingServerPort": 0}, {"OutgoingServerPort": "is no port"}),
        ({"OutgoingServerPort": 65536}, {"OutgoingServerPort": "is no port"}),
        ({"IncomingServerUsername": "a\nb"}, {"IncomingServerUsername": "line break"}),
        ({"DisplayName": "a\r\nBcc: b"}, {"DisplayName": "line break"}),
        ({"IncomingServerPassword": "a\nb"}, {"IncomingServerPassword": "line break"}),
        ({"IncomingServerSSL": False}, {"IncomingServerSSL": "port 993 speaks TLS"}),
        (
            {"SendNotificationOnNewMessages": True, "NotificationEmailAddress": None},
            {"NotificationEmailAddress": "is required to send notifications"},
        ),
        (
            {"NotificationEmailAddress": "ANNA@example.com"},
            {"NotificationEmailAddress": "own address"},
        ),
        (
            {"GoogleAccessToken": "a", "Office365AccessToken": "b"},
            {"Office365AccessToken": "cannot be given along"},
        ),
        (
            {"GoogleAccessToken": "a", "IncomingServerPassword": "b"},
            {"IncomingServerPassword": "cannot be given along"},
        ),
    ],
)
def test_what_makes_no_sense_is_told(changes: dict[str, Any], wrong: dict[str, str]) -> None:
    found = problems(account(), **changes)
    assert set(found) == set(wrong)
    assert all(text in found[name] for name, text in wrong.items())


def test_everything_that_makes_no_sense_is_told_at_once() -> None:
    found = problems(
        account(),
        EmailAddress="anna",
        IncomingServer="a b",
        OutgoingServerPort=0,
        DisplayName=None,
        Active="yes",
        DeleteMessageSettings=9,
    )
    assert set(found) == {
        "EmailAddress",
        "IncomingServer",
        "OutgoingServerPort",
        "DisplayName",
        "Active",
        "DeleteMessageSettings",
    }


def test_a_stored_password_follows_to_no_other_server() -> None:
    found = problems(account(), IncomingServer="evil.example.com")
    assert found == {
        "IncomingServerPassword": (
            "is required again when IncomingServer changes from imap.example.com"
        )
    }
    moved = draft(account(), IncomingServer="new.example.com", IncomingServerPassword="new")
    assert moved.incoming is not None
    assert moved.incoming.password == "new"
    assert moved.reset_errors


@pytest.mark.parametrize(
    ("name", "provider"), [("GoogleAccessToken", "google"), ("Office365AccessToken", "office365")]
)
def test_a_token_signs_in_to_both_servers(name: str, provider: str) -> None:
    made = draft(account(), **{name: "ya29.token"})
    assert made.incoming is not None
    assert made.outgoing is not None
    assert made.options is not None
    sides = [made.incoming, made.outgoing]
    assert [(one.auth_type, one.password) for one in sides] == [("XOAUTH2", "ya29.token")] * 2
    assert made.options.token_provider == provider
    assert made.reset_errors


def test_a_password_takes_the_place_of_a_token() -> None:
    stored = account(
        incoming=auth("imap.example.com", 993, auth_type="XOAUTH2"),
        outgoing=auth("smtp.example.com", 465, auth_type="XOAUTH2"),
        options=AccountOptions(token_provider="google"),
    )
    kept = draft(stored, GoogleAccessToken="********")
    assert kept.incoming is not None
    assert (kept.incoming.auth_type, kept.incoming.password) == ("XOAUTH2", None)
    assert kept.options is not None
    assert kept.options.token_provider == "google"
    made = draft(stored, IncomingServerPassword="in", OutgoingServerPassword="out")
    assert made.incoming is not None
    assert (made.incoming.auth_type, made.incoming.password) == ("", "in")
    assert made.options is not None
    assert made.options.token_provider == ""


@pytest.mark.parametrize(
    ("stored", "given", "flag"),
    [
        (None, ..., None),
        (True, ..., True),
        (False, ..., False),
        (True, None, None),
        (None, True, True),
        (True, False, False),
    ],
)
def test_the_flag_for_tls(stored: bool | None, given: Any, flag: bool | None) -> None:
    known = account(incoming=auth("imap.example.com", 10143, use_ssl=stored))
    made = draft(known, IncomingServerPort=10143, IncomingServerSSL=given)
    assert made.incoming is not None
    assert made.incoming.use_ssl is flag
    assert made.reset_errors is (flag is not stored)


def test_a_flag_for_another_door_is_forgotten() -> None:
    known = account(incoming=auth("imap.example.com", 10143, use_ssl=True))
    made = draft(known, IncomingServerPort=10144)
    assert made.incoming is not None
    assert made.incoming.use_ssl is None


def test_what_the_service_keeps_is_not_taken_from_records() -> None:
    made = draft(account(), LastMessageId=5, ErrorCount=7, LastCheckTime="2026-01-01T00:00:00Z")
    assert not made.reset_errors
