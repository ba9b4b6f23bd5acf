"""What a view may use: the services, the admitted call, the request's body and its culture.

Kept with the Flask application and the Flask request; nothing here is global to the process.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import Flask, current_app, g, request

from services84.agents.call import Call
from services84.agents.gate import enter
from services84.agents.registry import Operation
from services84.agents.services import Services
from services84.errors import InvalidValue
from services84.rest.authentication import TIME_ZONE, presented_of
from services84.rest.culture import HEADERS, read_culture
from services84.texts.languages import Speech, speech_for
from services84.texts.translation import translate
from services84.wire.body import RequestBody
from services84.wire.budget import BodyBudget, Share

_EXTENSION = "services84"
BODY = "services84.body"  # where the front keeps the body in the WSGI environ
NO_ZONE = "is no time zone that is known here; it knows 261, NO, US-NY, Europe/Oslo and their like"
SPELT_PATH = "services84.path"  # the path as the caller spelt it


@dataclass(frozen=True)
class House:
    """What there is once for the whole front end."""

    services: Services
    budget: BodyBudget


def furnish(app: Flask, house: House) -> None:
    """Make `house` what views of `app` find."""
    app.extensions[_EXTENSION] = house


def house() -> House:
    """The house of the application that serves the current request."""
    return cast(House, current_app.extensions[_EXTENSION])


def services() -> Services:
    """What operations may use."""
    return house().services


def request_body() -> RequestBody:
    """The body of the current request, to be read once and within a limit."""
    return cast(RequestBody, request.environ[BODY])


def body_share() -> Share:
    """The current request's share of the memory for bodies; given back when it has ended."""
    if "body_share" not in g:
        g.body_share = house().budget.share()
    return cast(Share, g.body_share)


def admitted(operation: Operation | None = None) -> Call:
    """The call of whoever sent the current request; of no operation, it needs an associate.

    Raises as `presented_of` and `agents.gate.enter` do. What comes of the call is logged with it.
    """
    presented = presented_of(request, services().settings)
    needs_associate = operation is None or operation.needs_ticket
    try:
        g.call = enter(services(), presented, needs_associate=needs_associate)
    except InvalidValue as error:
        if error.member.startswith("TimeZone/"):  # as it is called over SOAP
            raise InvalidValue(TIME_ZONE, request.headers.get(TIME_ZONE), NO_ZONE) from error
        raise
    return cast(Call, g.call)


def speech() -> Speech:
    """The language that the current request wants its texts in; its headers are read once."""
    if "speech" not in g:
        culture = read_culture({name: request.headers.get(name, "") for name in HEADERS})
        g.speech = speech_for(culture.languages, culture.form)
    return cast(Speech, g.speech)


def in_callers_language(text: str) -> str:
    """A text of the service in that language; what others have said stays as it is."""
    return translate(text, speech())


def call_so_far() -> Call | None:
    """The call of the current request, if it has been admitted."""
    return cast("Call | None", g.get("call"))
