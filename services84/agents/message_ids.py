"""The ids by which the extended operations name messages of a folder, in both directions.

An id is a Message-ID, with or without its angle brackets; or `uvalidity:uid:MsgId`, where the
last may be empty. The second form names exactly one message for as long as the server keeps its
numbers; when it has renumbered the folder, what counts is the MsgId. A Message-ID stands for
every message that has it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services84.agents.open_folders import OpenFolder
from services84.errors import InvalidValue

LOOKS_PER_ID = 100  # messages whose Message-IDs are read rather than one more is searched for
MOST_IDS = 50_000  # of one call; its answer has to come within a minute
MOST_CHARACTERS = 2000  # of an id
_HIGHEST = 2**32 - 1
_EXTENDED = re.compile(r"(\d{1,10}):(\d{1,10}):(.*)", re.DOTALL)


@dataclass(frozen=True)
class MessageName:
    """One id, taken apart; `bare` is the Message-ID without brackets, or empty."""

    bare: str
    uid_validity: int = 0
    uid: int = 0


def read_ids(ids: Sequence[str | None] | None, *, member: str) -> dict[str, MessageName]:
    """The ids of a member, each once; raises InvalidValue for one that names nothing, and for
    too many."""
    if ids and len(ids) > MOST_IDS:
        raise InvalidValue(member, len(ids), f"are more than {MOST_IDS} ids")
    found: dict[str, MessageName] = {}
    for number, given in enumerate(ids or (), start=1):
        where = f"{member}/string[{number}]"
        if not (given or "").strip():
            raise InvalidValue(where, "", "is empty; the id of a message is required")
        if len(given or "") > MOST_CHARACTERS:
            raise InvalidValue(where, given, f"has more than {MOST_CHARACTERS} characters")
        if given is not None and given not in found:
            found[given] = _read(given.strip(), where)
    return found


def _read(text: str, member: str) -> MessageName:
    extended = _EXTENDED.fullmatch(text)
    if extended is None:
        return MessageName(bare(text))
    uid_validity, uid = int(extended[1]), int(extended[2])
    if not (0 < uid_validity <= _HIGHEST and 0 < uid <= _HIGHEST):
        raise InvalidValue(member, text, "has a number that is none of a mail server's")
    return MessageName(bare(extended[3]), uid_validity, uid)


def bare(message_id: str) -> str:
    """A Message-ID as ids are compared: without blanks and brackets."""
    return "".join(message_id.split()).strip("<>")


def written_ids(uid_validity: int, message_ids: Mapping[int, str]) -> list[str]:
    """An id for each message, given its Message-ID by UID: that one where it names this message
    alone, else the long form. In the order of the UIDs."""
    times = Counter(bare(message_id) for message_id in message_ids.values())
    return [
        message_id
        if bare(message_id)
        and times[bare(message_id)] == 1
        and not _EXTENDED.fullmatch(message_id.strip())
        else f"{uid_validity}:{uid}:{message_id}"
        for uid, message_id in sorted(message_ids.items())
    ]


def uids_of(folder: OpenFolder, names: Mapping[str, MessageName]) -> dict[str, list[int]]:
    """The UIDs of the messages that each id names, ascending; none for one that is not here."""
    exact = {
        key: name.uid for key, name in names.items() if name.uid_validity == folder.uid_validity
    }
    found = _by_number(folder, names, exact)
    others = {key: name.bare for key, name in names.items() if key not in exact}
    return found | _by_message_id(folder, others)


def _by_number(
    folder: OpenFolder, names: Mapping[str, MessageName], exact: Mapping[str, int]
) -> dict[str, list[int]]:
    """A message of that number, unless it turns out to be another than the id says."""
    there = folder.connection.message_ids(sorted(set(exact.values()))) if exact else {}
    return {
        key: [uid] if uid in there and names[key].bare in ("", bare(there[uid])) else []
        for key, uid in exact.items()
    }


def _by_message_id(folder: OpenFolder, wanted: Mapping[str, str]) -> dict[str, list[int]]:
    asked = sorted(set(wanted.values()) - {""})
    if not asked:
        return {key: [] for key in wanted}
    uids: dict[str, list[int]] = {}
    searchable = all(one.isascii() and one.isprintable() for one in asked)
    if not searchable or folder.exists <= LOOKS_PER_ID * len(asked):
        for uid, message_id in sorted(folder.connection.message_ids().items()):
            uids.setdefault(bare(message_id), []).append(uid)
    else:
        uids = folder.connection.uids_by_message_id(asked)
    return {key: uids.get(one, []) if one else [] for key, one in wanted.items()}
