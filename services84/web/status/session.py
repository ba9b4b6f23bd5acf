"""Who looks at a page: the ticket in the cookie, and the proof that a form came from here.

The cookie is out of reach of scripts and of other sites' forms; a form carries the token that
belongs to the ticket beside it. Whoever is not signed in yet has a cookie of chance in its place,
so that no other site can sign people in as somebody else.
"""

from __future__ import annotations

import secrets
from typing import cast

from flask import Response, current_app, g, request

from services84.agents import watching
from services84.agents.call import Call
from services84.agents.services import Services
from services84.origins import is_foreign
from services84.proxies import address_of, client_address
from services84.security.sessions import (
    SESSION_COOKIE,
    XSRF_FIELD,
    xsrf_matches,
    xsrf_token,
)

EXTENSION = "services84"
PATH = "/status"
ENTRY_COOKIE = "services84_sign_in"  # of whoever has no ticket yet


def services() -> Services:
    """What the application that serves the current request may use."""
    return cast(Services, current_app.extensions[EXTENSION])


def caller_address() -> str:
    """The address of whoever sent the current request."""
    return client_address(request.environ, services().settings)


def call_of_request() -> Call | None:
    """The call of whoever is signed in, looked up once a request."""
    if "call" not in g:
        ticket = request.cookies.get(SESSION_COOKIE, "")
        g.call = watching.admitted(services(), ticket, caller_address()) if ticket else None
    return cast("Call | None", g.call)


def caller() -> Call:
    """The call, in a view that only those who are signed in get to."""
    call = call_of_request()
    if call is None:
        raise LookupError("nobody is signed in")
    return call


def form_token() -> str:
    """What the hidden field of every form holds."""
    call = call_of_request()
    return xsrf_token((call.presented.ticket or "") if call is not None else _entry())


def _entry() -> str:
    """What stands for a stranger's browser; made for one that has none. `keep_entry` keeps it."""
    if "entry" not in g:
        g.entry = request.cookies.get(ENTRY_COOKIE, "") or secrets.token_urlsafe()
    return cast(str, g.entry)


def keep_entry(reply: Response) -> None:
    """Let the browser of a stranger who was given a form keep what that form belongs to."""
    entry = g.get("entry", "")
    if entry and entry != request.cookies.get(ENTRY_COOKIE):
        _set(reply, ENTRY_COOKIE, entry)


def is_from_here() -> bool:
    """Whether the browser says that a page of this very site sent the request; true when it says
    nothing, as programs do."""
    said, here = request.headers, address_of(request.environ, services().settings)
    return not is_foreign(said.get("Sec-Fetch-Site"), said.get("Origin"), here)


def form_is_ours() -> bool:
    """Whether the form of the current request was made for the session that sends it."""
    call = call_of_request()
    ticket = call.presented.ticket if call is not None else None
    return bool(ticket) and xsrf_matches(ticket or "", request.form.get(XSRF_FIELD))


def entry_is_ours() -> bool:
    """Whether the form to sign in by was given to the browser that sends it."""
    entry = request.cookies.get(ENTRY_COOKIE, "")
    return bool(entry) and xsrf_matches(entry, request.form.get(XSRF_FIELD))


def begin_session(reply: Response, ticket: str) -> None:
    """Let the browser keep the ticket until it is closed; the ticket's own life is shorter."""
    _set(reply, SESSION_COOKIE, ticket)
    _delete(reply, ENTRY_COOKIE)


def end_session(reply: Response) -> None:
    """Let the browser forget the ticket."""
    _delete(reply, SESSION_COOKIE)


def had_session() -> bool:
    """Whether the browser sent a ticket, whatever it is worth."""
    return bool(request.cookies.get(SESSION_COOKIE))


def _set(reply: Response, name: str, value: str) -> None:
    reply.set_cookie(
        name, value, path=_path(), secure=request.is_secure, httponly=True, samesite="Lax"
    )


def _delete(reply: Response, name: str) -> None:
    reply.delete_cookie(name, path=_path(), secure=request.is_secure, httponly=True, samesite="Lax")


def _path() -> str:
    return request.root_path or "/"
