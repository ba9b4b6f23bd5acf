"""`/api/crm/emailaccounts`: mail accounts as records, in the vendor's shapes of answers.

Translates only; what records are and who may do what with them is `agents.crm`'s matter. What is
no matter of the record's properties (no right, no such record, no JSON) is told as everywhere.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, g, request

from services84.agents.crm import accounts
from services84.errors import InvalidRecord, MalformedMessage, UnsupportedMediaType
from services84.rest.answers import plain_answer
from services84.rest.context import admitted, body_share, request_body, services
from services84.rest.crm_schema import COLLECTION
from services84.rest.negotiation import JSON_TYPES, negotiated
from services84.wire.body import BodyLimit
from services84.wire.jsonreader import read_json
from services84.wire.xmlreader import XmlLimits

crm = Blueprint("crm", __name__)

LARGEST = 256 * 1024  # bytes of a record: two tokens and a little
READ_TYPES = JSON_TYPES[:2]


@crm.get(COLLECTION)
def page() -> Response:
    """A page of records."""
    told = accounts.list_records(admitted(), list(request.args.items(multi=True)))
    return plain_answer(told, root="EmailAccounts")


@crm.get(f"{COLLECTION}/<int:account_id>")
def record(account_id: int) -> Response:
    """One record."""
    return plain_answer(accounts.get_record(admitted(), account_id), root="EmailAccount")


@crm.post(COLLECTION)
def creation() -> Response:
    """Make a record."""
    call = admitted()
    _check_accept()
    return _done(accounts.create_record(call, _body()), "created")


@crm.put(COLLECTION)
def update() -> Response:
    """Change a record, the one of Id."""
    call = admitted()
    _check_accept()
    return _done(accounts.update_record(call, _body()), "updated")


@crm.delete(f"{COLLECTION}/<int:account_id>")
def deletion(account_id: int) -> Response:
    """Delete a record."""
    call = admitted()
    _check_accept()
    return _done(accounts.delete_record(call, account_id), "deleted")


@crm.errorhandler(InvalidRecord)
def refused(error: InvalidRecord) -> Response:
    """What is wrong with a record, property by property."""
    g.outcome = type(error).__name__
    problems = [
        {"AttemptedValue": one.attempted, "Message": one.message, "PropertyName": one.name}
        for one in error.problems
    ]
    return _outcome(HTTPStatus.BAD_REQUEST, error.message, None, problems)


def _done(account_id: int, what: str) -> Response:
    message = f"EmailAccount was successfully {what}."
    return _outcome(HTTPStatus.OK, message, {"Id": account_id}, None)


def _outcome(
    status: HTTPStatus, message: str, value: dict[str, int] | None, errors: list[Any] | None
) -> Response:
    told = {
        "Status": int(status),
        "Message": message,
        "Value": value,
        "WasSuccessful": status is HTTPStatus.OK,
        "Errors": errors,
    }
    return plain_answer(told, root="EmailAccountResult", status=status)


def _check_accept() -> None:
    """Raises NotAcceptable before anything is changed, rather than when that is to be told."""
    negotiated(request.headers.get("Accept"))


def _body() -> Any:
    """The value of the request's body, which is JSON; raises MessageError."""
    kind = request.mimetype or READ_TYPES[0]
    if kind not in READ_TYPES:
        raise UnsupportedMediaType(
            f"the content type {kind[:80]!r} is not read here; use {' or '.join(READ_TYPES)}"
        )
    body = request_body().read(BodyLimit(LARGEST), body_share())
    if not body.strip():
        raise MalformedMessage("the request has no body; it has to be a record")
    settings = services().settings
    limits = XmlLimits(settings.max_xml_depth, settings.max_xml_elements)
    return read_json(body, limits, charset=request.mimetype_params.get("charset"))
