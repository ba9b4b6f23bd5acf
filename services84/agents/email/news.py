"""Operations about mail that is new: whether there is some in the cache, and fetching what the
mail server has.

Newer is what came later into a folder, by its UID. Of a message that is not in the folder any
more only its id is known, and what was stored after that counts as newer.
"""

from __future__ import annotations

from collections.abc import Sequence

from services84.agents.access import account_of, cached_folder
from services84.agents.call import Call
from services84.agents.email.documents import file_under
from services84.agents.email.sync import extra_of
from services84.agents.entities import envelope_of
from services84.agents.mailboxes import errand_for
from services84.agents.registry import operation
from services84.carriers.base import ArrayOfInt, Boolean, Int
from services84.carriers.message import ArrayOfEMailEnvelope, EMailEnvelope
from services84.errors import CacheBehind, InvalidValue
from services84.store.values import Folder, FolderAttribute
from services84.sync.values import SyncState

MOST_FOLDERS = 1000  # of one GetNewMail
MOST_ENVELOPES = 20_000  # of its answer: the newest


@operation("HasNewMail", returns=Boolean, MailItemId=Int, FolderId=Int)
def has_new_mail(call: Call, item_id: int | None, folder_id: int | None) -> bool:
    """Say whether the cache of a folder holds messages that came after this one; with MailItemId
    0, whether it holds any."""
    folder = cached_folder(call, folder_id)
    known = item_id or 0
    if known < 0:
        raise InvalidValue("MailItemId", known, "is no message's id")
    return call.services.items.has_newer(folder.folder_id, known)


@operation("LatestItemIdByFolder", returns=Int, FolderId=Int)
def latest_item_id_by_folder(call: Call, folder_id: int | None) -> int:
    """Give the id of the message that came last into a cached folder, 0 for an empty one."""
    return call.services.items.latest_id(cached_folder(call, folder_id).folder_id)


@operation("GetNewMail", returns=ArrayOfEMailEnvelope, Folders=ArrayOfInt)
def get_new_mail(call: Call, folder_ids: list[int | None] | None) -> list[EMailEnvelope]:
    """Bring folders of the cache level with the mail server now, and give the heads of the
    messages that were fetched by that, newest first.

    Where that takes too long to be waited for, a sync of the account goes on, ExtraInfo's
    `Sync.State` is running, and the answer has what came until then.
    """
    wanted = list(dict.fromkeys(folder_ids or ()))
    if len(wanted) > MOST_FOLDERS:
        raise InvalidValue("Folders", len(wanted), f"are more than {MOST_FOLDERS} ids")
    folders = [cached_folder(call, one) for one in wanted]
    folders = [one for one in folders if not one.attributes & FolderAttribute.NO_SELECT]
    highest = call.services.items.highest_id()
    for account_id in dict.fromkeys(folder.account_id for folder in folders):
        _refresh(call, account_id, [one for one in folders if one.account_id == account_id])
    return _envelopes(call, folders, highest)


def _refresh(call: Call, account_id: int, folders: Sequence[Folder]) -> None:
    """Bring some folders of an account level, or have a sync do that; raises MailServerError."""
    try:
        with errand_for(call, account_id) as errand:
            names = [folder.server_name for folder in folders]
            report = call.services.errands.refresh(errand, names)
    except CacheBehind:
        if call.services.sync.start_many([account_id]).refused:
            raise
        call.extra["Sync.State"] = str(SyncState.RUNNING)
        return
    if report is not None:
        call.extra.update(extra_of(report))


def _envelopes(call: Call, folders: Sequence[Folder], highest: int) -> list[EMailEnvelope]:
    owners = {
        account_id: account_of(call, account_id).associate_id
        for account_id in {folder.account_id for folder in folders}
    }
    owner_of = {folder.folder_id: owners[folder.account_id] for folder in folders}
    found = call.services.items.stored_after(list(owner_of), highest, limit=MOST_ENVELOPES)
    envelopes = [envelope_of(item) for _, item in found]
    for owner in set(owner_of.values()):
        own = [
            envelope
            for (folder_id, _), envelope in zip(found, envelopes, strict=True)
            if owner_of[folder_id] == owner
        ]
        file_under(call, owner, own)
    return envelopes
