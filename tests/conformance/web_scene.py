"""The customer of a `Scene`, who speaks the web API instead: the same calls, the same effects.

Scenes are written as zeep has values; here they become JSON and come back from it.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

from jsonschema import Draft202012Validator

from services84.agents import EMAIL
from services84.carriers.shapes import Choice, Composite, Dictionary, Listing, Shape, Simple
from services84.rest.places import places_of, query_name
from tests.conformance.conftest import Customer
from tests.conformance.scene import Scene
from tests.rest.web import AGENT, basic
from tests.support.server import plain_session
from tests.support.submission import SubmissionServer


class WebScene(Scene):
    """Signs every call by name and password; checks every answer by the OpenAPI document."""

    def __init__(self, customer: Customer, submission: SubmissionServer) -> None:
        self.customer = customer
        self.submission = submission
        self.said: set[str] = set()
        self.account_id = 0
        self.friend = f"friend-of-{customer.name}@example.org"
        self.root = customer.server.base.partition("/Remote")[0]
        self._session = plain_session()
        self._authorization = {"Authorization": basic(customer.name, customer.password)}
        self._document = self._session.get(f"{self.root}/api/openapi.json", timeout=60).json()
        self.checked = 0

    def __call__(self, operation: str, **members: Any) -> Any:
        answer = self._post(operation, members)
        places = places_of(EMAIL[operation])
        self.said.add(operation)
        if places.returns is None:
            assert (answer.status_code, answer.content) == (HTTPStatus.NO_CONTENT, b"")
            return None
        assert answer.status_code == HTTPStatus.OK, (operation, answer.text)
        told = answer.json()
        self._check(operation, told)
        return from_json(places.returns, told)

    def refused(self, operation: str, **members: Any) -> str:
        told = self._post(operation, members).json()
        assert told["Error"] is True
        return str(told["ErrorType"])

    def _post(self, operation: str, members: Mapping[str, Any]) -> Any:
        places = places_of(EMAIL[operation])
        body: Any = {name: to_json(places.shapes[name], held) for name, held in members.items()}
        query = {}
        if places.id_member is not None:
            query, body = {query_name(places.id_member): body[places.id_member]}, None
        elif places.entity is not None:
            body = body[places.entity]
        return self._session.post(
            f"{self.root}{AGENT}/{operation}",
            params=query,
            json=body,
            headers=self._authorization | {"Accept": "application/json"},
            timeout=120,
        )

    def _check(self, operation: str, told: Any) -> None:
        answers = self._document["paths"][f"{AGENT}/{operation}"]["post"]["responses"]
        schema = answers["200"]["content"]["application/json"]["schema"]
        whole = schema | {"components": self._document["components"]}
        Draft202012Validator(whole).validate(told)
        self.checked += 1


def to_json(shape: Shape, value: Any) -> Any:
    """A value as zeep takes it, as JSON has it."""
    if value is None:
        return None
    if isinstance(shape, Composite):
        given = value if isinstance(value, Mapping) else vars(value)
        return {name: to_json(shape.members[name], held) for name, held in given.items()}
    if isinstance(shape, Listing):
        items = value[shape.item_name] if isinstance(value, Mapping) else value
        held = getattr(items, shape.item_name, items)
        return [to_json(shape.item, one) for one in held]
    if isinstance(shape, Dictionary):
        return {key: to_json(shape.value, held) for key, held in value.items()}
    return _leaf_to_json(shape, value)


def _leaf_to_json(shape: Simple | Choice, value: Any) -> Any:
    if isinstance(shape, Choice):
        return (", ".join(value) or "None") if shape.flags else value
    return base64.b64encode(value).decode() if shape.kind == "binary" else value


def from_json(shape: Shape, value: Any) -> Any:
    """A value as JSON has it, as zeep gives it."""
    if value is None:
        return None
    if isinstance(shape, Composite):
        return SimpleNamespace(
            **{name: from_json(shape.members[name], held) for name, held in value.items()}
        )
    if isinstance(shape, Listing):
        return SimpleNamespace(**{shape.item_name: [from_json(shape.item, one) for one in value]})
    if isinstance(shape, Dictionary):
        return {key: from_json(shape.value, held) for key, held in value.items()}
    return _leaf_from_json(shape, value)


def _leaf_from_json(shape: Simple | Choice, value: Any) -> Any:
    if isinstance(shape, Choice):
        return value if not shape.flags else [] if value == "None" else value.split(", ")
    return base64.b64decode(value) if shape.kind == "binary" else value
