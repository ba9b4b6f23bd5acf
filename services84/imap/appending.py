"""Putting a message into a folder (APPEND, RFC 3501 section 6.3.11).

With UIDPLUS (4315), LITERAL+ and LITERAL- (7888), BINARY (3516), APPENDLIMIT (7889) and
UTF8=ACCEPT (6855) where the server offers them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from services84.imap.changing import check_flag
from services84.imap.conversation import Conversation, status_texts
from services84.imap.names import Pieces, date_time, joined, verbatim
from services84.imap.session import Completion
from services84.imap.uidsets import appended_uid
from services84.imap.values import Appended

_LIMIT = re.compile(r"APPENDLIMIT=(\d{1,18})")
_HEADER_END = re.compile(rb"\r?\n\r?\n")


class Appending(Conversation):
    """What can be put into folders, open or not."""

    def append(
        self,
        server_name: str,
        source: bytes,
        flags: Iterable[str] = (),
        internal_date: datetime | None = None,
    ) -> Appended:
        """Store a message in a folder, byte for byte as given: lines have to end in CRLF.

        `internal_date` (with a time zone) is when it is said to have come, now unless given.
        A large message is neither copied nor sent before the server has agreed to take it.
        Raises FolderMissing, MailServerRefused (also for a message above the limit that the
        server tells), and ValueError for an empty message, for one with a NUL where the server
        takes none, for what is no flag, and for a date without a zone.
        """
        given = [*dict.fromkeys(flags)]
        for flag in given:
            check_flag(flag)
        options = [verbatim(f"({' '.join(given)})")] if given else []
        if internal_date is not None:
            options.append(verbatim(f'"{date_time(internal_date)}"'))
        self._check_size(source)
        name = self._mailbox(server_name)
        completion = self._perform("APPEND", joined(name, *options, self._literal(source)))
        return _appended(completion)

    def _literal(self, source: bytes) -> Pieces:
        if self._utf8 and not _header(source).isascii():
            # Only so may headers be in UTF-8 (RFC 6855 section 4).
            return (b"UTF8 (~{%d}" % len(source), source + b")")
        if b"\0" not in source:
            return (b"{%d}" % len(source), source)
        if "BINARY" not in self.capabilities:
            raise ValueError("the message holds a NUL, which this server does not take")
        return (b"~{%d}" % len(source), source)

    def _check_size(self, source: bytes) -> None:
        if not source:
            raise ValueError("the message is empty")
        limits = [int(found[1]) for found in map(_LIMIT.fullmatch, self.capabilities) if found]
        if limits and len(source) > min(limits):
            raise self._refused(
                f"takes messages of up to {min(limits)} bytes, and this one has {len(source)}"
            )


def _header(source: bytes) -> bytes:
    end = _HEADER_END.search(source)
    return source[: end.start()] if end else source


def _appended(completion: Completion) -> Appended:
    for status in status_texts(completion):
        told = appended_uid(status.argument) if status.code == "APPENDUID" else None
        if told is not None:
            return Appended(*told)
    return Appended()
