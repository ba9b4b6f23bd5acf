"""Operations that bring cached folders level with the mail server, and change them on both.

What works on any mailbox that a call names is `folders`' matter, whole accounts `sync`'s.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from services84.agents.access import cached_folder
from services84.agents.call import Call
from services84.agents.convert import folder_carrier
from services84.agents.email.folder_changes import change_subscription
from services84.agents.email.folders import is_selectable
from services84.agents.email.sync import extra_of
from services84.agents.mailboxes import (
    current_account,
    errand_at_account,
    errand_for,
    existing_folder,
    refusals_about,
    require_folder,
)
from services84.agents.registry import operation
from services84.carriers.account import EMailConnectionInfo
from services84.carriers.base import ArrayOfString, Boolean, Int, String
from services84.carriers.folder import ArrayOfEMailFolder, EMailFolder
from services84.errors import CacheBehind, MailServerRefused, NotFound
from services84.store.values import Folder, FolderAttribute, FolderDraft
from services84.sync.errands import Errand
from services84.sync.values import SyncReport, SyncState

DONE = 0  # the vendor's service gives the id of a batch task where it refreshes later

States = dict[int, tuple[int, str]]  # item id → flags and keywords


@operation("RefreshFolder", returns=Int, ConnectionInfo=EMailConnectionInfo, Folders=ArrayOfString)
def refresh_folder(
    call: Call, info: EMailConnectionInfo | None, names: list[str | None] | None
) -> int:
    """Bring folders of the caller's cached account level with the server, and give 0 when it is
    done; without Folders the one that ConnectionInfo names. ExtraInfo tells what was new.

    Where that takes too long to be waited for, a sync of the account goes on, and the number of
    a run of it is given.
    """
    try:
        with errand_at_account(call, info) as errand:
            wanted = _named(errand, names, info.Folder if info else None)
            report = _refreshed(call, errand, wanted)
    except CacheBehind as behind:
        return _go_on_without(call, behind)
    if report.skipped:
        raise MailServerRefused(f"Folders: the server did not open {', '.join(report.skipped)}")
    return DONE


def _go_on_without(call: Call, behind: CacheBehind) -> int:
    """See that the account is synced; gives the number of a run."""
    started = call.services.sync.start_many([behind.account_id])
    if started.refused:
        raise behind
    call.extra["Sync.State"] = str(SyncState.RUNNING)
    run = call.services.accounts.latest_run(behind.account_id)
    return run.run_id if run is not None else behind.account_id


@operation("RefreshFolderForAssociate", returns=String, Folders=ArrayOfString)
def refresh_folder_for_associate(call: Call, names: list[str | None] | None) -> str:
    """Bring folders of the caller's current account level with the server; without Folders INBOX
    and all that are subscribed.

    Gives a JSON array with an object for each folder: name; id, as EmailFolderId; total and
    unread, the messages in the cache now; new, changed and removed, what this call has done to
    them; refreshed, which is false for a folder that the server did not open, and for all of
    them where that takes too long to be waited for: then a sync of the account goes on.
    """
    account_id = current_account(call).account_id
    report: SyncReport | None = None
    before: dict[str, States] = {}
    try:
        with errand_for(call, account_id) as errand:
            wanted = _visible(errand) if names is None else _named(errand, names, None)
            cached = _cached(call, account_id)
            before = {name: _states(call, cached[name]) for name in wanted if name in cached}
            report = _refreshed(call, errand, wanted)
    except CacheBehind as behind:
        _go_on_without(call, behind)
    cached = _cached(call, account_id)
    known = [(cached[name], before.get(name, {})) for name in wanted if name in cached]
    told = [_told(call, folder, states, report) for folder, states in known]
    return json.dumps(told, ensure_ascii=False)


def _cached(call: Call, account_id: int) -> dict[str, Folder]:
    return {one.server_name: one for one in call.services.folders.list(account_id)}


def _named(
    errand: Errand, names: Iterable[str | None] | None, default: str | None
) -> dict[str, str]:
    """The members that name folders, by these folders' server names."""
    known = errand.connection.folders(states=False)
    if names is None:
        member = "ConnectionInfo/Folder"
        return {existing_folder(errand, default, member=member, folders=known): member}
    wanted: dict[str, str] = {}
    for number, name in enumerate(names, start=1):
        member = f"Folders/string[{number}]"
        require_folder(name, member)
        wanted.setdefault(existing_folder(errand, name, member=member, folders=known), member)
    return wanted


def _visible(errand: Errand) -> dict[str, str]:
    return {
        one.server_name: "Folders"
        for one in errand.connection.folders(states=False)
        if is_selectable(one) and (one.subscribed or one.server_name.upper() == "INBOX")
    }


def _refreshed(call: Call, errand: Errand, names: Iterable[str]) -> SyncReport:
    report = call.services.errands.refresh(errand, names)
    if report is None:  # an errand of an account has a cache
        raise NotFound("there is no mail account")
    call.extra.update(extra_of(report))
    return report


def _states(call: Call, folder: Folder) -> States:
    if folder.uid_validity is None:
        return {}
    states = call.services.items.states(folder.folder_id, folder.uid_validity)
    return {one.item_id: (int(one.flags), one.keywords) for one in states.values()}


def _told(call: Call, folder: Folder, before: States, report: SyncReport | None) -> dict[str, Any]:
    """What RefreshFolderForAssociate says of a folder."""
    now = _states(call, folder)
    return {
        "name": folder.name,
        "id": folder.folder_id,
        "total": folder.total,
        "unread": folder.unread,
        "new": len(now.keys() - before.keys()),
        "changed": sum(state != before.get(item, state) for item, state in now.items()),
        "removed": len(before.keys() - now.keys()),
        "refreshed": report is not None and folder.name not in report.skipped,
    }


@operation("CacheFolderList", returns=ArrayOfEMailFolder)
def cache_folder_list(call: Call) -> list[EMailFolder]:
    """Bring the list of folders of the caller's current account level with the server, and give
    it, INBOX first. The numbers of messages are those of the cache.

    The mail of a folder that is gone stays in the cache until the next sync, which finds out
    whether it was moved.
    """
    account_id = current_account(call).account_id
    with errand_for(call, account_id) as errand:
        _refreshed(call, errand, ())
        there = {folder.server_name for folder in errand.connection.folders(states=False)}
    cached = call.services.folders.list(account_id)
    return [_cached_carrier(folder) for folder in cached if folder.server_name in there]


def _cached_carrier(folder: Folder) -> EMailFolder:
    draft = FolderDraft(folder.name, folder.server_name, folder.delimiter, folder.attributes)
    selectable = not folder.attributes & FolderAttribute.NO_SELECT
    return folder_carrier(
        draft,
        total=folder.total if selectable else 0,
        unread=folder.unread if selectable else 0,
        folder_id=folder.folder_id,
    )


@operation("ToggleSubscription", FolderId=Int, SubscriptionStatus=Boolean)
def toggle_subscription(
    call: Call, folder_id: int | None, subscription_status: bool | None
) -> None:
    """Subscribe to a cached folder on its server, or unsubscribe, as SubscriptionStatus says."""
    folder = cached_folder(call, folder_id)
    with errand_for(call, folder.account_id) as errand:
        errand.relist()
        with refusals_about("FolderId", folder.name):
            change_subscription(
                errand.connection, folder.server_name, subscribed=bool(subscription_status)
            )
