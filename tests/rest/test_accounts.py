"""Mail accounts over the web API: saved whole or in part, with the caller's rights."""

from __future__ import annotations

import json
from typing import Any

import pytest
from lxml import etree

from services84.agents.convert import PASSWORD_MASK
from tests.rest.web import AGENT, Answer, Web
from tests.support.service import Service

ACCOUNT = {
    "EMailAccountId": 0,
    "EMailAddress": "ingrid@example.com",
    "AssociateId": 0,
    "IncomingCredentials": {
        "Server": "imap.example.com",
        "Port": 993,
        "AuthType": "Password",
        "Username": "ingrid",
        "Password": "mail secret 84",
    },
    "OutgoingCredentials": None,
}
SAVE = f"{AGENT}/SaveEMailAccount"
MERGE = "application/merge-patch+json"
PATCH = "application/json-patch+json"


@pytest.fixture
def saved(web: Web) -> dict[str, Any]:
    told: dict[str, Any] = web.post(SAVE, ACCOUNT).json
    return told


def patch(web: Web, kind: str, value: Any, query: str = "") -> Answer:
    return web("POST", SAVE + query, json.dumps(value).encode(), kind)


def stored_password(service: Service, account_id: int) -> str | None:
    account = service.services.accounts.get(account_id)
    assert account is not None
    assert account.incoming is not None
    return account.incoming.password


def test_the_account_itself_is_the_body(service: Service, saved: dict[str, Any]) -> None:
    assert saved["EMailAccountId"] > 0
    assert saved["EMailAddress"] == "ingrid@example.com"
    assert saved["IncomingCredentials"]["Password"] == PASSWORD_MASK
    assert stored_password(service, saved["EMailAccountId"]) == "mail secret 84"


def test_an_answer_can_be_sent_back_as_it_is(
    service: Service, web: Web, saved: dict[str, Any]
) -> None:
    again = web.post(SAVE, saved)
    assert again.status == 200, again.body
    assert again.json == saved
    assert stored_password(service, saved["EMailAccountId"]) == "mail secret 84"


def test_an_xml_answer_can_be_sent_back_as_it_is(web: Web, saved: dict[str, Any]) -> None:
    query = f"?eMailAccountId={saved['EMailAccountId']}"
    told = web("POST", f"{AGENT}/GetEMailAccount{query}", b"", Accept="application/xml").body
    again = web("POST", SAVE, told, "application/xml", Accept="application/xml")
    assert again.status == 200, again.body
    assert etree.fromstring(again.body).findtext("EMailAddress") == "ingrid@example.com"
    assert again.body == told


def test_the_id_stands_in_the_query_or_in_the_body(web: Web, saved: dict[str, Any]) -> None:
    number = saved["EMailAccountId"]
    for answer in (
        web("POST", f"{AGENT}/GetEMailAccount?eMailAccountId={number}", b""),
        web("POST", f"{AGENT}/GetEMailAccount?EMAILACCOUNTID={number}", b"{}", "application/json"),
        web.call("GetEMailAccount", {"EMailAccountId": number}),
    ):
        assert answer.json == saved


@pytest.mark.parametrize(
    ("query", "body", "said"),
    [
        ("", {}, "EMailAccountId: '' is missing; give ?eMailAccountId="),
        ("?eMailAccountId=x", {}, "EMailAccountId: 'x' is no whole number"),
        ("?eMailAccountId=1&eMailAccountId=2", {}, "is given more than once"),
        ("?eMailAccountId=1", {"EMailAccountId": 1}, "is given more than once"),
    ],
)
def test_an_id_that_is_wrong_is_told(web: Web, query: str, body: Any, said: str) -> None:
    answer = web.post(f"{AGENT}/GetEMailAccount{query}", body)
    assert answer.problem[0] == 400
    assert said in answer.problem[2]


def test_a_deleted_account_is_gone(web: Web, saved: dict[str, Any]) -> None:
    query = f"?eMailAccountId={saved['EMailAccountId']}"
    assert web("POST", f"{AGENT}/DeleteEMailAccount{query}", b"").status == 204
    answer = web("POST", f"{AGENT}/GetEMailAccount{query}", b"")
    assert answer.problem[:2] == (404, "SoNotFoundException")


def test_others_accounts_look_as_if_there_were_none(
    service: Service, saved: dict[str, Any]
) -> None:
    _, ticket = service.associate("bjarne")
    other = Web(service, ticket)
    query = f"?eMailAccountId={saved['EMailAccountId']}"
    for kind in (MERGE, PATCH):
        answer = patch(other, kind, [] if kind == PATCH else {"EMailAddress": "x@y.z"}, query)
        assert answer.problem[:2] == (404, "SoNotFoundException")


def test_a_merge_patch_changes_what_it_names(
    service: Service, web: Web, saved: dict[str, Any]
) -> None:
    number = saved["EMailAccountId"]
    part = {"EMailAccountId": number, "IncomingCredentials": {"Username": "i.berg"}}
    told = patch(web, MERGE, part).json
    expected = json.loads(json.dumps(saved))
    expected["IncomingCredentials"]["Username"] = "i.berg"
    assert told["IncomingCredentials"]["Username"] == "i.berg"
    assert told["IncomingCredentials"]["Server"] == "imap.example.com"
    assert told["EMailAddress"] == "ingrid@example.com"
    assert told == expected | {"IncomingCredentials": told["IncomingCredentials"]}
    new = patch(
        web, MERGE, {"IncomingCredentials": {"Password": "another"}}, f"?eMailAccountId={number}"
    )
    assert new.status == 200, new.body
    assert stored_password(service, number) == "another"


def test_a_merge_patch_without_an_id_makes_an_account(web: Web) -> None:
    part = {"EMailAddress": "new@example.com"}
    told = patch(web, MERGE, part).json
    assert told["EMailAccountId"] > 0
    assert told["EMailAddress"] == "new@example.com"


def test_a_json_patch_is_applied_to_what_is_stored(web: Web, saved: dict[str, Any]) -> None:
    query = f"?eMailAccountId={saved['EMailAccountId']}"
    steps = [
        {"op": "test", "path": "/EMailAddress", "value": "ingrid@example.com"},
        {"op": "replace", "path": "/IncomingCredentials/Port", "value": 143},
    ]
    told = patch(web, PATCH, steps, query).json
    assert told["IncomingCredentials"]["Port"] == 143
    assert told["IncomingCredentials"]["Username"] == "ingrid"
    steps[0]["value"] = "somebody@example.com"
    steps[1]["value"] = 1143
    answer = patch(web, PATCH, steps, query)
    assert answer.problem[0] == 409
    assert "/EMailAddress" in answer.problem[2]
    stored = web("POST", f"{AGENT}/GetEMailAccount{query}", b"").json
    assert stored["IncomingCredentials"]["Port"] == 143


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (MERGE, {"EMailAddres": "x"}, "EMailAccount/EMailAddres: 'EMailAddres' is no member here"),
        (
            MERGE,
            {"IncomingCredentials": {"Port": "x"}},
            "EMailAccount/IncomingCredentials/Port: 'x'",
        ),
        (MERGE, "text", "EMailAccount: 'text' is no object"),
        (PATCH, [{"op": "add", "path": "/Active", "value": True}], "EMailAccount/Active: 'Active'"),
        (PATCH, [{"op": "replace", "path": "/EMailAccountId", "value": 99}], "cannot be changed"),
        (MERGE, {"EMailAccountId": 99}, "cannot be changed"),
    ],
)
def test_a_patch_that_makes_no_account_is_refused(
    web: Web, saved: dict[str, Any], kind: str, value: Any, said: str
) -> None:
    answer = patch(web, kind, value, f"?eMailAccountId={saved['EMailAccountId']}")
    assert answer.problem[0] == 400, answer.body
    assert said in answer.problem[2]


def test_what_is_wrong_with_an_account_is_told_by_its_path(web: Web) -> None:
    answer = web.post(SAVE, ACCOUNT | {"IncomingCredentials": {"Server": "h", "Username": ""}})
    assert answer.problem[:2] == (400, "SoArgumentException")
    assert answer.problem[2].startswith("EMailAccount/IncomingCredentials/Username: ")


def test_an_account_tells_its_owner_what_may_be_done(saved: dict[str, Any]) -> None:
    assert saved["TableRight"] == {"Mask": "FULL", "Reason": ""}
    fields = saved["FieldProperties"]
    assert set(fields) == {
        "EMailAccountId",
        "EMailAddress",
        "AssociateId",
        "AccountStatus",
        "ErrorCount",
        "ErrorReason",
    }
    assert fields["EMailAddress"] == {
        "FieldRight": {"Mask": "FULL", "Reason": ""},
        "FieldType": "System.String",
        "FieldLength": 254,
    }
    assert fields["EMailAccountId"]["FieldType"] == "System.Int32"
    assert fields["AccountStatus"]["FieldRight"]["Mask"] == "Read"
    assert fields["AssociateId"]["FieldRight"]["Mask"] == "Read"
    inside = saved["IncomingCredentials"]["FieldProperties"]
    assert inside["Password"]["FieldRight"]["Mask"] == "Write"
    assert inside["Server"]["FieldLength"] == 255


def test_the_rights_told_are_the_rights_there_are(service: Service, web: Web) -> None:
    """What the fields tell of the owner and of the longest texts is what saving does."""
    admin = Web(service, service.associate("chief", admin=True)[1])
    told = admin.post(SAVE, ACCOUNT).json
    fields, inside = told["FieldProperties"], told["IncomingCredentials"]["FieldProperties"]
    assert fields["AssociateId"]["FieldRight"]["Mask"] == "FULL"
    assert web.post(SAVE, ACCOUNT | {"AssociateId": 2}).problem[0] == 403
    longest = {
        name: "x" * inside[name]["FieldLength"] for name in ("Server", "Username", "Password")
    }
    account = ACCOUNT | {"IncomingCredentials": longest}
    assert admin.post(SAVE, account).status == 200
    for name, text in longest.items():
        longer = account | {"IncomingCredentials": longest | {name: text + "x"}}
        assert admin.post(SAVE, longer).problem[0] == 400
    longest_address = "x" * (fields["EMailAddress"]["FieldLength"] - 12) + "@example.com"
    assert admin.post(SAVE, ACCOUNT | {"EMailAddress": longest_address}).status == 200
    assert admin.post(SAVE, ACCOUNT | {"EMailAddress": "x" + longest_address}).problem[0] == 400


def test_soap_tells_no_rights(service: Service, web: Web, saved: dict[str, Any]) -> None:
    reply = service.call("GetCurrentAccount", ticket=web.ticket)
    assert reply.text("Response/EMailAddress") == "ingrid@example.com"
    assert reply.text("Response/TableRight/Mask") is None
