"""From a folder's readable name, as people and programs give it, to the server's spelling. Pure.

A readable name is Unicode; its levels are separated by the server's delimiter or by a slash. The
result is what `ListedFolder.server_name` is: bytes seen as Latin-1, in modified UTF-7.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from services84.imap.names import encode_name
from services84.imap.values import ListedFolder, Namespace

LONGEST_NAME = 4000  # characters; servers have limits below that, and no reason to see a longer one
_FORBIDDEN = frozenset({"Cc", "Cs", "Zl", "Zp"})  # controls, halves of pairs, line separators


def known_server_name(name: str, folders: Iterable[ListedFolder]) -> str | None:
    """The spelling of the one of `folders` that `name` means, or None.

    A folder of exactly this name comes first, then one of this name with slashes for the
    delimiter; INBOX is one folder in any case. Raises ValueError as `server_name_of`.
    """
    _check(name)
    known = list(folders)
    for one in known:
        if one.name == name:
            return one.server_name
    for one in known:
        if _one_way(one.name, one.delimiter) == _one_way(name, one.delimiter):
            return one.server_name
    return None


def server_name_of(
    name: str, folders: Iterable[ListedFolder] = (), namespace: Namespace | None = None
) -> str:
    """The spelling for a folder of this name, whether it exists (then as it is) or not.

    Without `namespace`, the delimiter is that of `folders`. A name for a new folder begins with
    the namespace's prefix, unless it does so already: `Work/2026` is `INBOX.Work.2026` where
    that is the prefix. Raises ValueError for a name that no folder can have; its text says what
    is wrong, fit to follow the name.
    """
    known = list(folders)
    exact = known_server_name(name, known)
    if exact is not None:
        return exact
    space = namespace or Namespace("", next((one.delimiter for one in known), "/"))
    levels = _levels(name, space.delimiter)
    spelt = encode_name((space.delimiter or "/").join(levels)).decode("ascii")
    if len(levels) == 1 and levels[0] == "INBOX":
        return spelt
    there = spelt.startswith((space.prefix, *space.others))
    return spelt if there else space.prefix + spelt


def _levels(name: str, delimiter: str) -> list[str]:
    one_way = name.replace("/", delimiter) if delimiter else name
    levels = one_way.split(delimiter) if delimiter else [one_way]
    if levels[0].upper() == "INBOX":
        levels[0] = "INBOX"
    if not all(level.strip() for level in levels):
        raise ValueError("has a level without a name")
    return levels


def _one_way(name: str, delimiter: str) -> str:
    first, slash, rest = name.replace(delimiter or "/", "/").partition("/")
    return f"INBOX{slash}{rest}" if first.upper() == "INBOX" else name


def _check(name: str) -> None:
    if not name.strip():
        raise ValueError("is no name")
    if len(name) > LONGEST_NAME:
        raise ValueError(f"has more than {LONGEST_NAME} characters")
    if any(unicodedata.category(character) in _FORBIDDEN for character in name):
        raise ValueError("holds a control character")
