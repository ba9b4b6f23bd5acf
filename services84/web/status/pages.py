"""The pages: a view for each, which asks `agents.watching` and renders a template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.exceptions import Forbidden

from services84.agents import watching
from services84.agents.call import Call
from services84.errors import TooManyAttempts
from services84.store.overview import Shown
from services84.store.values import Account, RunProgress
from services84.web.advice import State, Tone, state_of, words_of
from services84.web.status import words
from services84.web.status.charts import charts_of, seconds_of
from services84.web.status.session import (
    begin_session,
    call_of_request,
    caller,
    caller_address,
    end_session,
    entry_is_ours,
    form_is_ours,
    had_session,
    is_from_here,
    services,
)

pages = Blueprint("pages", __name__)

OPEN_TO_ALL = ("pages.sign_in", "pages.enter")
LONGEST_NAME = 255
# What a page may be told to say, by its address; anything else in its place says nothing.
NOTICES = {
    "started": "The sync has been started.",
    "joined": "A sync of this account was under way already.",
    "out": "You are signed out.",
    "over": "Your session is over. Please sign in again.",
}
FILTERS = (
    (Shown.ALL, "All"),
    (Shown.TROUBLED, "In need of attention"),
    (Shown.SYNCING, "Syncing"),
    (Shown.NEW, "New"),
)


@dataclass(frozen=True)
class Line:
    """An account as a row and a panel show it."""

    account: Account
    state: State
    progress: RunProgress | None

    @property
    def syncing(self) -> bool:
        return self.state.tone is Tone.BUSY


# Signing in and out -----------------------------------------------------------------------------


@pages.before_request
def _guard() -> Any:
    """Send strangers to sign in, and refuse what another site's page has sent."""
    if request.method == "POST" and not is_from_here():
        raise Forbidden("This form was sent by another site's page.")
    if request.endpoint in OPEN_TO_ALL:
        return None
    if call_of_request() is None:
        if request.endpoint == "pages.live":
            return Response("signed out\n", status=401, mimetype="text/plain")
        account = request.view_args.get("account_id") if request.view_args else None
        over = "over" if had_session() else None
        return redirect(url_for("pages.sign_in", account=account, say=over), 303)
    if request.method == "POST" and not form_is_ours():
        raise Forbidden("This form is of an earlier session. Go back, reload the page, try again.")
    return None


@pages.get("/sign-in")
def sign_in() -> Any:
    """The form; whoever is signed in has no need of it."""
    if call_of_request() is not None:
        return redirect(url_for("pages.accounts"), 303)
    return rendered("sign_in.html", call=None, account=_number("account"), notice=_notice())


@pages.post("/sign-in")
def enter() -> Any:
    """Check name and password, as slowly as SoPrincipal.svc when they come too often."""
    if not entry_is_ours():
        return _not_in("This form is too old, or your browser keeps no cookies. Try again.", 403)
    name = request.form.get("name", "").replace("\0", "").strip()[:LONGEST_NAME]
    try:
        ticket = watching.sign_in(
            services(), name, request.form.get("password", ""), caller_address()
        )
    except TooManyAttempts as error:
        wait = words.span(error.retry_after)
        reply = _not_in(f"Too many failed attempts. Try again in {wait}.", 429)
        reply.headers["Retry-After"] = f"{error.retry_after:.0f}"
        return reply
    if ticket is None:
        return _not_in("The name or the password is wrong.", 403)
    account_id = _is_id(request.form.get("account", "")) and int(request.form["account"])
    reply = Response(
        status=303,
        headers={
            "Location": url_for("pages.account", account_id=account_id)
            if account_id
            else url_for("pages.accounts")
        },
    )
    begin_session(reply, ticket)
    return reply


def _not_in(problem: str, status: int) -> Response:
    """The form once more, with what stood in the way; all but the password is kept in it."""
    account = request.form.get("account", "")
    page = rendered(
        "sign_in.html",
        call=None,
        name=request.form.get("name", "")[:LONGEST_NAME],
        account=account if _is_id(account) else None,
        problem=problem,
    )
    return Response(page, status, mimetype="text/html")


@pages.post("/sign-out")
def leave() -> Any:
    """End the ticket, here and in the browser."""
    watching.sign_out(services(), caller().presented.ticket or "")
    reply = Response(status=303, headers={"Location": url_for("pages.sign_in", say="out")})
    end_session(reply)
    return reply


# Looking ----------------------------------------------------------------------------------------


@pages.get("/")
def accounts() -> Any:
    """All accounts that the caller may see, by the page."""
    call = caller()
    text, shown = request.args.get("q", "").strip(), _shown()
    page = watching.page_of_accounts(
        call, text=text, shown=shown, after=_number("after"), before=_number("before")
    )
    return rendered(
        "accounts.html",
        call=call,
        page=page,
        lines=_lines(call, page.accounts),
        census=watching.census(call),
        on_time=watching.syncs_by_the_clock(call),
        text=text,
        shown=shown,
        filters=FILTERS,
        kept={"q": text or None, "show": None if shown is Shown.ALL else shown},
    )


@pages.get("/accounts/<int(max=2147483647):account_id>")
def account(account_id: int) -> Any:
    """One account: its state, its history, its folders."""
    return _account_page(account_id, notice=_notice())


@pages.get("/live")
def live() -> Any:
    """The parts of a page that change while a sync runs, anew; `ids` names the accounts."""
    call = caller()
    ids = [int(one) for one in request.args.get("ids", "").split(",") if _is_id(one)]
    template = "live_panel.html" if request.args.get("view") == "panel" else "live_rows.html"
    return rendered(template, call=call, lines=_lines(call, watching.some_accounts(call, ids)))


# Doing ------------------------------------------------------------------------------------------


@pages.post("/accounts/<int(max=2147483647):account_id>/sync")
def sync(account_id: int) -> Any:
    """Start a sync, and show the account."""
    report = watching.start_sync(caller(), account_id)
    for reason in report.refused.values():
        return _account_page(account_id, notice=f"The sync was not started: {reason}.")
    say = "joined" if report.joined else "started"
    return redirect(url_for("pages.account", account_id=account_id, say=say), 303)


@pages.post("/accounts/<int(max=2147483647):account_id>/login")
def login(account_id: int) -> Any:
    """Sign in to the account's mail servers, and show what came of it."""
    return _account_page(account_id, trials=watching.try_logins(caller(), account_id))


# Parts ------------------------------------------------------------------------------------------


def rendered(template: str, *, call: Call | None, **values: Any) -> str:
    """A template with what all of them use."""
    settings = services().settings
    return render_template(
        template,
        call=call,
        now=services().clock(),
        zone=ZoneInfo(settings.time_zone),
        words=words,
        **values,
    )


def _account_page(
    account_id: int,
    *,
    notice: str = "",
    trials: Sequence[watching.Trial] = (),
) -> str:
    call = caller()
    details = watching.details_of(call, account_id)
    (line,) = _lines(call, [details.account], {account_id: details.progress})
    return rendered(
        "account.html",
        call=call,
        line=line,
        details=details,
        charts=charts_of(details.runs),
        seconds_of=seconds_of,
        notice=notice,
        trials=trials,
        words_of=words_of,
    )


def _lines(
    call: Call,
    some: Sequence[Account],
    progress: dict[int, RunProgress | None] | None = None,
) -> list[Line]:
    told = watching.progress_of(call, some) if progress is None else progress
    interval = call.services.settings.sync_interval
    return [
        Line(one, state_of(one, call.arrived, interval), told.get(one.account_id)) for one in some
    ]


def _notice() -> str:
    return NOTICES.get(request.args.get("say", ""), "")


def _shown() -> Shown:
    given = request.args.get("show", "")
    return Shown(given) if given in list(Shown) else Shown.ALL


def _number(name: str) -> int | None:
    given = request.args.get(name, "")
    return int(given) if _is_id(given) else None


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10
