"""Accounts as records, without their secrets; pages of them, filtered and in order."""

from __future__ import annotations

from typing import Any

import pytest

from services84.agents.crm.properties import PROPERTIES
from services84.agents.crm.queries import read_query
from services84.agents.crm.records import page_of, record_of
from services84.errors import InvalidRecord
from services84.store.account_options import AccountOptions
from tests.agents.crm.samples import account, auth


def test_a_record_has_every_property_and_no_secret() -> None:
    stored = account(
        incoming=auth("imap.example.com", 993, password="geheim"),
        outgoing=auth("smtp.example.com", 587, password="geheim"),
    )
    found = record_of(stored)
    assert set(found) == {one.name for one in PROPERTIES}
    assert "geheim" not in repr(found)
    assert found["IncomingServerPassword"] == "********"
    assert found["LastCheckTime"] == "2026-03-29T01:02:03Z"
    assert (found["LastMessageId"], found["ErrorCount"]) == (99, 2)
    assert (found["IncomingServerSSL"], found["OutgoingServerSSL"]) == (True, False)
    assert (found["IncomingServerType"], found["DeleteMessageSettings"]) == (1, 2)


def test_an_account_that_soap_has_saved_is_a_record_too() -> None:
    found = record_of(account(outgoing=None, options=AccountOptions(), last_success=None))
    assert found["DeleteMessageSettings"] == 3
    assert found["Active"] is True
    assert (found["OutgoingServer"], found["OutgoingServerPort"]) == ("", 0)
    assert found["LastCheckTime"] is None
    assert found["ReplyToEmail"] is None


def test_a_token_is_shown_by_its_providers_mask_alone() -> None:
    stored = account(
        incoming=auth("imap.example.com", 993, auth_type="XOAUTH2"),
        options=AccountOptions(token_provider="office365"),
    )
    found = record_of(stored)
    assert found["Office365AccessToken"] == "********"
    assert found["GoogleAccessToken"] is None
    assert found["IncomingServerPassword"] is None


RECORDS: list[dict[str, Any]] = [
    {"Id": number, "DisplayName": name, "LastCheckTime": when, "Active": number % 2 == 1}
    for number, name, when in [
        (1, "carl", None),
        (2, "Anna", "2026-01-02T00:00:00Z"),
        (3, "bert", "2026-01-01T00:00:00Z"),
        (4, "anna", None),
    ]
]


def ids(*query: tuple[str, str]) -> list[int]:
    return [one["Id"] for one in page_of(RECORDS, read_query(query))["Records"]]


def test_the_usual_page_has_the_first_25_by_id() -> None:
    page = page_of(RECORDS, read_query([]))
    assert [one["Id"] for one in page.pop("Records")] == [1, 2, 3, 4]
    assert page == {
        "CurrentPage": 1,
        "CurrentPageSize": 25,
        "CurrentOrderField": "Id",
        "CurrentSortDirection": 1,
        "FirstItem": 1,
        "LastItem": 4,
        "TotalItems": 4,
        "TotalPages": 1,
        "HasNextPage": False,
        "HasPreviousPage": False,
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ([("orderBy", "DisplayName")], [2, 4, 3, 1]),
        ([("OrderBy", "displayname"), ("dir", "-1")], [1, 3, 2, 4]),
        ([("orderBy", "LastCheckTime")], [1, 4, 3, 2]),
        ([("size", "3")], [1, 2, 3]),
        ([("size", "3"), ("page", "2")], [4]),
        ([("size", "3"), ("page", "3")], []),
        ([("EmailAccount_DisplayName", "ANNA")], [2, 4]),
        ([("EmailAccount_Active", "true")], [1, 3]),
        ([("EmailAccount_Id", "3")], [3]),
        ([("EmailAccount_DisplayName", "anna"), ("EmailAccount_Id", "3")], []),
        ([("utm_source", "x")], [1, 2, 3, 4]),
    ],
)
def test_pages(query: list[tuple[str, str]], expected: list[int]) -> None:
    assert ids(*query) == expected


def test_where_a_page_lies() -> None:
    page = page_of(RECORDS, read_query([("size", "1"), ("page", "3")]))
    told = ("FirstItem", "LastItem", "TotalPages", "HasNextPage", "HasPreviousPage")
    assert [page[name] for name in told] == [3, 3, 4, True, True]
    beyond = page_of(RECORDS, read_query([("page", "9")]))
    assert [beyond[name] for name in told] == [0, 0, 1, False, True]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("page", "0"),
        ("page", "x"),
        ("page", "9" * 30),
        ("size", "1001"),
        ("size", "-1"),
        ("orderBy", "Name"),
        ("orderBy", "GoogleAccessToken"),
        ("dir", "2"),
        ("EmailAccount_Unknown", "1"),
        ("EmailAccount_IncomingServerPassword", "geheim"),
        ("EmailAccount_Active", "yes"),
        ("EmailAccount_IncomingServerPort", "imap"),
    ],
)
def test_a_wrong_parameter_is_told(name: str, value: str) -> None:
    with pytest.raises(InvalidRecord) as refused:
        read_query([(name, value)])
    assert [one.name for one in refused.value.problems] == [name]


def test_all_wrong_parameters_are_told_at_once() -> None:
    with pytest.raises(InvalidRecord) as refused:
        read_query([("page", "0"), ("size", "x"), ("dir", "up"), ("dir", "1")])
    assert [one.name for one in refused.value.problems] == ["dir", "page", "size"]
