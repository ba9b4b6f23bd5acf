"""The sample requests of the vendor's documentation, byte for byte, and the documented answers.

Every sample is posted to gunicorn as it is printed: path, headers in their order, who calls
(`tje0`, with the password of the sample) and body. What a sample names is made first, under the ids
that it names. Where an answer is not what is printed, a test says what and why.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from services84.agents.convert import PASSWORD_MASK
from services84.rest.openapi import document
from services84.store.values import AccountDraft, ServiceAuth
from tests.rest.seeds import (
    BASIC,
    CALLER,
    CALLERS_PASSWORD,
    Installation,
    Sample,
    read_documents,
    sample_of,
)
from tests.support.dovecot import DovecotServer
from tests.support.server import running_server

SYNC, SAVE = "/api/v1/Agents/EMail/SyncEmailAccount", "/api/v1/Agents/EMail/SaveEMailAccount"
SELECTED = f"{SYNC}?$select=name,department,category/id"
# Every line of a request in the documents, by document and heading. Those without headers of their
# own only show the address; they are sent with the headers and the body of the document's sample.
SAMPLES = [
    ("000", "POST Agents/EMail/SyncEmailAccount", SYNC),
    ("000", "Query String Parameters", SELECTED),
    ("000", "Sample request", SYNC),
    ("001", "POST Agents/EMail/SyncEmailAccount", SYNC),
    ("001", "Query String Parameters", SELECTED),
    ("001", "Sample request", SYNC),
    ("003", "POST Agents/EMail/SaveEMailAccount", SAVE),
    ("003", "Sample Request", SAVE),
]
HEADINGS = {heading.lower() for _, heading, _ in SAMPLES}


@pytest.fixture(scope="module")
def texts(shared_folder: Path) -> dict[str, str]:
    return read_documents(shared_folder)


@pytest.fixture(scope="module")
def samples(texts: dict[str, str]) -> dict[str, Sample]:
    return {number: sample_of(texts[number]) for number in ("000", "001", "003")}


def test_no_sample_request_is_left_out(texts: dict[str, str]) -> None:
    """The document on EmailAccounts prints none: its examples came away when it was saved."""
    found = []
    for number, text in texts.items():
        heading = ""
        for line in text.splitlines():
            bare = line.strip("# ")
            if bare.lower() in HEADINGS:
                heading = bare
            asked = re.fullmatch(r"(?:GET|POST|PUT|DELETE) (/\S+)", line)
            if asked:
                found.append((number, heading, asked[1]))
    assert found == SAMPLES
    assert "Code Examples\nResponse" in texts["004"]


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with running_server(tmp_path_factory.mktemp("seeds"), sync_interval=0) as server:
        installation = Installation(server)
        installation.associate(CALLER, CALLERS_PASSWORD, admin=True)
        yield installation
        installation.database.close()


# SyncEmailAccount: 000 and 001 ------------------------------------------------------------------


@pytest.mark.parametrize(("number", "language"), [("000", "en"), ("001", "sv")])
def test_sync_email_account_of_somebody_without_an_account(
    installation: Installation, samples: dict[str, Sample], number: str, language: str
) -> None:
    """The sample names no account, so that it is the caller's current one; here is none yet."""
    answer = installation.send(samples[number])
    said = {
        "en": "associate tje0 has no mail account",
        "sv": "medarbetaren tje0 har inget e-postkonto",
    }
    assert answer.problem == (404, "SoNotFoundException", said[language])
    assert answer.headers["content-language"] == language


@pytest.mark.parametrize(
    ("number", "heading", "path"), [each for each in SAMPLES if each[0] in ("000", "001")]
)
def test_sync_email_account_has_the_documented_answer(
    installation: Installation,
    dovecot: DovecotServer,
    samples: dict[str, Sample],
    number: str,
    heading: str,
    path: str,
) -> None:
    """204 with the documented type. The `null` that is printed below it is no body: a 204 has none
    (RFC 9110 section 15.3.5), and so says the document's own table (`204 No Content`)."""
    sample = samples[number]
    caller = installation.associate(CALLER, CALLERS_PASSWORD, admin=True)
    if installation.accounts.current(caller) is None:
        user = dovecot.add_user("tje0-of-the-seeds", "mail secret 84")
        incoming = ServiceAuth(0, "127.0.0.1", dovecot.port_plain, "", user, "mail secret 84")
        installation.accounts.save(AccountDraft(0, "tje0@example.com", caller, incoming, None))
    assert dict(sample.headers)["Authorization"] == BASIC
    assert (sample.status, sample.answer) == (204, None)
    answer = installation.send(sample, path)
    assert (answer.status, answer.body) == (204, b""), (heading, answer)
    assert answer.headers["content-type"] == sample.answer_headers["Content-Type"]
    assert answer.headers["x-services84-sync-state"] == "completed"
    assert answer.headers["content-language"] == dict(sample.headers)["Accept-Language"]
    account = installation.accounts.current(caller)
    assert account is not None
    assert account.last_success is not None


# SaveEMailAccount: 003 --------------------------------------------------------------------------


def test_save_email_account_of_an_id_that_is_nobodys(
    installation: Installation, samples: dict[str, Sample]
) -> None:
    """As anybody's guess would be; the sample asks for Swedish."""
    answer = installation.send(samples["003"])
    assert answer.problem == (404, "SoNotFoundException", "inget e-postkonto 198")


@pytest.mark.parametrize("place", [at for at, each in enumerate(SAMPLES) if each[0] == "003"])
def test_save_email_account_has_the_documented_answer(
    installation: Installation, samples: dict[str, Sample], place: int
) -> None:
    """The account 198 has been taken over with what the sample says of it, an address and kinds of
    signing in that mean nothing: such values are refused for a new account, but one that has them
    can be saved. Its new owner is the associate 396. Ids and values of the printed answer are
    others than those of the request, made up for themselves: here they are the account's."""
    sample = samples["003"]
    asked = json.loads(sample.body)
    if installation.accounts.get(asked["EMailAccountId"], secrets=False) is None:
        installation.associate_of_id(asked["AssociateId"])
        old = {
            name: ServiceAuth(0, side["Server"], 143, side["AuthType"], "somebody", "old secret")
            for name, side in asked.items()
            if name.endswith("Credentials")
        }
        caller = installation.associate(CALLER, CALLERS_PASSWORD)
        address = asked["EMailAddress"]
        draft = AccountDraft(
            0, address, caller, old["IncomingCredentials"], old["OutgoingCredentials"]
        )
        installation.account_of_id(asked["EMailAccountId"], draft)
    answer = installation.send(sample, SAMPLES[place][2])
    assert answer.status == sample.status == 200, answer
    assert answer.headers["content-type"] == sample.answer_headers["Content-Type"]
    assert answer.headers["content-language"] == "sv"
    told = answer.json
    assert_same_members(sample.answer, told, "EMailAccount")
    for name, value in asked.items():
        if not name.endswith("Credentials") and name not in READ_ONLY:
            assert told[name] == value
    for side in ("IncomingCredentials", "OutgoingCredentials"):
        for name, value in asked[side].items():
            # The id of the row is the store's; a password is not told.
            if name == "Password":
                assert told[side][name] == PASSWORD_MASK
            elif name != "ServiceAuthId":
                assert told[side][name] == value
    # Read-only, says the document: what the request has for them is not taken.
    assert [told[name] for name in READ_ONLY] == [0, 0, ""]
    stored = installation.accounts.get(asked["EMailAccountId"])
    assert stored is not None
    sides = [side for side in (stored.incoming, stored.outgoing) if side is not None]
    assert [side.password for side in sides] == ["qui", "maxime"]


READ_ONLY = ("AccountStatus", "ErrorCount", "ErrorReason")


def assert_same_members(printed: Any, told: Any, path: str) -> None:
    """Every member that is printed, with its type, and no other. `fieldName` stands for the name of
    any member; an empty TableRight for one with its members, as another line prints it."""
    if not isinstance(printed, dict):
        assert type(told) is type(printed), path
        return
    if set(printed) == {"fieldName"}:
        assert told, path
        for name, held in told.items():
            assert_same_members(printed["fieldName"], held, f"{path}/{name}")
        return
    if path.endswith("TableRight"):
        printed = {"Mask": "", "Reason": ""}
    assert set(told) == set(printed), path
    for name, held in printed.items():
        assert_same_members(held, told[name], f"{path}/{name}")


def test_the_printed_answer_is_one_by_the_published_schema(samples: dict[str, Sample]) -> None:
    """So that a client which was made from either reads both."""
    told = document("http://localhost:8084")
    schema = {"$ref": "#/components/schemas/EMailAccount", "components": told["components"]}
    Draft202012Validator(schema).validate(samples["003"].answer)
