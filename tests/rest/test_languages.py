"""Languages: the service's own texts in the caller's, by Accept-Language, SO-Language, SO-Culture."""

from __future__ import annotations

import pytest

from tests.rest.web import Web

NO_ACCOUNT = "/api/v1/Agents/EMail/GetEMailAccount?eMailAccountId=4711"
BLANK = "/api/v1/Agents/EMail/CreateDefaultEMailAccount"


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("-", "_"): value for name, value in headers.items()}


def reason(web: Web, headers: dict[str, str]) -> str:
    """Why the id of an account cannot be written."""
    account = web.post(BLANK, None, **_named(headers)).json
    return str(account["FieldProperties"]["EMailAccountId"]["FieldRight"]["Reason"])


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({}, "no mail account 4711"),
        ({"Accept-Language": "fi"}, "no mail account 4711"),
        ({"Accept-Language": "en"}, "no mail account 4711"),
        ({"Accept-Language": "fi, sv;q=0.4, nb-NO;q=0.9"}, "ingen e-postkonto 4711"),
        ({"Accept-Language": "sv"}, "inget e-postkonto 4711"),
        ({"Accept-Language": "sv", "SO-Language": "da"}, "ingen mailkonto 4711"),
        ({"Accept-Language": "sv", "SO-Language": "*"}, "no mail account 4711"),
        ({"SO-Language": "de"}, "kein E-Mail-Konto 4711"),
        ({"SO-Language": "nl-BE"}, "geen e-mailaccount 4711"),
    ],
)
def test_an_error_is_told_in_the_callers_language(
    web: Web, headers: dict[str, str], said: str
) -> None:
    reply = web.post(NO_ACCOUNT, None, **_named(headers))
    assert reply.status == 404
    assert said in reply.json["ErrorMessage"]


def test_reasons_are_resources_until_a_language_is_asked_for(web: Web) -> None:
    assert reason(web, {}) == "[SR_KEPT_BY_SERVICE]"
    assert reason(web, {"Accept-Language": "de", "SO-Language": "x"}) == "[SR_KEPT_BY_SERVICE]"
    assert reason(web, {"Accept-Language": "en"}) == "kept by the service"
    assert reason(web, {"Accept-Language": "de"}) == "vom Dienst geführt"


def test_the_answer_says_in_which_language_it_is(web: Web) -> None:
    assert web.post(BLANK, None, Accept_Language="nn").headers["content-language"] == "no"
    assert "content-language" not in web.post(BLANK, None).headers
