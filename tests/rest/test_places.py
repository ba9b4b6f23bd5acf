"""Members stand where the vendor's web API has them, which is derived and written down nowhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from services84.agents import EMAIL
from services84.rest.places import places_of, query_name


def test_what_saves_an_entity_takes_it_as_the_body() -> None:
    assert {op.name: places_of(op).entity for op in EMAIL if places_of(op).entity} == {
        "SaveEMailAccount": "EMailAccount"
    }


def test_what_gets_or_deletes_an_entity_takes_its_id_in_the_query() -> None:
    found = {op.name: places_of(op).id_member for op in EMAIL if places_of(op).id_member}
    assert {name: query_name(str(member)) for name, member in found.items()} == {
        "GetEMailAccount": "eMailAccountId",
        "DeleteEMailAccount": "eMailAccountId",
        "GetEMailSOInfo": "eMailSOInfoId",
    }


@pytest.fixture(scope="module")
def vendors(shared_folder: Path) -> dict[str, Any]:
    document = shared_folder / "reference" / "Swagger-v1-EMailAgent.json"
    loaded: dict[str, Any] = json.loads(document.read_text(encoding="utf-8"))
    return loaded


@pytest.mark.parametrize("name", [op.name for op in EMAIL])
def test_the_vendor_has_the_members_in_the_same_places(vendors: Any, name: str) -> None:
    told = vendors["paths"][f"/api/v1/Agents/EMail/{name}"]["post"]
    places = places_of(EMAIL[name])
    parameters = {each["name"]: each for each in told["parameters"]}
    body = next((each for each in told["parameters"] if each["in"] == "body"), None)
    assert places.takes_body is (body is not None)
    if places.id_member is not None:
        assert parameters[query_name(places.id_member)]["in"] == "query"
    elif places.entity is not None:
        assert body["schema"]["$ref"].endswith(f".{places.shapes[places.entity].name}")  # type: ignore[index]
    elif body is not None:
        request = vendors["definitions"][body["schema"]["$ref"].rpartition("/")[2]]
        assert set(request["properties"]) == set(places.shapes)
    assert ("204" in told["responses"]) is (places.returns is None)
