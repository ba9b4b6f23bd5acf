"""From the responses of a LIST to folders, each once. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from services84.imap import names, responses
from services84.imap.session import Completion
from services84.imap.values import ExaminedFolder, FolderStatus, ListedFolder

Spelling = Callable[[bytes], bytes]
"""From a name that the server has said to the spelling that `server_name` has."""


def listed(completion: Completion, spelling: Spelling) -> list[responses.Listed]:
    """What the LIST and LSUB responses say, names in our spelling."""
    said = filter(None, map(responses.listed, completion.responses))
    return [replace(one, name=spelling(one.name)) for one in said if one.name]


def statuses(completion: Completion, spelling: Spelling) -> dict[bytes, ExaminedFolder]:
    """What a LIST with STATUS says of folders, by name; one with a number missing is absent."""
    found = {}
    for name, numbers in filter(None, map(responses.status, completion.responses)):
        if (told := point(numbers)) is not None:
            found[key(spelling(name))] = told
    return found


def point(numbers: Mapping[str, int]) -> ExaminedFolder | None:
    """What the numbers of a STATUS response say to those who sync; None when one is missing."""
    if not {"UIDVALIDITY", "UIDNEXT", "MESSAGES"} <= numbers.keys():
        return None
    return ExaminedFolder(
        uid_validity=numbers["UIDVALIDITY"],
        uid_next=numbers["UIDNEXT"],
        exists=numbers["MESSAGES"],
        # 0 stands for a folder that keeps none (RFC 7162 section 3.1.2.2).
        highest_mod_seq=numbers.get("HIGHESTMODSEQ") or None,
    )


def state(numbers: Mapping[str, int]) -> FolderStatus | None:
    """What the numbers of a STATUS response say; None when one is missing."""
    if not {"MESSAGES", "UNSEEN", "UIDVALIDITY"} <= numbers.keys():
        return None
    return FolderStatus(
        messages=numbers["MESSAGES"],
        unseen=numbers["UNSEEN"],
        uid_next=numbers.get("UIDNEXT") or None,
        uid_validity=numbers["UIDVALIDITY"],
        recent=numbers.get("RECENT", 0),
    )


def folders(
    found: list[responses.Listed],
    subscribed: frozenset[bytes],
    told: dict[bytes, ExaminedFolder],
) -> list[ListedFolder]:
    """Folders by their names, in the order of the list; what several responses say of one folder
    is put together."""
    known_by: dict[bytes, ListedFolder] = {}
    for one in found:
        if not names.is_possible(one.name):
            continue
        name = key(one.name)
        known = known_by.get(name)
        attributes = one.attributes | (known.attributes if known else frozenset())
        if known and known.subscribed:
            attributes |= {"\\subscribed"}
        known_by[name] = ListedFolder(
            server_name=known.server_name if known else one.name.decode("latin-1"),
            name=names.decode_name(one.name),
            delimiter=one.delimiter.decode("latin-1"),
            attributes=attributes - {"\\subscribed"},
            subscribed="\\subscribed" in attributes
            or name in subscribed
            or bool(known and known.subscribed),
            status=told.get(name),
        )
    return list(known_by.values())


def key(name: bytes) -> bytes:
    """INBOX is one folder in any case; other names are told apart to the byte."""
    return b"INBOX" if name.upper() == b"INBOX" else name
