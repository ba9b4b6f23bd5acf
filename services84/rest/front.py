"""The web API as one WSGI callable: a Flask application that registers the blueprints.

Addresses as under IIS: case does not matter, and a tenant's segment may stand in front
(`/Cust12345/API/v1/...`). Views see lower-case paths; what was spelt is in the environ.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from typing import Any

import structlog
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from services84.agents.services import Services
from services84.errors import CallError, MessageError
from services84.metrics import OK
from services84.rest.context import BODY, SPELT_PATH, House, call_so_far, furnish, services, speech
from services84.rest.crm import crm
from services84.rest.documentation import documentation
from services84.rest.oauth import METADATA, REVOCATION, TOKENS, oauth
from services84.rest.openapi import openapi
from services84.rest.operations import operations, tell_extra
from services84.rest.problems import problem_reply
from services84.rest.versions import versions
from services84.wire.body import RequestBody
from services84.wire.budget import BodyBudget

log = structlog.get_logger(__name__)

_ROOTS = "|".join(("/api", re.escape(TOKENS), re.escape(REVOCATION), re.escape(METADATA)))
_API = re.compile(
    rf"(?P<tenant>(?:/[^/]+)??)(?P<path>(?:{_ROOTS})(?:/.*)?)", re.IGNORECASE | re.DOTALL
)
BLUEPRINTS = (versions, operations, openapi, documentation, crm, oauth)
# What views read by Flask's own means (`request.form`): nobody has much to say there. Operations
# read their bodies by `context.request_body`, which has limits of its own.
SMALL_BODY = 64 * 1024


def serves(path: str) -> bool:
    """Whether an address is one of the web API's."""
    return _API.fullmatch(path) is not None


class RestFront:
    """The web API of one process; `budget` is the process's for bodies."""

    def __init__(self, services: Services, budget: BodyBudget) -> None:
        self._settings = services.settings
        self.app = Flask("services84.rest", static_folder=None)
        self.app.config["MAX_CONTENT_LENGTH"] = SMALL_BODY
        self.app.url_map.strict_slashes = False
        furnish(self.app, House(services, budget))
        for blueprint in BLUEPRINTS:
            self.app.register_blueprint(blueprint)
        self.app.before_request(_begin)
        self.app.after_request(_end)
        self.app.teardown_request(_give_back)
        self.app.register_error_handler(Exception, self._failed)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request whose path `serves`."""
        path = str(environ.get("PATH_INFO") or "/")
        match = _API.fullmatch(path)
        tenant, below = (match["tenant"], match["path"]) if match else ("", path)
        inner = {
            **environ,
            "SCRIPT_NAME": str(environ.get("SCRIPT_NAME") or "") + tenant,
            "PATH_INFO": below.lower(),
            SPELT_PATH: below,
            BODY: RequestBody(environ),
        }
        return self.app(inner, start_response)

    def _failed(self, error: Exception) -> Response:
        g.outcome = type(error).__name__
        if not isinstance(error, CallError | MessageError | HTTPException):
            log.error("call failed", service="rest", exc_info=error)
        return problem_reply(error, self._settings)


def _begin() -> None:
    g.started = time.monotonic()


def _end(reply: Response) -> Response:
    if "stream" not in request.__dict__:  # else a view has read the body by Flask's means
        request.environ[BODY].leave()
    reply.headers.setdefault("Cache-Control", "no-store")
    reply.headers.setdefault("X-Content-Type-Options", "nosniff")
    if (language := speech().language) is not None:
        reply.headers.setdefault("Content-Language", language)
    call, outcome = call_so_far(), g.get("outcome", OK)
    tell_extra(reply, call)
    operation, seconds = g.get("operation") or request.endpoint, time.monotonic() - g.started
    services().metrics.call_served(
        service="rest", operation=operation, protocol="HTTP", outcome=outcome, seconds=seconds
    )
    log.info(
        "call",
        service="rest",
        operation=operation,
        method=request.method,
        status=reply.status_code,
        outcome=outcome,
        seconds=round(seconds, 3),
        associate=call.associate.associate_id if call and call.associate else None,
    )
    return reply


def _give_back(_: BaseException | None) -> None:
    share = g.pop("body_share", None)
    if share is not None:
        share.__exit__()
