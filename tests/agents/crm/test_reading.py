"""Every property of a record is looked at, and everything that is wrong is told at once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from services84.agents.crm.properties import PROPERTIES
from services84.agents.crm.reading import REQUIRED, Record, read_record
from services84.errors import MalformedMessage
from tests.agents.crm.samples import record


def problems(read: Record) -> dict[str, str]:
    return {one.name: one.message for one in read.problems}


def test_all_that_is_missing_is_told_in_the_order_of_the_record() -> None:
    read = read_record({}, needs_id=True)
    assert [(one.name, one.attempted, one.message) for one in read.problems] == [
        (name, None, "is a required field") for name in record()
    ]
    assert set(problems(read_record({}, needs_id=False))) == set(record()) - {"Id"}


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_null_and_blank_are_missing(nothing: object) -> None:
    read = read_record(record(DisplayName=nothing), needs_id=True)
    assert problems(read) == {"DisplayName": REQUIRED}


@pytest.mark.parametrize("body", [None, [], "text", 84, True])
def test_what_is_no_object_is_no_record(body: object) -> None:
    with pytest.raises(MalformedMessage):
        read_record(body, needs_id=True)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("BusinessId", "84", "is no whole number"),
        ("BusinessId", 8.5, "is no whole number"),
        ("BusinessId", True, "is no whole number"),
        ("BusinessId", -1, "is not from 0 to 2147483647"),
        ("BusinessId", 2**31, "is not from 0 to 2147483647"),
        ("Id", [7], "is no whole number"),
        ("DisplayName", 84, "is no text"),
        ("DisplayName", "x" * 256, "has more than 255 characters"),
        ("Active", "true", "is neither true nor false"),
        ("Active", 1, "is neither true nor false"),
        ("IncomingServerType", 2, "is none of 1 (Imap)"),
        ("IncomingServerType", "Pop3", "is none of 1 (Imap)"),
        ("IncomingServerType", True, "is none of 1 (Imap)"),
        ("DeleteMessageSettings", 0, "DontDelete), 2 (DeleteOnReceive), 3 (DeleteWhenDeleting)"),
        ("DeleteMessageSettings", {}, "is none of"),
        ("LastCheckTime", "yesterday", "is no date and time"),
        ("LastCheckTime", 20260101, "is no date and time"),
        ("Unknown", 1, "is no property of an EmailAccount"),
    ],
)
def test_a_wrong_value_is_told_with_its_property(name: str, value: Any, message: str) -> None:
    read = read_record(record(**{name: value}), needs_id=True)
    assert list(problems(read)) == [name]
    assert message in problems(read)[name]


def test_what_was_given_is_told_as_it_was() -> None:
    given = record(BusinessId="84", DisplayName=5, Active=[1], EmailAddress="x" * 500)
    read = read_record(given, needs_id=True)
    told = {one.name: one.attempted for one in read.problems}
    assert told == {
        "BusinessId": "84",
        "DisplayName": 5,
        "Active": "(list)",
        "EmailAddress": "x" * 197 + "...",
    }


@pytest.mark.parametrize(
    "name",
    [
        "IncomingServerPassword",
        "OutgoingServerPassword",
        "GoogleAccessToken",
        "Office365AccessToken",
        "IncomingServerPasword",
        "GmailToken",
    ],
)
def test_secrets_are_in_no_problem(name: str) -> None:
    read = read_record(record(**{name: ["geheim"], "Active": 1}), needs_id=True)
    assert set(problems(read)) == {name, "Active"}
    assert "geheim" not in repr(read.problems)


def test_names_count_without_regard_to_case_and_once() -> None:
    given = {name.lower(): value for name, value in record().items()}
    assert read_record(given, needs_id=True).problems == []
    twice = record() | {"displayname": "again"}
    assert problems(read_record(twice, needs_id=True)) == {"DisplayName": "is given more than once"}


@pytest.mark.parametrize(
    ("given", "number"),
    [(1, 1), ("DontDelete", 1), ("deleteonreceive", 2), (3.0, 3), ("DeleteWhenDeleting", 3)],
)
def test_enumerations_go_by_number_or_by_name(given: object, number: int) -> None:
    read = read_record(record(DeleteMessageSettings=given), needs_id=True)
    assert read.problems == []
    assert read.values["DeleteMessageSettings"] == number


def test_values_are_read() -> None:
    moment = "2026-01-31T12:00:00Z"
    read = read_record(record(DisplayName=" A ", LastCheckTime=moment), needs_id=True)
    assert read.problems == []
    assert read.values["DisplayName"] == "A"
    assert read.values["LastCheckTime"] == datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_what_the_vendors_records_have_besides_is_passed_over() -> None:
    more = {"UniqueId": "a1", "UpdatedBy": "x", "IsNew": False, "SystemId": None}
    assert read_record(record(**more), needs_id=True).problems == []


def test_names_of_properties_are_unique_and_required_ones_are_those_of_the_document() -> None:
    names = [one.name for one in PROPERTIES]
    assert len({name.lower() for name in names}) == len(names)
    assert [one.name for one in PROPERTIES if one.required] == [n for n in record() if n != "Id"]
