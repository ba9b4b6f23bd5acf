"""Addresses of mail: read from whatever a field holds, checked and made fit to be sent to. Pure.

Reading (RFC 5322 section 3.4) never raises: groups, comments, missing quotes and encoded words
give what a person would take them for. Checking (RFC 5321, RFC 6531) is strict, since mail to a
guessed address goes to somebody else. Whether an address exists is not known here.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import idna

from services84.errors import InvalidValue
from services84.mime.headers import decode_words

LONGEST_ADDRESS = 254  # octets (RFC 5321 section 4.5.3.1.3, less the angle brackets)


class Address(NamedTuple):
    """A mailbox: the name to show, which may be empty, and `local@domain`."""

    name: str
    address: str


# Reading ----------------------------------------------------------------------------------------

# Nothing here looks back: every character belongs to one token.
_TOKEN = re.compile(
    r"(?P<word>=\?[^?\s]{1,60}\?[bBqQ]\?[^?]*+\?=)"
    r'|(?P<angle><(?:@[^<>]*+|(?:"(?:[^"\\]++|\\.)*+"|[^<>,;"]++)*+)>?)'
    r"|(?P<literal>\[[^\[\]<>,;]*+\])"
    r"|(?P<blank>\s+)"
    r"|(?P<mark>[,;:])"
    r'|(?P<plain>[^\s",;:<>()\[=]++|.)',
    re.DOTALL,
)
_QUOTED = re.compile(r'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def address_list(text: str) -> list[Address]:
    """The mailboxes of an address field, raw or decoded; separators are commas and semicolons.

    Groups are taken apart. What holds no address at all is a name with an empty address, except
    before a comma and a named mailbox: `Doe, Anna <anna@example.com>` is one.
    """
    found: list[Address] = []
    waiting: list[str] = []  # names before commas, which may belong to what follows
    for entry in _entries(text):
        mailbox = entry.mailbox()
        if not mailbox.address:
            if mailbox.name:
                waiting.append(mailbox.name)
            if entry.ended_by == ",":
                continue
        elif entry.angle is not None and mailbox.name and waiting:
            mailbox = Address(", ".join([*waiting, mailbox.name]), mailbox.address)
            waiting = []
        found.extend(Address(name, "") for name in waiting)
        waiting = []
        if mailbox.address:
            found.append(mailbox)
    return [*found, *(Address(name, "") for name in waiting)]


@dataclass
class _Entry:
    """What stands between two separators, as words of tokens (as written, as meant)."""

    words: list[list[tuple[str, str]]] = field(default_factory=list)
    angle: str | None = None
    comment: str = ""
    ended_by: str = ""
    _glued: bool = False

    def add(self, raw: str, shown: str) -> None:
        """Go on with the word, or begin the next one after a blank."""
        if self._glued or (raw.startswith("@") and self.words):
            self.words[-1].append((raw, shown))
        else:
            self.words.append([(raw, shown)])
        self._glued = True

    def blank(self) -> None:
        # "anna @ example.com" is meant as one.
        self._glued = bool(self.words) and self.words[-1][-1][0].endswith("@")

    def mailbox(self) -> Address:
        """The address, and what is left of the words as its name."""
        address = "" if self.angle is None else _bare(self.angle)
        words = self.words
        if not address:
            at = next((n for n, word in enumerate(words) if _has_at(word)), None)
            if at is not None:
                address = _bare("".join(raw for raw, _ in words[at]))
                words = [*words[:at], *words[at + 1 :]]
        name = " ".join("".join(shown for _, shown in word) for word in words)
        name = " ".join(decode_words(name).split()) or " ".join(self.comment.split())
        return Address(name.strip(), address)


def _has_at(word: list[tuple[str, str]]) -> bool:
    return any("@" in raw for raw, _ in word if not raw.startswith('"'))


def _bare(text: str) -> str:
    """An address without a route (`@a,@b:c@d`), a scheme and what else stands around it."""
    text = decode_words(text).strip("<> \t\r\n'")
    if text.startswith("@"):
        text = text.rpartition(":")[2] or text
    if text[:7].lower() == "mailto:":
        text = text[7:]
    return text if '"' in text else "".join(text.split())


def _entries(text: str) -> Iterator[_Entry]:
    entry = _Entry()
    at = 0
    unclosed = ""  # the marks '"' and '(' that are known to have no counterpart from here on
    while at < len(text):
        mark = text[at]
        if mark == '"' and mark not in unclosed:
            quoted = _QUOTED.match(text, at)
            if quoted:
                entry.add(quoted[0], _ESCAPED.sub(r"\1", quoted[1]))
                at = quoted.end()
                continue
            unclosed += mark
        elif mark == "(" and mark not in unclosed:
            end = _end_of_comment(text, at)
            if end:
                entry.comment = entry.comment or _ESCAPED.sub(r"\1", text[at + 1 : end - 1])
                at = end
                continue
            unclosed += mark
        token = _TOKEN.match(text, at)
        assert token is not None  # the last alternative takes any character
        at = token.end()
        if token["mark"] and _separates(token["mark"], entry):
            entry.ended_by = token[0]
            yield entry
            entry = _Entry()
        else:
            _take(entry, token)
    yield entry


def _separates(mark: str, entry: _Entry) -> bool:
    if mark == ":":
        # What stands before is the name of a group, or a scheme; neither is a mailbox.
        entry.words.clear()
        entry.blank()
        return False
    return True


def _take(entry: _Entry, token: re.Match[str]) -> None:
    if token["blank"]:
        entry.blank()
    elif token["angle"]:
        entry.angle = token[0] if entry.angle is None else entry.angle
        entry.blank()
    elif not token["mark"] and token[0] not in {'"', ">", "(", ")"}:
        entry.add(token[0], token[0])


def _end_of_comment(text: str, start: int) -> int:
    """Where the comment that begins at `start` is over; 0 when it never is."""
    depth, at = 0, start
    while at < len(text):
        mark = text[at]
        at += 2 if mark == "\\" else 1
        depth += (mark == "(") - (mark == ")")
        if depth == 0:
            return at
    return 0


# Checking ---------------------------------------------------------------------------------------

_LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+")
_QUOTED_LOCAL = re.compile(r'"(?:[^"\\]|\\.)*"')
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


def checked_address(address: str, member: str) -> str:
    """The address in the form that mail servers take; `member` names it in an error.

    A domain of other letters than ASCII's is given by its A-labels (IDNA 2008), unless the part
    before the @ is not ASCII either: such an address needs SMTPUTF8 anyway (RFC 6531).

    Raises InvalidValue for what is no address.
    """
    address = address.strip()
    local, at, domain = address.rpartition("@")
    if not at or not local or not domain:
        raise InvalidValue(member, address, "is no address such as anna@example.com")
    if not address.isprintable():
        raise InvalidValue(member, address, "is no address: it holds a control character")
    if not (_LOCAL.fullmatch(local) or _QUOTED_LOCAL.fullmatch(local)):
        raise InvalidValue(member, address, f"is no address: {local!r} cannot stand before the @")
    checked = f"{local}@{_checked_domain(domain, local.isascii(), address, member)}"
    if len(checked.encode("utf-8", "replace")) > LONGEST_ADDRESS:
        raise InvalidValue(member, address, f"is longer than {LONGEST_ADDRESS} octets")
    return checked


def _checked_domain(domain: str, ascii_wanted: bool, address: str, member: str) -> str:
    if domain.startswith("[") and domain.endswith("]"):
        try:
            inner = domain[1:-1]
            tag, colon, rest = inner.partition(":")
            ipaddress.ip_address(rest if colon and tag.lower() == "ipv6" else inner)
        except ValueError as error:
            raise InvalidValue(member, address, f"is no address: {error}") from error
        return domain
    try:
        if not domain.isascii():
            encoded = idna.encode(domain, uts46=True).decode("ascii")
            return encoded if ascii_wanted else domain
    except (idna.IDNAError, UnicodeError) as error:
        raise InvalidValue(member, address, f"is no address: {error}") from error
    if not all(_LABEL.fullmatch(label) for label in domain.split(".")):
        raise InvalidValue(member, address, f"is no address: {domain!r} is no domain")
    return domain


def domain_of(address: str) -> str:
    """What stands after the last @, in ASCII; `localhost` where that cannot be."""
    domain = address.rpartition("@")[2]
    try:
        text = domain if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return "localhost"
    return text if all(_LABEL.fullmatch(label) for label in text.split(".")) else "localhost"
