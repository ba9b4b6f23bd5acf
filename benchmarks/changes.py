"""A hundred changes in a large mailbox, made as another client would make them."""

from __future__ import annotations

import imaplib
from dataclasses import dataclass
from typing import Any

from benchmarks.mail import Writer
from benchmarks.mailbox import SEED
from tests.support.dovecot import DovecotServer

NEW, FLAGGED, GONE = 40, 40, 20
BYTES_OF_A_LINE = 60  # to tell of a message's flags or of its end
_FIRST = 1_000_000  # numbers of messages that no mailbox holds yet


@dataclass(frozen=True)
class Changes:
    """What was changed: how often, and how many bytes tell of it."""

    count: int
    bytes: int


def change(server: DovecotServer, user: str, turn: int) -> Changes:
    """New messages, other flags and expunged messages in INBOX; other ones each turn."""
    writer = Writer(SEED)
    size = 0
    with server.client(user) as client:
        for number in range(_FIRST + turn * NEW, _FIRST + (turn + 1) * NEW):
            content = writer.message(number)[0].replace(b"\n", b"\r\n")
            _ok(client.append("INBOX", "", "", content))
            size += len(content)
        exists = int(_ok(client.select("INBOX"))[0] or 0)
        # Spread over the folder; a flag of this turn's alone changes whatever was there.
        for at in _spread(exists, FLAGGED, turn):
            _ok(client.store(str(at), "+FLAGS", f"(turn{turn})"))
        gone = ",".join(map(str, _spread(exists, GONE, turn + 5)))
        _ok(client.store(gone, "+FLAGS", r"(\Deleted)"))
        _ok(client.expunge())
    lines = NEW + FLAGGED + GONE
    return Changes(lines, size + lines * BYTES_OF_A_LINE)


def _spread(exists: int, count: int, offset: int) -> list[int]:
    return [1 + (at * exists // count + offset) % exists for at in range(count)]


def _ok(answer: tuple[str, list[Any]]) -> list[Any]:
    if answer[0] != "OK":
        raise imaplib.IMAP4.error(f"the server refused: {answer!r}")
    return answer[1]
