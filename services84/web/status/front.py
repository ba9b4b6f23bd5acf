"""The status page as one WSGI callable: a Flask application with the headers of every answer."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import structlog
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException, InternalServerError, NotFound, ServiceUnavailable

from services84 import __version__, errors
from services84.agents.services import Services
from services84.metrics import OK, outcome_of
from services84.proxies import address_of
from services84.requestids import KEY
from services84.security.sessions import XSRF_FIELD
from services84.web.status.pages import pages, rendered
from services84.web.status.session import (
    EXTENSION,
    PATH,
    call_of_request,
    form_token,
    keep_entry,
)

log = structlog.get_logger(__name__)

SMALL_BODY = 16 * 1024  # bytes; names, passwords and words to search for
STATIC_SECONDS = 7 * 24 * 3600  # the version is part of a static file's address
HEADERS = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def serves(path: str) -> bool:
    """Whether an address is one of the status page's."""
    return path == PATH or path.startswith(f"{PATH}/")


class StatusFront:
    """The status page of one process."""

    def __init__(self, services: Services) -> None:
        self._settings = services.settings
        self._metrics = services.metrics
        self.app = Flask("services84.web.status")
        self.app.config.update(
            MAX_CONTENT_LENGTH=SMALL_BODY,
            MAX_FORM_MEMORY_SIZE=SMALL_BODY,
            SEND_FILE_MAX_AGE_DEFAULT=STATIC_SECONDS,
        )
        self.app.jinja_env.trim_blocks = self.app.jinja_env.lstrip_blocks = True
        self.app.extensions[EXTENSION] = services
        self.app.register_blueprint(pages)
        self.app.context_processor(_common)
        self.app.before_request(_begin)
        self.app.after_request(self._end)
        self.app.register_error_handler(Exception, _failed)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request whose path `serves`."""
        # As the browser has it, with what a trusted proxy takes away from the front.
        outside = urlsplit(address_of({**environ, "PATH_INFO": PATH}, self._settings))
        inner = {
            **environ,
            "wsgi.url_scheme": outside.scheme,
            "HTTP_HOST": outside.netloc,
            "SCRIPT_NAME": outside.path,
            "PATH_INFO": str(environ["PATH_INFO"]).removeprefix(PATH) or "/",
        }
        return self.app(inner, start_response)

    def _end(self, reply: Response) -> Response:
        for name, value in HEADERS.items():
            reply.headers.setdefault(name, value)
        if request.endpoint == "static":
            return reply
        reply.headers["Cache-Control"] = "no-store"
        keep_entry(reply)
        outcome, seconds = g.get("outcome", OK), time.monotonic() - g.started
        operation = (request.endpoint or "none").rpartition(".")[2]
        self._metrics.call_served(
            service="status", operation=operation, protocol="HTTP", outcome=outcome, seconds=seconds
        )
        call = g.get("call")
        log.info(
            "call",
            service="status",
            operation=operation,
            method=request.method,
            status=reply.status_code,
            outcome=outcome,
            seconds=round(seconds, 3),
            associate=call.associate.associate_id if call is not None else None,
        )
        return reply


def _begin() -> None:
    g.started = time.monotonic()


def _common() -> dict[str, Any]:
    """What every template may use."""
    return {"version": __version__, "token_field": XSRF_FIELD, "token": form_token}


_STATUSES: tuple[tuple[type[Exception], type[HTTPException], str], ...] = (
    (errors.NotFound, NotFound, "There is no such account, or it is not yours."),
    (errors.StoreError, ServiceUnavailable, "The database is not available. Try again later."),
)


def _failed(error: Exception) -> Any:
    """A page that says what went wrong; of what nobody expected, the log has the reason."""
    g.outcome = outcome_of(error)
    shown: HTTPException = InternalServerError()
    text = "Something went wrong inside this service; its log says what."
    if isinstance(error, HTTPException):
        shown, text = error, error.description or ""
    for kind, http, words in _STATUSES:
        if isinstance(error, kind):
            shown, text = http(), words
    code = shown.code or 500
    if code == 500:
        log.error("call failed", service="status", exc_info=error)
    if code < 400:  # a redirection that werkzeug itself asks for
        return shown.get_response()
    known = None if isinstance(error, errors.StoreError) else call_of_request()
    page = rendered(
        "problem.html",
        call=known,
        title=shown.name,
        text=text,
        request_id=request.environ.get(KEY, ""),
    )
    reply = Response(page, status=code, mimetype="text/html")
    for name, value in shown.get_headers():
        if name not in ("Content-Type", "Content-Length"):
            reply.headers[name] = value
    return reply
