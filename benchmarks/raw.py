"""The yardstick: a bare socket that asks for everything at once and only frames the answer.

Nothing is parsed, stored or even kept; a client that does anything with mail is slower.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator

_READ = 256 * 1024
_LITERAL = re.compile(rb"\{(\d+)\}\r\n\Z")
_NAME = re.compile(rb'\* LIST \([^)]*\) "?/"? "?([^"\r]+)"?\r\n')
_MESSAGES = "UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"
_STATUS = "(SPECIAL-USE STATUS (MESSAGES UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ))"


class RawClient:
    """A signed-in connection without a library. Only for servers that behave."""

    def __init__(self, port: int, user: str, password: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._lines = self._read()
        self._sent = 0
        next(self._lines)
        self._ask(f"LOGIN {user} {password}")
        list(self._answers(1))

    def _ask(self, *commands: str) -> None:
        text = "".join(f"{self._sent + at} {line}\r\n" for at, line in enumerate(commands, 1))
        self._sent += len(commands)
        self._socket.sendall(text.encode())

    def _answers(self, completions: int) -> Iterator[bytes]:
        for line in self._lines:
            if not line.startswith((b"*", b")", b" ", b"+")):
                completions -= 1
                if b" OK" not in line[:20]:
                    raise RuntimeError(f"the server refused: {line!r}")
                if not completions:
                    return
            yield line

    def _read(self) -> Iterator[bytes]:
        """The lines of the conversation without the literals in them."""
        held, skip = b"", 0
        while received := self._socket.recv(_READ):
            data, at = held + received, 0
            while True:
                if skip:
                    step = min(skip, len(data) - at)
                    at, skip = at + step, skip - step
                end = -1 if skip else data.find(b"\r\n", at)
                if end < 0:
                    break
                line = data[at : end + 2]
                at = end + 2
                announced = _LITERAL.search(line)
                skip = int(announced[1]) if announced else 0
                yield line
            held = data[at:]

    def folders(self) -> list[str]:
        """The names of all folders that can be opened, as the server spells them."""
        self._ask('LIST "" "*"')
        found = [_NAME.match(line) for line in self._answers(1) if b"\\Noselect" not in line]
        return [name[1].decode("latin-1") for name in found if name]

    def everything(self) -> int:
        """Fetch all messages of all folders; gives how many came."""
        folders = self.folders()
        commands = [line for name in folders for line in (f'EXAMINE "{name}"', _MESSAGES)]
        self._ask(*commands)
        return sum(b" FETCH (" in line[:40] for line in self._answers(len(commands)))

    def unchanged(self) -> int:
        """Ask in one round trip whether anything has changed; gives how many folders there are."""
        self._ask(f'LIST "" "*" RETURN {_STATUS}')
        return sum(line.startswith(b"* STATUS") for line in self._answers(1))

    def close(self) -> None:
        self._socket.close()
