"""Carriers become plain values as clients of the vendor's web API read them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from lxml import etree

from services84.carriers.account import EMailAccount, ServiceAuth
from services84.carriers.base import ArrayOfString, Binary, StringDictionary, from_dict
from services84.carriers.document import DocumentEntity
from services84.carriers.message import ArrayOfEMailEntity, EMailAttachment, EMailEntity
from services84.carriers.shapes import shape_of
from services84.errors import InvalidMember
from services84.rest.values import Form, check_selection, element, plain, read_selection

OSLO = ZoneInfo("Europe/Oslo")


def told(kind: Any, value: Any, select: str = "", form: Form | None = None) -> Any:
    return plain(shape_of(kind), value, form or Form(), read_selection(select))


def test_absent_values_are_zeros_where_a_type_has_no_null() -> None:
    mail = told(EMailEntity, EMailEntity())
    assert mail["EmailItemId"] == 0
    assert mail["IsSent"] is False
    assert mail["Sent"] == "0001-01-01T00:00:00"
    assert mail["Priority"] == "NoPriority"
    assert mail["Flags"] == "None"
    assert mail["Subject"] is mail["From"] is mail["To"] is mail["TableRight"] is None
    assert list(mail)[-2:] == ["TableRight", "FieldProperties"]


def test_flags_are_joined_and_bytes_packed() -> None:
    mail = EMailEntity(
        Flags=("Seen", "Draft"), Attachments=[EMailAttachment(Stream=[b"\0", b"\1"])]
    )
    assert told(EMailEntity, mail)["Flags"] == "Seen, Draft"
    assert told(EMailEntity, mail)["Attachments"][0]["Stream"] == "AAE="


def test_dates_have_an_offset_only_when_asked_for() -> None:
    mail = EMailEntity(Sent=datetime(2024, 7, 1, 12, 30))
    assert told(EMailEntity, mail, form=Form(OSLO))["Sent"] == "2024-07-01T12:30:00"
    asked = told(EMailEntity, mail, form=Form(OSLO, offset=True))
    assert asked["Sent"] == "2024-07-01T12:30:00+02:00"
    assert asked["RepliedAt"] == "0001-01-01T00:00:00"


def test_of_the_hour_that_is_there_twice_the_right_one_is_told() -> None:
    second = EMailEntity(Sent=datetime(2024, 10, 27, 2, 30, fold=1))
    assert told(EMailEntity, second, form=Form(OSLO, offset=True))["Sent"].endswith("+01:00")


def test_stamps_are_utc_for_everybody() -> None:
    document = DocumentEntity(CreatedDate=datetime(2024, 7, 1, 12, 30, tzinfo=UTC))
    assert told(DocumentEntity, document, form=Form(OSLO))["CreatedDate"] == "2024-07-01T12:30:00"
    asked = told(DocumentEntity, document, form=Form(OSLO, offset=True))
    assert asked["CreatedDate"] == "2024-07-01T12:30:00+00:00"


def test_what_is_not_selected_is_null() -> None:
    mail = EMailEntity(
        Subject="a", PlainBody="b", EmailItemId=5, Attachments=[EMailAttachment(Id="1", Type="x")]
    )
    few = told(EMailEntity, mail, " subject , ATTACHMENTS/id,attachments/Size ")
    assert (few["Subject"], few["PlainBody"], few["EmailItemId"]) == ("a", None, None)
    assert (few["Attachments"][0]["Id"], few["Attachments"][0]["Type"]) == ("1", None)
    assert few["Attachments"][0]["Size"] == 0
    assert told(EMailEntity, mail, ",") == told(EMailEntity, mail)


@pytest.mark.parametrize("select", ["Attachments,Attachments/Id", "Attachments/Id,Attachments"])
def test_the_whole_counts_more_than_a_part(select: str) -> None:
    mail = EMailEntity(Attachments=[EMailAttachment(Id="1", Type="x")])
    assert told(EMailEntity, mail, select)["Attachments"][0]["Type"] == "x"


@pytest.mark.parametrize("select", ["Subjekt", "Attachments/Subject", "From/To/Name"])
def test_a_name_that_is_no_member_is_refused(select: str) -> None:
    with pytest.raises(InvalidMember, match=r"\$select: .* is no member of EMail"):
        check_selection(shape_of(ArrayOfEMailEntity), read_selection(select))


def test_of_a_plain_value_nothing_is_selected() -> None:
    check_selection(shape_of(ArrayOfString), read_selection("name,department,category/id"))


def test_xml_has_the_same_members() -> None:
    account = EMailAccount(EMailAddress="å@example.com", IncomingCredentials=ServiceAuth(Port=993))
    root = element(shape_of(EMailAccount), told(EMailAccount, account))
    text = etree.tostring(root, encoding="unicode")
    assert text.startswith(
        '<EMailAccount xmlns:i="http://www.w3.org/2001/XMLSchema-instance">'
        "<EMailAccountId>0</EMailAccountId><EMailAddress>å@example.com</EMailAddress>"
    )
    assert "<Port>993</Port>" in text
    assert '<OutgoingCredentials i:nil="true"/>' in text


def test_xml_has_lists_and_pairs_as_soap_has_them() -> None:
    lines = element(shape_of(ArrayOfString), ["a", None, "b\x01"])
    assert [child.tag for child in lines] == ["string"] * 3
    assert [child.text for child in lines] == ["a", None, "b\ufffd"]
    document = DocumentEntity(ExtraFields=from_dict(StringDictionary, {"k": "v"}))
    root = element(shape_of(DocumentEntity), told(DocumentEntity, document))
    (pair,) = root.find("ExtraFields")
    assert (pair.tag, pair.findtext("Key"), pair.findtext("Value")) == (
        "StringKeyValuePair",
        "k",
        "v",
    )
    assert root.findtext("IsPublished") == "false"


def test_plain_values_are_xml_by_their_type() -> None:
    root = element(shape_of(Binary), told(Binary, b"\0"))
    assert (root.tag, root.text) == ("base64Binary", "AA==")
