"""A conversation as lines for a protocol log, without secrets and without anybody's mail.

`>` is said by us, `<` by the server, `=` is a remark. Left out are what signs in, in whichever
mechanism, and the contents of messages: literals, quoted strings of a FETCH, and whatever is no
known response, since a server that miscounts a literal shows the rest of it as responses.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from services84.imap import responses
from services84.imap.framing import Response
from services84.imap.names import Pieces
from services84.imap.session import Answer
from services84.mailtext import without

Tell = Callable[[str], None]

LONGEST_LINE = 2000  # characters
HIDDEN = b"***"
_SHORTEST = 4  # the shortest base64, and longer than what cancels an exchange
_SIGN_IN = frozenset({"LOGIN", "AUTHENTICATE"})
_STATUS = frozenset({"OK", "NO", "BAD", "BYE", "PREAUTH"})
_KNOWN = _STATUS | {
    *("CAPABILITY", "ENABLED", "FLAGS", "LIST", "LSUB", "NAMESPACE", "STATUS", "XLIST"),
    *("ESEARCH", "EXISTS", "EXPUNGE", "FETCH", "RECENT", "SEARCH", "VANISHED"),
}
_ANNOUNCED = re.compile(rb"\{(\d{1,18})\+?\}(?:\r\n|\Z)")
_LITERAL = re.compile(rb"\{(\d{1,18})\+?\}\r?\n")
_TAGGED = re.compile(rb"[A-Za-z]+\d+ (?:OK|NO|BAD)\b", re.IGNORECASE)
_CODE = re.compile(rb"((?:\S+ )?\S+(?: \[[A-Z]+\b)?)(.*)", re.DOTALL | re.IGNORECASE)
_QUOTED = re.compile(rb'(INTERNALDATE )?"((?:[^"\\]|\\.)*)"', re.IGNORECASE)


class Hidden:
    """What signs in, to be taken out of refusals: a server may quote what it was sent."""

    def __init__(self, secret: str) -> None:
        escaped = secret.replace("\\", "\\\\").replace('"', '\\"')
        self._secrets = [secret, escaped]
        self._said: list[bytes] = []

    def noting(self, command: bytes, answer: Answer) -> Answer:
        """The same answers of a SASL exchange, noted as secrets, as is a first one that goes
        with the command."""
        self._said += command.split()[1:]

        def noted(challenge: bytes) -> bytes | None:
            said = answer(challenge)
            self._said += [said] if said else []
            return said

        return noted

    def out_of(self, text: bytes) -> bytes:
        """A server's text without any of it."""
        for secret in self._secrets:
            text = without(text, secret)
        for said in self._said:
            text = text.replace(said, HIDDEN) if len(said) >= _SHORTEST else text
        return text


class Tracer:
    """Tells of one conversation. `secret` is what signs in: it is hidden wherever it is quoted."""

    def __init__(self, tell: Tell, secret: str) -> None:
        self._tell = tell
        self._secret = secret
        self._signing_in = False

    def remark(self, text: str) -> None:
        """Something that nobody said."""
        self._line("=", text.encode("utf-8"))

    def command(self, name: str, pieces: Pieces) -> None:
        """A command is about to be sent."""
        said = _without_literals(pieces)
        if name in _SIGN_IN:
            self._signing_in = True
            mechanism = said.split()[0] if name == "AUTHENTICATE" else b""
            hidden = b"" if said == mechanism else HIDDEN
            said = b" ".join(filter(None, (mechanism, hidden)))
        self._line(">", name.encode("ascii") + (b" " + said if said else b""))

    def answer(self, text: bytes) -> None:
        """An answer to the server's asking to go on; not for literals."""
        self._line(">", HIDDEN if self._signing_in else text)

    def signed_in(self) -> None:
        """The login is over: what comes now does not answer to secrets."""
        self._signing_in = False

    def heard(self, response: Response) -> None:
        """The server has said something."""
        text = response.text
        said = responses.untagged(response)
        known = said is not None and said.kind in _KNOWN
        if text.startswith(b"+"):
            self._line("<", b"+ " + HIDDEN if self._signing_in else text)
        elif not known and not _TAGGED.match(text):
            size = len(text) + sum(map(len, response.literals))
            self._line("<", b"(%d bytes that are no known response)" % size)
        elif self._signing_in and (said is None or said.kind != "CAPABILITY"):
            self._line("<", _status_only(text))
        elif said is not None and said.kind == "FETCH":
            self._line("<", _QUOTED.sub(_without_text, text))
        else:
            self._line("<", text)

    def _line(self, direction: str, text: bytes) -> None:
        one_line = _LITERAL.sub(rb"{\1 bytes}", without(text, self._secret))
        shown = one_line[: LONGEST_LINE * 4].decode("utf-8", "backslashreplace")
        shown = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in shown)
        if len(shown) > LONGEST_LINE:
            shown = f"{shown[:LONGEST_LINE]}... ({len(text)} bytes)"
        self._tell(f"{direction} {shown}")


def _without_literals(pieces: Pieces) -> bytes:
    """A command's arguments on one line, each literal as its size."""
    line, skip = bytearray(), 0
    for piece in pieces:
        at, skip = skip, 0
        while found := _ANNOUNCED.search(piece, at):
            size = int(found[1])
            line += piece[at : found.start()] + b"{%d bytes}" % size
            # Announced at the end, it begins the next piece.
            skip = size if found.end() == len(piece) else 0
            at = len(piece) if skip else found.end() + size
        line += piece[at:]
    return bytes(line)


def _status_only(text: bytes) -> bytes:
    """A status without its words, in which a server may quote what it was sent; a tag, a status
    and the name of a code are left, and capabilities."""
    found = _CODE.match(text)
    if found is None:
        return HIDDEN
    if found[1].upper().endswith(b"[CAPABILITY"):
        code, _, _ = found[2].partition(b"]")
        return found[1] + code + b"] " + HIDDEN
    return found[1] + (b"] " if b"[" in found[1] else b" ") + HIDDEN


def _without_text(found: re.Match[bytes]) -> bytes:
    return found[0] if found[1] else b'"(%d bytes)"' % len(found[2])
