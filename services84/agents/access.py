"""Who may touch which account: an associate its own, an administrator all.

To anybody else an account of another associate looks exactly like one that does not exist.
"""

from __future__ import annotations

from services84.agents.call import Call
from services84.errors import NotFound
from services84.store.values import Account, AccountStatus, Associate


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
