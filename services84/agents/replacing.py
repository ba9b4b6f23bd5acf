"""Putting a message on the mail server, in the place of its earlier version if it has one.

The new one is stored first, and the earlier removed only then: whatever fails, nothing is lost.
An earlier version that stays behind is told in ExtraInfo (`Save.EarlierKept`), and fails no call,
lest the caller saves the message once more.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services84.agents.call import Call
from services84.errors import MailServerError, MailServerRefused
from services84.imap.changing import check_flag
from services84.imap.connection import ImapConnection
from services84.imap.values import Appended, FetchedIdentity
from services84.sync.errands import Errand

EARLIER_KEPT = "Save.EarlierKept"


@dataclass(frozen=True)
class Content:
    """A message that is ready to be stored; `received` is when it shall have come."""

    source: bytes = field(repr=False)
    message_id: str
    flags: Sequence[str]
    received: datetime


@dataclass(frozen=True)
class Earlier:
    """Earlier versions of a message in one folder, by its server name."""

    server_name: str
    uid_validity: int
    identities: Mapping[int, FetchedIdentity]


def earlier_versions(connection: ImapConnection, server_name: str, message_id: str) -> Earlier:
    """The messages of a folder that have this Message-ID."""
    opened = connection.select(server_name)
    uids = connection.uids_by_message_id([message_id])[message_id]
    return Earlier(server_name, opened.uid_validity, connection.identities(uids) if uids else {})


def put_in_place(
    call: Call, errand: Errand, server_name: str, content: Content, earlier: Sequence[Earlier]
) -> Appended:
    """Store a message in a folder, and remove its earlier versions; tells where it is.

    Raises MailServerError when it could not be stored; the earlier versions are as they were.
    """
    connection = errand.connection
    errand.touch(server_name, *(each.server_name for each in earlier))
    received = _distinct(content, _dates_taken(call, errand, content, earlier))
    try:
        added = connection.append(server_name, content.source, content.flags, received)
    except ValueError as error:
        raise MailServerRefused(f"the message cannot be stored: {error}") from error
    if added.uid is None:
        added = _found(connection, server_name, content.message_id, earlier)
    for each in earlier:
        try:
            _remove(call, connection, each)
        except MailServerError as error:
            call.extra[EARLIER_KEPT] = error.message
    return added


def _dates_taken(
    call: Call, errand: Errand, content: Content, earlier: Sequence[Earlier]
) -> set[datetime | None]:
    """The dates by which the message could be taken for an earlier version of the same Message-ID
    and size, on the server or in the cache: a sync would keep that one's content, as of a message
    that has only moved."""
    size = len(content.source)
    taken = {
        one.internal_date
        for each in earlier
        for one in each.identities.values()
        if one.size == size
    }
    accounts = [] if errand.account_id is None else [errand.account_id]
    cached = call.services.items.with_message_id([content.message_id], accounts)
    return taken | {item.internal_date for item in cached if item.size == size}


def _distinct(content: Content, taken: Collection[datetime | None]) -> datetime:
    """When the message shall have come, a little later if that is taken."""
    moment = content.received.replace(microsecond=0)
    while moment in taken:
        moment += timedelta(seconds=1)
    return moment


def _found(
    connection: ImapConnection, server_name: str, message_id: str, earlier: Sequence[Earlier]
) -> Appended:
    """Where a message is, on a server that does not tell (UIDPLUS, RFC 4315)."""
    now = earlier_versions(connection, server_name, message_id)
    known = {uid for each in earlier if each.server_name == server_name for uid in each.identities}
    uids = [uid for uid in now.identities if uid not in known]
    return Appended(now.uid_validity, max(uids, default=None))


def _remove(call: Call, connection: ImapConnection, earlier: Earlier) -> None:
    if not earlier.identities:
        return
    if connection.select(earlier.server_name).uid_validity != earlier.uid_validity:
        raise MailServerRefused("the mail server has just renumbered the folder")
    if connection.delete(earlier.identities).marked:
        call.extra[EARLIER_KEPT] = "it is marked as deleted, as are other messages of its folder"


def settable(keywords: str) -> list[str]:
    """Those of a message's keywords that a client may set."""
    found = []
    for keyword in keywords.split():
        try:
            check_flag(keyword)
        except ValueError:
            continue
        found.append(keyword)
    return found
