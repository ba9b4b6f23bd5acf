"""Letters, and handing them over to a submission server: what was sent and what was not, exactly.

A letter is sent once. What may have been sent is told as uncertain and never tried again; only
where nothing was handed over, and the server has merely had enough of the connection, another
connection is tried. Which letters there are, and what becomes of their copies, is not known here.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from services84.agents.call import Call
from services84.agents.entity_drafts import draft_of
from services84.agents.writers import by_account, original_of
from services84.carriers.message import EMailEntity
from services84.errors import (
    InvalidValue,
    MailServerBusy,
    MailServerUnreachable,
    SendUncertain,
    Services84Error,
)
from services84.mailhost import Login, MailHost
from services84.mime.addresses import Address
from services84.mime.compose import compose
from services84.mime.draft import Draft, Envelope, envelope, identified
from services84.mime.replies import answering
from services84.smtp.submission import Session
from services84.store.threads import references_of
from services84.store.values import Account

log = structlog.get_logger(__name__)

SLOT_SECONDS = 10.0  # how long a caller waits for a connection that the host may have
# The longest silence, and the longest wait for the answer to a message: a caller gives up after
# a minute (WCF's default), would not know what was sent then, and might send it again.
PATIENCE = 15.0
VERDICT_SECONDS = 25.0
LAST_LETTER = 0.6  # of the time that a caller waits: later than that no further letter is begun


@dataclass(frozen=True)
class Letter:
    """A mail that is ready to be sent; `number` counts from 1, `member` names its carrier."""

    number: int
    member: str
    draft: Draft
    date: datetime
    envelope: Envelope

    def source(self, *, eight_bit: bool = False, with_bcc: bool = False) -> bytes:
        """The message's bytes; the same ones every time."""
        return compose(
            self.draft,
            date=self.date,
            eight_bit=eight_bit,
            with_bcc=with_bcc,
            member=f"{self.member}/",
        )


@dataclass
class Dispatch:
    """What has become of letters: those that were sent, with their sizes; and what stopped the
    rest, beginning with `failed`."""

    sent: list[Letter] = field(default_factory=list)
    sizes: dict[int, int] = field(default_factory=dict)
    failed: Letter | None = None
    error: Services84Error | None = None


# Writing them -----------------------------------------------------------------------------------


def letters_of(
    call: Call,
    members: Iterable[tuple[str, EMailEntity | None]],
    sender: Address | None,
    account: Account | None = None,
) -> list[Letter]:
    """The letters of carriers, each named by its member, checked whole: nothing is sent before
    all are fit to be. `sender` counts where From is empty; `account` is the one that they go by.
    Raises InvalidValue, NotFound."""
    letters = [
        _letter(call, number, member, entity, sender, account)
        for number, (member, entity) in enumerate(members, start=1)
    ]
    first: dict[str, Letter] = {}
    for letter in letters:
        before = first.setdefault(letter.draft.message_id, letter)
        if before is not letter:
            problem = f"is that of {before.member} too; every mail needs one of its own, or none"
            raise InvalidValue(f"{letter.member}/MessageID", letter.draft.message_id, problem)
    return letters


def _letter(
    call: Call,
    number: int,
    member: str,
    entity: EMailEntity | None,
    sender: Address | None,
    account: Account | None,
) -> Letter:
    draft = draft_of(entity, member=member, original=original_of(call, entity), sender=sender)
    if account is not None:
        draft = by_account(draft, account)
    draft = identified(_in_its_thread(call, draft))
    written = Letter(number, member, draft, call.arrived, envelope(draft, member=f"{member}/"))
    # What is wrong with a field shall be known now; the files cannot be wrong.
    replace(written, draft=replace(draft, attachments=())).source()
    return written


def _in_its_thread(call: Call, draft: Draft) -> Draft:
    """With all References of what it answers, where the cache knows that and nobody else does."""
    if not draft.in_reply_to or draft.references != draft.in_reply_to:
        return draft
    services, caller = call.services, call.caller.associate_id
    known = references_of(services.database, caller, draft.in_reply_to)
    return answering(draft, draft.in_reply_to, known)


# Sending them -----------------------------------------------------------------------------------


def dispatch(
    call: Call, host: MailHost, login: Login, letters: Sequence[Letter], started: float
) -> Dispatch:
    """Send letters, one after the other, up to the first that cannot be; raises nothing of ours.

    `started` is the call's beginning by the monotonic clock.
    """
    done = Dispatch()
    try:
        with call.services.slots.held(host.host, SLOT_SECONDS), _Line(call, host, login) as line:
            for letter in letters:
                done.failed = letter
                if done.sent:
                    _check_time(call, started)
                done.sizes[letter.number] = line.send(letter)
                done.sent.append(letter)
            done.failed = None
    except Services84Error as error:
        done.error = error
    except Exception as error:  # a fault of ours: what has been sent has to be told all the same
        log.error("send.failed", exc_info=error)
        done.error = SendUncertain(
            "the service failed while it was sending, and the message may have been sent; the "
            "service's log says why",
            host=host.host,
        )
    if done.error is not None:
        done.failed = done.failed or letters[0]
    return done


def _check_time(call: Call, started: float) -> None:
    if time.monotonic() - started > LAST_LETTER * call.services.settings.sync_wait:
        raise MailServerBusy("the time of the call is over; send the rest in another one")


class _Line:
    """The way to a server: a session, and another when the server has ended it in between."""

    def __init__(self, call: Call, host: MailHost, login: Login) -> None:
        self._mail = call.services.mail
        self._host = host
        self._login = login
        self._open = ExitStack()
        self._session: Session | None = None

    def __enter__(self) -> _Line:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def send(self, letter: Letter) -> int:
        """Hand a letter over; gives its size in bytes. Raises as `Session.send`."""
        used = self._session is not None and self._session.usable
        try:
            return self._hand_over(letter)
        except (MailServerBusy, MailServerUnreachable):
            if not used or (self._session is not None and self._session.usable):
                raise
        return self._hand_over(letter)

    def _hand_over(self, letter: Letter) -> int:
        session = self._ready()
        source = letter.source(eight_bit=session.takes_eight_bit)
        to = letter.envelope
        session.send(to.mail_from, to.recipients, source)
        return len(source)

    def _ready(self) -> Session:
        if self._session is None or not self._session.usable:
            self._open.close()
            opened = self._mail.smtp(
                self._host, self._login, patience=PATIENCE, verdict=VERDICT_SECONDS
            )
            self._session = self._open.enter_context(opened)
        return self._session


# Telling what has become of them ----------------------------------------------------------------


def telling(error: Services84Error, done: Dispatch, letters: Sequence[Letter]) -> Services84Error:
    """The error that stopped letters, which says now what has become of each: `Sent.1`,
    `Failed.2` or `Uncertain.2`, `NotSent.3` with its Message-ID."""
    last = done.failed.number if done.failed is not None else 0
    states = dict.fromkeys((one.number for one in letters), "NotSent")
    states |= {one.number: "Sent" for one in done.sent}
    states[last] = "Uncertain" if isinstance(error, SendUncertain) else "Failed"
    for one in letters:
        error.parameters[f"{states[one.number]}.{one.number}"] = one.draft.message_id
    if len(letters) > 1 and done.failed is not None:
        parts = [error.message.rstrip("."), _listing("sent", states, "Sent")]
        parts.append(_listing("not tried", states, "NotSent"))
        text = "; ".join(filter(None, parts))
        if not text.startswith(done.failed.member):
            text = f"{done.failed.member}: {text}"
        error.message = error.friendly_text = text
        error.args = (text,)
    return error


def _listing(what: str, states: dict[int, str], wanted: str) -> str:
    numbers = [str(number) for number, state in states.items() if state == wanted]
    if not numbers:
        return f"none of the {len(states)} e-mails was sent" if wanted == "Sent" else ""
    return f"{what}: {', '.join(numbers)} of {len(states)}"
