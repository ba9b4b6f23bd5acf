"""Who may touch which account, with what is in it: an associate its own, an administrator all.

To anybody else an account of another associate looks exactly like one that does not exist.
"""

from __future__ import annotations

from services84.agents.call import Call
from services84.errors import NotFound
from services84.store.values import Account, AccountStatus, Associate, Folder, Item


def account_of(call: Call, account_id: int | None) -> Account:
    """The account with this id, without its secrets, when the caller may touch it.

    Raises NotFound otherwise.
    """
    account = call.services.accounts.get(account_id, secrets=False) if account_id else None
    if (
        account is None
        or account.status is AccountStatus.DELETED
        or not may_act_for(call, account.associate_id)
    ):
        raise NotFound(
            f"no mail account {account_id or 0}",
            parameters={"EMailAccountId": str(account_id or 0)},
        )
    return account


def may_act_for(call: Call, associate_id: int) -> bool:
    """Whether the caller may see and use what belongs to this associate."""
    return call.caller.is_admin or call.caller.associate_id == associate_id


def associate_of(call: Call, associate_id: int | None, name: str | None) -> Associate:
    """The associate that a carrier names by id or by name; the caller itself when by neither.

    Raises NotFound alike for one that does not exist and for one that the caller may not act for.
    """
    principals = call.services.principals
    if associate_id:
        found = principals.associate(associate_id)
    elif name:
        found = principals.associate_by_name(name)
    else:
        return call.caller
    if found is None or not may_act_for(call, found.associate_id):
        raise NotFound(f"no associate {associate_id or name}")
    return found


def cached_folder(call: Call, folder_id: int | None) -> Folder:
    """The cached folder of this id, when the caller may touch its account; raises NotFound."""
    folder = call.services.folders.get(folder_id) if folder_id else None
    if folder is None or not _may_touch(call, folder.account_id):
        raise NotFound(
            f"no mail folder {folder_id or 0}", parameters={"FolderId": str(folder_id or 0)}
        )
    return folder


def cached_item(call: Call, item_id: int | None) -> tuple[Item, Folder]:
    """The cached message of this id and its folder, as `cached_folder`; raises NotFound."""
    item = call.services.items.get(item_id) if item_id else None
    folder = call.services.folders.get(item.folder_id) if item is not None else None
    if item is None or folder is None or not _may_touch(call, folder.account_id):
        raise NotFound(f"no message {item_id or 0}", parameters={"EmailItemId": str(item_id or 0)})
    return item, folder


def _may_touch(call: Call, account_id: int) -> bool:
    account = call.services.accounts.get(account_id, secrets=False)
    return (
        account is not None
        and account.status is not AccountStatus.DELETED
        and may_act_for(call, account.associate_id)
    )
