"""The letters of IMAP as a server needs them: commands taken apart, answers put together. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from email.policy import compat32

from tests.support.imapmodel.mailbox import HIGHEST_UID, Message

_TOKEN = re.compile(
    rb"""\s*(?:(?P<open>\()|(?P<close>\))|"(?P<quoted>(?:[^"\\]|\\.)*)"|\{(?P<literal>\d+)\+?\}\r\n
    |(?P<atom>(?:\[[^\]]*\](?:<[\d.]+>)?|[^\s()"\[\]{])+))""",
    re.VERBOSE,
)
MOST_CHARACTERS = 8000  # of a line (RFC 2683 section 3.2.1.5)

Argument = str | list["Argument"]


class Illegal(Exception):
    """A command that this client may not send; the text says why."""


@dataclass(frozen=True)
class Command:
    """One command; `text` is all of it but the tag and the literals."""

    tag: str
    name: str
    arguments: list[Argument]
    text: str


def command(line: bytes, literals: Sequence[bytes]) -> Command:
    """Take a command apart; raises Illegal."""
    tag, _, rest = line.rstrip(b"\r\n").partition(b" ")
    if len(line) > MOST_CHARACTERS:
        raise Illegal(f"a line of {len(line)} characters")
    arguments = parsed(rest, literals)
    name = arguments.pop(0) if arguments else ""
    if isinstance(name, list):
        raise Illegal("a list where a command should be")
    if name.upper() == "UID" and arguments:
        name = f"UID {arguments.pop(0)}"
    return Command(tag.decode(), name.upper(), arguments, rest.decode("latin-1"))


def parsed(text: bytes, literals: Sequence[bytes]) -> list[Argument]:
    """Atoms and strings as text, lists as lists."""
    stack: list[list[Argument]] = [[]]
    waiting, at = list(literals), 0
    while at < len(text.rstrip()):
        found = _TOKEN.match(text, at)
        if found is None:
            raise Illegal(f"nonsense at {at} in {text[:200]!r}")
        at = found.end()
        if found["open"]:
            stack.append([])
        elif found["close"]:
            inner = stack.pop()
            stack[-1].append(inner)
        elif found["literal"] is not None:
            stack[-1].append(waiting.pop(0).decode("latin-1"))
        elif found["quoted"] is not None:
            stack[-1].append(re.sub(rb"\\(.)", rb"\1", found["quoted"]).decode("latin-1"))
        else:
            stack[-1].append(found["atom"].decode("latin-1"))
    return stack[0]


def quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def members(uid_set: str, uids: Sequence[int]) -> list[int]:
    """Those of `uids` (ascending) that a set names; raises Illegal for no proper set."""
    highest = uids[-1] if uids else 0
    ranges = []
    for part in uid_set.split(","):
        ends = part.split(":")
        if len(ends) > 2 or not all(end == "*" or _is_uid(end) for end in ends):
            raise Illegal(f"{part!r} in a set of UIDs")
        first, last = (highest if end == "*" else int(end) for end in (ends[0], ends[-1]))
        ranges.append((min(first, last), max(first, last)))
    return [uid for uid in uids if any(first <= uid <= last for first, last in ranges)]


def _is_uid(text: str) -> bool:
    return text.isascii() and text.isdigit() and text[0] != "0" and int(text) <= HIGHEST_UID


def uid_set(uids: Iterable[int]) -> str:
    runs: list[list[int]] = []
    for uid in sorted(uids):
        if runs and runs[-1][1] + 1 == uid:
            runs[-1][1] = uid
        else:
            runs.append([uid, uid])
    return ",".join(str(a) if a == b else f"{a}:{b}" for a, b in runs)


def fetch_items(message: Message, items: Iterable[str], *, mod_seq: bool) -> Iterator[bytes]:
    """The answer to FETCH items for one message, the UID first; raises Illegal."""
    yield b"UID %d" % message.uid
    wanted = [item for item in items if item.upper() not in {"UID", "MODSEQ"}]
    for item in wanted:
        name = item.upper()
        if name == "FLAGS":
            yield f"FLAGS ({' '.join(sorted(message.flags))})".encode()
        elif name == "INTERNALDATE":
            yield message.date.strftime('INTERNALDATE "%d-%b-%Y %H:%M:%S +0000"').encode()
        elif name == "RFC822.SIZE":
            yield b"RFC822.SIZE %d" % len(message.content)
        elif name.startswith("BODY.PEEK["):
            yield _section(message, name.removeprefix("BODY.PEEK").encode())
        elif name.startswith(("BODY[", "RFC822")):
            raise Illegal(f"{item} marks the message as read")
        else:
            raise Illegal(f"FETCH of {item}")
    if mod_seq:
        yield b"MODSEQ (%d)" % message.mod_seq


def _section(message: Message, section: bytes) -> bytes:
    if section == b"[]":
        content: bytes | None = message.content if message.fault != "NIL" else None
    elif section == b"[HEADER]":
        content = message.content.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    elif found := re.fullmatch(rb"\[HEADER\.FIELDS \(([^)]*)\)\]", section):
        content = _fields(message.content, found[1].decode().upper().split())
    else:
        raise Illegal(f"FETCH of section {section!r}")
    if content is None:
        return b"BODY" + section + b" NIL"
    return b"BODY%s {%d}\r\n%s" % (section, len(content), content)


def _fields(content: bytes, names: Sequence[str]) -> bytes:
    header = BytesHeaderParser(policy=compat32).parsebytes(content)
    chosen = [f"{name}: {value}\r\n" for name, value in header.items() if name.upper() in names]
    return ("".join(chosen) + "\r\n").encode("utf-8", "surrogateescape")
