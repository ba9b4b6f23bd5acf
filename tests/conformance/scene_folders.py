"""Scenes about folders: of the server that a call names, and of the cache."""

from __future__ import annotations

import json

from tests.conformance.scene import Scene
from tests.support.boxes import listed, uids_in
from tests.support.mailboxes import append, message, quoted

DRAFTS = "Entw&APw-rfe"  # Entwürfe, which the customer's mailbox has, with three messages
NEW = "Neu/Gr&APYA3w-e"  # Neu/Größe


def _folders(scene: Scene, how: str = "LIST") -> set[str]:
    with scene.mailbox() as client:
        return listed(client, how)


def _count(scene: Scene, folder: str) -> int:
    with scene.mailbox() as client:
        return len(uids_in(client, folder))


def look_at_folders(scene: Scene) -> None:
    """Names, counts, what has come."""
    lines = scene("GetFolderList", ConnectionInfo=scene.info(), IncludeItemCount=True).string
    assert "/§Entwürfe,2,3" in lines
    drafts = {"ConnectionInfo": scene.info("Entwürfe")}
    assert scene("GetFolderEMailCount", **drafts, OnlyUnread=False) == _count(scene, DRAFTS)
    named = {"string": ["Entwürfe"]}
    (told,) = scene("GetFolderInfo", ConnectionInfo=scene.info(), Folders=named).EMailFolder
    assert (told.TotalItems, told.UnreadItems, told.Subscribed) == (3, 2, True)
    scene("GetFolderHasNewEMail", **drafts)
    assert scene("GetFolderHasNewEMail", **drafts) is False
    with scene.mailbox() as client:
        append(client, DRAFTS, message(77))
    assert scene("GetFolderHasNewEMail", **drafts) is True


def change_folders(scene: Scene) -> None:
    """A folder is made, unsubscribed, filled, emptied and removed."""
    new = {"ConnectionInfo": scene.info("Neu/Größe")}
    scene("CreateFolder", **new)
    assert NEW in _folders(scene)
    unsubscribed = {"EMailFolder": [{"Name": "Neu/Größe", "Subscribed": False}]}
    scene("SetSubscription", ConnectionInfo=scene.info(), Folders=unsubscribed)
    assert NEW not in _folders(scene, "LSUB")
    drafts = {"ConnectionInfo": scene.info("Entwürfe")}
    before = _count(scene, DRAFTS)
    scene("EmptyFolder", **drafts, MoveToFolder="Neu/Größe")
    assert (_count(scene, DRAFTS), _count(scene, NEW)) == (0, before)
    scene("EmptyFolder", **new)
    assert _count(scene, NEW) == 0
    scene("DeleteFolder", **new)
    assert NEW not in _folders(scene)


def use_cached_folders(scene: Scene) -> None:
    """The cache follows the server, and the server the cache."""
    cached = {folder.Name: folder for folder in scene("CacheFolderList").EMailFolder}
    number = cached["日本語"].EmailFolderId
    assert "&ZeVnLIqe-" in _folders(scene, "LSUB")
    scene("ToggleSubscription", FolderId=number, SubscriptionStatus=False)
    assert "&ZeVnLIqe-" not in _folders(scene, "LSUB")
    with scene.mailbox() as client:
        client.select(quoted("&ZeVnLIqe-"))
        client.store("1", "+FLAGS", "(\\Flagged)")
        append(client, "&ZeVnLIqe-", message(78))
    named = {"string": ["日本語"]}
    (told,) = json.loads(scene("RefreshFolderForAssociate", Folders=named))
    assert (told["id"], told["new"], told["changed"]) == (number, 1, 1)
    with scene.mailbox() as client:
        append(client, "&ZeVnLIqe-", message(79))
    assert scene("RefreshFolder", ConnectionInfo=scene.info(), Folders=named) == 0
    assert "Message 79 – Grüße" in scene.customer.cached_subjects(scene.account_id)
