"""What an operation takes and gives, told for people and programs, from its declaration."""

from __future__ import annotations

from typing import Any

from flask import request

from services84.agents.registry import Operation
from services84.proxies import address_of
from services84.rest.context import services
from services84.rest.places import places_of, query_name

AGENT = "/api/v1/Agents/EMail"


def base_url() -> str:
    """The outer address of this installation, with the tenant, without a slash at its end."""
    environ = {**request.environ, "PATH_INFO": ""}
    return address_of(environ, services().settings).rstrip("/")


def operation_path(operation: Operation) -> str:
    """The path of an operation as it is published."""
    return f"{AGENT}/{operation.name}"


def operation_url(operation: Operation) -> str:
    """The absolute address of an operation."""
    return base_url() + operation_path(operation)


def describe(operation: Operation) -> dict[str, Any]:
    """Name, address, parameters with their places, and what comes back."""
    places = places_of(operation)
    parameters = []
    for member, shape in places.shapes.items():
        place = "body"
        name = member
        if member == places.id_member:
            place, name = "query", query_name(member)
        elif member == places.entity:
            place = "the whole body"
        parameters.append({"Name": name, "Type": shape.name, "In": place})
    return {
        "Name": operation.name,
        "Method": "POST",
        "Url": operation_url(operation),
        "Documentation": operation.documentation,
        "Needs": operation.needs,
        "Parameters": parameters,
        "Returns": places.returns.name if places.returns is not None else None,
    }
