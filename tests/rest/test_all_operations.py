"""What holds for every operation of the table: descriptions, refusals, types and languages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from lxml import etree

from services84.agents import EMAIL
from services84.agents.registry import Operation
from services84.rest.negotiation import OFFERED
from services84.rest.places import places_of
from tests.rest.web import AGENT, Answer, Web
from tests.support.server import free_port
from tests.support.service import Service, running_service

NAMES = [operation.name for operation in EMAIL]
VOID = [operation.name for operation in EMAIL if not operation.returns]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running_service(tmp_path_factory.mktemp("all")) as running:
        running.associate("ingrid")
        yield running


@pytest.fixture
def web(service: Service) -> Web:
    known = service.services.principals.associate_by_name("ingrid")
    assert known is not None
    return Web(service, service.ticket(known))


@pytest.fixture
def invoked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the operations that were invoked, which do nothing."""
    names: list[str] = []

    def invoke(operation: Operation, call: Any, arguments: Any) -> dict[str, Any]:
        names.append(operation.name)
        return {}

    monkeypatch.setattr(Operation, "invoke", invoke)
    return names


def test_there_are_all_of_them() -> None:
    assert len(NAMES) == 77
    assert len(VOID) == 18


@pytest.mark.parametrize("name", NAMES)
def test_a_get_describes_and_never_invokes(web: Web, invoked: list[str], name: str) -> None:
    """Not by anybody's ticket, and not with all that an invocation needs."""
    query = "eMailAccountId=1&eMailSOInfoId=1&$select=x"
    for method, path in (("GET", name), ("GET", f"{name}?{query}"), ("HEAD", name.lower())):
        body = (b"{}", "application/json") if "?" in path else (None, None)
        answer = web(method, f"{AGENT}/{path}", *body)
        assert answer.status == 200
    told = web.get(f"{AGENT}/{name}").json
    places = places_of(EMAIL[name])
    assert (told["Name"], told["Method"]) == (name, "POST")
    assert told["Documentation"]
    assert len(told["Parameters"]) == len(places.shapes)
    assert (told["Returns"] is None) is (name in VOID)
    assert invoked == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("name", NAMES)
def test_by_other_methods_nothing_is_invoked(
    web: Web, invoked: list[str], name: str, method: str
) -> None:
    answer = web(method, f"{AGENT}/{name}", b"{}", "application/json")
    assert answer.problem[0] == 405
    assert "POST" in answer.headers["allow"]
    assert invoked == []


@pytest.mark.parametrize("name", VOID)
def test_what_gives_nothing_has_no_content(web: Web, invoked: list[str], name: str) -> None:
    places = places_of(EMAIL[name])
    path = f"{AGENT}/{name}" + ("?eMailAccountId=1" if places.id_member else "")
    answer = web("POST", path, b"null" if places.takes_body else b"", "application/json")
    assert (answer.status, answer.body) == (204, b""), answer
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert "content-length" not in answer.headers or answer.headers["content-length"] == "0"
    assert invoked == [name]


# Refusals, in the type that is wanted ------------------------------------------------------------


def problem_of(answer: Answer, kind: str) -> tuple[str, str]:
    """Type and message, read from the type that was wanted."""
    assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
    if kind.endswith("json"):
        return answer.problem[1:]
    root = etree.fromstring(answer.body)
    told = {child.tag: child.text or "" for child in root}
    assert root.tag == "ErrorResponse"
    assert (told["Error"], told["ErrorSource"]) == ("true", "services84")
    assert set(told) == {"Error", "ErrorType", "ErrorMessage", "ErrorSource"}
    return told["ErrorType"], told["ErrorMessage"]


REFUSALS = {
    400: ("POST", "DeleteEmails", b'{"Ids": ["x"]}', "application/json"),
    404: ("POST", "GetEMailAccount?eMailAccountId=4711", b"", "application/json"),
    405: ("PUT", "GetEMailAccount", b"", "application/json"),
    409: (
        "POST",
        "GetEMailAddresses",
        b'[{"op": "remove", "path": "/EmailIds"}]',
        "application/json-patch+json",
    ),
    413: ("POST", "DeleteEmails", b"[" * 65, "application/json"),
    415: ("POST", "DeleteEmails", b"x", "text/plain"),
}


@pytest.mark.parametrize("kind", OFFERED)
@pytest.mark.parametrize("status", REFUSALS)
def test_a_refusal_comes_in_the_type_that_is_wanted(web: Web, status: int, kind: str) -> None:
    method, path, body, sent = REFUSALS[status]
    answer = web(method, f"{AGENT}/{path}", body, sent, Accept=kind)
    assert answer.status == status
    words = {400: "Ids/int: 'x'", 404: "no mail account 4711", 405: "PUT is not for"}
    assert words.get(status, "") in problem_of(answer, kind)[1]


@pytest.mark.parametrize("kind", OFFERED)
def test_who_is_nobody_is_told_in_the_type_that_is_wanted(service: Service, kind: str) -> None:
    answer = Web(service)("POST", f"{AGENT}/Send", b"", Accept=kind)
    assert answer.status == 401
    assert problem_of(answer, kind)[0] == "SoAuthenticationException"
    assert answer.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize("name", NAMES)
def test_a_type_that_cannot_be_given_is_refused_before_anything_is_done(
    web: Web, invoked: list[str], name: str
) -> None:
    answer = web("POST", f"{AGENT}/{name}", b"{}", "application/json", Accept="image/png")
    assert answer.problem[:2] == (406, "SoMessageException")
    assert "application/json" in answer.problem[2]
    assert invoked == []


# Languages --------------------------------------------------------------------------------------

REASONS = {
    "en": "refused the connection",
    "no": "avviste tilkoblingen",
    "sv": "nekade anslutningen",
    "da": "afviste forbindelsen",
    "de": "hat die Verbindung abgelehnt",
    "nl": "weigerde de verbinding",
}


@pytest.fixture(scope="module")
def failing(service: Service) -> str:
    """The query that names an account whose last sync has failed."""
    known = service.services.principals.associate_by_name("ingrid")
    assert known is not None
    web = Web(service, service.ticket(known))
    nowhere = {"Server": "127.0.0.1", "Port": free_port(), "Username": "a", "Password": "b"}
    account = {"EMailAddress": "a@example.com", "IncomingCredentials": nowhere}
    saved = web.call("SaveEMailAccount", account).json
    wanted = {"SyncUserAccount": {"AccountId": saved["EMailAccountId"]}}
    assert web.call("SyncEmailAccount", wanted).status == 424
    return f"GetEMailAccount?eMailAccountId={saved['EMailAccountId']}"


@pytest.mark.parametrize("language", REASONS)
def test_why_an_account_fails_is_told_in_the_callers_language(
    web: Web, failing: str, language: str
) -> None:
    told = web("POST", f"{AGENT}/{failing}", b"", SO_Language=language)
    assert REASONS[language] in told.json["ErrorReason"]
    assert told.headers["content-language"] == language


def test_without_a_language_it_is_told_as_it_is_kept(web: Web, failing: str) -> None:
    assert REASONS["en"] in web("POST", f"{AGENT}/{failing}", b"").json["ErrorReason"]
    both = {"Accept_Language": "sv", "SO_Language": "*"}
    assert REASONS["en"] in web("POST", f"{AGENT}/{failing}", b"", **both).json["ErrorReason"]


@pytest.mark.parametrize(
    ("headers", "number"),
    [
        ({"SO_Language": "en"}, "1,048,576"),
        ({"SO_Language": "de"}, "1.048.576"),
        ({"SO_Language": "en", "SO_Culture": "de"}, "1.048.576"),
        ({"SO_Language": "sv", "SO_Culture": "en"}, "1,048,576"),
        ({"SO_Culture": "de"}, "1048576"),  # of no use without a language
    ],
)
def test_amounts_are_written_in_the_manner_of_the_culture(
    tmp_path_factory: pytest.TempPathFactory, headers: dict[str, str], number: str
) -> None:
    folder = tmp_path_factory.mktemp("culture")
    with running_service(folder, max_body_bytes=1_048_576) as service:
        _, ticket = service.associate("ingrid")
        body = b"{" + b" " * 1_048_576 + b"}"
        answer = Web(service, ticket)(
            "POST", f"{AGENT}/GetEMailAddresses", body, "application/json", **headers
        )
    assert answer.status == 413
    assert number in answer.json["ErrorMessage"]


# $select ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "select",
    [
        "EMailAddress,IncomingCredentials/Server",
        "emailaddress,INCOMINGCREDENTIALS/server",
        " EMailAddress , incomingcredentials/SERVER ",
    ],
)
def test_members_are_selected_at_any_depth_and_in_any_case(
    web: Web, failing: str, select: str
) -> None:
    told = web("POST", f"{AGENT}/{failing}&$select={select.replace(' ', '%20')}", b"").json
    inner = told.pop("IncomingCredentials")
    assert {name for name, value in told.items() if value is not None} == {"EMailAddress"}
    assert {name for name, value in inner.items() if value is not None} == {"Server"}
