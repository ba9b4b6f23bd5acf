"""The id of a request, by which its caller, its log lines and a proxy's log find each other.

A trusted proxy's id is taken over when it is of a harmless form; all other requests get one here.
What a front end tells of it beside the HTTP header is its own matter.
"""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

import structlog

from services84.proxies import TrustsProxies, comes_from_proxy

HEADER = "X-Request-Id"
EXTRA = "Request.Id"  # the key in ExtraInfo
KEY = "services84.request_id"  # in a WSGI environ
# Neither spaces nor line breaks: it goes into headers and log lines.
_HARMLESS = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")

StartResponse = Callable[..., Any]


def new_request_id() -> str:
    """An id unlike any other: 128 random bits, hexadecimal."""
    return secrets.token_hex(16)


def request_id_of(environ: Mapping[str, Any], settings: TrustsProxies) -> str:
    """The id of the trusted proxy that the request came through, or a new one."""
    given = str(environ.get("HTTP_X_REQUEST_ID") or "")
    if _HARMLESS.fullmatch(given) and comes_from_proxy(environ, settings):
        return given
    return new_request_id()


@contextlib.contextmanager
def identified(
    environ: MutableMapping[str, Any], start_response: StartResponse, settings: TrustsProxies
) -> Iterator[StartResponse]:
    """Give a request its id: in the environ, in every log line of the block (`request`), and as a
    header of what the block starts by the `start_response` that it gets."""
    request = environ[KEY] = request_id_of(environ, settings)

    def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        return start_response(status, [*headers, (HEADER, request)], *rest)

    with structlog.contextvars.bound_contextvars(request=request):
        yield start


def told_id(environ: Mapping[str, Any]) -> dict[str, str]:
    """What ExtraInfo tells of the id; nothing where the request has none."""
    request = environ.get(KEY)
    return {EXTRA: request} if isinstance(request, str) else {}
