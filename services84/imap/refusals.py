"""What a server's refusal means: patience asked for, credentials refused, or a command. Pure.

RFC 5530 names codes; Gmail, Outlook and others say it in text. Messages are fit for ErrorReason:
one sentence, the server's own words shortened and without control characters.
"""

from __future__ import annotations

import re

from services84.errors import (
    ConnectionLost,
    FolderMissing,
    LoginRefused,
    MailServerBusy,
    MailServerError,
    MailServerRefused,
)
from services84.imap.responses import status_text
from services84.mailhost import MailHost

_BUSY_CODES = frozenset({"UNAVAILABLE", "LIMIT", "INUSE", "SERVERBUG", "THROTTLED"})
_MISSING_CODES = frozenset({"TRYCREATE", "NONEXISTENT"})
_MISSING_TEXT = re.compile(
    r"(?:mailbox|folder) (?:does not|doesn't) exist|no such (?:mailbox|folder)|unknown mailbox",
    re.IGNORECASE,
)
_BUSY_TEXT = re.compile(
    r"suggested backoff|too many|try again|temporar|overload|server (?:is )?busy|throttl"
    r"|not connected|connection limit|bandwidth limit",
    re.IGNORECASE,
)
_BACKOFF = re.compile(r"suggested backoff time: (\d{1,9}) milliseconds", re.IGNORECASE)


def login_refusal(host: MailHost, status: str, raw: bytes) -> MailServerError:
    """A NO or BAD to an authentication."""
    busy = _busy(host, raw)
    if busy or status == "NO":
        return busy or LoginRefused(f"login refused by {host}: {shown(raw)}", host=host.host)
    return command_refusal(host, "the login command", raw)


def command_refusal(host: MailHost, command: str, raw: bytes) -> MailServerError:
    """A NO or BAD to any other command."""
    code = status_text(raw).code
    if code in _BUSY_CODES or _BACKOFF.search(shown(raw)):
        return _asks_for_patience(host, raw)
    missing = code in _MISSING_CODES or (not code and _MISSING_TEXT.search(shown(raw)))
    kind = FolderMissing if missing else MailServerRefused
    return kind(f"{host} refused {command}: {shown(raw)}", host=host.host)


def farewell(host: MailHost, raw: bytes) -> MailServerError:
    """A BYE."""
    busy = _busy(host, raw)
    return busy or ConnectionLost(f"{host} closed the connection: {shown(raw)}", host=host.host)


def shown(raw: bytes) -> str:
    """A status text for people, its code in front."""
    status = status_text(raw)
    code = f"[{status.code}] " if status.code and status.code != "CAPABILITY" else ""
    return f"{code}{status.text}".strip() or "no reason given"


def _busy(host: MailHost, raw: bytes) -> MailServerBusy | None:
    status = status_text(raw)
    if status.code in _BUSY_CODES or (
        status.code != "AUTHENTICATIONFAILED" and _BUSY_TEXT.search(status.text)
    ):
        return _asks_for_patience(host, raw)
    return None


def _asks_for_patience(host: MailHost, raw: bytes) -> MailServerBusy:
    backoff = _BACKOFF.search(shown(raw))
    after = int(backoff[1]) / 1000 if backoff else None
    return MailServerBusy(
        f"{host} asks for patience: {shown(raw)}", host=host.host, retry_after=after
    )
