"""What is published of the resource is what it does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services84.agents.crm.properties import PROPERTIES
from services84.rest.crm_schema import COLLECTION, ONE, crm_paths, crm_schemas
from services84.roles import Role
from tests.agents.crm.samples import record
from tests.rest.web import Web
from tests.support.service import Service

PATHS, SCHEMAS = crm_paths("Problem"), crm_schemas()


def conforms(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a value is of a schema, as far as these schemas go."""
    if "$ref" in schema:
        return conforms(value, SCHEMAS[schema["$ref"].rpartition("/")[2]])
    kinds = schema.get("type", [])
    names = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer"}
    kind = "null" if value is None else names[type(value)]
    if kinds and kind not in ([kinds] if isinstance(kinds, str) else kinds):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if isinstance(value, dict):
        members = schema.get("properties", {})
        there = set(schema.get("required", ())) <= set(value) <= set(members)
        return there and all(conforms(held, members[name]) for name, held in value.items())
    if isinstance(value, list):
        return all(conforms(held, schema["items"]) for held in value)
    return True


@pytest.fixture
def admin(service: Service) -> Web:
    _, ticket = service.associate("root", admin=True)
    return Web(service, ticket)


def test_every_reference_leads_somewhere() -> None:
    text = json.dumps([PATHS, SCHEMAS])
    named = {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert named - {"Problem"} <= set(SCHEMAS)
    assert "Problem" in named


def test_every_operation_names_its_role() -> None:
    told = [
        operation["description"]
        for item in PATHS.values()
        for method, operation in item.items()
        if method != "parameters"
    ]
    assert len(told) == 5
    assert {role for role in Role if any(role in text for text in told)} == set(Role)


def test_requests_have_what_the_document_requires() -> None:
    changed = SCHEMAS["ChangedEmailAccount"]
    assert changed["required"] == list(record())
    assert conforms(record(), changed)
    assert not conforms(record(DisplayName=...), changed)
    assert conforms(record(Id=...), SCHEMAS["NewEmailAccount"])
    assert set(SCHEMAS["EmailAccount"]["properties"]) == {one.name for one in PROPERTIES}


def test_answers_are_as_published(admin: Web) -> None:
    made = admin.post(COLLECTION, record(Id=..., GoogleAccessToken="secret"))
    result = PATHS[COLLECTION]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert conforms(made.json, result)
    one = admin.get(ONE.format(id=made.json["Value"]["Id"]))
    schema = PATHS[ONE]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert conforms(one.json, schema)
    page = PATHS[COLLECTION]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert conforms(admin.get(COLLECTION).json, page)
    wrong = admin.post(COLLECTION, {})
    assert wrong.status == 400
    assert conforms(wrong.json, SCHEMAS["EmailAccountResult"])
    assert not conforms({}, SCHEMAS["EmailAccountResult"])
