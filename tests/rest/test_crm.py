"""/api/crm/emailaccounts: the same accounts that SOAP serves, in the documented shapes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services84.agents.crm.properties import PROPERTIES
from services84.roles import Role
from services84.store.account_options import AccountOptions, DeletionPolicy
from tests.agents.crm.samples import record
from tests.rest.oauth_clients import client_of
from tests.rest.web import Answer, Web
from tests.support.service import Service

URL = "/api/crm/emailaccounts"
SECRET = "geheim-84"
JSON = "application/json"


@pytest.fixture
def admin(service: Service) -> Web:
    _, ticket = service.associate("root", admin=True)
    return Web(service, ticket)


@pytest.fixture
def account_id(service: Service) -> int:
    """An account of Ole's, made by SOAP."""
    _, ticket = service.associate("ole")
    side = {"Port": 993, "Username": "ole", "Password": SECRET}
    members = {
        "EMailAddress": "ole@example.com",
        "IncomingCredentials": {"Server": "imap.example.com", **side},
        "OutgoingCredentials": {"Server": "smtp.example.com", **side | {"Port": 465}},
    }
    reply = service.call("SaveEMailAccount", {"EMailAccount": members}, ticket=ticket)
    assert reply.succeeded, reply.exception
    return int(reply.text("Response/EMailAccountId") or 0)


def put(web: Web, value: Any, **headers: str) -> Answer:
    return web("PUT", URL, json.dumps(value).encode(), JSON, **headers)


def granted(service: Service, *roles: Role) -> Web:
    """An associate with these roles who is no administrator."""
    found, ticket = service.associate(f"clerk {len(roles)} {'-'.join(roles)}")
    for role in roles:
        service.services.principals.grant_role(found.associate_id, role)
    return Web(service, ticket)


# Rights -----------------------------------------------------------------------------------------


def test_nobody_is_asked_who_it_is(nobody: Web, account_id: int) -> None:
    for method, path in [("GET", URL), ("PUT", URL), ("POST", URL), ("DELETE", f"{URL}/1")]:
        answer = nobody(method, path, b"{}", JSON)
        assert answer.status == 401
        assert "www-authenticate" in answer.headers


@pytest.mark.parametrize("role", [None, *Role])
def test_each_role_allows_one_thing(service: Service, account_id: int, role: Role | None) -> None:
    web = granted(service, *[role] if role else [])
    told = {
        Role.READ_ACCOUNTS: web.get(f"{URL}/{account_id}").status,
        Role.EDIT_ACCOUNTS: put(web, record(Id=account_id, AssociateId=None)).status,
        Role.CREATE_ACCOUNTS: web.post(URL, record(Id=...)).status,
        Role.DELETE_ACCOUNTS: web("DELETE", f"{URL}/{account_id}").status,
    }
    assert told == {one: 200 if one is role else 403 for one in Role}
    assert web.get(URL).status == (200 if role is Role.READ_ACCOUNTS else 403)


def test_who_has_no_right_learns_nothing_of_what_exists(service: Service, web: Web) -> None:
    assert put(web, {}).problem[:2] == (403, "SoAccessDeniedException")
    assert web.get(f"{URL}/4711").status == 403


def test_only_an_administrator_gives_accounts_to_others(
    service: Service, admin: Web, account_id: int
) -> None:
    clerk, _ = service.associate("clerk")
    editor = granted(service, Role.EDIT_ACCOUNTS)
    given = record(
        Id=account_id,
        EmailAddress="ole@example.com",
        IncomingServerUsername="ole",
        AssociateId=clerk.associate_id,
    )
    assert put(editor, given).status == 403
    assert put(admin, given).status == 200
    stored = service.services.accounts.get(account_id)
    assert stored is not None
    assert stored.associate_id == clerk.associate_id


# PUT --------------------------------------------------------------------------------------------


def test_an_update_answers_as_documented_and_soap_sees_it(
    service: Service, admin: Web, account_id: int
) -> None:
    answer = put(
        admin,
        record(
            Id=account_id,
            Active=False,
            DeleteMessageSettings="DeleteOnReceive",
            ReplyToEmail="answers@example.com",
            OutgoingServerSSL=True,
        ),
    )
    assert answer.status == 200
    assert answer.json == {
        "Status": 200,
        "Message": "EmailAccount was successfully updated.",
        "Value": {"Id": account_id},
        "WasSuccessful": True,
        "Errors": None,
    }
    stored = service.services.accounts.get(account_id)
    assert stored is not None
    assert stored.options == AccountOptions(
        "Ännä", 84, False, "answers@example.com", False, "", DeletionPolicy.DELETE_ON_RECEIVE
    )
    assert stored.incoming is not None
    assert stored.incoming.password == SECRET  # it was not given, and stays
    assert stored.incoming.username == "anna"
    reply = service.call("GetEMailAccount", {"EMailAccountId": account_id}, ticket=admin.ticket)
    assert reply.text("Response/EMailAddress") == "anna@example.com"


def test_a_save_by_soap_keeps_what_soap_does_not_know(
    service: Service, admin: Web, account_id: int
) -> None:
    put(admin, record(Id=account_id, Active=False, OutgoingServerSSL=True))
    side = {"Port": 993, "Username": "anna", "Password": "********"}
    members = {
        "EMailAccountId": account_id,
        "EMailAddress": "other@example.com",
        "IncomingCredentials": {"Server": "imap.example.com", **side},
        "OutgoingCredentials": {"Server": "smtp.example.com", **side | {"Port": 465}},
    }
    reply = service.call("SaveEMailAccount", {"EMailAccount": members}, ticket=admin.ticket)
    assert reply.succeeded, reply.exception
    told = admin.get(f"{URL}/{account_id}").json
    assert (told["DisplayName"], told["Active"]) == ("Ännä", False)
    assert told["OutgoingServerSSL"] is True
    assert told["EmailAddress"] == "other@example.com"


def test_what_is_wrong_is_told_all_at_once_and_nothing_is_written(
    service: Service, admin: Web, account_id: int
) -> None:
    before = service.services.accounts.get(account_id)
    answer = put(
        admin,
        record(
            Id=account_id, DisplayName=..., EmailAddress="ole", Active="yes", IncomingServerPort=0
        ),
    )
    assert answer.status == 400
    told = answer.json
    errors = {one["PropertyName"]: one for one in told["Errors"]}
    assert all(set(one) == {"AttemptedValue", "Message", "PropertyName"} for one in told["Errors"])
    assert set(errors) == {"DisplayName", "EmailAddress", "Active", "IncomingServerPort"}
    assert errors["DisplayName"] == {
        "AttemptedValue": None,
        "Message": "is a required field",
        "PropertyName": "DisplayName",
    }
    assert errors["EmailAddress"]["AttemptedValue"] == "ole"
    assert told["Message"] == "; ".join(
        f"{one['PropertyName']}: {one['Message']}" for one in told["Errors"]
    )
    assert (told["Status"], told["Value"], told["WasSuccessful"]) == (400, None, False)
    assert service.services.accounts.get(account_id) == before


def test_one_missing_field_is_told_as_the_document_shows_it(admin: Web, account_id: int) -> None:
    told = put(admin, record(Id=account_id, DisplayName=...)).json
    assert told["Message"] == "DisplayName: is a required field"
    assert [one["PropertyName"] for one in told["Errors"]] == ["DisplayName"]


def test_secrets_are_in_no_answer(admin: Web, account_id: int) -> None:
    wrong = record(
        Id=account_id,
        IncomingServerPassword=f"{SECRET}\n",
        OutgoingServerPassword=[SECRET],
        GoogleAccessToken=SECRET,
        Office365AccessToken=SECRET,
    )
    answer = put(admin, wrong)
    assert answer.status == 400
    assert SECRET.encode() not in answer.body
    right = record(Id=account_id, GoogleAccessToken=SECRET)
    assert put(admin, right).status == 200
    for path in (URL, f"{URL}/{account_id}"):
        assert SECRET.encode() not in admin.get(path).body
    assert admin.get(f"{URL}/{account_id}").json["GoogleAccessToken"] == "********"


def test_a_token_is_sealed_and_signs_in_by_xoauth2(
    service: Service, admin: Web, account_id: int
) -> None:
    put(admin, record(Id=account_id, Office365AccessToken="ey.token"))
    stored = service.services.accounts.get(account_id)
    assert stored is not None
    for side in (stored.incoming, stored.outgoing):
        assert side is not None
        assert (side.auth_type, side.password) == ("XOAUTH2", "ey.token")


def test_a_kept_password_goes_to_no_other_server(
    service: Service, admin: Web, account_id: int
) -> None:
    answer = put(admin, record(Id=account_id, IncomingServer="evil.example.com"))
    assert answer.status == 400
    assert [one["PropertyName"] for one in answer.json["Errors"]] == ["IncomingServerPassword"]
    stored = service.services.accounts.get(account_id)
    assert stored is not None
    assert stored.incoming is not None
    assert stored.incoming.server == "imap.example.com"


def test_a_record_that_was_read_is_saved_unchanged(
    service: Service, admin: Web, account_id: int
) -> None:
    put(admin, record(Id=account_id, ReplyToEmail="r@example.com"))
    read = admin.get(f"{URL}/{account_id}").json
    assert put(admin, read).status == 200
    again = admin.get(f"{URL}/{account_id}").json
    assert again | {"UpdatedOn": None} == read | {"UpdatedOn": None}


def test_an_unknown_id_is_not_found(admin: Web) -> None:
    assert put(admin, record(Id=4711)).problem[:2] == (404, "SoNotFoundException")
    assert admin.get(f"{URL}/4711").status == 404
    assert admin.get(f"{URL}/{10**20}").status == 404
    assert admin.get(f"{URL}/abc").status == 404
    assert admin("DELETE", f"{URL}/4711").status == 404


# The others -------------------------------------------------------------------------------------


def test_a_record_is_made_and_belongs_to_its_maker(service: Service) -> None:
    web = granted(service, Role.CREATE_ACCOUNTS, Role.READ_ACCOUNTS)
    answer = web.post(URL, record(Id=..., IncomingServerPassword=SECRET))
    assert answer.status == 200, answer.body
    assert answer.json["Message"] == "EmailAccount was successfully created."
    made = answer.json["Value"]["Id"]
    told = web.get(f"{URL}/{made}").json
    assert set(told) == {one.name for one in PROPERTIES}
    assert told["IncomingServerPassword"] == "********"
    assert told["OutgoingServerPassword"] is None
    stored = service.services.accounts.get(made)
    assert stored is not None
    assert stored.associate_name.startswith("clerk")
    assert stored.options.active


def test_a_new_record_has_no_id_of_its_own(admin: Web) -> None:
    answer = admin.post(URL, record(Id=5))
    assert [one["PropertyName"] for one in answer.json["Errors"]] == ["Id"]
    assert admin.get(URL).json["TotalItems"] == 0


def test_a_record_is_deleted_with_its_account(
    service: Service, admin: Web, account_id: int
) -> None:
    answer = admin("DELETE", f"{URL}/{account_id}")
    assert answer.status == 200
    assert answer.json["Value"] == {"Id": account_id}
    assert admin.get(f"{URL}/{account_id}").status == 404
    assert service.services.accounts.get(account_id) is None


def test_pages_of_records(admin: Web, account_id: int) -> None:
    for number in range(3):
        admin.post(URL, record(Id=..., DisplayName=f"Number {number}"))
    page = admin.get(f"{URL}?size=2&page=2&orderBy=DisplayName&dir=-1").json
    assert [one["DisplayName"] for one in page["Records"]] == ["Number 0", ""]
    assert (page["TotalItems"], page["TotalPages"], page["HasNextPage"]) == (4, 2, False)
    found = admin.get(f"{URL}?EmailAccount_EmailAddress=OLE@example.com").json
    assert [one["Id"] for one in found["Records"]] == [account_id]
    wrong = admin.get(f"{URL}?size=0&orderBy=Secret")
    assert wrong.status == 400
    assert [one["PropertyName"] for one in wrong.json["Errors"]] == ["size", "orderBy"]


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"", JSON, 400),
        (b"{", JSON, 400),
        (b"[]", JSON, 400),
        (b"\xff\xfe", JSON, 400),
        (b'{"Id": 1, "Id": 2}', JSON, 400),
        (b"{}", "text/plain", 415),
        (b"<a/>", "application/xml", 415),
        (b"{" + b" " * 300_000 + b"}", JSON, 413),
        (b"[" * 10_000, JSON, 413),
    ],
)
def test_what_is_no_record_is_refused(
    admin: Web, body: bytes, content_type: str, status: int
) -> None:
    assert admin("PUT", URL, body, content_type).status == status


def test_what_cannot_be_told_is_not_done(service: Service, admin: Web, account_id: int) -> None:
    assert admin("DELETE", f"{URL}/{account_id}", HTTP_ACCEPT="x", ACCEPT="image/png").status == 406
    assert service.services.accounts.get(account_id) is not None


def test_the_answer_can_be_xml(admin: Web, account_id: int) -> None:
    answer = put(admin, record(Id=account_id), ACCEPT="application/xml")
    assert b"<WasSuccessful>true</WasSuccessful>" in answer.body
    assert admin("PATCH", URL).status == 405


def test_the_address_counts_in_any_case(admin: Web, account_id: int) -> None:
    assert admin.get("/API/CRM/EmailAccounts").json["TotalItems"] == 1


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda held: st.lists(held, max_size=3) | st.dictionaries(st.text(), held, max_size=3),
    max_leaves=5,
)
CHANGES = st.dictionaries(
    st.sampled_from([one.name for one in PROPERTIES]) | st.text(max_size=9), ANYTHING, max_size=6
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(changes=CHANGES)
def test_whatever_is_given_is_saved_or_refused_in_the_documented_shape(
    admin: Web, account_id: int, changes: dict[str, Any]
) -> None:
    answer = put(admin, record() | changes | {"Id": account_id})
    assert answer.status in (200, 400), answer.body
    told = answer.json
    if "Error" not in told:  # else a name was given twice, which is no record at all
        assert told["WasSuccessful"] is (answer.status == 200)
        assert (told["Errors"] is None) is (answer.status == 200)
    assert set(admin.get(f"{URL}/{account_id}").json) == {one.name for one in PROPERTIES}


# Bearer -----------------------------------------------------------------------------------------


def test_a_bearer_token_opens_what_its_associate_may_do(service: Service, account_id: int) -> None:
    clerk, _ = service.associate("clerk")
    client = client_of(service, "crm", acts_as=clerk)
    token = client.by_itself().json["access_token"]
    given = record(Id=account_id)

    def answered() -> int:
        return put(Web(service), given, Authorization=f"Bearer {token}").status

    assert answered() == 403
    service.services.principals.grant_role(clerk.associate_id, Role.EDIT_ACCOUNTS)
    assert answered() == 200
    service.services.principals.revoke_role(clerk.associate_id, Role.EDIT_ACCOUNTS)
    assert answered() == 403
    client.revoke(token)
    assert answered() == 401
