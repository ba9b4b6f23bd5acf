"""Every error that an account can have is told in plain words, with what to do."""

from __future__ import annotations

import inspect
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services84 import errors
from services84.store.account_options import AccountOptions
from services84.store.values import Account, AccountStatus, ServiceAuth
from services84.web.advice import State, Tone, state_of, words_of

NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
INTERVAL = 300.0
KINDS = [
    name
    for name, kind in vars(errors).items()
    if inspect.isclass(kind) and issubclass(kind, errors.MailServerError)
]


def account(**members: object) -> Account:
    auth = ServiceAuth(1, "imap.example.com", 993, "", "anna", has_password=True)
    usual = Account(
        account_id=1,
        email_address="anna@example.com",
        associate_id=1,
        associate_name="anna",
        incoming=auth,
        outgoing=None,
        status=AccountStatus.OK,
        error_count=0,
        error_reason="",
        last_success=NOW - timedelta(minutes=1),
        next_attempt=None,
        lease_until=None,
        registered=NOW - timedelta(days=9),
        updated=NOW,
    )
    return replace(usual, **members)  # type: ignore[arg-type]


def state(**members: object) -> State:
    return state_of(account(**members), NOW, INTERVAL)


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_of_a_mail_server_has_words_of_its_own_or_of_its_family(kind: str) -> None:
    words = words_of(kind)
    assert words != words_of("Services84Error")
    assert words.what.endswith(".")
    assert words.todo.endswith(".")


@pytest.mark.parametrize("kind", ["", "Exception", "os", "annotations", "__name__", "<script>"])
def test_what_is_no_kind_of_error_has_the_words_of_any(kind: str) -> None:
    assert words_of(kind) == words_of("Services84Error")


def test_an_account_in_order_has_nothing_wrong() -> None:
    assert state() == State(Tone.GOOD, "In order")


@pytest.mark.parametrize("status", list(AccountStatus))
def test_a_running_sync_comes_first(status: AccountStatus) -> None:
    found = state(status=status, lease_until=NOW + timedelta(seconds=1))
    assert found == State(Tone.BUSY, "Syncing")
    assert state(lease_until=NOW).tone is Tone.GOOD  # it ran out


def test_an_account_that_is_switched_off_is_neither_late_nor_wrong() -> None:
    found = state(options=AccountOptions(active=False), last_success=NOW - timedelta(days=90))
    assert (found.tone, found.label) == (Tone.QUIET, "Switched off")
    assert "Active" in found.todo


@pytest.mark.parametrize(
    ("missing", "word"),
    [
        ({"server": ""}, "mail server"),
        ({"username": ""}, "user name"),
        ({"has_password": False}, "password"),
    ],
)
def test_what_is_missing_to_sign_in_is_named(missing: dict[str, Any], word: str) -> None:
    incoming = account().incoming
    assert incoming is not None
    found = state(incoming=replace(incoming, **missing))
    assert (found.tone, found.label) == (Tone.WARN, "Incomplete")
    assert f"no {word}" in found.what.replace("incoming ", "")


def test_failing_is_a_warning_and_failed_says_that_nobody_tries_again() -> None:
    failing = state(status=AccountStatus.FAILING, error_kind="LoginRefused", error_count=1)
    assert (failing.tone, failing.label) == (Tone.WARN, "Failing")
    assert "password" in failing.todo
    failed = state(status=AccountStatus.FAILED, error_kind="LoginRefused", error_count=10)
    assert (failed.tone, failed.label) == (Tone.BAD, "Failed")
    assert failed.todo.startswith(failing.todo)
    assert "After 10 failures in a row" in failed.todo
    busy = state(status=AccountStatus.FAILED, error_kind="MailServerBusy", error_count=10)
    assert "Nothing has to be done" not in busy.todo


def test_an_error_of_before_kinds_were_kept_is_told_all_the_same() -> None:
    found = state(status=AccountStatus.FAILING, error_reason="timed out", error_count=1)
    assert found.what == "The last sync failed."


@pytest.mark.parametrize(("minutes", "label"), [(19, "In order"), (21, "Late")])
def test_an_account_is_late_after_four_intervals(minutes: int, label: str) -> None:
    assert state(last_success=NOW - timedelta(minutes=minutes)).label == label
    without = account(last_success=NOW - timedelta(days=9))
    assert state_of(without, NOW, 0).label == "In order"  # nobody syncs by the clock


def test_a_new_account_waits_and_is_late_in_the_end() -> None:
    new: dict[str, Any] = {"status": AccountStatus.UNKNOWN, "last_success": None}
    assert state(**new, registered=NOW).label == "New"
    assert state(**new, registered=NOW - timedelta(hours=1)).label == "Late"
