"""The one place where errors become HTTP: a status and a small document.

`{"Error": true, "ErrorType", "ErrorMessage", "ErrorSource"}`, or the same as XML, in the type that
the caller takes.

A mail server's trouble is 424 (RFC 4918 section 11.4), not 502 or 503: proxies and client libraries
send a request anew after those, and a message must not be sent twice by those who know nothing of
it. Nor is a node to be taken out of service because one account's mail server asks for patience.
"""

from __future__ import annotations

import math
from http import HTTPStatus

from flask import Response, request
from werkzeug.exceptions import HTTPException

from services84 import errors
from services84.rest.answers import json_bytes, xml_bytes
from services84.rest.authentication import challenges, scope_challenge
from services84.rest.context import in_callers_language
from services84.rest.negotiation import JSON, is_xml, negotiated
from services84.settings import Settings
from services84.wire.failures import SOURCE, Failure, explain

# The nearest entry of an error's family counts.
STATUSES: dict[type[errors.Services84Error], HTTPStatus] = {
    errors.Services84Error: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.MessageError: HTTPStatus.BAD_REQUEST,
    errors.LimitExceeded: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.ServerBusy: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.UnknownOperation: HTTPStatus.NOT_FOUND,
    errors.MethodNotAllowed: HTTPStatus.METHOD_NOT_ALLOWED,
    errors.NotAcceptable: HTTPStatus.NOT_ACCEPTABLE,
    errors.PatchConflict: HTTPStatus.CONFLICT,
    errors.UnsupportedMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.CallError: HTTPStatus.BAD_REQUEST,
    errors.NotAuthenticated: HTTPStatus.UNAUTHORIZED,
    errors.AccessDenied: HTTPStatus.FORBIDDEN,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.TooManyAttempts: HTTPStatus.TOO_MANY_REQUESTS,
    errors.AccountInactive: HTTPStatus.CONFLICT,
    errors.BrokerUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.SyncInterrupted: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.MailServerError: HTTPStatus.FAILED_DEPENDENCY,
    errors.HostNotAllowed: HTTPStatus.FORBIDDEN,
    errors.FolderMissing: HTTPStatus.NOT_FOUND,
    errors.StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.LeaseLost: HTTPStatus.SERVICE_UNAVAILABLE,
}
PROBLEM_ROOT = "ErrorResponse"


def status_of(error: BaseException) -> HTTPStatus:
    """The HTTP status of an error; 500 for what nobody expected."""
    for kind in type(error).__mro__:
        if kind in STATUSES:
            return STATUSES[kind]
    return HTTPStatus.INTERNAL_SERVER_ERROR


def problem_reply(error: BaseException, settings: Settings) -> Response:
    """The answer of an error, in the type that the current request takes."""
    if isinstance(error, HTTPException):
        return _werkzeugs(error)
    told = explain(error)
    reply = _document(status_of(error), told)
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        reply.headers["Retry-After"] = str(math.ceil(retry_after))
    if reply.status_code == HTTPStatus.UNAUTHORIZED:
        for challenge in challenges(request, settings, told.message):
            reply.headers.add("WWW-Authenticate", challenge)
    elif isinstance(error, errors.AccessDenied):
        scope = scope_challenge(request, told.message)
        if scope is not None:
            reply.headers["WWW-Authenticate"] = scope
    return reply


def _werkzeugs(error: HTTPException) -> Response:
    """Of an address that there is not, or a method that it does not have."""
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    words = {
        HTTPStatus.NOT_FOUND: ("there is nothing at this address", "SoNotFoundException"),
        HTTPStatus.METHOD_NOT_ALLOWED: (
            f"{request.method} is not for this address",
            errors.MethodNotAllowed.exception_type,
        ),
    }
    message, kind = words.get(status, (status.phrase, errors.MessageError.exception_type))
    reply = _document(status, Failure(message, message, kind, callers_fault=True))
    allowed = dict(error.get_headers()).get("Allow")
    if allowed:
        reply.headers["Allow"] = allowed
    return reply


def _document(status: HTTPStatus, failure: Failure) -> Response:
    try:
        kind = negotiated(request.headers.get("Accept"))
    except errors.NotAcceptable:
        kind = JSON
    members = {
        "Error": True,
        "ErrorType": failure.exception_type,
        "ErrorMessage": in_callers_language(failure.message),
        "ErrorSource": SOURCE,
    }
    body = xml_bytes(members, PROBLEM_ROOT) if is_xml(kind) else json_bytes(members)
    return Response(body, status, content_type=f"{kind}; charset=utf-8")
