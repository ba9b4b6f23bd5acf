"""Header fields as they are written: folded, 7-bit, and impossible to break out of. Pure.

RFC 5322 section 2.2.3 (folding), RFC 2047 (encoded words), RFC 2231 (parameters). The standard
library's `email.policy` is not used for this: several of the supported Python versions lose the
quotes of a folded display name, so that a comma in a name makes an address of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from email.header import Header
from email.utils import encode_rfc2231

from services84.errors import InvalidValue
from services84.mime.addresses import Address

WIDTH = 76  # characters of a line, as long as there is a blank to break it at
LONGEST_WORD = 900  # a line may have 998 (RFC 5322 section 2.1.1)
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_NAME = re.compile(r"[\x21-\x39\x3b-\x7e]{1,76}")
_PLAIN_PARAMETER = 60  # characters; longer values are cut into sections


def check_text(text: str, member: str) -> str:
    """The text of a header field, as it is; raises InvalidValue for one that cannot be any."""
    for mark, name in (("\r", "a line break"), ("\n", "a line break"), ("\0", "a NUL")):
        if mark in text:
            raise InvalidValue(member, text, f"holds {name}")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidValue(member, text, "holds half a character (a lone surrogate)") from error
    return text


def check_name(name: str, member: str) -> str:
    """The name of a header field; raises InvalidValue for what is none."""
    if not _NAME.fullmatch(name):
        raise InvalidValue(member, name, "is no name of a header field")
    return name


def unstructured(name: str, text: str) -> bytes:
    """A field of free text, with its line end; the text has been checked."""
    words = text.split(" ")
    plain = text.isascii() and text.isprintable() and "=?" not in text
    if plain and all(words) and max(map(len, words)) <= LONGEST_WORD:
        return folded(name, words)
    return folded(name, encoded_words(text, WIDTH - len(name)))


def encoded_words(text: str, width: int = WIDTH) -> list[str]:
    """RFC 2047 words of at most 75 characters, no character split between two."""
    width = max(40, min(width, WIDTH)) - 2
    return Header(text, "utf-8", maxlinelen=width).encode(linesep="\n").split()


def address_field(name: str, addresses: Iterable[Address]) -> bytes:
    """A field of mailboxes, with its line end; the addresses have been checked."""
    tokens: list[str] = []
    for mailbox in addresses:
        if tokens:
            tokens[-1] += ","
        tokens.extend(_mailbox(mailbox))
    return folded(name, tokens)


def _mailbox(mailbox: Address) -> list[str]:
    """A mailbox as tokens that may stand on lines of their own."""
    if not mailbox.name:
        return [mailbox.address]
    address = f"<{mailbox.address}>"
    name = " ".join(mailbox.name.split())
    if not (name.isascii() and name.isprintable()) or "=?" in name or len(name) > LONGEST_WORD:
        return [*encoded_words(name), address]
    if _ATOMS.fullmatch(name):
        return [*name.split(" "), address]
    # One token: readers that unfold carelessly keep it whole.
    return ['"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"', address]


def folded(name: str, tokens: Sequence[str]) -> bytes:
    """A field of tokens that blanks separate, with its line end."""
    lines: list[str] = []
    line = f"{name}:"
    for at, token in enumerate(tokens):
        # Something stands on the first line at any rate: a line of nothing but a name confuses.
        if at and len(line) + 1 + len(token) > WIDTH:
            lines.append(line)
            line = ""
        line += f" {token}"
    lines.append(line)
    return ("\r\n".join(lines) + "\r\n").encode("utf-8")


# Parameters -------------------------------------------------------------------------------------


def with_parameters(name: str, value: str, parameters: Iterable[str]) -> bytes:
    """A field such as Content-Type, each parameter on a line of its own."""
    return "".join([f"{name}: {value}", *(f";\r\n {each}" for each in parameters), "\r\n"]).encode()


def parameter(name: str, value: str) -> list[str]:
    """A parameter by RFC 2231: one in quotes, or sections in percent form."""
    if value.isascii() and value.isprintable() and len(value) <= _PLAIN_PARAMETER:
        return [f"{name}={quoted(value)}"]
    encoded = encode_rfc2231(value, "utf-8")
    if len(encoded) <= _PLAIN_PARAMETER:
        return [f"{name}*={encoded}"]
    sections = re.findall(rf"(?:%..|[^%]){{1,{_PLAIN_PARAMETER // 3}}}", encoded)
    return [f"{name}*{number}*={section}" for number, section in enumerate(sections)]


def old_parameter(name: str, value: str) -> str:
    """A parameter for readers that do not know RFC 2231: encoded words in quotes, which no
    standard allows and all of them read."""
    if value.isascii() and value.isprintable() and len(value) <= LONGEST_WORD:
        return f"{name}={quoted(value)}"
    return f'{name}="' + "\r\n ".join(encoded_words(value, WIDTH - len(name) - 3)) + '"'


def quoted(text: str) -> str:
    """A quoted string (RFC 5322 section 3.2.4)."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
