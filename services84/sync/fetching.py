"""One batch of messages from the mail server, with the fault told apart: a message's, or not.

Only fetches; it may run in a thread of its own. What is committed of it is `folder`'s matter.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from services84.errors import MailServerRefused, MailServerUnreachable
from services84.imap.connection import ImapConnection
from services84.imap.values import FetchedMessage
from services84.sync import plan, reading
from services84.sync.reading import Pending, Unread

NOT_GIVEN = "the server did not give this message"


@dataclass(frozen=True)
class Fetched:
    """Messages with the reading of their bytes, and by UID why others did not come.

    `broken` is set when the connection broke meanwhile: then `suspected` are those that may
    have been the reason.
    """

    given: list[tuple[FetchedMessage, Pending | Unread]]
    refused: dict[int, str] = field(default_factory=dict)
    suspected: dict[int, str] = field(default_factory=dict)
    broken: MailServerUnreachable | None = None

    @property
    def is_being_read(self) -> bool:
        """Whether another process is at it, so that this one may do something else meanwhile."""
        return any(source.under_way for _, source in self.given[-1:])


def fetch_batch(
    connection: ImapConnection, gives_others: Callable[[], bool], uids: Sequence[int]
) -> Fetched:
    """Messages of one batch; a refused batch is asked for again one by one.

    When every one of several is refused, `gives_others` tells whether the server gives other
    messages now: if not, it is no message's fault, and the refusal is raised. A connection that
    breaks puts its batch under suspicion, for the next run to take singly.
    """
    try:
        return _read(connection, uids)
    except MailServerUnreachable as broken:
        if len(uids) == 1:
            return Fetched([], refused={uids[0]: broken.message}, broken=broken)
        return Fetched([], suspected=dict.fromkeys(uids, broken.message), broken=broken)
    except MailServerRefused as refusal:
        if len(uids) == 1:
            return Fetched([], refused={uids[0]: refusal.message})
        return _one_by_one(connection, gives_others, uids, refusal)


def _read(connection: ImapConnection, uids: Sequence[int]) -> Fetched:
    messages = {one.uid: one for one in connection.messages(uids) if one.source is not None}
    came = [messages[uid] for uid in uids if uid in messages]
    sources = reading.begin([one.source or b"" for one in came])
    given = [(replace(one, source=None), source) for one, source in zip(came, sources, strict=True)]
    return Fetched(given, refused={uid: NOT_GIVEN for uid in uids if uid not in messages})


def gives_any(connection: ImapConnection, uids: Sequence[int]) -> bool:
    """Whether the server gives one of these messages."""
    for uid in uids:
        with contextlib.suppress(MailServerRefused):
            if any(one.source is not None for one in connection.messages([uid])):
                return True
    return False


def _one_by_one(
    connection: ImapConnection,
    gives_others: Callable[[], bool],
    uids: Sequence[int],
    refusal: MailServerRefused,
) -> Fetched:
    given: list[tuple[FetchedMessage, Pending | Unread]] = []
    refused: dict[int, str] = {}
    works = False
    for uid in uids:
        one = fetch_batch(connection, gives_others, [uid])
        given += one.given
        if one.broken is not None:
            return Fetched(given, (refused if given else {}) | one.refused, broken=one.broken)
        refused |= one.refused
        if len(refused) >= plan.REFUSED_IN_A_ROW and not given and not works:
            if not gives_others():
                raise refusal
            works = True
    if not given and not works and not gives_others():
        raise refusal
    return Fetched(given, refused)
