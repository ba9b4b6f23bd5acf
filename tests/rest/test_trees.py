"""XML and forms say the same as JSON."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote_plus

import pytest
from lxml import etree

from services84.agents import EMAIL
from services84.errors import InvalidMember, LimitExceeded, MalformedMessage
from services84.namespaces import ARRAYS, SERVICES84
from services84.rest.places import places_of
from services84.rest.trees import members_of_form, members_of_xml
from services84.wire.xmlreader import XmlLimits

LIMITS = XmlLimits(depth=8, elements=100)
DELETE = places_of(EMAIL["Delete"]).shapes
ARCHIVE = places_of(EMAIL["CreateEMailFromDocumentEntity"]).shapes
SAID = {
    "ConnectionInfo": {"ServerName": "h:1", "UseSSL": "true"},
    "MessageServerIds": ["1", "2"],
    "MoveToFolder": "Größe & <co>",
}


def xml(text: str, shapes: Any = DELETE) -> Any:
    return members_of_xml(shapes, etree.fromstring(text))


def form(text: str, shapes: Any = DELETE) -> Any:
    return members_of_form(shapes, text, LIMITS)


@pytest.mark.parametrize(
    ("default", "arrays"),
    [("", ""), (SERVICES84, ARRAYS), ("http://schemas.datacontract.org/2004/07/X", "")],
)
def test_elements_are_members(default: str, arrays: str) -> None:
    items = f'<int xmlns="{arrays or default}">1</int><int xmlns="{arrays or default}">2</int>'
    text = (
        f'<DeleteRequest xmlns="{default}">\n<ConnectionInfo><ServerName>h:1</ServerName>'
        f"<UseSSL>true</UseSSL></ConnectionInfo><MessageServerIds>{items}</MessageServerIds>"
        "<MoveToFolder>Größe &amp; &lt;co&gt;</MoveToFolder></DeleteRequest>"
    )
    assert xml(text) == SAID


def test_nil_is_null_and_pairs_are_a_dictionary() -> None:
    text = (
        '<R xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><DocumentEntity>'
        '<Header i:nil="true"/><ExtraFields><StringKeyValuePair><Key>a</Key><Value>b</Value>'
        "</StringKeyValuePair><StringKeyValuePair><Key>c</Key></StringKeyValuePair></ExtraFields>"
        "</DocumentEntity></R>"
    )
    assert xml(text, ARCHIVE) == {
        "DocumentEntity": {"Header": None, "ExtraFields": {"a": "b", "c": None}}
    }


@pytest.mark.parametrize(
    ("inside", "member", "problem"),
    [
        (
            "<MoveToFolder>a</MoveToFolder><MoveToFolder>b</MoveToFolder>",
            "MoveToFolder",
            "more than once",
        ),
        ("<MoveToFolder><b/></MoveToFolder>", "MoveToFolder", "is an element where a plain value"),
        ("stray", "(body)", "stands where only members belong"),
        ("<ConnectionInfo>stray</ConnectionInfo>", "ConnectionInfo", "stands where only members"),
        ("<MessageServerIds><string/></MessageServerIds>", "MessageServerIds", "items are int"),
        ('<MoveToFolder xmlns="urn:other"/>', "MoveToFolder", "is no namespace of this member"),
    ],
)
def test_xml_that_is_wrong_is_refused_by_name(inside: str, member: str, problem: str) -> None:
    with pytest.raises(InvalidMember, match=problem) as refusal:
        xml(f"<R>{inside}</R>")
    assert refusal.value.member == member


@pytest.mark.parametrize(
    "pair", ["<Other/>", "<StringKeyValuePair><Value>v</Value></StringKeyValuePair>"]
)
def test_a_pair_without_a_key_is_refused(pair: str) -> None:
    with pytest.raises(InvalidMember) as refusal:
        xml(f"<R><DocumentEntity><ExtraFields>{pair}</ExtraFields></DocumentEntity></R>", ARCHIVE)
    assert refusal.value.member == "DocumentEntity/ExtraFields"


@pytest.mark.parametrize(
    "text",
    [
        "ConnectionInfo.ServerName=h:1&ConnectionInfo.UseSSL=true&MessageServerIds=1&"
        "MessageServerIds=2&MoveToFolder=Gr%C3%B6%C3%9Fe+%26+%3Cco%3E",
        "ConnectionInfo[ServerName]=h:1&ConnectionInfo[UseSSL]=true&MessageServerIds[1]=2&"
        "MessageServerIds[0]=1&MoveToFolder=Größe%20%26%20<co>",
        "ConnectionInfo%5BServerName%5D=h:1&ConnectionInfo.UseSSL=true&MessageServerIds[]=1&"
        "MessageServerIds[]=2&MoveToFolder=Gr%C3%B6%C3%9Fe+%26+<co>",
    ],
)
def test_fields_are_members(text: str) -> None:
    assert form(text) == SAID


def test_an_empty_field_is_an_empty_text_or_nothing() -> None:
    said = form("MoveToFolder=&ConnectionInfo.UseSSL=&MessageServerIds=&ConnectionInfo.Folder=")
    assert said == {
        "MoveToFolder": "",
        "ConnectionInfo": {"UseSSL": None, "Folder": ""},
        "MessageServerIds": [],
    }


def test_items_of_a_list_may_have_members() -> None:
    shapes = places_of(EMAIL["SetSubscription"]).shapes
    said = form("Folders[0].Name=a&Folders[1].Name=b&Folders[1].Subscribed=true", shapes)
    assert said == {"Folders": [{"Name": "a"}, {"Name": "b", "Subscribed": "true"}]}


@pytest.mark.parametrize(
    ("text", "member", "problem"),
    [
        ("MoveToFolder=a&MoveToFolder=b", "MoveToFolder", "more than once"),
        ("MoveToFolder.a=b", "MoveToFolder", "stands below a plain value"),
        ("ConnectionInfo=b", "ConnectionInfo", "is a plain value where members belong"),
        ("MessageServerIds[x]=1", "MessageServerIds", "is no number of an item"),
    ],
)
def test_a_form_that_is_wrong_is_refused_by_name(text: str, member: str, problem: str) -> None:
    with pytest.raises(InvalidMember, match=problem) as refusal:
        form(text)
    assert refusal.value.member == member


def test_a_form_has_the_limits_of_xml() -> None:
    with pytest.raises(LimitExceeded, match="more than 100 fields"):
        form("&".join(f"f{number}=1" for number in range(101)))
    with pytest.raises(LimitExceeded, match="more than 8 levels"):
        form(".".join("abcdefghi") + "=1")
    with pytest.raises(LimitExceeded, match="more than 8 levels"):
        form("a" + "[b]" * 1_000_000 + "=1")


def test_what_stands_on_the_way_to_a_field_counts_as_well() -> None:
    """Hundred thousands of deep names would become tens of millions of members."""
    deep = [".".join([f"a{number}"] * 8) + "=1" for number in range(13)]
    assert form("&".join(deep[:12])) == {f"a{number}": "" for number in range(12)}
    with pytest.raises(LimitExceeded, match="more than 100 fields"):
        form("&".join(deep))


@pytest.mark.parametrize("before", range(65530, 65540))
def test_a_long_field_is_read_as_if_it_were_of_one_piece(before: int) -> None:
    value = "x" * before + "é&+ %ü" * 3
    assert form(f"MoveToFolder={quote_plus(value)}") == {"MoveToFolder": value}
    broken = "x" * before + "%"
    assert form(f"MoveToFolder={broken}%zz%4") == {"MoveToFolder": f"{broken}%zz%4"}


def test_a_form_in_another_encoding_is_refused() -> None:
    with pytest.raises(MalformedMessage, match="not encoded in utf-8"):
        form("MoveToFolder=%FF")
