"""The resource EmailAccounts as OpenAPI 3.1 describes it: paths and schemas, from its properties.

Pure. Parts of the document of the whole web API, which names what is common to all of it: who
calls, and how failures are told (`problem`, the name of that schema).
"""

from __future__ import annotations

from typing import Any

from services84.agents.crm.properties import (
    HIGHEST_INT,
    HIGHEST_PORT,
    MOMENT,
    PROPERTIES,
    Access,
    Kind,
    Property,
)
from services84.agents.crm.queries import DIRECTIONS, FILTER, HIGHEST_PAGE, MOST_SIZE, USUAL_SIZE
from services84.roles import Role

COLLECTION = "/api/crm/emailaccounts"
ONE = f"{COLLECTION}/{{id}}"
# What any call may be answered, whatever it asks for.
COMMON_FAILURES = {
    "401": "nobody known calls",
    "403": "the caller has no right to this",
    "406": "the answer is wanted in a type in which it cannot be given",
    "429": "slowed down after repeated refusals",
    "500": "the service has failed; its log says why",
    "503": "not now; Retry-After says when",
}
BODY_FAILURES = {"413": "the body is too large", "415": "the body is of a type that is not read"}
NOT_FOUND = {"404": "there is no such record"}
# What addresses and hosts look like at least; what else they must be is told in a refusal.
_ADDRESS = r"^\s*[^\s@]+@[^\s@]+\s*$"
_HOST = r"^\s*[^\s/@\\\"'<>()\[\],;?#%]+\s*$"
PATTERNS = {"EmailAddress": _ADDRESS, "IncomingServer": _HOST, "OutgoingServer": _HOST}
EXAMPLE = {
    "BusinessId": 1,
    "DisplayName": "Sales",
    "EmailAddress": "sales@example.com",
    "IncomingServer": "imap.example.com",
    "IncomingServerType": "Imap",
    "IncomingServerPort": 993,
    "IncomingServerUsername": "sales",
    "DeleteMessageSettings": "DontDelete",
    "OutgoingServer": "smtp.example.com",
    "OutgoingServerPort": 465,
    "OutgoingServerUsername": "sales",
    "LastMessageId": 0,
    "ErrorCount": 0,
}


def crm_paths(problem: str) -> dict[str, Any]:
    """The paths of the resource; `problem` is the schema of failures that are none of its own."""
    return {
        COLLECTION: {
            "get": _operation(
                "ListEmailAccounts",
                "A page of records.",
                Role.READ_ACCOUNTS,
                _answers("EmailAccountPage", problem, {}, invalid=True),
                parameters=_query(),
            ),
            "post": _operation(
                "CreateEmailAccount",
                "Make a record.",
                Role.CREATE_ACCOUNTS,
                _linked(_answers("EmailAccountResult", problem, BODY_FAILURES, invalid=True)),
                body="NewEmailAccount",
            ),
            "put": _operation(
                "UpdateEmailAccount",
                "Change the record of Id. What is left out stays as it is.",
                Role.EDIT_ACCOUNTS,
                _answers("EmailAccountResult", problem, BODY_FAILURES | NOT_FOUND, invalid=True),
                body="ChangedEmailAccount",
            ),
        },
        ONE: {
            "parameters": [
                {
                    "name": "id",
                    "in": "path",
                    "required": True,
                    "schema": {"type": "integer", "minimum": 0},
                }
            ],
            "get": _operation(
                "GetEmailAccount",
                "One record.",
                Role.READ_ACCOUNTS,
                _answers("EmailAccount", problem, NOT_FOUND),
            ),
            "delete": _operation(
                "DeleteEmailAccount",
                "Delete a record: the account, its credentials and everything cached of it.",
                Role.DELETE_ACCOUNTS,
                _answers("EmailAccountResult", problem, NOT_FOUND),
            ),
        },
    }


def crm_schemas() -> dict[str, Any]:
    """The schemas that `crm_paths` refers to."""
    required = [one.name for one in PROPERTIES if one.required]
    given = [one for one in PROPERTIES if one.name not in ("CreatedOn", "UpdatedOn")]
    return {
        "EmailAccount": {
            "type": "object",
            "description": "A mail account, as it is told.",
            "properties": {one.name: _told(one) for one in PROPERTIES},
            "required": [one.name for one in PROPERTIES],
        },
        "NewEmailAccount": {
            "type": "object",
            "description": "A mail account to be made.",
            "properties": {one.name: _given(one) for one in given if one.name != "Id"},
            "required": required,
            "examples": [EXAMPLE],
        },
        "ChangedEmailAccount": {
            "type": "object",
            "description": "A mail account to be changed.",
            "properties": {one.name: _given(one) for one in given},
            "required": ["Id", *required],
            "examples": [{"Id": 7} | EXAMPLE],
        },
        "EmailAccountPage": _page(),
        "EmailAccountResult": _result(),
    }


# Operations -------------------------------------------------------------------------------------


def _operation(
    name: str,
    summary: str,
    role: Role,
    answers: dict[str, Any],
    *,
    parameters: list[dict[str, Any]] | None = None,
    body: str | None = None,
) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": name,
        "tags": ["EmailAccounts"],
        "summary": summary,
        "description": f"Needs an administrator, or the role {role}.",
        "responses": answers,
    }
    if parameters is not None:
        told["parameters"] = parameters
    if body is not None:
        told["requestBody"] = {"required": True, "content": _content(body, ("application/json",))}
    return told


def _answers(
    schema: str, problem: str, failures: dict[str, str], *, invalid: bool = False
) -> dict[str, Any]:
    answers = {"200": _answer("done", schema)}
    if invalid:
        wrong = {"oneOf": [_reference("EmailAccountResult"), _reference(problem)]}
        answers["400"] = {
            "description": "properties are wrong, all of them told; or it is no record at all",
            "content": {kind: {"schema": wrong} for kind in _TYPES},
        }
    else:
        answers["400"] = _answer("the request makes no sense", problem)
    for status, description in sorted((COMMON_FAILURES | failures).items()):
        answers[status] = _answer(description, problem)
    return answers


_TYPES = ("application/json", "application/xml")


def _linked(answers: dict[str, Any]) -> dict[str, Any]:
    """What the id of a record that was made is for."""
    parameters = {"path.id": "$response.body#/Value/Id"}
    links = {
        name: {"operationId": name, "parameters": parameters}
        for name in ("GetEmailAccount", "DeleteEmailAccount")
    }
    return answers | {"200": answers["200"] | {"links": links}}


def _answer(description: str, schema: str) -> dict[str, Any]:
    return {"description": description, "content": _content(schema, _TYPES)}


def _content(schema: str, kinds: tuple[str, ...]) -> dict[str, Any]:
    return {kind: {"schema": _reference(schema)} for kind in kinds}


def _reference(schema: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{schema}"}


def _query() -> list[dict[str, Any]]:
    numbers = {"page": (1, HIGHEST_PAGE), "size": (USUAL_SIZE, MOST_SIZE)}
    parameters = [
        _parameter(name, {"type": "integer", "minimum": 1, "maximum": most, "default": usual})
        for name, (usual, most) in numbers.items()
    ]
    listed = [one for one in PROPERTIES if one.access is not Access.SECRET]
    order = {"type": "string", "enum": [one.name for one in listed], "default": "Id"}
    parameters.append(_parameter("orderBy", order))
    directions = {"type": "string", "enum": list(DIRECTIONS), "default": "1"}
    parameters.append(_parameter("dir", directions))
    parameters += [_parameter(f"{FILTER}{one.name}", _wanted(one)) for one in listed]
    return parameters


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema}


# Values -----------------------------------------------------------------------------------------


def _value(one: Property) -> dict[str, Any]:
    if one.kind is Kind.INTEGER:
        return {"type": "integer", "minimum": 0, "maximum": HIGHEST_INT}
    if one.kind is Kind.BOOLEAN:
        return {"type": "boolean"}
    if one.kind is Kind.MOMENT:
        return {"type": "string", "format": "date-time"}
    if one.kind is Kind.CHOICE:
        return {"enum": [*(one.choices or {}).values(), *(one.choices or {})]}
    return {"type": "string", "maxLength": one.longest}


def _wanted(one: Property) -> dict[str, Any]:
    """A property as callers give it, in bodies and in filters."""
    if one.kind is Kind.MOMENT:
        return {"type": "string", "pattern": MOMENT}
    return _value(one)


def _told(one: Property) -> dict[str, Any]:
    """A property as records have it; enumerations by their numbers."""
    schema = _value(one)
    if one.kind is Kind.CHOICE:
        schema = {"type": "integer", "enum": list((one.choices or {}).values())}
    nullable = one.access is Access.SECRET or one.kind is Kind.MOMENT
    if nullable or one.name in ("ReplyToEmail", "NotificationEmailAddress"):
        schema["type"] = [schema["type"], "null"]
    return schema | {"description": one.description}


def _given(one: Property) -> dict[str, Any]:
    """A property as requests have it; null is nothing where nothing is required."""
    schema = _wanted(one)
    if one.name in PATTERNS:
        schema["pattern"] = PATTERNS[one.name]
    if one.name.endswith("Port"):
        schema |= {"minimum": 1, "maximum": HIGHEST_PORT}
    if not one.required and one.name != "Id":
        schema["type"] = [schema["type"], "null"]
    if one.required and one.kind is Kind.TEXT:
        schema["minLength"] = 1
    if one.access is Access.SERVICE and one.name != "Id":
        schema["description"] = f"{one.description} What is given is not used."
        return schema
    if one.access is Access.SECRET:
        schema["writeOnly"] = True
    return schema | {"description": one.description}


def _page() -> dict[str, Any]:
    numbers = ["CurrentPage", "CurrentPageSize", "CurrentSortDirection", "FirstItem", "LastItem"]
    numbers += ["TotalItems", "TotalPages"]
    properties: dict[str, Any] = {
        "Records": {"type": "array", "items": _reference("EmailAccount")},
        "CurrentOrderField": {"type": "string"},
        "HasNextPage": {"type": "boolean"},
        "HasPreviousPage": {"type": "boolean"},
    } | {name: {"type": "integer"} for name in numbers}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _result() -> dict[str, Any]:
    problem = {
        "type": "object",
        "properties": {
            "AttemptedValue": {"description": "What was given; null for secrets."},
            "Message": {"type": "string"},
            "PropertyName": {"type": "string"},
        },
        "required": ["AttemptedValue", "Message", "PropertyName"],
    }
    properties = {
        "Status": {"type": "integer"},
        "Message": {"type": "string"},
        "Value": {
            "type": ["object", "null"],
            "properties": {"Id": {"type": "integer"}},
            "required": ["Id"],
        },
        "WasSuccessful": {"type": "boolean"},
        "Errors": {"type": ["array", "null"], "items": problem},
    }
    return {"type": "object", "properties": properties, "required": list(properties)}
