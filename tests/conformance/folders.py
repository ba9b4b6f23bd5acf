"""The calls about folders, each with something to find."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.boxes import strings
from tests.support.service import Reply, member_xml

Succeeds = Callable[[str, str], Reply]


def use_folders(succeeds: Succeeds, info: str) -> None:
    """In the mailbox of a cached account, which `info` (the XML of ConnectionInfo) opens."""
    work = info.replace("</n:ConnectionInfo>", "<n:Folder>Projects</n:Folder></n:ConnectionInfo>")
    succeeds("CreateFolder", work)
    counts = member_xml({"IncludeItemCount": True})
    listed = succeeds("GetFolderList", info + counts)
    assert listed.root.xpath("//text()[starts-with(., '/§INBOX,')]")
    counted = succeeds("GetFolderEMailCount", work + member_xml({"OnlyUnread": True}))
    assert counted.text("Response") == "0"
    named = strings("Folders", ["Projects"])
    assert succeeds("GetFolderInfo", work + named).text("Response/EMailFolder/Name") == "Projects"
    succeeds("GetFolderHasNewEMail", work)
    unsubscribed = member_xml({"EMailFolder": {"Name": "Projects", "Subscribed": False}})
    succeeds("SetSubscription", info + f"<n:Folders>{unsubscribed}</n:Folders>")
    cached = succeeds("CacheFolderList", "")
    assert cached.text("Response/EMailFolder/Name") == "INBOX"
    number = cached.text("Response/EMailFolder/EmailFolderId")
    toggled = member_xml({"FolderId": number, "SubscriptionStatus": True})
    succeeds("ToggleSubscription", toggled)
    assert succeeds("RefreshFolder", info + strings("Folders", ["INBOX"])).text("Response") == "0"
    assert succeeds("RefreshFolderForAssociate", named).text("Response")
    succeeds("EmptyFolder", work)
    succeeds("DeleteFolder", work)
