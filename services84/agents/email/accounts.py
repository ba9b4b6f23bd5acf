"""Operations on mail accounts: default, save, delete, get, and which one is current.

Source of the behaviour: the vendor's IEMailAgent reference and docs/accounts.md.
"""

from __future__ import annotations

from services84.agents.access import account_of, may_act_for
from services84.agents.call import Call
from services84.agents.convert import account_carrier, default_account, empty_account
from services84.agents.email.drafts import draft_of
from services84.agents.registry import operation
from services84.carriers.account import EMailAccount
from services84.carriers.base import Int, String
from services84.errors import AccessDenied, InvalidValue
from services84.security.outbound import literal_refusal
from services84.store import values


@operation("CreateDefaultEMailAccount", returns=EMailAccount)
def create_default_email_account(call: Call) -> EMailAccount:
    """Give a blank mail account with default ports, to be filled in and saved. Stores nothing."""
    return default_account(call.caller.associate_id)


@operation("SaveEMailAccount", returns=EMailAccount, EMailAccount=EMailAccount)
def save_email_account(call: Call, carrier: EMailAccount | None) -> EMailAccount:
    """Save a mail account and give it as it is stored; EMailAccountId 0 makes a new one."""
    if carrier is None:
        raise InvalidValue("EMailAccount", "nil", "is required")
    stored = account_of(call, carrier.EMailAccountId) if carrier.EMailAccountId else None
    draft = draft_of(carrier, stored, _owner(call, carrier, stored))
    check_hosts(draft, online=call.services.settings.online)
    return _shown(call, call.services.accounts.save(draft))


@operation("DeleteEMailAccount", EMailAccountId=Int)
def delete_email_account(call: Call, account_id: int | None) -> None:
    """Delete a mail account with its credentials and everything cached of it."""
    call.services.accounts.delete(account_of(call, account_id).account_id)


@operation("GetEMailAccount", returns=EMailAccount, EMailAccountId=Int)
def get_email_account(call: Call, account_id: int | None) -> EMailAccount:
    """Give a mail account by its id."""
    return _shown(call, account_of(call, account_id))


@operation("GetEMailAccountFromEMailAddress", returns=EMailAccount, FromAddress=String)
def get_email_account_from_email_address(call: Call, address: str | None) -> EMailAccount:
    """Give the caller's own account with this address, or an empty one."""
    asked = (address or "").strip()
    if any(character in asked for character in "\x00\r\n"):
        raise InvalidValue("FromAddress", asked, "has a NUL or a line break")
    found = call.services.accounts.by_address(call.caller.associate_id, asked, secrets=False)
    return _shown(call, found) if found else empty_account()


@operation("GetCurrentAccountId", returns=Int)
def get_current_account_id(call: Call) -> int:
    """Give the id of the caller's current account, 0 when there is none."""
    current = call.services.accounts.current(call.caller.associate_id, secrets=False)
    return current.account_id if current else 0


@operation("GetCurrentAccount", returns=EMailAccount)
def get_current_account(call: Call) -> EMailAccount:
    """Give the caller's current account, or an empty one when there is none."""
    current = call.services.accounts.current(call.caller.associate_id, secrets=False)
    return _shown(call, current) if current else empty_account()


def _shown(call: Call, account: values.Account) -> EMailAccount:
    reveal = call.services.settings.reveal_passwords
    if reveal:
        account = call.services.accounts.get(account.account_id) or account
    return account_carrier(account, reveal=reveal)


def _owner(call: Call, carrier: EMailAccount, stored: values.Account | None) -> int:
    """Whose account it shall be. AssociateId 0 keeps the owner, and is the caller for a new one."""
    kept = stored.associate_id if stored else call.caller.associate_id
    wanted = carrier.AssociateId or kept
    if wanted == kept:
        return wanted
    if not may_act_for(call, wanted):
        problem = "only an administrator may save an account for another associate"
        raise AccessDenied(f"EMailAccount/AssociateId: {problem}")
    if call.services.principals.associate(wanted) is None:
        raise InvalidValue("EMailAccount/AssociateId", wanted, "is no associate")
    return wanted


def check_hosts(draft: values.AccountDraft, *, online: bool) -> None:
    """Refuse literal addresses that would never be connected to, before they are stored.

    Raises InvalidValue.
    """
    sides = {"IncomingCredentials": draft.incoming, "OutgoingCredentials": draft.outgoing}
    for name, auth in sides.items():
        refusal = auth and literal_refusal(auth.server, online=online)
        if auth and refusal:
            raise InvalidValue(f"EMailAccount/{name}/Server", auth.server, refusal)
