"""The vendor's document on EmailAccounts: its fields, its enumerations, and both its answers.

It prints no sample: the examples came away when it was saved. What it says of requests and answers is
held to line by line, with a record that has what is required, and one that has all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services84.agents.crm.properties import DELETION_POLICIES, PROPERTIES, SERVER_TYPES
from services84.store.values import AccountDraft, ServiceAuth
from tests.rest.seeds import CALLER, CALLERS_PASSWORD, Installation, read_documents
from tests.support.server import plain_session, running_server

REQUIRED = {
    "The Id of the EmailAccount record to update.": "Id",
    "ID of the business linked to this record.": "BusinessId",
    "The display name value for this email account.": "DisplayName",
    "The email address value for this email account.": "EmailAddress",
    "The incoming server value for this email account.": "IncomingServer",
    "The incoming server type value for this email account.": "IncomingServerType",
    "The incoming server port value for this email account.": "IncomingServerPort",
    "The incoming server username value for this email account.": "IncomingServerUsername",
    "The delete message settings value for this email account.": "DeleteMessageSettings",
    "The outgoing server value for this email account.": "OutgoingServer",
    "The outgoing server port value for this email account.": "OutgoingServerPort",
    "The outgoing server username value for this email account.": "OutgoingServerUsername",
    "ID of the last message associated with this record.": "LastMessageId",
    "The error count value for this email account.": "ErrorCount",
}
OPTIONAL = {
    "Whether this email account is currently active.": "Active",
    "Whether send notification on new messages is enabled.": "SendNotificationOnNewMessages",
    "The notification email address value for this email account.": "NotificationEmailAddress",
    "Whether incoming server ssl is enabled.": "IncomingServerSSL",
    "Whether outgoing server ssl is enabled.": "OutgoingServerSSL",
    "The reply to email value for this email account.": "ReplyToEmail",
    "Date/time value for last check time.": "LastCheckTime",
    "The google access token value for this email account.": "GoogleAccessToken",
    "The office365 access token value for this email account.": "Office365AccessToken",
}
RECORD = {
    "Id": 2004,
    "BusinessId": 7,
    "DisplayName": "Sales",
    "EmailAddress": "sales@example.com",
    "IncomingServer": "imap.example.com",
    "IncomingServerType": 1,
    "IncomingServerPort": 993,
    "IncomingServerUsername": "sales",
    "DeleteMessageSettings": 1,
    "OutgoingServer": "smtp.example.com",
    "OutgoingServerPort": 465,
    "OutgoingServerUsername": "sales",
    "LastMessageId": 0,
    "ErrorCount": 0,
}
MORE = {
    "Active": False,
    "SendNotificationOnNewMessages": True,
    "NotificationEmailAddress": "boss@example.com",
    "IncomingServerSSL": True,
    "OutgoingServerSSL": True,
    "ReplyToEmail": "answers@example.com",
    "LastCheckTime": "2026-01-31T12:00:00Z",
    "GoogleAccessToken": "ya29.made-up",
}


@pytest.fixture(scope="module")
def texts(shared_folder: Path) -> dict[str, str]:
    return read_documents(shared_folder)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with running_server(tmp_path_factory.mktemp("seeds"), sync_interval=0) as server:
        installation = Installation(server)
        installation.associate(CALLER, CALLERS_PASSWORD, admin=True)
        yield installation
        installation.database.close()


def lines(text: str, begin: str, end: str) -> list[str]:
    """The lines between two headings."""
    return text.partition(f"{begin}\n")[2].partition(f"\n{end}")[0].splitlines()


def test_all_fields_of_the_document_are_there(texts: dict[str, str]) -> None:
    assert lines(texts["004"], "Required Fields", "Optional Fields") == list(REQUIRED)
    assert lines(texts["004"], "Optional Fields", "Code Examples") == list(OPTIONAL)
    ours = {one.name: one.required or one.name == "Id" for one in PROPERTIES}
    assert {name for name, required in ours.items() if required} == set(REQUIRED.values())
    assert {name for name in OPTIONAL.values() if ours[name] is False} == set(OPTIONAL.values())
    assert set(RECORD) == set(REQUIRED.values())
    assert set(MORE) | {"Office365AccessToken"} == set(OPTIONAL.values())


def test_both_enumerations_of_the_document_are_there(texts: dict[str, str]) -> None:
    rows = re.findall(r"^\| (\d+) \| (\w+) \|$", texts["004"], re.M)
    named = [(str(number), name) for name, number in (SERVER_TYPES | DELETION_POLICIES).items()]
    assert rows == named


@pytest.fixture
def token(installation: Installation) -> str:
    """As the document has it: OAuth 2, and a full administrator."""
    return installation.bearer()


def put(installation: Installation, bearer: str, record: dict[str, Any]) -> Any:
    with plain_session() as session:
        answer = session.put(
            f"http://127.0.0.1:{installation.server.port}/api/crm/emailaccounts",
            json=record,
            headers={"Authorization": bearer},
            timeout=60,
        )
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    return answer.status_code, answer.json()


@pytest.mark.parametrize("more", [{}, MORE], ids=["required", "all"])
@pytest.mark.parametrize("policy", [1, 2, 3, "DontDelete", "DeleteOnReceive", "DeleteWhenDeleting"])
def test_update_email_account_has_the_documented_answer(
    installation: Installation, token: str, more: dict[str, Any], policy: Any
) -> None:
    if installation.accounts.get(RECORD["Id"], secrets=False) is None:  # type: ignore[arg-type]
        caller = installation.associate(CALLER, CALLERS_PASSWORD)
        auth = ServiceAuth(0, "old.example.com", 143, "", "old", None)
        installation.account_of_id(2004, AccountDraft(0, "old@example.com", caller, auth, auth))
    changed = RECORD | more | {"DeleteMessageSettings": policy}
    status, told = put(installation, token, changed)
    assert (status, told) == (
        200,
        {
            "Status": 200,
            "Message": "EmailAccount was successfully updated.",
            "Value": {"Id": 2004},
            "WasSuccessful": True,
            "Errors": None,
        },
    )


def test_update_email_account_that_is_not_valid_has_the_documented_answer(
    installation: Installation, token: str
) -> None:
    wrong = RECORD | {"DisplayName": "", "IncomingServerType": 2}
    status, told = put(installation, token, wrong)
    assert status == 400
    assert set(told) == {"Status", "Message", "Value", "WasSuccessful", "Errors"}
    assert (told["Status"], told["Value"], told["WasSuccessful"]) == (400, None, False)
    assert told["Errors"] == [
        {
            "AttemptedValue": 2,
            "Message": "is none of 1 (Imap)",
            "PropertyName": "IncomingServerType",
        },
        {"AttemptedValue": "", "Message": "is a required field", "PropertyName": "DisplayName"},
    ]
    each = [f"{error['PropertyName']}: {error['Message']}" for error in told["Errors"]]
    assert told["Message"] == "; ".join(each)
