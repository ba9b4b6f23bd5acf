"""Who calls the web API is told by its Authorization header, and by nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rest.web import Web, basic
from tests.support.service import PASSWORD, Service, running_service

UNKNOWN_TICKET = "7T:" + "A" * 43 + "="
WHO = "/api/v1/Agents/EMail/GetCurrentAccountId"


@pytest.mark.parametrize(
    ("authorization", "problem"),
    [
        (None, "the request says not who sends it"),
        ("", "the request says not who sends it"),
        ("Negotiate YII=", "this scheme of Authorization is not known here; use Basic, SoTicket"),
        ("Basic", "not of the form name:password"),
        ("Basic ???", "no base64"),
        ("Basic aW5ncmlk", "not of the form name:password"),
        (basic("", "secret"), "not of the form name:password"),
        (basic("ingrid", "wrong"), "the name or the password is wrong"),
        (basic("ingrid", ""), "the name or the password is wrong"),
        (basic("nobody", PASSWORD), "the name or the password is wrong"),
        (basic(UNKNOWN_TICKET, ""), "the ticket is not known or has expired"),
        ("SoTicket", "without a ticket"),
        ("SoTicket 7T:unknown", "the ticket is not known or has expired"),
    ],
)
def test_nobody_is_told_what_would_do(
    service: Service, nobody: Web, authorization: str | None, problem: str
) -> None:
    service.associate("ingrid")
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = nobody("POST", WHO, b"", **headers)
    status, kind, message = answer.problem
    assert (status, kind) == (401, "SoAuthenticationException")
    assert problem in message
    # The last of the two headers; the other is Basic's.
    assert answer.headers["www-authenticate"] == 'SoTicket realm="services84"'


@pytest.mark.parametrize("scheme", ["SoTicket", "SOTICKET", "soticket"])
def test_a_ticket_signs_a_request(service: Service, nobody: Web, scheme: str) -> None:
    _, ticket = service.associate("ingrid")
    answer = nobody("POST", WHO, b"", Authorization=f"{scheme} {ticket}")
    assert (answer.status, answer.body) == (200, b"0")


def test_a_name_and_a_password_sign_a_request(service: Service, nobody: Web) -> None:
    service.associate("Åse")
    answer = nobody("POST", WHO, b"", Authorization=basic("åse", PASSWORD))
    assert (answer.status, answer.body) == (200, b"0")


def test_a_ticket_may_stand_for_the_name(service: Service, nobody: Web) -> None:
    _, ticket = service.associate("ingrid")
    answer = nobody("POST", WHO, b"", Authorization=basic(ticket, ""))
    assert answer.status == 200


def test_refused_passwords_are_slowed_down_as_over_soap(service: Service, nobody: Web) -> None:
    service.associate("ingrid")
    now = service.services.clock()
    object.__setattr__(service.services, "clock", lambda: now)
    for _ in range(service.services.settings.login_free_attempts + 1):
        assert nobody("POST", WHO, b"", Authorization=basic("ingrid", "wrong")).status == 401
    answer = nobody("POST", WHO, b"", Authorization=basic("ingrid", PASSWORD))
    assert answer.problem[:2] == (429, "SoAuthenticationException")
    assert int(answer.headers["retry-after"]) >= 1
    soap = {"UserName": "ingrid", "Password": PASSWORD}
    refused = service.call("AuthenticateUsernamePassword", soap, service="SoPrincipal")
    assert refused.succeeded is False


def test_online_takes_no_passwords_and_wants_an_application(tmp_path: Path) -> None:
    with running_service(tmp_path, installation="online") as service:
        _, ticket = service.associate("ingrid")
        nobody, web = Web(service), Web(service, ticket)
        token = service.application_token("app", email_agent=True)
        other = service.application_token("other", email_agent=False)
        refused = nobody("POST", WHO, b"", Authorization=basic("ingrid", PASSWORD))
        assert refused.problem[0] == 401
        assert "on site" in refused.problem[2]
        assert "Basic" not in refused.headers["www-authenticate"]
        assert web("POST", WHO, b"").problem[0] == 401
        assert web("POST", WHO, b"", SO_AppToken="unknown").problem[0] == 401
        assert web("POST", WHO, b"", SO_AppToken=other).problem[:2] == (
            403,
            "SoAccessDeniedException",
        )
        assert web("POST", WHO, b"", SO_AppToken=token).status == 200
