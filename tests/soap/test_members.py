"""Parameters: every type is read, and every mistake is named with its path."""

from __future__ import annotations

import base64
import time
from datetime import UTC, datetime

import pytest

from services84.carriers.base import to_dict
from services84.soap.endpoint import SoapEndpoint
from services84.wire.xmlreader import MAX_NAMESPACES
from tests.soap.wire import TNS, Service, envelope, make_endpoint, post

XSD = "http://www.w3.org/2001/XMLSchema"
PAIR = "AuthenticationGenericDataKeyValuePair"
ARRAYS = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"


def save(members: str) -> str:
    return envelope(f"<SaveEMailAccount><EMailAccount>{members}</EMailAccount></SaveEMailAccount>")


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (
            "<IncomingCredentials><Port>99x</Port></IncomingCredentials>",
            "EMailAccount/IncomingCredentials/Port: '99x' is no whole number between -2147483648 "
            "and 2147483647",
        ),
        ("<EMailAccountId/>", "EMailAccount/EMailAccountId: '' is no whole number between "),
        (
            "<AccountStatus>32768</AccountStatus>",
            "EMailAccount/AccountStatus: '32768' is no whole number between -32768 and 32767",
        ),
        (
            "<Port>1</Port>",
            "EMailAccount/Port: 'Port' is no member here; the members are TableRight, ",
        ),
        (
            "<ErrorCount>1</ErrorCount><ErrorCount>1</ErrorCount>",
            "EMailAccount/ErrorCount[2]: 'ErrorCount' is given more than once",
        ),
        (
            '<x:ErrorCount xmlns:x="urn:x">1</x:ErrorCount>',
            f"EMailAccount/ErrorCount: 'urn:x' is not the namespace of this member, {TNS}",
        ),
        ('<ErrorCount xmlns="">1</ErrorCount>', "EMailAccount/ErrorCount: '' is not the namespace"),
        ("text", "EMailAccount: 'text' stands where only members belong"),
        ("<ErrorCount>1</ErrorCount>text", "EMailAccount: 'text' stands where only members belong"),
        (
            "<ErrorReason>a<b/></ErrorReason>",
            "EMailAccount/ErrorReason: 'b' is an element where a plain value belongs",
        ),
        (
            '<IncomingCredentials href="#a1"/>',
            "EMailAccount/IncomingCredentials: '#a1' refers to another element; not supported",
        ),
        (
            '<ErrorCount i:nil="yes">1</ErrorCount>',
            "EMailAccount/ErrorCount/@xsi:nil: 'yes' is none of true, false, 1, 0",
        ),
        (
            '<ErrorCount i:nil="true">1</ErrorCount>',
            "EMailAccount/ErrorCount: 'xsi:nil' stands at a member that has a value",
        ),
        (
            '<IncomingCredentials i:type="EMailAccount"/>',
            "EMailAccount/IncomingCredentials: 'EMailAccount' is not the type of this member, ",
        ),
        (
            '<IncomingCredentials i:type="x:string" xmlns:x="http://www.w3.org/2001/XMLSchema"/>',
            "EMailAccount/IncomingCredentials: 'x:string' is not the type of this member, ServiceAuth",
        ),
        (
            '<ErrorCount i:type="z:int">1</ErrorCount>',
            "EMailAccount/ErrorCount: 'z:int' is not the type",
        ),
        (
            '<ErrorReason i:type="x:base64Binary" xmlns:x="http://www.w3.org/2001/XMLSchema">$</ErrorReason>',
            "EMailAccount/ErrorReason: '$' is no base64",
        ),
        (
            '<ErrorReason i:type="x:base64Binary" xmlns:x="http://www.w3.org/2001/XMLSchema">/w==</ErrorReason>',
            "EMailAccount/ErrorReason: 'x:base64Binary' holds no UTF-8",
        ),
        (
            "<TableRight><Mask>Select Nothing</Mask></TableRight>",
            "EMailAccount/TableRight/Mask: 'Select Nothing' is none of Select, Update, ",
        ),
    ],
)
def test_a_wrong_member_is_named_with_its_path(
    endpoint: SoapEndpoint, service: Service, members: str, message: str
) -> None:
    answer = post(endpoint, save(members))
    assert answer.status == 500
    assert answer.text("faultcode") == "s:Client"
    assert (answer.text("faultstring") or "").startswith(message)
    assert service.calls == []


def test_the_path_counts_the_items_of_an_array(endpoint: SoapEndpoint) -> None:
    items = "<SyncUserAccount/><SyncUserAccount><AccountId>x</AccountId></SyncUserAccount>"
    answer = post(
        endpoint,
        envelope(
            f"<SyncEmailAccounts><SyncUserAccounts>{items}</SyncUserAccounts></SyncEmailAccounts>"
        ),
    )
    assert (answer.text("faultstring") or "").startswith(
        "SyncUserAccounts/SyncUserAccount[2]/AccountId: 'x'"
    )


@pytest.mark.parametrize(
    ("items", "problem"),
    [
        ("<int>1</int>", f"'{{{TNS}}}int' is no item of this array; items are {{{ARRAYS}}}int"),
        (f'<item xmlns="{ARRAYS}">1</item>', "is no item of this array"),
        (f'<int xmlns="{ARRAYS}" i:nil="true"/>', "is nil, which an item of this array cannot be"),
    ],
)
def test_a_wrong_item_is_refused(endpoint: SoapEndpoint, items: str, problem: str) -> None:
    answer = post(endpoint, envelope(f"<Echo><Ints>{items}</Ints></Echo>"))
    assert problem in (answer.text("faultstring") or "")


def test_a_wrong_time_zone_is_named_by_its_header(endpoint: SoapEndpoint) -> None:
    header = "<TimeZone><SoTimeZoneId>CET</SoTimeZoneId></TimeZone>"
    answer = post(endpoint, envelope("<GetCurrentAccountId/>", header=header))
    assert (answer.text("faultstring") or "").startswith("TimeZone/SoTimeZoneId: 'CET' is no whole")


def test_without_a_ticket_nothing_is_said_of_the_parameters(
    endpoint: SoapEndpoint, service: Service
) -> None:
    wrong = "<SaveEMailAccount><Nonsense/></SaveEMailAccount>"
    answer = post(endpoint, envelope(wrong, header=""))
    assert answer.status == 200
    assert answer.text("ExceptionType") == "SoAuthenticationException"
    assert service.calls == []


def test_every_type_is_read_and_written(endpoint: SoapEndpoint, service: Service) -> None:
    sent = (
        "<Echo><Int> -1 </Int><Short>2</Short><Boolean>1</Boolean><Double>1.5</Double>"
        "<DateTime>2024-02-29T12:30:01.5Z</DateTime><String> a&lt;b\n</String><Binary>AAEC</Binary>"
        "<Enumeration>InternalAssociate</Enumeration><Flags>Update Select</Flags>"
        f'<Ints xmlns:a="{ARRAYS}"><a:int>1</a:int><a:int>2</a:int></Ints>'
        f'<Strings xmlns:a="{ARRAYS}"><a:string>x</a:string><a:string i:nil="true"/><a:string/></Strings>'
        "<Auth><Port>993</Port></Auth></Echo>"
    )
    post(endpoint, envelope(sent))
    ((_, arguments),) = service.calls
    *simple, auth = arguments
    assert simple == [
        -1,
        2,
        True,
        1.5,
        datetime(2024, 2, 29, 12, 30, 1, 500000, tzinfo=UTC),
        " a<b\n",
        b"\0\1\2",
        "InternalAssociate",
        ("Update", "Select"),
        [1, 2],
        ["x", None, ""],
    ]
    assert (auth.Port, auth.Server, auth.TableRight) == (993, None, None)
    service.result = dict(zip(service.table["Echo"].returns, arguments, strict=True))
    answer = post(endpoint, envelope(sent))
    assert {child.tag.partition("}")[2]: child.text for child in answer.result[:9]} == {
        "Int": "-1",
        "Short": "2",
        "Boolean": "true",
        "Double": "1.5",
        "DateTime": "2024-02-29T12:30:01.500000",
        "String": " a<b\n",
        "Binary": "AAEC",
        "Enumeration": "InternalAssociate",
        "Flags": "Update Select",
    }
    assert [item.text for item in answer.result[9]] == ["1", "2"]
    assert [item.text for item in answer.result[10]] == ["x", None, None]
    assert answer.result[9][0].tag == f"{{{ARRAYS}}}int"


def test_dictionaries_are_read(endpoint: SoapEndpoint, service: Service) -> None:
    pair = "<AuthenticationGenericDataKeyValuePair><Key>{}</Key>{}</AuthenticationGenericDataKeyValuePair>"
    data = pair.format("UserName", "<Value>tje0</Value>") + pair.format("X", '<Value i:nil="1"/>')
    property_ = (
        "<FieldPropertyDictionaryKeyValuePair><Key>Port</Key><Value><FieldRight><Mask>Read Write"
        "</Mask></FieldRight><FieldLength>4</FieldLength></Value></FieldPropertyDictionaryKeyValuePair>"
    )
    post(
        endpoint, envelope(f"<Sign><Data>{data}</Data><Properties>{property_}</Properties></Sign>")
    )
    ((_, (signed, properties)),) = service.calls
    assert to_dict(signed) == {"UserName": "tje0", "X": None}
    port = to_dict(properties)["Port"]
    assert (port.FieldRight.Mask, port.FieldLength) == (("Read", "Write"), 4)


def test_members_may_come_in_any_order_and_be_nil(endpoint: SoapEndpoint, service: Service) -> None:
    post(
        endpoint,
        save(
            '<ErrorReason i:nil="true"/><EMailAccountId i:nil="1"/><EMailAddress/>'
            '<IncomingCredentials i:nil="true"/><TableRight i:nil="false"/>'
        ),
    )
    ((_, (account,)),) = service.calls
    assert (account.ErrorReason, account.EMailAccountId, account.EMailAddress) == (None, None, "")
    assert account.IncomingCredentials is None
    assert account.TableRight is not None


@pytest.mark.parametrize("type_name", ["x:string", "x:base64Binary", "e:base64"])
def test_a_string_may_come_as_base64(
    endpoint: SoapEndpoint, service: Service, type_name: str
) -> None:
    text = "grüße" if type_name == "x:string" else base64.b64encode("grüße".encode()).decode()
    post(
        endpoint,
        save(
            f'<EMailAddress i:type="{type_name}" xmlns:x="http://www.w3.org/2001/XMLSchema" '
            f'xmlns:e="http://schemas.xmlsoap.org/soap/encoding/">{text}</EMailAddress>'
        ),
    )
    assert service.calls[0][1][0].EMailAddress == "grüße"


def test_an_attachment_of_forty_megabytes_is_read_and_returned(service: Service) -> None:
    endpoint = make_endpoint(service)
    binary = bytes(range(256)) * (40 * 4096)
    service.result = {"Binary": binary}
    text = base64.b64encode(binary).decode()
    answer = post(endpoint, envelope(f"<Echo><Binary>{text}</Binary></Echo>"))
    assert service.calls[0][1][6] == binary
    assert text.encode() in answer.body


def test_twenty_thousand_pairs_are_read(service: Service) -> None:
    endpoint = make_endpoint(service, max_xml_elements=400_000)
    pair = "<AuthenticationGenericDataKeyValuePair><Key>k</Key></AuthenticationGenericDataKeyValuePair>"
    post(endpoint, envelope(f"<Sign><Data>{pair * 20_000}</Data></Sign>"))
    assert len(service.calls[0][1][0].AuthenticationGenericDataKeyValuePair) == 20_000


SECRET = "My$ecret"


@pytest.mark.parametrize(
    "members",
    [
        f'<Password xmlns:x="{XSD}" i:type="x:base64Binary">{SECRET}</Password>',
        f'<Password xmlns:x="urn:x" i:type="x:{SECRET}">a</Password>',
        f"<Password><{SECRET.replace('$', '')}/></Password>",
        f'<Password i:nil="{SECRET}"/>',
        f'<Password href="{SECRET}"/>',
        f'<Password xmlns="{SECRET}"/>',
    ],
)
def test_a_wrong_password_is_not_told(endpoint: SoapEndpoint, members: str) -> None:
    answer = post(endpoint, save(f"<IncomingCredentials>{members}</IncomingCredentials>"))
    assert answer.status == 500
    assert "EMailAccount/IncomingCredentials/Password" in (answer.text("faultstring") or "")
    assert b"ecret" not in answer.body


@pytest.mark.parametrize("header", ["<Credentials>{}</Credentials>", "{}"])
def test_a_wrong_ticket_or_token_is_not_told(endpoint: SoapEndpoint, header: str) -> None:
    name = "Ticket" if "Credentials" in header else "ApplicationToken"
    block = f'<{name} xmlns:x="{XSD}" i:type="x:base64Binary">{SECRET}</{name}>'
    answer = post(endpoint, envelope("<GetCurrentAccountId/>", header=header.format(block)))
    assert f"{name}: '(not shown)' is no base64" in (answer.text("faultstring") or "")
    assert SECRET.encode() not in answer.body


@pytest.mark.parametrize("value", ["", "<Key>Password</Key>"])
def test_a_wrong_value_of_a_dictionary_is_not_told(endpoint: SoapEndpoint, value: str) -> None:
    secret = f'<Value xmlns:x="{XSD}" i:type="x:base64Binary">{SECRET}</Value>'
    pair = f"<{PAIR}>{value}{secret}</{PAIR}>"
    answer = post(endpoint, envelope(f"<Sign><Data>{pair}</Data></Sign>"))
    assert "Value: '(not shown)' is no base64" in (answer.text("faultstring") or "")
    assert SECRET.encode() not in answer.body


def test_what_is_wrong_with_another_member_is_told(endpoint: SoapEndpoint) -> None:
    typed = f'<Server xmlns:x="{XSD}" i:type="x:base64Binary">a$b</Server>'
    answer = post(endpoint, save(f"<IncomingCredentials>{typed}</IncomingCredentials>"))
    assert "Server: 'a$b' is no base64" in (answer.text("faultstring") or "")


def test_many_types_beside_many_namespaces_are_read_in_short(service: Service) -> None:
    """The name of each is looked up among all namespaces in force there."""
    namespaces = " ".join(f'xmlns:p{number}="urn:{number}"' for number in range(MAX_NAMESPACES - 4))
    key = '<Key i:type="x:string">a</Key><Value i:type="x:string">b</Value>'
    pairs = f"<{PAIR}>{key}</{PAIR}>" * 10_000
    body = f'<Sign xmlns:x="{XSD}" {namespaces}><Data>{pairs}</Data></Sign>'
    started = time.process_time()
    assert post(make_endpoint(service), envelope(body)).text("Succeeded") == "true"
    assert time.process_time() - started < 2
