"""Plain values become members of their types; what is wrong is named with its path as over SOAP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from services84.agents import EMAIL
from services84.carriers.account import EMailAccount
from services84.carriers.base import Binary, Boolean, DateTime, Double, Int, Short, String, to_dict
from services84.carriers.document import DocumentEntity
from services84.carriers.message import EMailFlags, EMailPriority
from services84.carriers.shapes import shape_of
from services84.errors import InvalidMember
from services84.rest.members import Text, read_members, read_value
from services84.rest.places import places_of

SEND = places_of(EMAIL["SendEMails"]).shapes


def read(kind: Any, value: Any) -> Any:
    return read_value(shape_of(kind), value, "Member")


@pytest.mark.parametrize(
    ("kind", "value", "is_read"),
    [
        (Int, 5, 5),
        (Int, 5.0, 5),
        (Int, Text(" 5 "), 5),
        (Int, None, None),
        (Short, -32768, -32768),
        (Double, 1, 1.0),
        (Double, Text("1e3"), 1000.0),
        (Boolean, False, False),
        (Boolean, Text("1"), True),
        (String, "Grüße \x07\n", "Grüße \x07\n"),
        (String, Text(""), ""),
        (Binary, "AAEC/w==", b"\0\1\2\xff"),
        (DateTime, "2024-02-29T12:30:00Z", datetime(2024, 2, 29, 12, 30, tzinfo=UTC)),
        (DateTime, "2024-02-29T12:30:00", datetime(2024, 2, 29, 12, 30)),
        (EMailPriority, "High", "High"),
        (EMailFlags, "Seen, Flagged", ("Seen", "Flagged")),
        (EMailFlags, "Seen Flagged Seen", ("Seen", "Flagged")),
        (EMailFlags, "None", ()),
        (EMailFlags, "", ()),
    ],
)
def test_values_are_read(kind: Any, value: Any, is_read: Any) -> None:
    assert read(kind, value) == is_read


@pytest.mark.parametrize(
    ("kind", "value", "problem"),
    [
        (Int, "5", "'5' is no whole number between -2147483648 and 2147483647"),
        (Int, True, "'true' is no whole number"),
        (Int, 5.5, "'5.5' is no whole number"),
        (Int, 2**31, "is no whole number"),
        (Int, [5], "'a list' is no whole number"),
        (Int, Text("5.0"), "is no whole number"),
        (Short, 40_000, "is no whole number between -32768 and 32767"),
        (Double, "1", "is no number"),
        (Double, 10**400, "is no number"),
        (Double, float("inf"), "is no number"),
        (Boolean, "true", "is neither true nor false"),
        (Boolean, 1, "is neither true nor false"),
        (Boolean, Text("yes"), "is none of true, false, 1, 0"),
        (String, 5, "is no text"),
        (String, "a\0b", "holds a NUL"),
        (String, "half \ud83d", "half of a surrogate pair"),
        (Binary, "???", "is no base64"),
        (Binary, 5, "is no text, and base64 is one"),
        (DateTime, "2024-02-30T00:00:00", "is no date and time"),
        (DateTime, 5, "is no text, and a date is one"),
        (EMailPriority, "high", "is none of NoPriority, Highest"),
        (EMailPriority, 1, "is none of NoPriority"),
        (EMailFlags, "Seen, Green", "'Seen, Green' is none of Seen, Deleted"),
        (EMailFlags, ["Seen"], "'a list' is none of"),
        (EMailAccount, "5", "is no object; a EMailAccount has members"),
        (EMailAccount, [], "'a list' is no object"),
    ],
)
def test_what_is_not_of_its_type_is_refused_by_name(kind: Any, value: Any, problem: str) -> None:
    with pytest.raises(InvalidMember) as refusal:
        read(kind, value)
    assert refusal.value.member == "Member"
    assert problem in refusal.value.message


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"Mails": []}, "Mails"),
        ({"Emails": {}}, "Emails"),
        ({"Emails": [{"To": 5}]}, "Emails/EMailEntity/To"),
        (
            {"Emails": [{}, {"To": [{"Address": 5}]}]},
            "Emails/EMailEntity[2]/To/EMailAddress/Address",
        ),
        ({"Emails": [{"to": []}]}, "Emails/EMailEntity/to"),
        ({"OutgoingConnectionInfo": {"Port": 5}}, "OutgoingConnectionInfo/Port"),
        ([], "(body)"),
        ("text", "(body)"),
    ],
)
def test_the_path_of_a_refusal_is_that_of_soap(members: Any, path: str) -> None:
    with pytest.raises(InvalidMember) as refusal:
        read_members(SEND, members)
    assert refusal.value.member == path


def test_an_item_that_cannot_be_nil_is_refused() -> None:
    shapes = places_of(EMAIL["DeleteEmails"]).shapes
    with pytest.raises(InvalidMember, match=r"Ids/int\[2\].*is nil"):
        read_members(shapes, {"Ids": [1, None]})


def test_an_unknown_member_is_told_which_there_are() -> None:
    with pytest.raises(
        InvalidMember, match=r"UseGraphApi.*is no member here; the members are Server"
    ):
        read_members(SEND, {"OutgoingConnectionInfo": {"UseGraphApi": True}})


def test_a_secret_is_not_told() -> None:
    with pytest.raises(InvalidMember) as refusal:
        read_members(SEND, {"OutgoingConnectionInfo": {"Password": 1234567}})
    assert "1234567" not in refusal.value.message


def test_absent_members_are_none() -> None:
    assert read_members(SEND, None) == dict.fromkeys(SEND)


def test_what_was_told_of_rights_may_be_sent_back() -> None:
    right = {"FieldRight": {"Mask": "FULL", "Reason": ""}, "FieldType": "x", "FieldLength": 5}
    account = read(
        EMailAccount,
        {"TableRight": {"Mask": "FULL", "Reason": ""}, "FieldProperties": {"EMailAddress": right}},
    )
    assert account.TableRight.Mask == ("Select", "Update", "Insert", "Delete", "Filtering")


def test_a_dictionary_is_an_object() -> None:
    document = read(DocumentEntity, {"ExtraFields": {"a": "b", "c": None}})
    assert to_dict(document.ExtraFields) == {"a": "b", "c": None}
