"""What is the matter with an account, in plain words, and what to do about it. Pure.

An error is known by its kind, the name of a class of `services84.errors`; one without words of its
own has those of the class above it. What a server has said is shown beside these, not here.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta

from services84 import errors
from services84.store.values import Account, AccountStatus

LATE_FACTOR = 4  # intervals without a success, after which an account in order is late
LATE_LEAST = timedelta(minutes=5)


class Tone(enum.StrEnum):
    """How serious it is; never told by colour alone."""

    GOOD = "good"
    BUSY = "busy"
    QUIET = "quiet"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True)
class Words:
    """What an error means for whoever has the account, and what to do."""

    what: str
    todo: str


@dataclass(frozen=True)
class State:
    """The state of an account for people. `what` and `todo` are empty where all is well."""

    tone: Tone
    label: str
    what: str = ""
    todo: str = ""


_NOTHING = "Nothing has to be done: the service tries again by itself."

_WORDS: dict[str, Words] = {
    "Services84Error": Words(
        "The sync failed for a reason inside this service.",
        "Look into the service's log at the time of the last sync.",
    ),
    "CallError": Words("The sync could not be done.", _NOTHING),
    "NotFound": Words("The account was deleted while it was synced.", "Reload this page."),
    "InvalidValue": Words(
        "What is saved of the account cannot be used to sign in.",
        "See what was said, and save the account with what its provider tells.",
    ),
    "AccountInactive": Words(
        "The account is switched off: it is not synced.",
        "Switch it on (Active, in the web API) to have its mail fetched again.",
    ),
    "BrokerUnavailable": Words(
        "The workers cannot be told what to sync.",
        "The operator has to see whether the broker of SERVICES84_BROKER_URL runs.",
    ),
    "SyncInterrupted": Words(
        "The last sync was interrupted and goes on with the next one.", _NOTHING
    ),
    "MailServerError": Words("The mail server could not be used.", _NOTHING),
    "HostNotAllowed": Words(
        "This service may not connect to the address of the mail server.",
        "Enter the provider's public mail server. Private, local and reserved addresses are "
        "refused; an operator of an installation on site may allow private ones.",
    ),
    "MailServerUnreachable": Words(
        "The mail server cannot be reached.",
        "Wait a little; if it lasts, check server and port, and ask the provider.",
    ),
    "UnknownHost": Words(
        "There is no server of the name that was entered.",
        "Check the spelling of the incoming server. If it is right, the name service (DNS) of the "
        "machine of this service may be out of order.",
    ),
    "ConnectionRefused": Words(
        "Nothing answers at the port of the mail server, or a firewall is in the way.",
        "Check the port: 993 is usual for IMAP with TLS, 143 with STARTTLS.",
    ),
    "ConnectionLost": Words("The connection to the mail server broke off.", _NOTHING),
    "MailServerTimeout": Words(
        "The mail server did not answer in time.",
        "Wait a little; if it lasts, check server and port, and ask the provider.",
    ),
    "TlsFailed": Words(
        "No secure connection to the mail server came about.",
        "Check that server and port belong together. If the server's certificate is of your own "
        "authority, the operator has to name it in SERVICES84_MAIL_CA_FILE.",
    ),
    "LoginRefused": Words(
        "The mail server refused the user name or the password.",
        "Save the account with the right password. Some providers want a password made for "
        "applications, or IMAP to be switched on in their settings. Until then the service tries "
        "seldom, so that the mailbox is not locked.",
    ),
    "MailServerBusy": Words("The mail server asks for patience.", _NOTHING),
    "MailServerRefused": Words(
        "The mail server refused what the sync asked of it.",
        "See what the server said; if it lasts, ask the provider.",
    ),
    "UidValidityUnstable": Words(
        "The mail server renumbers a folder at every sync, so that nothing known of it lasts.",
        "Ask the provider to repair the folder. The mail that is in the cache stays as it is.",
    ),
    "StoreError": Words(
        "The service's database could not be used.",
        "The operator has to look into the service's log.",
    ),
    "SecretError": Words(
        "The stored password of the account cannot be read.",
        "Save the account with its password again. If it concerns many accounts, the operator has "
        "to check the key file.",
    ),
}


def words_of(kind: str) -> Words:
    """The words for an error of this kind; for an unknown one those of any error."""
    found = getattr(errors, kind, None)
    if isinstance(found, type) and issubclass(found, errors.Services84Error):
        for one in found.__mro__:
            if one.__name__ in _WORDS:
                return _WORDS[one.__name__]
    return _WORDS["Services84Error"]


def state_of(account: Account, now: datetime, interval: float) -> State:
    """The state of an account at a time; `interval` is that of syncs by the clock, 0 for none."""
    if account.lease_until is not None and account.lease_until > now:
        return State(Tone.BUSY, "Syncing")
    if not account.options.active:
        off = words_of("AccountInactive")
        return State(Tone.QUIET, "Switched off", off.what, off.todo)
    if missing := _missing(account):
        return missing
    if account.status in (AccountStatus.FAILING, AccountStatus.FAILED):
        return _in_trouble(account)
    if account.status is AccountStatus.UNKNOWN:
        return _new(account, now, interval)
    return _late(account.last_success, now, interval) or State(Tone.GOOD, "In order")


def _missing(account: Account) -> State | None:
    incoming = account.incoming
    if incoming is None or not incoming.server:
        what = "The account has no incoming mail server."
    elif not incoming.username:
        what = "The account has no user name for its mail server."
    elif not incoming.has_password:
        what = "The account has no password for its mail server."
    else:
        return None
    return State(Tone.WARN, "Incomplete", what, "Save the account with all it takes to sign in.")


def _in_trouble(account: Account) -> State:
    words = (
        words_of(account.error_kind)
        if account.error_kind
        else Words("The last sync failed.", "See what was said; the service tries again by itself.")
    )
    if account.status is AccountStatus.FAILING:
        return State(Tone.WARN, "Failing", words.what, words.todo)
    given_up = (
        f"After {account.error_count} failures in a row the service no longer tries by itself: "
        "save the account anew, or start a sync here once the reason is gone."
    )
    todo = given_up if words.todo == _NOTHING else f"{words.todo} {given_up}"
    return State(Tone.BAD, "Failed", words.what, todo)


def _new(account: Account, now: datetime, interval: float) -> State:
    return _late(account.registered, now, interval) or State(
        Tone.QUIET, "New", "The account waits for its first sync."
    )


def _late(last: datetime | None, now: datetime, interval: float) -> State | None:
    """An account in order that has had no sync for long: the service itself is behind."""
    if not interval or last is None:
        return None
    if now - last <= max(LATE_LEAST, timedelta(seconds=interval * LATE_FACTOR)):
        return None
    return State(
        Tone.WARN,
        "Late",
        "The account is in order, and has not been synced for longer than it should.",
        "The operator has to see whether a process syncs by the clock, and whether more accounts "
        "wait than the service can sync.",
    )
