"""What a new list of folders means for the folders that are known. Pure.

`account` carries it out; what is inside the folders is `plan`'s matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from services84.imap.values import ExaminedFolder
from services84.store.values import Folder, FolderAttribute, FolderChanges, FolderDraft
from services84.sync.plan import FolderSeen

SET_ASIDE = timedelta(minutes=15)  # after the first refusal; doubled after every further one
SET_ASIDE_MOST = timedelta(days=1)
MANY = 200  # messages that are worth being prepared for
SAMPLE = 25  # messages that are compared before a folder is taken for a renamed one


def plan_folders(known: Sequence[Folder], listed: Sequence[FolderDraft]) -> FolderChanges:
    """What a new listing changes; a folder is the same when the server spells its name the same.

    INBOX is INBOX in any case (RFC 9051, 5.1).
    """
    by_name = {_spelt(folder.server_name): folder for folder in known}
    listed_names = {_spelt(draft.server_name) for draft in listed}
    added, updated = [], {}
    for draft in listed:
        folder = by_name.get(_spelt(draft.server_name))
        if folder is None:
            added.append(draft)
        elif draft != _draft_of(folder):
            updated[folder.folder_id] = draft
    removed = [f.folder_id for f in known if _spelt(f.server_name) not in listed_names]
    return FolderChanges(added=tuple(added), updated=updated, removed=tuple(removed))


def _spelt(server_name: str) -> str:
    return "INBOX" if server_name.upper() == "INBOX" else server_name


def lacks_inbox(known: Sequence[Folder], listed: Sequence[FolderDraft]) -> bool:
    """Whether a list cannot be the whole list: INBOX, which nobody can delete, is missing.

    Believing such a list would drop folders with all their mail.
    """
    return not listed or (
        any(_spelt(folder.server_name) == "INBOX" for folder in known)
        and not any(_spelt(draft.server_name) == "INBOX" for draft in listed)
    )


def may_be_renamed(folder: Folder, seen: FolderSeen) -> bool:
    """Whether a folder that is gone may be the one that is `seen` under a new name.

    A renamed folder keeps its UIDVALIDITY on servers that can; since others give one to many
    folders, messages have to be compared before it is believed.
    """
    if not folder.uid_validity or folder.uid_validity != seen.uid_validity:
        return False
    return folder.uid_next is None or seen.uid_next is None or folder.uid_next <= seen.uid_next


def sample_of(uids: Iterable[int]) -> list[int]:
    """Up to SAMPLE of the UIDs, evenly spread from the first to the last."""
    ordered = sorted(uids)
    if len(ordered) <= SAMPLE:
        return ordered
    step = (len(ordered) - 1) / (SAMPLE - 1)
    return [ordered[round(step * at)] for at in range(SAMPLE)]


def renamed(changes: FolderChanges, pairs: Mapping[int, FolderDraft]) -> FolderChanges:
    """The changes when folders (by their ids) are known to go on under these new names."""
    taken = {draft.server_name for draft in pairs.values()}
    return FolderChanges(
        added=tuple(draft for draft in changes.added if draft.server_name not in taken),
        updated={**changes.updated, **pairs},
        removed=tuple(one for one in changes.removed if one not in pairs),
    )


def _draft_of(folder: Folder) -> FolderDraft:
    return FolderDraft(
        name=folder.name,
        server_name=folder.server_name,
        delimiter=folder.delimiter,
        attributes=folder.attributes,
    )


def selectable(folder: Folder) -> bool:
    """Whether the folder can hold messages."""
    return not folder.attributes & FolderAttribute.NO_SELECT


def can_hold_messages(draft: FolderDraft) -> bool:
    """Whether a listed folder can hold messages."""
    return not draft.attributes & FolderAttribute.NO_SELECT


def is_inbox(folder: Folder) -> bool:
    """Whether the folder is the account's INBOX."""
    return bool(folder.attributes & FolderAttribute.INBOX)


def sync_order(folders: Iterable[Folder]) -> list[Folder]:
    """INBOX first, because people wait for it; then by name, so that every run goes one way."""
    return sorted(filter(selectable, folders), key=lambda f: (not is_inbox(f), f.name))


def many_to_come(folders: Iterable[Folder], states: Mapping[str, ExaminedFolder]) -> bool:
    """Whether these folders have MANY messages that are not stored yet, as far as the server told
    their states (by their server names)."""
    told = ((one, states.get(one.server_name)) for one in folders)
    return sum(max(0, state.exists - one.mirrored) for one, state in told if state) >= MANY


def is_set_aside(folder: Folder, now: datetime) -> bool:
    """Whether a folder that could not be opened is not to be tried yet."""
    return folder.set_aside_until is not None and folder.set_aside_until > now


def set_aside_until(count: int, now: datetime) -> datetime:
    """When a folder is tried again that could not be opened `count` times on end."""
    return now + min(SET_ASIDE * float(2 ** min(count - 1, 10)), SET_ASIDE_MOST)
