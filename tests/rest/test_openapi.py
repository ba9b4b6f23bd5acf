"""The OpenAPI document tells of everything, refers to nothing that is not there, and is shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from lxml import html
from openapi_spec_validator import OpenAPIV31SpecValidator

from services84.agents import EMAIL
from services84.rest.openapi import document
from services84.rest.openapi_parts import HEADERS
from services84.rest.problems import STATUSES
from tests.rest.web import AGENT, Web


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    return document("https://crm.example.com")


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for held in value.values() if isinstance(value, dict) else value:
        if isinstance(held, dict | list):
            yield from nodes(held)


def test_the_document_is_one_by_the_specification(told: dict[str, Any]) -> None:
    assert told["openapi"] == "3.1.0"
    assert [str(error) for error in OpenAPIV31SpecValidator(told).iter_errors()] == []
    broken = told | {"paths": {"/x": {"get": {"responses": {"200": {}}}}}}
    assert list(OpenAPIV31SpecValidator(broken).iter_errors())


def test_every_way_of_signing_in_is_told(told: dict[str, Any]) -> None:
    schemes = told["components"]["securitySchemes"]
    assert {name: scheme["type"] for name, scheme in schemes.items()} == {
        "Basic": "http",
        "SoTicket": "apiKey",
        "Bearer": "http",
        "IdentityToken": "http",
        "OAuth2": "oauth2",
        "Session": "apiKey",
        "XsrfToken": "apiKey",
        "AppToken": "apiKey",
    }
    assert schemes["IdentityToken"]["bearerFormat"] == "JWT"
    keys = {name: (s["in"], s["name"]) for name, s in schemes.items() if s["type"] == "apiKey"}
    assert keys == {
        "SoTicket": ("header", "Authorization"),
        "Session": ("cookie", "services84_session"),
        "XsrfToken": ("header", "X-XSRF-TOKEN"),
        "AppToken": ("header", "SO-AppToken"),
    }
    tokens = "https://crm.example.com/login/common/oauth/tokens"
    flows = schemes["OAuth2"]["flows"]
    assert {name: flow["tokenUrl"] for name, flow in flows.items()} == {
        "clientCredentials": tokens,
        "password": tokens,
    }
    assert {"Session": [], "XsrfToken": []} in told["security"]
    assert {"Bearer": [], "AppToken": []} in told["security"]
    assert {"Basic": [], "AppToken": []} not in told["security"]  # none online
    assert {name for each in told["security"] for name in each} == set(schemes)


def test_whatever_can_go_wrong_is_told_of_every_operation(told: dict[str, Any]) -> None:
    """Of records, what has to do with mail servers and patches is left out: they touch neither."""
    possible = {str(int(status)) for status in STATUSES.values()}
    for path, methods in told["paths"].items():
        if path.startswith(AGENT):
            # A method that an address has not is no matter of an operation.
            assert possible - {"405"} <= set(methods["post"]["responses"]), path
        elif "/crm/" in path:
            for name, call in methods.items():
                if name != "parameters":
                    assert {"400", "401", "403", "406", "429", "500", "503"} <= set(
                        call["responses"]
                    )


def test_every_operation_is_there(told: dict[str, Any]) -> None:
    for operation in EMAIL:
        call = told["paths"][f"{AGENT}/{operation.name}"]["post"]
        assert call["operationId"] == f"v1EMailAgent_{operation.name}"
        assert call["summary"]
        assert ("200" in call["responses"]) is bool(operation.returns)
        assert ("204" in call["responses"]) is not bool(operation.returns)
        assert {"400", "401", "403", "404", "406", "413", "415", "429", "503"} <= set(
            call["responses"]
        )
        assert set(HEADERS) <= {each["name"] for each in call["parameters"]}


def test_every_route_is_told(told: dict[str, Any], web: Web) -> None:
    rules = web.service.application._web_api.app.url_map.iter_rules()
    addresses = {rule.rule for rule in rules}
    paths = {path.lower() for path in told["paths"]}
    generic = "/api/v1/agents/email/<name>"
    missing = {each for each in addresses - {generic} if each not in paths}
    assert not {
        each for each in missing if each.split("<")[0] not in {p.split("{")[0] for p in paths}
    }


def test_every_reference_leads_somewhere(told: dict[str, Any]) -> None:
    used = {node["$ref"] for node in nodes(told) if "$ref" in node}
    for reference in used:
        place: Any = told
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
    names = {f"#/components/schemas/{name}" for name in told["components"]["schemas"]}
    assert names <= used


def test_schemas_are_schemas(told: dict[str, Any]) -> None:
    for schema in told["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_operation_ids_are_unique(told: dict[str, Any]) -> None:
    calls = [node for node in nodes(told["paths"]) if "responses" in node]
    ids = [call["operationId"] for call in calls]
    assert len(ids) == len(set(ids))


def test_an_account_is_told_as_it_comes(told: dict[str, Any], web: Web) -> None:
    account = web("POST", f"{AGENT}/CreateDefaultEMailAccount", b"").json
    schema = {"$ref": "#/components/schemas/EMailAccount", "components": told["components"]}
    Draft202012Validator(schema).validate(account)
    account["IncomingCredentials"]["Port"] = "143"
    assert not Draft202012Validator(schema).is_valid(account)


def test_the_id_is_a_parameter_of_the_query(told: dict[str, Any]) -> None:
    call = told["paths"][f"{AGENT}/DeleteEMailAccount"]["post"]
    (parameter,) = [each for each in call["parameters"] if each["in"] == "query"]
    assert (parameter["name"], parameter["required"]) == ("eMailAccountId", True)
    assert "requestBody" not in call


def test_the_document_names_the_address_by_which_it_was_asked(nobody: Web) -> None:
    answer = nobody.get("/Cust1/api/openapi.json", Host="crm.example.com")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json["servers"] == [{"url": "http://crm.example.com/Cust1"}]
    assert answer.json["openapi"] == "3.1.0"


def test_the_page_shows_every_operation_and_loads_nothing(nobody: Web) -> None:
    answer = nobody.get("/api/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    page = html.document_fromstring(answer.body)
    shown = {each.get("id") for each in page.iter("details")}
    assert {f"v1EMailAgent_{operation.name}" for operation in EMAIL} <= shown
    assert "type-EMailAccount" in shown
    assert not page.xpath("//script | //link | //img | //iframe")
    account = page.get_element_by_id("type-EMailAccount").text_content()
    assert "IncomingCredentials  ServiceAuth" in account


def test_an_address_cannot_break_out_of_the_page(nobody: Web) -> None:
    answer = nobody.get('/x"><script>alert(1)</script>/api/docs')
    assert b"<script" not in answer.body
